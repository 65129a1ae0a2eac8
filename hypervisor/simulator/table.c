/* SPDX-License-Identifier: Apache-2.0 */
/* See table.h. */
#include "hypervisor/simulator/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64

/* FNV-1a */
static size_t hash(const char *uuid)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *uuid; uuid++)
		h = (h ^ (unsigned char)*uuid) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static struct entry **bucket_of(const struct table *t, const char *uuid)
{
	return &t->buckets[hash(uuid) & (t->room - 1)];
}

struct entry *table_find(const struct table *t, const char *uuid)
{
	struct entry *entry = t->room ? *bucket_of(t, uuid) : NULL;

	while (entry && strcmp(entry->uuid, uuid) != 0)
		entry = entry->next;
	return entry;
}

/* Twice the buckets. */
static int grow(struct table *t)
{
	struct table bigger = {.room = t->room ? t->room * 2 : ROOM_FIRST, .count = t->count};

	bigger.buckets = calloc(bigger.room, sizeof(struct entry *));
	if (!bigger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->room; i++)
		for (struct entry *entry = t->buckets[i], *next; entry; entry = next) {
			struct entry **bucket = bucket_of(&bigger, entry->uuid);

			next = entry->next;
			entry->next = *bucket;
			*bucket = entry;
		}
	free(t->buckets);
	*t = bigger;
	return 0;
}

int table_add(struct table *t, struct entry *entry)
{
	struct entry **bucket;

	/* a table that cannot grow is only slower */
	if (t->count >= t->room && grow(t) < 0 && !t->room)
		return -ENOMEM;
	bucket = bucket_of(t, entry->uuid);
	entry->next = *bucket;
	*bucket = entry;
	t->count++;
	return 0;
}

void table_remove(struct table *t, struct entry *entry)
{
	struct entry **at = bucket_of(t, entry->uuid);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	t->count--;
}

void table_clear(struct table *t, void (*done)(struct entry *entry))
{
	for (size_t i = 0; i < t->room; i++)
		for (struct entry *entry = t->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			done(entry);
		}
	free(t->buckets);
	*t = (struct table){0};
}
