/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URLs that the pool fetches from or posts to, by their text alone: which schemes are accepted for which
 * purpose, the path of a local file, the host as a number. What an account may reach: url_policy.h.
 */
#ifndef POOLFS_ENGINE_URL_H
#define POOLFS_ENGINE_URL_H

#include <stdbool.h>

#include "model/error.h"

/* What a URL is for. */
enum url_use { URL_OF_IMAGE, URL_OF_WEB_HOOK };

/**
 * Checks whether the pool accepts a URL for this use. -EINVAL for an unknown scheme or a malformed URL,
 * -EOPNOTSUPP for sftp://, upload:// and zstore://.
 */
int url_check(const char *url, enum url_use use, struct error *e);
/** -EINVAL unless @base is like "http://host:port/zstack", below which poolfs-rest is reached, or NULL. */
int url_check_base(const char *base, struct error *e);
/**
 * The path of a URL of a local file (file:///path, or a path), decoded, owned by the caller; NULL for a remote
 * one. The URL passed url_check(). -ENOMEM.
 */
int url_local_path(const char *url, char **ret_path, struct error *e);
/**
 * The host of a remote URL, owned by the caller; a number, however it is written, is in its usual notation.
 * -EINVAL, -ENOMEM.
 */
int url_host(const char *url, char **ret_host, struct error *e);

#endif
