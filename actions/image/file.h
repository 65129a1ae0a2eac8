/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of images on backup storage: making them durable and removing them.
 *
 * A file is written under its partial name, `<url>/<image>.part`, and renamed to
 * `<url>/<image>.<format>` only when it is complete and durable. All functions
 * block, and return -errno on failure unless they say otherwise.
 */
#ifndef POOLFS_IMAGE_FILE_H
#define POOLFS_IMAGE_FILE_H

#include "model/error.h"
#include "model/object.h"

/** The partial name of an image's file on a backup storage; allocated. NULL without memory. */
char *image_file_part_path(const struct object *bs, const char *image_uuid);
/** The file of a copy of an image; NULL while there is none: its installPath tells where to send it then, or is NULL. Borrowed. */
const char *image_file_path(const struct object *ref);
/** Renames the complete file @part to @path, durably: content, then name. A failure may leave either. */
int image_file_publish(const char *part, const char *path, struct error *e);
/** Gives an image's file that was published its partial name again. -ENOENT: there is none. */
int image_file_unpublish(const struct object *bs, const char *image_uuid, const char *part);
/** Removes a file, durably; success if it does not exist. -ENOTCONN if its folder does not exist. */
int image_file_remove(const char *path, struct error *e);
/**
 * Removes what an unfinished AddImage can have left on a backup storage, under any of the image's names.
 * Continues after a failure and returns the first one.
 */
int image_file_remove_unfinished(const struct object *bs, const char *image_uuid, struct error *e);
/** -EEXIST if the backup storage has a file with one of the image's names, -ENOMEM. */
int image_file_check_absent(const struct object *bs, const char *image_uuid, struct error *e);

#endif
