/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQL side of the kinds: tables generated from the field tables, and the
 * migration steps between schema versions.
 */
#ifndef POOLFS_SCHEMA_H
#define POOLFS_SCHEMA_H

#include <sqlite3.h>

#include "model/error.h"
#include "model/kind.h"

/** Creates or migrates all tables in one transaction. -EPROTO when a newer version wrote the database. */
int schema_apply(sqlite3 *db, struct error *e);
/** Whether schema_apply() could open the database in the file @path; changes nothing. -EPROTO as there. */
int schema_check(const char *path, struct error *e);
/** The `INSERT`, `UPDATE` or `SELECT` statement of a kind, columns in the order of its fields; @fields has a bit for
 * each of those that the update sets. @leave: instead of a text that has left memory, whether there is one: 0 or 1. Free with
 * sqlite3_free(); NULL when memory is short. */
char *schema_insert_sql(const struct kind *kind);
char *schema_update_sql(const struct kind *kind, uint64_t fields);
char *schema_select_sql(const struct kind *kind, bool leave);

#endif
