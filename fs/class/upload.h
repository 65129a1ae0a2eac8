/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `images/upload/`: files that become images when they are closed (see
 * actions/image/upload.h). It lists the files being written; finished ones are
 * images.
 *
 * Everything that touches the file is a task for the worker of its upload; the
 * request is parked until the task is done. Error messages go to `last-error`.
 */
#ifndef POOLFS_FS_CLASS_UPLOAD_H
#define POOLFS_FS_CLASS_UPLOAD_H

#include "fs/tree/class.h"

extern const struct file_class class_upload;
/* `sessions/uploads/SECRET`: the same file for whoever knows the job of an upload that is sent. */
extern const struct file_class class_sent_image;

/* Columns of the node table. */
bool uploads_here(const struct place *dir);
bool upload_find(const struct place *dir, const char *name, struct node *ret);
int64_t upload_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool sent_images_find(const struct place *dir, const char *name, struct node *ret);
mode_t upload_permissions(const struct place *p);
mode_t uploads_permissions(const struct place *p);

#endif
