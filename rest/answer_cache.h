/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of answers, for clients that repeat a request.
 *
 * An answer is valid as long as the pool is in the state that it shows
 * (mount_stamp()), so no client sees outdated values. Still, every tenth of a
 * second one request for all goes to the pool: a session in use must be seen to
 * be in use, and may expire. An answer that was not renewed for a second is
 * dropped. Self-locking.
 */
#ifndef POOLFS_REST_ANSWER_CACHE_H
#define POOLFS_REST_ANSWER_CACHE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct answer_cache;

/* What the answer depends on besides the pool: every part of a request that can change it. Borrowed. */
struct answer_cache_key {
	const char *target;
	const char *authorization; /* the header; NULL: none */
	bool schema;
};

struct answer_cache *answer_cache_new(void);
/** Accepts NULL. */
void answer_cache_free(struct answer_cache *cache);
/** Replies with the cached answer to @key that is valid in the state @stamp. False: the caller must ask the
 * pool. */
bool answer_cache_reply(struct answer_cache *cache, const struct answer_cache_key *key, int64_t stamp,
			struct MHD_Connection *c, enum MHD_Result *ret);
/** Stores @response (of @len bytes; taken over), which has just arrived and shows the state @stamp. */
void answer_cache_put(struct answer_cache *cache, const struct answer_cache_key *key, int64_t stamp,
		      struct MHD_Response *response, size_t len);
/** Drops answers that are too old. To be called about once a second. */
void answer_cache_expire(struct answer_cache *cache);

#endif
