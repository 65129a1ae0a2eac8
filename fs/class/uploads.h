/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `images/upload/`: files that become images when they are closed (see
 * ../actions/upload.h). It lists those that are being written; what is finished
 * is an image. The requests of the kernel on them are answered in upload.c.
 */
#ifndef POOLFS_FS_CLASS_UPLOADS_H
#define POOLFS_FS_CLASS_UPLOADS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

/** True while the upload with this number may be asked for. */
bool upload_is_here(const struct fs *fs, int64_t number);
/** The attributes of the file, -ESTALE when its upload is over. */
int upload_attributes(const struct place *p, struct stat *ret);

/* Columns of the node table. */
bool uploads_here(const struct place *dir);
bool upload_find(const struct place *dir, const char *name, struct node *ret);
int64_t upload_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
mode_t upload_permissions(const struct place *p);
int64_t upload_size(const struct place *p);

/* The answers to the kernel's requests on them. Those on an open file go by its handle. */
void op_upload_create(fuse_req_t req, const struct place *dir, const char *name, mode_t mode,
		      const struct fuse_file_info *fi);
void op_upload_open(fuse_req_t req, const struct place *p, const struct fuse_file_info *fi);
void op_upload_read(fuse_req_t req, struct handle *h, size_t size, off_t offset);
void op_upload_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence);
void op_upload_write(fuse_req_t req, struct handle *h, const char *data, size_t size, off_t offset,
		     int flags);
void op_upload_allocate(fuse_req_t req, struct handle *h, int mode, off_t offset, off_t length);
void op_upload_flush(fuse_req_t req, struct handle *h);
void op_upload_fsync(fuse_req_t req, struct handle *h);
void op_upload_setattr(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set);
void op_upload_unlink(fuse_req_t req, const struct place *p);
void op_upload_rename(fuse_req_t req, const struct place *p, const char *to_name);
/** The handle is released. */
void upload_release(struct handle *h);

#endif
