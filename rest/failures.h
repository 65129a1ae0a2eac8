/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which failed requests the log tells: all those of clients with a session, and so many
 * a minute of others, since anybody can cause these as often as they like.
 */
#ifndef POOLFS_REST_FAILURES_H
#define POOLFS_REST_FAILURES_H

#include <stdbool.h>

/* Of clients without a session, in a minute. */
#define FAILURES_OF_STRANGERS 20

struct failures;

struct failures *failures_new(void);
/** Tells how many were left out. Accepts NULL. */
void failures_free(struct failures *failures);
/** Counts the failed request of a client without a session. False when there have been too many. Self-locking. */
bool failures_count(struct failures *failures);
/** Tells how many were left out in the minute that has ended. To be called about once a second. */
void failures_tend(struct failures *failures);

#endif
