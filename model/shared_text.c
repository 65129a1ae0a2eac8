/* SPDX-License-Identifier: Apache-2.0 */
/* See shared_text.h. A hash table whose buckets are lists of numbers. */
#include "model/shared_text.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/text_hash.h"

#define NONE SHARED_TEXT_NONE

struct shared_text *shared_text_segments[SHARED_TEXT_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t *buckets;      /* lock; the first entry of each list, or NONE */
static uint32_t bucket_count;  /* lock; a power of two, or 0 */
static uint32_t entry_count;   /* lock; given out or in `unused` */
static uint32_t used;	       /* lock; texts */
static uint32_t unused = NONE; /* lock; the first of a list of free entries */
/* Random, so that nobody can choose long lists. Immutable after key_init(). */
static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static struct shared_text *entry(uint32_t number)
{
	return &shared_text_segments[number / SHARED_TEXT_SEGMENT][number % SHARED_TEXT_SEGMENT];
}

static void key_init(void)
{
	if (sodium_init() < 0)
		abort(); /* no source of random numbers */
	randombytes_buf(hash_key, sizeof(hash_key));
}

static uint32_t hash_of(const char *text)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint32_t hash;

	pthread_once(&key_once, key_init);
	crypto_shorthash(out, (const unsigned char *)text, strlen(text), hash_key);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

/* Twice as many buckets, or the first. False when memory is short. */
static bool grow(void)
{
	uint32_t count = bucket_count ? 2 * bucket_count : 64;
	uint32_t *grown = malloc(count * sizeof(*grown));

	if (!grown)
		return false;
	for (uint32_t i = 0; i < count; i++)
		grown[i] = NONE;
	for (uint32_t i = 0; i < bucket_count; i++)
		for (uint32_t at = buckets[i], next; at != NONE; at = next) {
			struct shared_text *s = entry(at);

			next = s->next;
			s->next = grown[s->hash & (count - 1)];
			grown[s->hash & (count - 1)] = at;
		}
	free(buckets);
	buckets = grown;
	bucket_count = count;
	return true;
}

/* A free entry; NONE when there is no room for one. */
static uint32_t take_entry(void)
{
	uint32_t at = unused;

	if (at != NONE) {
		unused = entry(at)->next;
		return at;
	}
	at = entry_count;
	if (at / SHARED_TEXT_SEGMENT == SHARED_TEXT_MAX)
		return NONE;
	if (at % SHARED_TEXT_SEGMENT == 0) {
		struct shared_text *segment = malloc(SHARED_TEXT_SEGMENT * sizeof(*segment));

		if (!segment)
			return NONE;
		shared_text_segments[at / SHARED_TEXT_SEGMENT] = segment;
	}
	entry_count++;
	return at;
}

static uint32_t add(const char *text, uint32_t hash)
{
	char *copy = strdup(text);
	uint32_t at = copy ? take_entry() : NONE, *bucket = &buckets[hash & (bucket_count - 1)];

	if (at == NONE) {
		free(copy);
		return NONE;
	}
	*entry(at) = (struct shared_text){
		.text = copy, .index = text_hash(copy), .hash = hash, .references = 1, .next = *bucket};
	*bucket = at;
	used++;
	return at;
}

uint32_t shared_text_get(const char *text)
{
	uint32_t hash = hash_of(text);

	scoped_lock(&lock);
	if (used >= bucket_count && !grow() && !buckets)
		return NONE;
	for (uint32_t at = buckets[hash & (bucket_count - 1)]; at != NONE; at = entry(at)->next)
		if (entry(at)->hash == hash && strcmp(entry(at)->text, text) == 0) {
			entry(at)->references++;
			return at;
		}
	return add(text, hash);
}

void shared_text_put(uint32_t number)
{
	struct shared_text *s = entry(number);
	uint32_t *at;

	scoped_lock(&lock);
	if (--s->references > 0)
		return;
	for (at = &buckets[s->hash & (bucket_count - 1)]; *at != number;)
		at = &entry(*at)->next;
	*at = s->next;
	free(s->text);
	s->text = NULL;
	s->next = unused;
	unused = number;
	used--;
}
