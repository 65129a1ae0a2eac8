/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a disk image is, by its content: the parser behind the image probe.
 *
 * A user chooses the bytes of an image. Left to name its format itself, an
 * image can name a backing file, and a guest made from it would then read any
 * file of the host. So the format is found here, by content, and is given to
 * the hypervisor explicitly ever after; images that refer to other files are
 * refused (image_info_check()).
 *
 * Accepted
 *   qcow2  versions 2 and 3, all cluster sizes, compressed clusters (zlib and
 *          zstd), extended L2 entries, internal snapshots (they cost space and
 *          do no harm), dirty refcounts (lazy_refcounts; QEMU repairs them)
 *   iso    an ISO 9660 volume descriptor at 32 KiB, whatever the sector 0 holds:
 *          hybrid images with an MBR are ISO images. UDF without ISO 9660 is raw.
 *   raw    anything else. Its virtual size is the file size rounded up to 512
 *          bytes, as QEMU does; qcow2's is rounded down, as QEMU does.
 *
 * Formats known by name but not accepted (vmdk, vdi, archives, ...) are refused
 * with that name, for a compressed image taken as raw would boot nothing.
 *
 * Only headers and tables are read, through a callback; no pointer into the file
 * is followed further than to see that it lies within. Of a qcow2 image these are
 * all L2 tables, and the clusters in the last of them: a file that was cut off
 * anywhere is told by what it lacks. Pure, no memory allocated besides the
 * sentence of an error.
 */
#ifndef POOLFS_IMAGE_HEADER_H
#define POOLFS_IMAGE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/error.h"

/* Largest virtual size, 1 EiB: QEMU's own limit for qcow2 is near, and sums of sizes stay within int64_t. */
#define IMAGE_VIRTUAL_SIZE_MAX (INT64_C(1) << 60)

enum image_format {
	IMAGE_FORMAT_RAW,
	IMAGE_FORMAT_QCOW2,
	IMAGE_FORMAT_ISO,
};

struct image_info {
	enum image_format format;
	int64_t virtual_size; /* bytes the guest sees, a multiple of 512 except for an ISO: there of the
				 file's size */
	int64_t actual_size;  /* bytes the file occupies on its file system */
	bool backing_file;    /* qcow2 with a backing file */
	bool data_file;	      /* qcow2 with its data in another file */
	bool encrypted;	      /* qcow2 with AES or LUKS */
	bool corrupt;	      /* qcow2 marked corrupt by QEMU */
};

/** Where the bytes come from. The file's size must not change meanwhile; short reads are taken for errors. */
struct image_source {
	/** Reads up to @len bytes at @offset as pread(2) does: bytes read, 0 at the end, -errno. */
	ssize_t (*read)(void *ctx, void *buf, size_t len, int64_t offset);
	void *ctx;
	int64_t size;	     /* of the file, bytes */
	int64_t actual_size; /* occupied, bytes; passed on */
	bool partial;	     /* the rest is still to come: nothing behind the end is missed */
};

/* How much of a partial file tells its format, and whether it is an ISO. */
#define IMAGE_HEAD_SIZE 1024
#define IMAGE_ISO_SIZE	(32768 + 2048)

/**
 * Finds the format and reads the header. -EOPNOTSUPP for a known format that is
 * not accepted and for unknown features of qcow2, -EINVAL for an empty file or a
 * header that makes no sense, -EIO when the source fails.
 */
int image_header_parse(const struct image_source *source, struct image_info *ret, struct error *e);

/**
 * Refuses with -EOPNOTSUPP or -EINVAL what must not enter the pool: backing and data files, encrypted
 * and corrupt images, sizes of 0 or above IMAGE_VIRTUAL_SIZE_MAX.
 */
int image_info_check(const struct image_info *info, struct error *e);

/** "raw", "qcow2" or "iso". */
const char *image_format_name(enum image_format format);
/** The reverse; false for another name. */
bool image_format_from_name(const char *name, enum image_format *ret);
/** The manual's media type of a format: "ISO" or "RootVolumeTemplate". */
const char *image_format_media_type(enum image_format format);

#endif
