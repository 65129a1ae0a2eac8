/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of images on backup storage: making them durable and removing them.
 *
 * A file is written under its partial name, `<url>/<image>.part`, and gets its
 * name `<url>/<image>.<format>` only when it is whole and on disk. All functions block.
 */
#ifndef POOLFS_IMAGE_FILE_H
#define POOLFS_IMAGE_FILE_H

#include "model/error.h"
#include "model/object.h"

/** The partial name of an image's file on a backup storage; allocated. NULL without memory. */
char *image_file_part_path(const struct object *bs, const char *image_uuid);
/** Gives the whole file @part its name @path, durably: file, then name. On failure @part may be left. -errno.
 */
int image_file_publish(const char *part, const char *path, struct error *e);
/** Removes a file, durably; success when there is none. -errno, -ENOTCONN when its folder is not there. */
int image_file_remove(const char *path, struct error *e);
/** Removes whatever a broken AddImage can have left on a backup storage, under any of its names. */
int image_file_remove_unfinished(const struct object *bs, const char *image_uuid, struct error *e);
/** -EEXIST when a backup storage has a file with one of the image's names. */
int image_file_check_absent(const struct object *bs, const char *image_uuid, struct error *e);

#endif
