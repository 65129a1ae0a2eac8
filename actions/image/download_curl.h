/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from the network, by libcurl. */
#ifndef POOLFS_IMAGE_DOWNLOAD_CURL_H
#define POOLFS_IMAGE_DOWNLOAD_CURL_H

#include <curl/curl.h>

#include "actions/image/download_sink.h"

/** Positive errno for a result of libcurl, 0 for CURLE_OK. Pure; exported for tests. */
int download_errno_of_curl(CURLcode code);
/** Positive errno for an HTTP status of 400 and above. Pure; exported for tests. */
int download_errno_of_status(long status);

/** The sources. They fill d->fd through the functions above; the caller syncs. */
int download_from_curl(struct download *d, const char *url);

#endif
