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
	*entry(at) =
		(struct shared_text){.text = copy, .index = text_hash(copy), .hash = hash, .next = *bucket};
	*bucket = at;
	used++;
	return at;
}

/* With so many references. */
static uint32_t get(const char *text, uint32_t references)
{
	uint32_t hash = hash_of(text), at;

	scoped_lock(&lock);
	if (used >= bucket_count && !grow() && !buckets)
		return NONE;
	for (at = buckets[hash & (bucket_count - 1)]; at != NONE; at = entry(at)->next)
		if (entry(at)->hash == hash && strcmp(entry(at)->text, text) == 0)
			break;
	if (at == NONE)
		at = add(text, hash);
	if (at != NONE)
		entry(at)->references += references;
	return at;
}

static void put(uint32_t number, uint32_t references)
{
	struct shared_text *s = entry(number);
	uint32_t *at;

	scoped_lock(&lock);
	s->references -= references;
	if (s->references > 0)
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

/* ------------------------------------------------------------------ stock */

/* Places in a stock; references that are taken at a time. */
#define PLACES 256
#define LOT    1024

struct stock {
	struct {
		uint32_t number;
		uint32_t left; /* references; while there is one, the text stays; 0: the place is free */
	} places[PLACES];
};

static _Thread_local struct stock *stock;

/* Most texts that are shared differ in what this takes. */
static unsigned place_of(const char *text)
{
	size_t len = strlen(text);
	uint64_t head = 0, tail = 0;

	if (len >= sizeof(head)) {
		memcpy(&head, text, sizeof(head));
		memcpy(&tail, text + len - sizeof(tail), sizeof(tail));
	} else {
		for (size_t i = 0; i < len; i++)
			head = head << 8 | (unsigned char)text[i];
	}
	return (unsigned)((head ^ tail << 1 ^ len) * UINT64_C(0x9E3779B97F4A7C15) >> 56);
}

static uint32_t get_from_stock(const char *text)
{
	unsigned i = place_of(text);
	uint32_t number = stock->places[i].number;

	if (stock->places[i].left > 1 && strcmp(shared_text(number), text) == 0) {
		stock->places[i].left--;
		return number;
	}
	if (stock->places[i].left > 0)
		put(number, stock->places[i].left);
	number = get(text, LOT);
	stock->places[i].number = number;
	stock->places[i].left = number == NONE ? 0 : LOT - 1;
	return number;
}

void shared_text_stock(void)
{
	if (!stock)
		stock = calloc(1, sizeof(*stock));
}

void shared_text_release(void)
{
	for (int i = 0; stock && i < PLACES; i++)
		if (stock->places[i].left > 0)
			put(stock->places[i].number, stock->places[i].left);
	free(stock);
	stock = NULL;
}

uint32_t shared_text_get(const char *text)
{
	return stock ? get_from_stock(text) : get(text, 1);
}

void shared_text_put(uint32_t number)
{
	put(number, 1);
}
