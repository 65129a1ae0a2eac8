/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving side of a download, shared by its sources (download_curl.c, download_copy.c). */
#ifndef POOLFS_IMAGE_DOWNLOAD_SINK_H
#define POOLFS_IMAGE_DOWNLOAD_SINK_H

#include <stdbool.h>

#include "actions/image/digest.h"
#include "actions/image/download.h"

struct download {
	const struct download_limits *limits; /* borrowed */
	download_progress_fn *progress;
	void *progress_ctx;
	struct error *e;     /* borrowed, not NULL; set when a function below fails */
	int fd;		     /* the destination; its position is unused (pwrite) */
	struct digest *md5;  /* owned by download() */
	struct digest *sum;  /* ditto; NULL without a checksum */
	int64_t done, total; /* bytes; total -1 = unknown */
	int64_t started;     /* bytes that are on their way to the disk */
	int64_t deadline_ms; /* CLOCK_MONOTONIC, 0 = none */
	int64_t next_progress_ms;
	int result; /* 0, or the -errno of the first failure */
};

/* The functions that take a download return 0 or d->result, the first failure. */

/** Sets the total, in bytes: checks it against the limit and, with @reserve, reserves the space. */
int download_set_total(struct download *d, int64_t total, bool reserve);
/** Adds bytes: checks the limit, writes them, adds them to the sums, reports progress. */
int download_put(struct download *d, const void *bytes, size_t len);
/** Where the next bytes can be put, up to *ret_len, for download_fill(). NULL after a failure, which is noted. */
void *download_room(struct download *d, size_t *ret_len);
/** Adds the @len bytes at @room as download_put() does; without @write, the destination has them already. */
int download_fill(struct download *d, const void *room, size_t len, bool write);
/** Forgets all bytes: the next ones are the first of the file. */
int download_restart(struct download *d);
/** Waits, while checking the time limit and reporting progress. */
int download_pause(struct download *d, int64_t ms);
/** Adds @len zeros, which are not written. */
int download_put_hole(struct download *d, int64_t len);
/** Checks the time limit, and reports progress if it is due. */
int download_tick(struct download *d);
/** Notes a failure: `return download_fail(d, error_set(d->e, ...))`. */
int download_fail(struct download *d, int result);
/** -ENOSPC if the destination's file system has less than @bytes available. */
int download_check_space(struct download *d, int64_t bytes);

/** Reports progress now. */
int download_report_progress(struct download *d);
/** Compares the checksum of what has been added with that of the limits. */
int download_check_sum(struct download *d);
/** Writes the MD5 in lower case. */
int download_finish_md5(struct download *d, char ret_md5[static DOWNLOAD_MD5_STRLEN]);

#endif
