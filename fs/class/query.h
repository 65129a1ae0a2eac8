/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries over a collection: `collection?query`, and the file `query`, to which a
 * query of any length is written and whose answer is read on the same descriptor.
 */
#ifndef POOLFS_FS_CLASS_QUERY_H
#define POOLFS_FS_CLASS_QUERY_H

#include "fs/tree/class.h"

/** `collection?query`. */
extern const struct file_class class_collection_query;
/** The file `query`. */
extern const struct file_class class_query;

/** Makes the answer to a query over the collection, as its caller sees it; @all: without the default limit. */
void query_start(const struct place *p, const char *text, bool all, content_fn *done, void *arg);

/** With other users, every account may ask. */
mode_t permissions_ask(const struct place *p);
/** The usage text in `query`, and `schema`. */
struct document *render_ask(const struct place *p);
struct document *render_schema(const struct place *p);

#endif
