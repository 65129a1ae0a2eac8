/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQL side of the kinds: tables made from the field tables, and the steps
 * between schema versions.
 */
#ifndef POOLFS_SCHEMA_H
#define POOLFS_SCHEMA_H

#include <sqlite3.h>

#include "model/error.h"
#include "model/kind.h"

/** Makes or migrates all tables, in one transaction. -EPROTO when a newer version wrote the database. */
int schema_apply(sqlite3 *db, struct error *e);
/** `INSERT`, `UPDATE` or `SELECT` statement of a kind, columns in field order; allocated, NULL without
 * memory. */
char *schema_insert_sql(const struct kind *kind);
char *schema_update_sql(const struct kind *kind);
char *schema_select_sql(const struct kind *kind);

#endif
