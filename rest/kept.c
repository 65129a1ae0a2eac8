/* SPDX-License-Identifier: Apache-2.0 */
/* See kept.h. Each answer has one place, which the hash of its key says; the newest in it stays. */
#include "rest/kept.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "model/cleanup.h"

#define PLACES	   512
#define LENGTH_MAX (128 << 10)	       /* bytes; with all places taken they are 64 MiB */
#define ASK_AFTER  INT64_C(100000000)  /* ns */
#define AGE_MAX	   INT64_C(1000000000) /* ns */

struct place {
	pthread_mutex_t lock;
	/* All under the lock. */
	struct MHD_Response *response; /* owned; NULL: free */
	char *target, *authorization;  /* owned */
	bool schema;
	int64_t stamp, since, asked; /* asked: when somebody was sent to ask last */
};

struct kept {
	struct place places[PLACES];
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Call with the lock held. */
static void clear(struct place *p)
{
	if (p->response)
		MHD_destroy_response(p->response);
	p->response = NULL;
	free(steal(&p->target));
	free(steal(&p->authorization));
}

struct kept *kept_new(void)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	for (size_t i = 0; kept && i < PLACES; i++)
		pthread_mutex_init(&kept->places[i].lock, NULL);
	return kept;
}

void kept_free(struct kept *kept)
{
	for (size_t i = 0; kept && i < PLACES; i++) {
		clear(&kept->places[i]);
		pthread_mutex_destroy(&kept->places[i].lock);
	}
	free(kept);
}

/* FNV-1a */
static uint64_t hash(uint64_t seed, const char *text)
{
	for (; *text; text++)
		seed = (seed ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return seed * UINT64_C(0x100000001b3);
}

static struct place *find(struct kept *kept, const struct kept_key *key)
{
	uint64_t h = hash(UINT64_C(0xcbf29ce484222325) ^ key->schema, key->target);

	return &kept->places[hash(h, key->authorization ? key->authorization : "") % PLACES];
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* Call with the lock held. */
static bool holds(const struct place *p, const struct kept_key *key, int64_t stamp, int64_t now)
{
	return p->response && p->stamp == stamp && p->schema == key->schema && now - p->since <= AGE_MAX &&
	       same(p->target, key->target) && same(p->authorization, key->authorization);
}

bool kept_reply(struct kept *kept, const struct kept_key *key, int64_t stamp, struct MHD_Connection *c,
		enum MHD_Result *ret)
{
	struct place *p = find(kept, key);
	int64_t now = now_ns();

	scoped_lock(&p->lock);
	if (!holds(p, key, stamp, now))
		return false;
	if (now - p->asked > ASK_AFTER) {
		p->asked = now;
		return false;
	}
	*ret = MHD_queue_response(c, MHD_HTTP_OK, p->response); /* which takes a reference */
	return true;
}

void kept_put(struct kept *kept, const struct kept_key *key, int64_t stamp, struct MHD_Response *response,
	      size_t len)
{
	struct place *p = find(kept, key);

	if (len > LENGTH_MAX) {
		MHD_destroy_response(response);
		return;
	}
	scoped_lock(&p->lock);
	clear(p);
	p->response = response;
	p->target = strdup(key->target);
	p->authorization = key->authorization ? strdup(key->authorization) : NULL;
	p->schema = key->schema;
	p->stamp = stamp;
	p->since = p->asked = now_ns();
	if (!p->target || (key->authorization && !p->authorization))
		clear(p);
}

void kept_tend(struct kept *kept)
{
	int64_t now = now_ns();

	for (size_t i = 0; i < PLACES; i++) {
		struct place *p = &kept->places[i];

		scoped_lock(&p->lock);
		if (now - p->since > AGE_MAX)
			clear(p);
	}
}
