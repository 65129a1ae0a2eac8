/* SPDX-License-Identifier: Apache-2.0 */
/* See read_ahead.h. */
#include "actions/volume/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

#define CHUNK  (1 << 20)
#define CHUNKS (READ_AHEAD_MAX / CHUNK)
/* Reads in order before it begins. */
#define ORDERED 2

struct chunk {
	int64_t number; /* of its bytes, which begin at number * CHUNK; -1: none */
	bool ready, failed;
	char *bytes; /* owned; NULL until needed */
};

struct read_ahead {
	read_ahead_fn *read; /* immutable */
	void *arg;	     /* immutable */
	int64_t size;	     /* immutable */
	pthread_mutex_t lock;
	/* under the lock: */
	pthread_cond_t changed;
	pthread_t thread;
	bool begun, ends;
	int64_t expected; /* where the next read in order begins */
	int ordered;	  /* reads in order so far */
	int64_t wanted; /* the number of the chunk that is being taken from; it and the next ones are read */
	struct chunk chunks[CHUNKS]; /* the one of number n is that at n % CHUNKS */
};

struct read_ahead *read_ahead_new(read_ahead_fn *read, void *arg, int64_t size)
{
	struct read_ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->read = read;
	a->arg = arg;
	a->size = size;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	for (size_t i = 0; i < CHUNKS; i++)
		a->chunks[i].number = -1;
	return a;
}

void read_ahead_free(struct read_ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->ends = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	if (a->begun)
		(void)pthread_join(a->thread, NULL);
	for (size_t i = 0; i < CHUNKS; i++)
		free(a->chunks[i].bytes);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static struct chunk *chunk_of(struct read_ahead *a, int64_t number)
{
	return &a->chunks[number % CHUNKS];
}

static bool is_wanted(const struct read_ahead *a, int64_t number)
{
	return number >= a->wanted && number < a->wanted + CHUNKS && number * CHUNK < a->size;
}

/* The chunk to be read next; NULL: none now. */
static struct chunk *next_chunk(struct read_ahead *a)
{
	for (int64_t n = a->wanted; is_wanted(a, n); n++) {
		struct chunk *c = chunk_of(a, n);

		if (c->number == n)
			continue;
		c->number = n;
		c->ready = c->failed = false;
		return c;
	}
	return NULL;
}

static void *read_main(void *arg)
{
	struct read_ahead *a = arg;

	(void)pthread_setname_np(pthread_self(), "read-ahead");
	pthread_mutex_lock(&a->lock);
	while (!a->ends) {
		struct chunk *c = next_chunk(a);
		int64_t offset, left;
		bool failed;

		if (!c) {
			pthread_cond_wait(&a->changed, &a->lock);
			continue;
		}
		offset = c->number * CHUNK;
		left = a->size - offset;
		pthread_mutex_unlock(&a->lock);
		if (!c->bytes)
			c->bytes = calloc(1, CHUNK);
		failed = !c->bytes ||
			 a->read(a->arg, c->bytes, left < CHUNK ? (size_t)left : CHUNK, offset) < 0;
		pthread_mutex_lock(&a->lock);
		c->ready = true;
		c->failed = failed;
		pthread_cond_broadcast(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* Notes a read. True if it is one of several in order, which may leave out holes. */
static bool note(struct read_ahead *a, size_t size, int64_t offset)
{
	bool in_order = offset >= a->expected && offset - a->expected < READ_AHEAD_MAX;

	a->ordered = !in_order ? 0 : a->ordered < ORDERED ? a->ordered + 1 : ORDERED;
	a->expected = offset + (int64_t)size;
	return a->ordered == ORDERED;
}

/* The ready chunk @number; NULL: it could not be read, or another reader wants others. */
static const struct chunk *wait_for(struct read_ahead *a, int64_t number)
{
	while (is_wanted(a, number)) {
		const struct chunk *c = chunk_of(a, number);

		if (c->number == number && c->ready)
			return c->failed ? NULL : c;
		pthread_cond_wait(&a->changed, &a->lock);
	}
	return NULL;
}

bool read_ahead_take(struct read_ahead *a, void *buffer, size_t size, int64_t offset)
{
	scoped_lock(&a->lock);
	if (!note(a, size, offset))
		return false;
	if (!a->begun)
		a->begun = pthread_create(&a->thread, NULL, read_main, a) == 0;
	if (!a->begun)
		return false;
	for (size_t done = 0; done < size;) {
		int64_t at = offset + (int64_t)done, number = at / CHUNK;
		size_t inside = (size_t)(at % CHUNK);
		size_t n = CHUNK - inside < size - done ? CHUNK - inside : size - done;
		const struct chunk *c;

		if (number != a->wanted) {
			a->wanted = number;
			pthread_cond_broadcast(&a->changed);
		}
		c = wait_for(a, number);
		if (!c)
			return false;
		memcpy((char *)buffer + done, c->bytes + inside, n);
		done += n;
	}
	return true;
}
