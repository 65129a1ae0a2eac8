/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of the directories of `where`: matches, or the conditions worth offering. */
#ifndef POOLFS_FS_TREE_WHERE_LIST_H
#define POOLFS_FS_TREE_WHERE_LIST_H

#include "fs/tree/place.h"
#include "model/query_run.h"

/* The entries of such a directory, as of one view. */
struct where_list {
	struct query_result result; /* matches; borrowed from the view */
	char **conditions;	    /* owned; offered in `where` */
	size_t condition_count;
};

/** The entries of @dir: runs its query @q (which has no limit). May take long. NULL with @e set. */
struct where_list *where_list_new(const struct place *dir, const struct query *q,
				  const struct query_scope *scope, struct error *e);
/** Accepts NULL. */
void where_list_free(struct where_list *list);

#endif
