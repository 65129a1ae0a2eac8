/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of the image probe: detects the format of a disk image by its
 * content, and reads its header.
 *
 * The bytes of an image are the user's. If QEMU were left to detect its format,
 * an image could name a backing file, and a guest created from it could read any
 * file of the host. So the format is detected here and given to the hypervisor
 * explicitly from then on; images that refer to other files are refused
 * (image_info_check()).
 *
 * Accepted
 *   qcow2  versions 2 and 3, all cluster sizes, compressed clusters (zlib and
 *          zstd), extended L2 entries, internal snapshots (they take space but
 *          are harmless), dirty refcounts (lazy_refcounts; QEMU repairs them)
 *   iso    an ISO 9660 volume descriptor at 32 KiB, whatever sector 0 holds:
 *          hybrid images with an MBR are ISO images. UDF without ISO 9660 is raw.
 *   raw    anything else. Its virtual size is the file size rounded up to 512
 *          bytes, that of qcow2 is rounded down, both as QEMU does.
 *
 * Formats that are recognised but not accepted (vmdk, vdi, archives, ...) are
 * refused by name: a compressed image taken as raw would not boot. So are texts,
 * which is what a wrong link delivers: web pages, XML, JSON, messages. A raw disk
 * that begins like one of these, since its guest wrote that, is taken as raw only
 * if the caller insists (`any_raw`).
 *
 * Only headers and tables are read, through a callback; offsets into the file are
 * only checked to be within it. In a qcow2 image these are the offsets of all L2
 * tables and of the clusters in them (of very large images: in the last of them), so
 * a truncated file is detected by its missing parts. Pure; allocates no memory but the message of an error.
 */
#ifndef POOLFS_IMAGE_HEADER_H
#define POOLFS_IMAGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "actions/image/source.h"

/* Largest virtual size, 1 EiB: QEMU's limit for qcow2 is close, and sums of sizes fit into int64_t. */
#define IMAGE_VIRTUAL_SIZE_MAX (INT64_C(1) << 60)

enum image_format {
	IMAGE_FORMAT_RAW,
	IMAGE_FORMAT_QCOW2,
	IMAGE_FORMAT_ISO,
};

struct image_info {
	enum image_format format;
	int64_t virtual_size; /* bytes that the guest sees, a multiple of 512 */
	int64_t actual_size;  /* bytes that the file occupies on its file system */
	bool backing_file;    /* qcow2 with a backing file */
	bool data_file;	      /* qcow2 with its data in another file */
	bool encrypted;	      /* qcow2 with AES or LUKS */
	bool corrupt;	      /* qcow2 marked corrupt by QEMU */
};

/* The first bytes of a file that suffice to tell its format, and to tell an ISO. */
#define IMAGE_HEAD_SIZE 1024
#define IMAGE_ISO_SIZE	(32768 + 2048)

/**
 * Detects the format and reads the header. -EOPNOTSUPP for a recognised format that is not accepted and for
 * unknown features of qcow2, -EINVAL for an empty file or an invalid header, -EIO if the source fails.
 */
int image_header_parse(const struct image_source *source, struct image_info *ret, struct error *e);

/**
 * Refuses what must not enter the pool: -EOPNOTSUPP for images with a backing or data file and for encrypted
 * ones, -EINVAL for corrupt ones and for sizes of 0 or above IMAGE_VIRTUAL_SIZE_MAX.
 */
int image_info_check(const struct image_info *info, struct error *e);

/** "raw", "qcow2" or "iso". */
const char *image_format_name(enum image_format format);
/** The reverse; false for another name. */
bool image_format_from_name(const char *name, enum image_format *ret);
/** The manual's media type of a format: "ISO" or "RootVolumeTemplate". */
const char *image_format_media_type(enum image_format format);

#endif
