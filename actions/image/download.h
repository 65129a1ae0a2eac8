/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads an image into a new file, from http, https, ftp or a local file, and
 * computes its MD5.
 *
 * Guarantees
 *   - The destination is created by this call, with mode 0600, and did not exist
 *     before. On failure it is removed; on success it has exactly the bytes of the
 *     source, and it and its folder are on disk (fsync).
 *   - If the length is known, space is reserved before the first byte, so that a
 *     full file system is noticed in the first second and not in the last hour.
 *   - http and https follow at most 5 redirects, only to http and https, and from
 *     https only to https. Certificates are verified.
 *   - A connection that is not established within 10 s, or transfers less than
 *     1 KiB/s for 60 s, is aborted.
 *   - A transfer over the network that breaks is tried again, as often as the limits say without getting
 *     further, after longer and longer pauses. It goes on where it stopped if the server says that the file is
 *     still the same (ETag or Last-Modified), else at the beginning.
 *   - Local files and addresses are those that the policy allows (engine/url_policy.h). Holes stay holes.
 *     Blocks are shared where the file system can do so (FICLONE) and copied
 *     elsewhere, by the kernel where it can (copy_file_range); a file that nobody needs
 *     afterwards is moved if it can be. The MD5 is that of the destination, and
 *     needs a pass over the bytes in any case. A file that
 *     changes in the meantime is refused.
 *
 * The MD5 is for the manual's `md5sum`: a checksum, not a protection against
 * tampering. It is computed while the bytes are copied, by another thread (digest.h).
 *
 * Blocks the calling thread for the whole transfer; any number of threads may
 * download at once. Uses no signals.
 */
#ifndef POOLFS_IMAGE_DOWNLOAD_H
#define POOLFS_IMAGE_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/engine/url_policy.h"

#define DOWNLOAD_MD5_STRLEN 33 /* 32 hex digits and a NUL */

struct download_limits {
	int64_t max_bytes; /* largest file that is accepted, 0 = no limit */
	int64_t seconds;   /* wall clock time for the whole download, 0 = no limit */
	int retries;	   /* attempts after the first one, and after one that got further */
	const char
		*checksum;   /* "sha256:<hex digits>" of what must arrive, checked already; NULL = anything */
	const char *ca_file; /* PEM file of the CAs to trust, NULL = the system's */
};

/**
 * Called with the progress about ten times a second, and at least once a second while nothing arrives. @done
 * and @total in bytes, @total -1 if unknown; @percent 0..100, -1 if unknown. A result other than 0 cancels
 * the download. Called in the thread of download().
 */
typedef int download_progress_fn(void *ctx, int64_t done, int64_t total, int percent);

/* Where a download comes from: the descriptor of a local file, or a URL. */
struct download_source {
	const char *url;		 /* borrowed */
	const struct url_policy *policy; /* borrowed */
	char *path;			 /* owned; of a local file, for messages; else NULL */
	int fd;				 /* owned; of a local file */
	bool spent; /* the local file is not needed afterwards: it is moved where its file system is the destination's */
};

/**
 * Opens the source @url (http, https, ftp, file:///path or /path). A local file is opened here and only here:
 * all downloads from the source read this descriptor. Both pointers must outlive the source, which
 * download_source_close() closes. Errors of url_check() and url_policy_open().
 */
int download_source_open(const char *url, const struct url_policy *policy, struct download_source *ret_source,
			 struct error *e);
void download_source_close(struct download_source *source);

/** -EINVAL unless @checksum is md5, sha256 or sha512, a colon, and so many hex digits. */
int download_check_checksum(const char *checksum, struct error *e);

/**
 * Downloads from the source into the new file @dest_path. @progress may be NULL. @ret_md5 gets lower-case hex
 * digits; it is untouched on failure.
 *
 * Errors: -EEXIST the destination exists, -ENOENT and -EACCES of source or folder, -EFBIG above max_bytes,
 * -ENOSPC, -ETIMEDOUT above seconds or stalled, -ECANCELED by @progress, -EBUSY the local file changed, -ELOOP
 * too many redirects, -EBADMSG it has another checksum, -EIO and those of url_guard_result() and download_errno_of_curl(). The messages show
 * the URL without user, password and query.
 */
int download(const struct download_source *source, const char *dest_path,
	     const struct download_limits *limits, download_progress_fn *progress, void *progress_ctx,
	     char ret_md5[static DOWNLOAD_MD5_STRLEN], struct error *e);

#endif
