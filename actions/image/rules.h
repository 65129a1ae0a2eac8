/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may become an image: the rules of AddImage and UpdateImage for formats
 * and media types (behaviour.md 4.3.1, 4.3.7). Pure functions of text.
 *
 * The user claims a format, and the pool uses the one that it finds in the file,
 * because a wrong format is never harmless: a raw disk read as qcow2 is garbage,
 * and a qcow2 disk read as raw lets its guest write a header that names any file
 * of the host as its backing file. A claim that contradicts the file is an error
 * only where it shows that the user took the wrong file:
 *
 *	claimed \ found   qcow2     raw       ISO 9660
 *	qcow2             qcow2     refused   ISO
 *	raw               qcow2     raw       ISO, or raw if the claim is a template
 *	iso               refused   refused   ISO
 *
 * (An ISO 9660 file may be a disk at the same time, so `raw` together with the
 * mediaType of a template is accepted.)
 *
 * For an uploaded file the suffix of its name is the claim, and there the content
 * must match exactly (image_check_name()).
 */
#ifndef POOLFS_IMAGE_RULES_H
#define POOLFS_IMAGE_RULES_H

#include <stdbool.h>

#include "model/error.h"
#include "model/object.h"

/** Checks a claim before the file is known. @media_type may be NULL. -EINVAL. */
int image_check_claim(const char *format, const char *media_type, bool system, struct error *e);
/** The format of a claim that passed image_check_claim(): "iso" if its media type is ISO. Static. */
const char *image_claimed_format(const char *format, const char *media_type);
/**
 * Decides what a file with the content @found ("qcow2", "raw" or "iso") is if the user claimed @format and
 * @media_type (NULL = RootVolumeTemplate). Both results are static strings. -EINVAL if the claim is refused.
 */
int image_decide(const char *format, const char *media_type, bool system, const char *found,
		 const char **ret_format, const char **ret_media_type, struct error *e);
/**
 * Parses the name of an uploaded file: *@ret_name is the name without its suffix, owned by the caller, and
 * *@ret_format the format, static. -EINVAL for any other suffix than .qcow2, .raw, .img and .iso, and for a
 * name that is not UTF-8.
 */
int image_name_parse(const char *file_name, char **ret_name, const char **ret_format, struct error *e);
/** -EINVAL if the content @found of an uploaded file is not the @format of its name, even if it is usable. */
int image_check_name(const char *format, const char *found, struct error *e);
/** The format that QEMU is given for an image's file: "qcow2", or "raw", also for an ISO. Static. */
const char *image_disk_format(const char *format);

/** True for an image with the media type ISO; false for NULL. */
bool image_is_iso(const struct object *image);

#endif
