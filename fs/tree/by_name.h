/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `by-name`: links to the objects of a kind under their names, the second of a
 * name with `~2`. See names.h for the encoding.
 */
#ifndef POOLFS_FS_TREE_BY_NAME_H
#define POOLFS_FS_TREE_BY_NAME_H

#include "fs/tree/place.h"

bool name_links_find(const struct place *dir, const char *name, struct node *ret);
int64_t name_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

/** The name of @o there; false if it has none. */
bool name_link_name(const struct place *dir, const struct object *o, char ret_name[NAME_SIZE]);

/**
 * The state of a walk or a series of lookups: how many objects of each name have been counted, so that many
 * objects of one name take time linear in their number. Not thread-safe. NULL if out of memory.
 */
struct ranks *ranks_new(void);
/** Accepts NULL. */
void ranks_free(struct ranks *ranks);

#endif
