/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `data` of images, volumes and snapshots: their bytes, with holes.
 *
 * It is there while it can be read: a volume's is not while a guest has it open. Its
 * size is that of the row, so it is known without opening it. Opening,
 * reading and seeking are done by workers of their own, which may wait for a
 * disk; the request is parked meanwhile.
 */
#ifndef POOLFS_FS_CLASS_DATA_H
#define POOLFS_FS_CLASS_DATA_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

bool data_here(const struct place *dir);
int64_t data_size(const struct place *p);
/** st_blocks of the file: fewer than it has bytes for, so that tools look for holes. */
blkcnt_t data_blocks(const struct place *p);

/** Answers an open. */
void data_open(fuse_req_t req, const struct place *p, const struct fuse_file_info *fi);
/** Answers a read or lseek through a handle with a reader. */
void data_read(fuse_req_t req, struct handle *h, size_t size, off_t offset);
void data_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence);
/** Gives up the handle's reader, which may take a moment, in a worker. */
void data_release(const struct fs *fs, struct handle *h);

#endif
