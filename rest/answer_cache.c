/* SPDX-License-Identifier: Apache-2.0 */
/* See answer_cache.h. The hash of its key assigns an answer to one slot, where the newest answer wins. */
#include "rest/answer_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "model/cleanup.h"

#define SLOTS	    512
#define BYTES_MAX   (64 << 20)		/* of all answers */
#define LENGTH_MAX  (BYTES_MAX / 16)	/* of one */
#define RENEW_AFTER INT64_C(100000000)	/* ns */
#define AGE_MAX	    INT64_C(1000000000) /* ns */

struct slot {
	pthread_mutex_t lock;
	/* All under the lock. */
	struct response *response;    /* a reference; NULL: free */
	char *target, *authorization; /* owned */
	bool schema;
	int64_t stamp, since, renewed; /* renewed: when a request was last sent to the pool */
};

struct answer_cache {
	struct slot slots[SLOTS];
	atomic_size_t bytes; /* of all answers */
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Call with the lock held. */
static void clear(struct answer_cache *cache, struct slot *p)
{
	if (p->response)
		atomic_fetch_sub(&cache->bytes, p->response->len);
	response_unref(steal(&p->response));
	free(steal(&p->target));
	free(steal(&p->authorization));
}

struct answer_cache *answer_cache_new(void)
{
	struct answer_cache *cache = calloc(1, sizeof(*cache));

	for (size_t i = 0; cache && i < SLOTS; i++)
		pthread_mutex_init(&cache->slots[i].lock, NULL);
	return cache;
}

void answer_cache_free(struct answer_cache *cache)
{
	for (size_t i = 0; cache && i < SLOTS; i++) {
		clear(cache, &cache->slots[i]);
		pthread_mutex_destroy(&cache->slots[i].lock);
	}
	free(cache);
}

/* FNV-1a */
static uint64_t hash(uint64_t seed, const char *text)
{
	for (; *text; text++)
		seed = (seed ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return seed * UINT64_C(0x100000001b3);
}

static struct slot *find(struct answer_cache *cache, const struct answer_cache_key *key)
{
	uint64_t h = hash(UINT64_C(0xcbf29ce484222325) ^ key->schema, key->target);

	return &cache->slots[hash(h, key->authorization ? key->authorization : "") % SLOTS];
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* Call with the lock held. */
static bool holds(const struct slot *p, const struct answer_cache_key *key, int64_t stamp, int64_t now)
{
	return p->response && p->stamp == stamp && p->schema == key->schema && now - p->since <= AGE_MAX &&
	       same(p->target, key->target) && same(p->authorization, key->authorization);
}

struct response *answer_cache_find(struct answer_cache *cache, const struct answer_cache_key *key,
				   int64_t stamp)
{
	struct slot *p = find(cache, key);
	int64_t now = now_ns();

	scoped_lock(&p->lock);
	if (!holds(p, key, stamp, now))
		return NULL;
	if (now - p->renewed > RENEW_AFTER) {
		p->renewed = now;
		return NULL;
	}
	return response_ref(p->response);
}

void answer_cache_put(struct answer_cache *cache, const struct answer_cache_key *key, int64_t stamp,
		      struct response *response)
{
	struct slot *p = find(cache, key);

	if (response->len > LENGTH_MAX)
		return;
	scoped_lock(&p->lock);
	clear(cache, p);
	if (atomic_fetch_add(&cache->bytes, response->len) + response->len > BYTES_MAX) {
		atomic_fetch_sub(&cache->bytes, response->len);
		return;
	}
	p->response = response_ref(response);
	p->target = strdup(key->target);
	p->authorization = key->authorization ? strdup(key->authorization) : NULL;
	p->schema = key->schema;
	p->stamp = stamp;
	p->since = p->renewed = now_ns();
	if (!p->target || (key->authorization && !p->authorization))
		clear(cache, p);
}

void answer_cache_expire(struct answer_cache *cache)
{
	int64_t now = now_ns();

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *p = &cache->slots[i];

		scoped_lock(&p->lock);
		if (now - p->since > AGE_MAX)
			clear(cache, p);
	}
}
