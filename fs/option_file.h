/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of a mount in a file, such as /etc/poolfs/poolfs.conf: one in a line,
 * `NAME = VALUE` or `NAME`, as after `-o`. Spaces around both are ignored, as are
 * empty lines and those that begin with '#'.
 */
#ifndef POOLFS_OPTION_FILE_H
#define POOLFS_OPTION_FILE_H

#include <fuse_lowlevel.h>

#include "model/error.h"

/**
 * Takes `-o config=FILE` and `--config=FILE` out of the arguments, and inserts the options of the file before
 * the others, which thereby override them. -EINVAL and errors of reading, with a sentence.
 */
int option_file_insert(struct fuse_args *args, struct error *e);

#endif
