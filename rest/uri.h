/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of request targets and query strings. Pure. */
#ifndef POOLFS_REST_URI_H
#define POOLFS_REST_URI_H

#include <stdbool.h>
#include <stddef.h>

#define URI_SEGMENTS 16

/* The path of a request, in decoded segments. */
struct uri_path {
	char *text; /* owned: what the segments lie in */
	const char *segments[URI_SEGMENTS];
	size_t count;
};
void uri_path_done(struct uri_path *path);

/** Splits @target at its `?`: *ret_query is what is behind it, or "". */
size_t uri_path_length(const char *target, const char **ret_query);
/** Takes a path apart. False when it has too many segments, a bad escape or a NUL, or memory is short. */
bool uri_path_parse(const char *text, size_t len, struct uri_path *ret);

/** Decodes the percent-escapes in @text in place, and `+` to a blank when @plus. False for a bad escape or a
 * NUL. */
bool uri_decode(char *text, bool plus);

#endif
