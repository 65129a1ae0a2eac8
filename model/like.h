/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIKE patterns: `%` is any text, `_` any character, `\` takes the next of
 * these (or itself) literally; letters match without regard to case.
 *
 * A pattern becomes a bit per position that a match may have reached; each
 * character of the text moves all of them at once. So the time is linear in the
 * text, whatever the pattern: there is nothing to go back to.
 */
#ifndef POOLFS_LIKE_H
#define POOLFS_LIKE_H

#include <stdbool.h>

#include "model/cleanup.h"

/* Most characters of a pattern. */
#define LIKE_MAX 1024

struct like;

/** 0, -ENOMEM, or -EFBIG for a pattern above LIKE_MAX. @pattern is UTF-8. */
int like_new(const char *pattern, struct like **ret_like);
/** Accepts NULL. */
void like_free(struct like *like);
DEFINE_CLEANUP(struct like *, like_free)
/** True when the whole of @text (UTF-8) matches. Any number of threads at once. */
bool like_match(const struct like *like, const char *text);

#endif
