/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names with parameters: `starting-target-hosts?clusterUuid=...`,
 * `vm-instances?q=state=Running`, and the conditions of directories in `where`.
 *
 * The parameters do not fit into a node number, so the names in use are cached
 * here under a hash of their text, which is the same after a restart. The number
 * of names is limited; the least recently used one is evicted. Its number then
 * gives ESTALE, upon which the kernel looks the name up again. Self-locking.
 */
#ifndef POOLFS_FS_TREE_QUERIES_H
#define POOLFS_FS_TREE_QUERIES_H

#include "fs/tree/node.h"

/* Names that are cached, and bytes of the parameters of one. */
#define QUERIES_CACHED 4096
#define QUERIES_TEXT   4096

struct fs;
struct keep;
struct queries;

/** With the names of the process before this one in @keep, which may be NULL. */
struct queries *queries_new(struct keep *keep);
/** Accepts NULL. */
void queries_free(struct queries *queries);
/** The number of this file or directory with these parameters. -ENOMEM, -ENAMETOOLONG above QUERIES_TEXT. */
int64_t queries_add(struct queries *queries, struct node base, const char *text);
/** The number that queries_add() returns unless two texts collide; caches nothing. */
int64_t queries_number(struct node base, const char *text);
/** The file of a number and (unless NULL) a copy of the parameters, to be freed. False if it was
 * evicted. */
bool queries_get(struct queries *queries, int64_t number, struct node *ret_base, char **ret_text);
/** The same as the function `is_here` of file classes whose row is such a number. -ESTALE. */
int queries_is_here(const struct fs *fs, struct node node, struct node *ret_base);

#endif
