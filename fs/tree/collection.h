/* SPDX-License-Identifier: Apache-2.0 */
/* Collections and sub-collections as what a query is about. */
#ifndef POOLFS_FS_TREE_COLLECTION_H
#define POOLFS_FS_TREE_COLLECTION_H

#include "fs/tree/place.h"
#include "model/query.h"

/**
 * The query about the collection or sub-collection @p that @text says, as it stands behind the `?` of a URL.
 * -EINVAL.
 */
int collection_parse_query(const struct place *p, const char *text, struct query **ret_query,
			   struct error *e);
/* True when there can be a query about @p: the column `takes_query`. */
bool folder_takes_query(const struct place *p);
bool sub_takes_query(const struct place *p);

#endif
