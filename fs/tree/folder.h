/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixed directories of the tree: the collections of the kinds, and the
 * directories above a `create` or Get file ("hosts/kvm", "volumes"). They come
 * from the tables of kinds and operations, in that order, and never change while
 * the program runs. The root is not among them.
 */
#ifndef POOLFS_FS_TREE_FOLDER_H
#define POOLFS_FS_TREE_FOLDER_H

#include "actions/engine/operation.h"

struct folder {
	unsigned number;		/* index of its node; 1, 2, ... */
	char path[96];			/* "l3-networks/ip-ranges" */
	const char *name;		/* last component of the path */
	const struct folder *parent;	/* NULL: the root */
	const struct kind *kind;	/* whose collection it is, or NULL */
	const struct operation *create; /* of its `create` file, or NULL */
};

/** By number; NULL if there is none. */
const struct folder *folder_get(unsigned number);
/** The folder @name in @parent (NULL: in the root); NULL if there is none. */
const struct folder *folder_find(const struct folder *parent, const char *name);
/** The first folder in @parent with a number above @after; NULL at the end. */
const struct folder *folder_next(const struct folder *parent, unsigned after);
/** True if the Get file of @op (FORM_COLLECTION_GET) is in @folder (NULL: the root). */
bool folder_has_get(const struct folder *folder, const struct operation *op);
/** The name of that file. */
const char *folder_get_name(const struct operation *op);

#endif
