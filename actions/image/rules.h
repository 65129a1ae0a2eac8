/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may become an image: the rules of AddImage and UpdateImage about
 * formats and media types (behaviour.md 4.3.1, 4.3.7). Pure functions of text.
 *
 * The user says a format; the file says the truth. What is found in the file is
 * what the pool goes on with, because a wrong format is never harmless: a raw
 * disk read as qcow2 is garbage, and a qcow2 disk read as raw lets its guest
 * write a header that names any file of the host as its backing file. A claim
 * that the file contradicts is an error only where it shows that the user took
 * the wrong file:
 *
 *	claimed \ found   qcow2     raw       ISO 9660
 *	qcow2             qcow2     refused   ISO
 *	raw               qcow2     raw       ISO, or raw when a template was asked for
 *	iso               refused   refused   ISO
 *
 * (An ISO 9660 file may be a disk at the same time; so `raw` together with an
 * explicit mediaType of a template is believed.)
 *
 * A file that is uploaded says its format by the suffix of its name, and nothing
 * else: there the content must be just that (image_check_name()).
 */
#ifndef POOLFS_IMAGE_RULES_H
#define POOLFS_IMAGE_RULES_H

#include <stdbool.h>

#include "model/error.h"
#include "model/object.h"

/** The path of a file:/// URL (as it stands there) or an absolute path, within @url; NULL for anything else.
 */
const char *image_url_path(const char *url);

/** Checks what a user claims. @media_type may be NULL. -EINVAL. */
int image_check_claim(const char *format, const char *media_type, bool system, struct error *e);
/** The format that a claim that passed image_check_claim() means: "iso" for the media type ISO. Static. */
const char *image_claimed_format(const char *format, const char *media_type);
/**
 * Decides what a file with the content @found ("qcow2", "raw" or "iso") is when the user claimed @format and
 * @media_type (NULL = RootVolumeTemplate). Both results are static strings. -EINVAL when the claim is wrong.
 */
int image_decide(const char *format, const char *media_type, bool system, const char *found,
		 const char **ret_format, const char **ret_media_type, struct error *e);
/**
 * What the name of an uploaded file says: its name without the suffix, and the format, which is static.
 * @ret_name is allocated. -EINVAL for another suffix than .qcow2, .raw, .img and .iso, or a name that no
 * image can have.
 */
int image_name_parse(const char *file_name, char **ret_name, const char **ret_format, struct error *e);
/** Refuses a file whose content @found is not the format that its name says, however usable: -EINVAL. */
int image_check_name(const char *format, const char *found, struct error *e);
/** The format to tell QEMU for an image's file: an ISO is raw bytes. Static. */
const char *image_disk_format(const char *format);

/** True for an image of a CD-ROM; false for NULL. */
bool image_is_iso(const struct object *image);

#endif
