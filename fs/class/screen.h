/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory `console` of a VM, and in it `screen.png`: what its screen shows. That is not in the pool's state, so the
 * kernel keeps nothing of it: each stat(2) and open(2) takes a picture, or one that is young enough
 * (actions/vm/screenshot.h).
 */
#ifndef POOLFS_FS_CLASS_SCREEN_H
#define POOLFS_FS_CLASS_SCREEN_H

#include "fs/tree/class.h"

extern const struct file_class class_screen;

/* Columns of the node table. */
bool console_here(const struct place *dir);
/** As with statistics, who reads a whole tree asks no host. */
bool console_is_listed(const struct place *p);

#endif
