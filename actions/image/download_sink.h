/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving side of a download, shared by its sources (download_curl.c, download_copy.c). */
#ifndef POOLFS_IMAGE_DOWNLOAD_SINK_H
#define POOLFS_IMAGE_DOWNLOAD_SINK_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "actions/image/download.h"

struct download {
	const struct download_limits *limits; /* borrowed */
	download_progress_fn *progress;
	void *progress_ctx;
	struct error *e;     /* borrowed; set as soon as a function below fails */
	int fd;		     /* the destination, write-only position unused (pwrite) */
	EVP_MD_CTX *md5;     /* owned by download() */
	int64_t done, total; /* bytes; total -1 = unknown */
	int64_t deadline_ms; /* CLOCK_MONOTONIC, 0 = none */
	int64_t next_progress_ms;
	int result; /* 0, or the -errno of the first failure */
};

/** The total is known now: checks the limit and, with @reserve, takes the space. Returns 0 or d->result. */
int download_set_total(struct download *d, int64_t total, bool reserve);
/** Takes bytes: checks the limit, writes them when @write, adds them to the MD5, tells the progress. */
int download_put(struct download *d, const void *bytes, size_t len, bool write);
/** Takes @len zeros that need not be written. */
int download_put_hole(struct download *d, int64_t len);
/** Tells the progress when it is time, looks at the clock. */
int download_tick(struct download *d);
/** Notes the first failure; `return download_fail(d, error_set(d->e, ...))`. */
int download_fail(struct download *d, int result);
/** -ENOSPC when the destination's file system has less than @bytes free. */
int download_check_space(struct download *d, int64_t bytes);

/** CLOCK_MONOTONIC in milliseconds. */
int64_t download_now_ms(void);

/** Tells the progress, now; sets the time of the next. 0 or d->result. */
int download_tell_progress(struct download *d);

#endif
