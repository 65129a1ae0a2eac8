/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What README of the mount and poolfs-tree(7) begin with: the tasks, and what is to know
 * about the tree as a whole. The commands of the part TASKS are run by tests/tree/79-readme.sh.
 */
#ifndef POOLFS_FS_CLASS_GUIDE_INTRO_H
#define POOLFS_FS_CLASS_GUIDE_INTRO_H

/** For guide_prose(). */
extern const char guide_introduction[];

#endif
