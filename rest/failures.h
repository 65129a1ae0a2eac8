/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which failed requests the log tells: all those of clients whose session the pool has found, and so many a minute of
 * others, since anybody can cause these as often as they like. Whether a session is one, the pool alone knows: a request
 * that is refused before it is asked counts as that of anybody. When the pool cannot be asked, all requests fail alike,
 * those of clients with a session too: so many of them a minute are told, too, but they are counted apart, so that
 * nobody can hide that.
 */
#ifndef POOLFS_REST_FAILURES_H
#define POOLFS_REST_FAILURES_H

#include <stdbool.h>

#include "rest/response.h"

/* Of each cause, but for clients with a session, in a minute. */
#define FAILURES_TOLD 20

struct failures;

struct failures *failures_new(void);
/** Tells how many were left out. Accepts NULL. */
void failures_free(struct failures *failures);
/** Counts a failed request. False when it is not to be told, since there have been too many. Self-locking. */
bool failures_count(struct failures *failures, enum cause cause);
/** Tells how many were left out in the minutes that have ended. To be called about once a second. */
void failures_tend(struct failures *failures);

#endif
