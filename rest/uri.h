/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of request targets and query strings. Pure. */
#ifndef POOLFS_REST_URI_H
#define POOLFS_REST_URI_H

#include <stdbool.h>
#include <stddef.h>

#define URI_SEGMENTS 16

/* The path of a request, in decoded segments. */
struct uri_path {
	char *text; /* owned: storage of the segments */
	const char *segments[URI_SEGMENTS];
	size_t count;
};
void uri_path_done(struct uri_path *path);

/** The length of the path in @target; *ret_query is what follows its `?`, or "". */
size_t uri_path_length(const char *target, const char **ret_query);
/** Splits a path into decoded segments; empty ones count only at the end, as in the real server. False for too many of them, a bad escape, a NUL, or no memory. */
bool uri_path_parse(const char *text, size_t len, struct uri_path *ret);

/** Decodes the percent-escapes in @text in place, and `+` to a space when @plus. False for a bad escape or a
 * NUL. */
bool uri_decode(char *text, bool plus);

#endif
