/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `where`: conditions as directories.
 *
 *     where/state=Running/host.name=node1/web01 -> ../../../<uuid>
 *
 * A component with an operator is a condition of the query language, decoded as
 * in the query string of a URL except for `+`, which is a plus; all conditions of
 * a path must hold. The directory has links to the matches, under their names as
 * in `by-name`, or under their uuids if they have no name or one that looks like
 * a condition; lookup by uuid always works. `where` itself lists, for fields with few
 * values, a condition for each value, and nothing else: patterns as in
 * `vm-instances/<any>/state` must find objects only.
 *
 * Finding matches may take long, so the functions of the node table do not do it:
 * readdir() lists what a worker has found before (where_list.h),
 * and lookups of matches are done in a worker, too (class/condition.c).
 */
#ifndef POOLFS_FS_TREE_WHERE_H
#define POOLFS_FS_TREE_WHERE_H

#include "fs/tree/place.h"

bool conditions_here(const struct place *dir);
bool conditions_find(const struct place *dir, const char *name, struct node *ret);
int64_t conditions_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool matches_find(const struct place *dir, const char *name, struct node *ret);
int64_t matches_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool link_match(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);

/** True if @name can only be a condition, well-formed or not. */
bool name_is_condition(const char *name);
/** The query string of the conditions that lead to @dir, "" for `where`. To be freed; NULL if out of memory
 * or if the directory was evicted from queries.h. */
char *where_text(const struct place *dir);
/** The directory that a condition is in, without its last one: the column `parent`. */
bool condition_parent(const struct place *p, struct node *ret);
/** The directory for one more condition. -EINVAL, -EACCES, -ENAMETOOLONG, -ENOMEM, -ESTALE. */
int where_condition(const struct place *dir, const char *name, struct node *ret, struct error *e);
/** The object of that name, borrowed from the view, whether or not it matches. -ENOENT, -ENOMEM. */
int where_object(const struct place *dir, const char *name, const struct object **ret);
/** The node of an object that matches. */
struct node where_match(const struct place *dir, const struct object *o);

#endif
