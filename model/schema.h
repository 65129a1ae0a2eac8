/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQL side of the kinds: tables generated from the field tables, and the
 * migration steps between schema versions.
 *
 * A kind with long texts (F_COMPRESSED) has a second table, TABLE_text, which has the same row ids and the texts as they are
 * in memory (compressed.h). The row itself has an empty text in their place. So who reads all rows, as each start does, does
 * not read what most of the database consists of, and a row is written without them.
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
/** The fields of a kind, a bit each, whose texts are in its table of texts. */
uint64_t schema_texts(const struct kind *kind);
/**
 * The `INSERT`, `UPDATE` or `SELECT` statement of a kind, columns in the order of its fields, where one of schema_texts() is an
 * empty text, or null, in the first two; @fields has a bit for each of those that the update sets. Selected is @function of all
 * columns, with texts as they are in the table of texts: 0 when it is not there. @leave: 1 in place of a text that has left
 * memory. Free with sqlite3_free(); NULL when memory is short.
 */
char *schema_insert_sql(const struct kind *kind);
char *schema_update_sql(const struct kind *kind, uint64_t fields);
char *schema_select_sql(const struct kind *kind, bool leave, const char *function);
/** The highest row ids of all kinds, in their order. */
char *schema_last_ids_sql(void);
/** The same for the table of texts: sets these of a row, the id of which is the first parameter. */
char *schema_put_texts_sql(const struct kind *kind, uint64_t fields);
/** Reads one of them; the parameter is the id of the row. */
char *schema_text_sql(const struct kind *kind, int field);

#endif
