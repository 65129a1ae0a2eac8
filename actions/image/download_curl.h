/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads over http, https and ftp, with libcurl. */
#ifndef POOLFS_IMAGE_DOWNLOAD_CURL_H
#define POOLFS_IMAGE_DOWNLOAD_CURL_H

#include <curl/curl.h>

#include "actions/image/download_sink.h"

/** The positive errno of a result of libcurl, 0 for CURLE_OK. Pure; exported for tests. */
int download_errno_of_curl(CURLcode code);
/** The positive errno of an HTTP status of 400 and above. Pure; exported for tests. */
int download_errno_of_status(long status);

/**
 * Fills d->fd from a source with a remote URL; the caller writes it to disk. Returns 0 or
 * d->result.
 */
int download_from_curl(struct download *d, const struct download_source *source);

#endif
