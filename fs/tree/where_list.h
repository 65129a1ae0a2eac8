/* SPDX-License-Identifier: Apache-2.0 */
/* What the directories of `where` hold: matches, or the conditions that are worth offering. */
#ifndef POOLFS_FS_TREE_WHERE_LIST_H
#define POOLFS_FS_TREE_WHERE_LIST_H

#include "fs/tree/place.h"
#include "model/query.h"

/* What a walk over such a directory gives, as of one view. */
struct where_list {
	struct query_result result; /* matches; borrowed from the view */
	char **conditions;	    /* owned; offered in `where` */
	size_t condition_count;
};

/** What is in @dir: runs its query @q (which has no limit). Takes long. NULL with @e set. */
struct where_list *where_list_new(const struct place *dir, const struct query *q,
				  const struct query_scope *scope, struct error *e);
/** Accepts NULL. */
void where_list_free(struct where_list *list);

#endif
