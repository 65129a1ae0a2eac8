/* SPDX-License-Identifier: Apache-2.0 */
/* What all files that speak to SQLite need: statements without results, and its result codes as errors. */
#ifndef POOLFS_SQLITE_H
#define POOLFS_SQLITE_H

#include <sqlite3.h>

#include "model/error.h"

/** Runs SQL statements that have no results, separated by `;`. 0 or a negative errno. */
int sqlite_exec(sqlite3 *db, const char *sql, struct error *e);
/** Negative errno for an SQLite result code, 0 for one of success; pure. */
int sqlite_errno(int rc);

#endif
