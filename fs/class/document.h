/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendered files: from open to close, a reader sees the document that was rendered
 * at the open.
 */
#ifndef POOLFS_FS_CLASS_DOCUMENT_H
#define POOLFS_FS_CLASS_DOCUMENT_H

#include "fs/tree/class.h"

/** Rendered files without further functions. */
extern const struct file_class class_document;
/** The `inventory` of an object, with poll(2). */
extern const struct file_class class_inventory;

/* The functions, for classes that have more. */
void document_file_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);
void document_file_read(fuse_req_t req, struct handle *h, size_t size, off_t offset);
void document_file_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence);
#define DOCUMENT_FILE .open = document_file_open, .read = document_file_read, .lseek = document_file_lseek

/** Puts a new handle into the table and answers its open. */
void document_reply_open(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi);

#endif
