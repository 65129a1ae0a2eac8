/* SPDX-License-Identifier: Apache-2.0 */
/* Queries over collections and sub-collections. */
#ifndef POOLFS_FS_TREE_COLLECTION_H
#define POOLFS_FS_TREE_COLLECTION_H

#include "fs/tree/place.h"
#include "model/query_parse.h"

/**
 * Parses @text, as it is after the `?` of a URL, as a query over the collection or sub-collection @p.
 * -EINVAL.
 */
int collection_parse_query(const struct place *p, const char *text, struct query **ret_query,
			   struct error *e);
/* Whether @p can be queried: the column `takes_query`. */
bool folder_takes_query(const struct place *p);
bool sub_takes_query(const struct place *p);

#endif
