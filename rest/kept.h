/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are kept for the next who asks the same.
 *
 * An answer holds as long as the pool is in the state that it shows (door_stamp()),
 * so nobody sees what is not so any more. All the same the pool is asked again every
 * tenth of a second, by one for all: a session in use must be seen to be used, and
 * may end by the clock. What has not been asked again for a second is forgotten.
 * Self-locking.
 */
#ifndef POOLFS_REST_KEPT_H
#define POOLFS_REST_KEPT_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct kept;

/* What the answer depends on besides the pool: all of a request that can make a difference. Borrowed. */
struct kept_key {
	const char *target;
	const char *authorization; /* the header; NULL: none */
	bool schema;
};

struct kept *kept_new(void);
/** Accepts NULL. */
void kept_free(struct kept *kept);
/** Answers with what is kept for @key and holds in the state @stamp. False: the caller has to ask the pool.
 */
bool kept_reply(struct kept *kept, const struct kept_key *key, int64_t stamp, struct MHD_Connection *c,
		enum MHD_Result *ret);
/** Keeps @response (of @len bytes; taken over), which has just come and shows the state @stamp. */
void kept_put(struct kept *kept, const struct kept_key *key, int64_t stamp, struct MHD_Response *response,
	      size_t len);
/** Forgets what is too old. */
void kept_tend(struct kept *kept);

#endif
