/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are rendered: a reader sees from open to close the document that
 * was made for its open.
 */
#ifndef POOLFS_FS_CLASS_DOCUMENT_H
#define POOLFS_FS_CLASS_DOCUMENT_H

#include "fs/tree/class.h"

/** Files of which nothing more is to be known. */
extern const struct file_class class_document;
/** The `inventory` of an object, which poll(2) follows. */
extern const struct file_class class_inventory;

/* The same functions for files that do more than that. */
void document_file_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);
void document_file_read(fuse_req_t req, struct handle *h, size_t size, off_t offset);
void document_file_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence);
#define DOCUMENT_FILE .open = document_file_open, .read = document_file_read, .lseek = document_file_lseek

/** Puts a new handle into the table and answers its open. */
void document_reply_open(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi);

#endif
