/* SPDX-License-Identifier: Apache-2.0 */
/* What a tool does to a writable file before it creates it anew: see fs/tree/aside.h. Members of file classes. */
#ifndef POOLFS_FS_CLASS_MOVABLE_H
#define POOLFS_FS_CLASS_MOVABLE_H

#include "fs/tree/class.h"

void movable_unlink(fuse_req_t req, const struct place *dir, const char *name, const struct place *p);
/** Makes a scratch file with the content, under the new name. */
void movable_rename(fuse_req_t req, const struct place *dir, const char *name, const struct place *p,
		    fuse_ino_t to, const char *to_name, unsigned flags);
void movable_recreate(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);

#endif
