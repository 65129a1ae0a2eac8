/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for all files that use SQLite: statements without results, and the mapping of its errors. */
#ifndef POOLFS_SQLITE_H
#define POOLFS_SQLITE_H

#include <sqlite3.h>

#include "model/error.h"

/** Runs SQL statements without results, separated by `;`. 0 or a negative errno. */
int sqlite_exec(sqlite3 *db, const char *sql, struct error *e);
/** Maps an SQLite result code to a negative errno; 0 for success. Pure. */
int sqlite_errno(int rc);

#endif
