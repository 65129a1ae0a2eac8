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
	/* Who asks the pool for all that ask the same; borrowed until its turn ends. NULL: nobody. */
	const struct answer_cache_key *asker;
	bool shared;	   /* the asker has put its answer here */
	uint64_t turns;	   /* that have ended */
	uint64_t unshared; /* the number of the last one that left no answer */
	pthread_cond_t ended;
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

static void slot_init(struct slot *p)
{
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->ended, NULL);
}

struct answer_cache *answer_cache_new(void)
{
	struct answer_cache *cache = calloc(1, sizeof(*cache));

	for (size_t i = 0; cache && i < SLOTS; i++)
		slot_init(&cache->slots[i]);
	return cache;
}

void answer_cache_free(struct answer_cache *cache)
{
	for (size_t i = 0; cache && i < SLOTS; i++) {
		clear(cache, &cache->slots[i]);
		pthread_cond_destroy(&cache->slots[i].ended);
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

/* Is it of this request, in any state? Call with the lock held. */
static bool is_of(const struct slot *p, const struct answer_cache_key *key)
{
	return p->response && p->schema == key->schema && same(p->target, key->target) &&
	       same(p->authorization, key->authorization);
}

static bool same_key(const struct answer_cache_key *a, const struct answer_cache_key *b)
{
	return a->schema == b->schema && same(a->target, b->target) &&
	       same(a->authorization, b->authorization);
}

/* Waits until who asks the same has ended its turn. False: it has left no answer. Call with the lock held. */
static bool wait_turn(struct slot *p)
{
	uint64_t turn = p->turns;

	while (p->turns == turn)
		pthread_cond_wait(&p->ended, &p->lock);
	return p->unshared <= turn;
}

struct response *answer_cache_find(struct answer_cache *cache, const struct answer_cache_key *key,
				   int64_t stamp, bool *ret_turn)
{
	struct slot *p = find(cache, key);
	bool waited = false;
	int64_t now;

	*ret_turn = false;
	scoped_lock(&p->lock);
	for (;;) {
		now = now_ns();
		/* What has come while we waited may show a state after ours, but not one before it. */
		if (is_of(p, key) && now - p->since <= AGE_MAX &&
		    (p->stamp == stamp || (waited && p->stamp > stamp)))
			break;
		if (!p->asker) {
			if (!is_of(p, key))
				return NULL; /* it may be one that nobody can share */
			p->asker = key;
			p->shared = false;
			*ret_turn = true;
			return NULL;
		}
		if (!same_key(p->asker, key) || !wait_turn(p))
			return NULL;
		waited = true;
	}
	if (now - p->renewed <= RENEW_AFTER)
		return response_ref(p->response);
	p->renewed = now;
	return NULL;
}

void answer_cache_end_turn(struct answer_cache *cache, const struct answer_cache_key *key)
{
	struct slot *p = find(cache, key);

	scoped_lock(&p->lock);
	p->asker = NULL;
	p->turns++;
	if (!p->shared)
		p->unshared = p->turns;
	pthread_cond_broadcast(&p->ended);
}

void answer_cache_put(struct answer_cache *cache, const struct answer_cache_key *key, int64_t stamp,
		      struct response *response)
{
	struct slot *p = find(cache, key);

	scoped_lock(&p->lock);
	clear(cache, p);
	if (response->len > LENGTH_MAX)
		return;
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
	else if (p->asker == key)
		p->shared = true;
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
