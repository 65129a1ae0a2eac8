/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of answers, for clients that repeat a request.
 *
 * An answer is valid as long as the pool is in the state that it shows
 * (mount_stamp()), so no client sees outdated values. Still, every tenth of a
 * second one request for all goes to the pool: a session in use must be seen to
 * be in use, and may expire. An answer that was not renewed for a second is
 * dropped.
 *
 * When the state has changed, one client of all that ask the same asks the pool: it has the
 * turn. The others wait, and share its answer if that shows the state in which they came, or
 * a later one; else the next of them has a turn. What could not be shared before,
 * and when nothing comes of a turn that can be, each asks for itself. Self-locking.
 */
#ifndef POOLFS_REST_ANSWER_CACHE_H
#define POOLFS_REST_ANSWER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "rest/response.h"

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
/**
 * A reference to the cached answer to @key that is valid in the state @stamp. NULL: the caller must ask the pool; with
 * *ret_turn, for others, too, which is over with answer_cache_end_turn(): until then it stays @key's. Blocks while another
 * one asks for it.
 */
struct response *answer_cache_find(struct answer_cache *cache, const struct answer_cache_key *key,
				   int64_t stamp, bool *ret_turn);
/** Ends the turn of @key, whether there is an answer or not. */
void answer_cache_end_turn(struct answer_cache *cache, const struct answer_cache_key *key);
/** Stores @response, which has just arrived and shows the state @stamp. Takes a reference of its own. */
void answer_cache_put(struct answer_cache *cache, const struct answer_cache_key *key, int64_t stamp,
		      struct response *response);
/** Drops answers that are too old. To be called about once a second. */
void answer_cache_expire(struct answer_cache *cache);

#endif
