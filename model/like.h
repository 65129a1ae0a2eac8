/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIKE patterns: `%` matches any text, `_` any character; `\` makes the next of
 * these characters (or another `\`) literal; letters match regardless of case.
 *
 * A pattern becomes a set of bits, one for each position that a match may have
 * reached; each character of the text advances all of them at once. There is no
 * backtracking, so the time is linear in the text for every pattern.
 */
#ifndef POOLFS_LIKE_H
#define POOLFS_LIKE_H

#include <stdbool.h>

#include "model/cleanup.h"

/* Maximum length of a pattern in characters. */
#define LIKE_MAX 1024

struct like;

/** 0, -ENOMEM, or -EFBIG for a pattern longer than LIKE_MAX. @pattern is UTF-8. */
int like_new(const char *pattern, struct like **ret_like);
/** Accepts NULL. */
void like_free(struct like *like);
DEFINE_CLEANUP(struct like *, like_free)
/** True when the whole of @text (UTF-8) matches. Thread-safe. */
bool like_match(const struct like *like, const char *text);

#endif
