/* SPDX-License-Identifier: Apache-2.0 */
/* See keep_index.h. */
#include "model/keep_index.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Values longer than SMALL, which programs choose, leave the rest for those without which nothing goes on: handles,
 * requests, what the kernel was given.
 */
#define ROOM_LARGE(room) ((room) / 3 * 2)
#define SMALL		 4096

int keep_index_init(struct keep_index *index, uint64_t most)
{
	*index = (struct keep_index){.most = most};
	return keep_index_grow(index);
}

void keep_index_done(struct keep_index *index)
{
	free(index->places);
}

static size_t hash(uint16_t type, uint64_t id)
{
	uint64_t h = (id + type) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h ^ h >> 29);
}

struct keep_place *keep_index_find(const struct keep_index *index, uint16_t type, uint64_t id)
{
	for (size_t i = hash(type, id);; i++) {
		struct keep_place *p = &index->places[i & (index->room - 1)];

		if (!p->type)
			return NULL;
		if (p->type == type && p->id == id)
			return p;
	}
}

struct keep_place *keep_index_next(const struct keep_index *index, const struct keep_place *place)
{
	for (size_t i = place ? (size_t)(place - index->places) + 1 : 0; i < index->room; i++)
		if (index->places[i].type)
			return &index->places[i];
	return NULL;
}

/* Puts @place into a table that has room and does not have it. */
static void insert(struct keep_place *places, size_t room, const struct keep_place *place)
{
	size_t i = hash(place->type, place->id) & (room - 1);

	while (places[i].type)
		i = (i + 1) & (room - 1);
	places[i] = *place;
}

int keep_index_grow(struct keep_index *index)
{
	size_t room = 1024;
	struct keep_place *grown;

	if (index->used + index->reserved_count + 1 < index->room / 4 * 3)
		return 0;
	while (room < 4 * (index->used + index->reserved_count))
		room *= 2;
	grown = calloc(room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (const struct keep_place *p = NULL; (p = keep_index_next(index, p));)
		insert(grown, room, p);
	free(index->places);
	index->places = grown;
	index->room = room;
	return 0;
}

int keep_index_check_room(struct keep_index *index, uint64_t len, uint64_t size)
{
	if (index->valid + index->reserved + size > (len > SMALL ? ROOM_LARGE(index->most) : index->most))
		return -ENOSPC;
	return keep_index_grow(index);
}

void keep_index_reserve(struct keep_index *index, uint64_t bytes)
{
	index->reserved += bytes;
	index->reserved_count++;
}

void keep_index_unreserve(struct keep_index *index, uint64_t bytes, size_t count)
{
	index->reserved -= bytes;
	index->reserved_count -= count;
}

/* Counts the bytes of a value as valid. */
static void count_value(struct keep_index *index, const struct keep_place *p)
{
	index->valid += p->bytes;
	index->waste += p->waste;
	if (p->type < KEEP_TYPES)
		index->bytes[p->type] += p->bytes;
}

/* They are out of date. */
static void discount_value(struct keep_index *index, const struct keep_place *p)
{
	index->valid -= p->bytes;
	index->waste -= p->waste;
	if (p->type < KEEP_TYPES)
		index->bytes[p->type] -= p->bytes;
}

void keep_index_put(struct keep_index *index, const struct keep_place *place)
{
	struct keep_place *former = keep_index_find(index, place->type, place->id);

	count_value(index, place);
	if (former) {
		discount_value(index, former);
		*former = *place;
		return;
	}
	insert(index->places, index->room, place);
	index->used++;
}

void keep_index_remove(struct keep_index *index, struct keep_place *place)
{
	const size_t mask = index->room - 1;
	size_t hole = (size_t)(place - index->places);

	discount_value(index, place);
	/* A search ends at the first free place: what would be found behind this one moves up. */
	for (size_t i = (hole + 1) & mask; index->places[i].type; i = (i + 1) & mask) {
		const struct keep_place *p = &index->places[i];
		size_t way = (i - hash(p->type, p->id)) & mask;

		if (way < ((i - hole) & mask))
			continue;
		index->places[hole] = *p;
		hole = i;
	}
	index->places[hole].type = 0;
	index->used--;
}
