/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a guide that are made of the tables: files, kinds, operations, settings, tags. */
#ifndef POOLFS_FS_CLASS_GUIDE_TREE_H
#define POOLFS_FS_CLASS_GUIDE_TREE_H

#include "fs/class/guide.h"
#include "fs/tree/place.h"

/** What is in the root, in every collection and in the directory of every object: once for all. */
void guide_files(struct guide *g, const struct fs *fs, const struct view *view);
/** Each collection: what `create` takes, the files of its objects, their verbs in one line each. */
void guide_kinds(struct guide *g, const struct fs *fs, const struct view *view);

#endif
