/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of `by-name`: links to the objects of a kind under their names, the
 * second of a name with `~2`. See names.h for how a name is written.
 */
#ifndef POOLFS_FS_TREE_BY_NAME_H
#define POOLFS_FS_TREE_BY_NAME_H

#include "fs/tree/place.h"

bool name_links_find(const struct place *dir, const char *name, struct node *ret);
int64_t name_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

/** The name of @o there; false when it has none. */
bool name_link_name(const struct place *dir, const struct object *o, char ret_name[NAME_SIZE]);

/**
 * What a walk, or a series of lookups, remembers: how many of each name have gone by, so that many objects
 * of one name take time linear in their number. Used by one thread. NULL without memory.
 */
struct ranks *ranks_new(void);
/** Accepts NULL. */
void ranks_free(struct ranks *ranks);

#endif
