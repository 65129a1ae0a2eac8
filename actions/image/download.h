/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings an image into the pool: from http, https, ftp or a local file to a new
 * file, with its MD5.
 *
 * Promises
 *   - The destination is made by this call, 0600, and did not exist before. On
 *     any failure it is gone again; on success it and its folder are on disk
 *     (fsync) and it has exactly the bytes of the source.
 *   - Space is reserved before the first byte where the length is known, so a
 *     full file system is found in the first second and not in the last hour.
 *   - http(s) never leads elsewhere: at most 5 redirects, only to http and
 *     https, and from https only to https. Certificates are verified.
 *   - A connection that does not come up in 10 s, or moves less than 1 KiB/s
 *     over 60 s, is given up.
 *   - Local files are regular files (no devices, no pipes). Holes stay holes,
 *     and where the file system can share blocks they are shared (FICLONE);
 *     the MD5 costs a pass over the bytes all the same, so otherwise they are
 *     copied in that pass. A file that changes meanwhile is refused.
 *
 * The MD5 is what the manual's `md5sum` wants to see: a check sum, not a
 * protection. It is libcrypto's.
 *
 * Blocks the calling thread for as long as it takes; any number of threads may
 * download at once. No signals are used.
 */
#ifndef POOLFS_IMAGE_DOWNLOAD_H
#define POOLFS_IMAGE_DOWNLOAD_H

#include <curl/curl.h>
#include <stdint.h>

#include "model/error.h"

#define DOWNLOAD_MD5_STRLEN 33 /* 32 hex digits and the NUL */

struct download_limits {
	int64_t max_bytes;   /* largest file taken, 0 = any */
	int64_t seconds;     /* wall clock for all of it, 0 = any */
	const char *ca_file; /* PEM file of the authorities to trust in place of the system's; NULL = the
				system's */
};

/**
 * Told how far it is, about ten times a second, and at least once a second also when nothing
 * arrives. @done and @total in bytes, @total -1 when unknown; @percent 0..100, -1 when unknown.
 * A value other than 0 cancels. Called in the thread of download().
 */
typedef int download_progress_fn(void *ctx, int64_t done, int64_t total, int percent);

/**
 * Whether download() would take the URL, by its text alone: for validating a request.
 * -EINVAL with the manual's sentence for an unknown scheme or a broken URL, -EOPNOTSUPP for
 * sftp://, upload:// and zstore://.
 */
int download_check_url(const char *url, struct error *e);

/**
 * Downloads @url (http, https, ftp, file:///path or /path) into the new file @dest_path.
 * @progress may be NULL. @ret_md5 gets lower-case hex; it is untouched on failure.
 *
 * Failures besides download_check_url()'s, all with a sentence: -EEXIST the destination exists,
 * -ENOENT, -EACCES source or folder, -EFBIG above max_bytes, -ENOSPC, -ETIMEDOUT above seconds or
 * stalled, -ECANCELED by @progress, -EBUSY the local file changed meanwhile, -ELOOP too many
 * redirects, -EIO and what download_errno_of_curl() gives.
 */
int download(const char *url, const char *dest_path, const struct download_limits *limits,
	     download_progress_fn *progress, void *progress_ctx, char ret_md5[static DOWNLOAD_MD5_STRLEN],
	     struct error *e);

#endif
