/* SPDX-License-Identifier: Apache-2.0 */
/* See block_draft.h. */
#include "model/block_draft.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "model/block_internal.h"
#include "model/compressed.h"
#include "model/varint.h"

/* A text that begins with more is not taken apart. */
#define BEGINNING_MAX 64

/* Things that are found again by their bytes, one after the other. */
#define FOUND_SLOTS 2048
#define FOUND_MAX   (FOUND_SLOTS / 2)
struct found {
	uint32_t count;
	uint32_t end;		     /* a NUL follows each thing: 1 */
	char *bytes;		     /* owned */
	size_t room;		     /* of them */
	uint32_t at[FOUND_MAX + 1];  /* where each begins, and the last one ends */
	uint16_t slots[FOUND_SLOTS]; /* one more than the number of a thing; 0: free */
};

/* The most columns: id, changed, shape, pattern; times, numbers or beginnings of texts, uuids. */
#define COLUMNS_MAX (4 + 3 * FIELDS_MAX)

/* Large; only what is used is written. */
struct block_draft {
	const struct kind *kind;
	size_t count;
	int64_t first;
	uint8_t uuids[BLOCK_IDS][UUID_BYTES];	      /* of the objects */
	struct found shapes, others, patterns, texts; /* others: uuids at the ends of texts */
	uint32_t time_count;
	int64_t ids[BLOCK_IDS], changed[BLOCK_IDS], shape[BLOCK_IDS], pattern[BLOCK_IDS];
	int64_t times[FIELDS_MAX][BLOCK_IDS];	/* distinct ones, counted from the object's last change */
	int64_t numbers[FIELDS_MAX][BLOCK_IDS]; /* or beginnings of texts */
	int64_t ends[FIELDS_MAX][BLOCK_IDS];	/* one more than the number of a uuid; 0: none */
	uint8_t *columns, *distances;		/* the ends of what is written */
	const uint8_t *places[COLUMNS_MAX];	/* of distances that can be had in common */
	unsigned place_count;
	uint8_t columns_room[COLUMNS_MAX * (1 + 2 * VARINT_SIZE)];
	uint8_t distances_room[COLUMNS_MAX * BLOCK_IDS * sizeof(uint64_t)];
};

static void found_clear(struct found *found)
{
	found->count = 0;
	found->at[0] = 0;
	memset(found->slots, 0, sizeof(found->slots));
}

/* Appends a thing. Its number; -1: there is no room. */
static int64_t found_add(struct found *found, const void *thing, size_t len)
{
	size_t at = found->at[found->count], end = at + len + found->end;

	if (found->count == FOUND_MAX || end > UINT32_MAX / 2)
		return -1;
	if (end > found->room) {
		char *grown = realloc(found->bytes, 2 * end);

		if (!grown)
			return -1;
		found->bytes = grown;
		found->room = 2 * end;
	}
	memcpy(found->bytes + at, thing, len);
	if (found->end)
		found->bytes[end - 1] = '\0';
	found->at[found->count + 1] = (uint32_t)end;
	return found->count++;
}

/* The number of a thing, which is added if it is new. -1: there is no room. */
static int64_t find(struct found *found, const void *thing, size_t len)
{
	uint64_t hash = len, word = 0;
	size_t i = 0;
	uint32_t at;
	int64_t number;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, (const char *)thing + i, sizeof(word));
		hash = (hash ^ word ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15);
	}
	word = 0;
	if (i < len)
		memcpy(&word, (const char *)thing + i, len - i);
	hash = (hash ^ word ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15);
	for (at = (uint32_t)(hash >> 40) % FOUND_SLOTS; found->slots[at]; at = (at + 1) % FOUND_SLOTS) {
		uint32_t k = found->slots[at] - 1U;

		if (found->at[k + 1] - found->at[k] == len + found->end &&
		    memcmp(found->bytes + found->at[k], thing, len) == 0)
			return k;
	}
	number = found_add(found, thing, len);
	if (number >= 0)
		found->slots[at] = (uint16_t)(number + 1);
	return number;
}

static void empty_draft(struct block_draft *d)
{
	d->count = 0;
	d->time_count = 0;
	found_clear(&d->shapes);
	found_clear(&d->others);
	found_clear(&d->patterns);
	found_clear(&d->texts);
}

struct block_draft *block_draft_new(const struct kind *kind)
{
	struct block_draft *d = malloc(sizeof(*d));

	if (!d)
		return NULL;
	d->kind = kind;
	d->shapes = d->others = d->patterns = (struct found){0};
	d->texts = (struct found){.end = 1};
	empty_draft(d);
	return d;
}

void block_draft_free(struct block_draft *d)
{
	if (!d)
		return;
	free(d->shapes.bytes);
	free(d->others.bytes);
	free(d->patterns.bytes);
	free(d->texts.bytes);
	free(d);
}

size_t block_draft_count(const struct block_draft *d)
{
	return d->count;
}

/* Takes a text apart. @left: the bytes that look() has left for texts of the object. */
static bool add_text(struct block_draft *d, const struct object *o, int field, size_t *left)
{
	bool is_long = d->kind->fields[field].flags & F_COMPRESSED;
	const char *text = is_long ? object_compressed(o, field) : object_str(o, field);
	size_t len = is_long ? compressed_size(text) : strlen(text);
	uint8_t uuid[UUID_BYTES];
	int64_t end = -1;

	if (!is_long && len >= UUID_LEN && len <= UUID_LEN + BEGINNING_MAX && len < *left &&
	    uuid_pack(text + len - UUID_LEN, uuid))
		end = find(&d->others, uuid, UUID_BYTES);
	if (end >= 0) {
		*left -= len + 1;
		len -= UUID_LEN;
	}
	d->ends[field][d->count] = end + 1;
	d->numbers[field][d->count] = find(&d->texts, text, len);
	return d->numbers[field][d->count] >= 0;
}

static int64_t since(const struct object *o, int64_t ns)
{
	return (int64_t)((uint64_t)ns - (uint64_t)o->changed);
}

static bool add_fields(struct block_draft *d, const struct object *o)
{
	struct shape shape = {.nulls = o->nulls & ~OBJECT_FLAGS};
	size_t i = d->count, left = BLOCK_TEXTS - UUID_SIZE;

	for (int f = FIELD_UUID + 1; f < d->kind->field_count; f++) {
		const struct field *field = &d->kind->fields[f];

		d->numbers[f][i] = d->ends[f][i] = 0;
		if (object_is_null(o, f))
			continue;
		if (object_text_has_left(o, f))
			shape.left |= UINT64_C(1) << f;
		else if (field->type == FIELD_DATE)
			d->numbers[f][i] = since(o, object_int(o, f));
		else if (field_is_integer(field))
			d->numbers[f][i] = object_int(o, f);
		else if (!add_text(d, o, f, &left))
			return false;
	}
	d->shape[i] = find(&d->shapes, &shape, sizeof(shape));
	return d->shape[i] >= 0;
}

static bool add_times(struct block_draft *d, const struct object *o)
{
	char pattern[FIELDS_MAX];
	size_t i = d->count;
	uint32_t count = 0, k;

	for (int f = 0; f < d->kind->field_count; f++) {
		int64_t time = since(o, object_time(o, f));

		for (k = 0; k < count && d->times[k][i] != time; k++)
			;
		if (k == count)
			d->times[count++][i] = time;
		pattern[f] = (char)k;
	}
	for (; d->time_count < count; d->time_count++)
		memset(d->times[d->time_count], 0, i * sizeof(d->times[0][0]));
	for (; count < d->time_count; count++)
		d->times[count][i] = 0;
	d->pattern[i] = find(&d->patterns, pattern, (size_t)d->kind->field_count);
	return d->pattern[i] >= 0;
}

bool block_draft_add(struct block_draft *d, const struct object *o)
{
	size_t i = d->count;

	if (i == BLOCK_IDS || !object_rests(o) || strlen(object_uuid(o)) != UUID_LEN ||
	    !uuid_pack(object_uuid(o), d->uuids[i]) || !add_fields(d, o) || !add_times(d, o))
		return false;
	if (i == 0)
		d->first = o->id;
	d->ids[i] = o->id - d->first - (int64_t)i;
	d->changed[i] = o->changed;
	d->count++;
	return true;
}

/* Where these distances have been written already, for a column before; @own if for none. */
static const uint8_t *find_distances(const struct block_draft *d, const uint8_t *own, size_t size)
{
	for (unsigned i = 0; i < d->place_count; i++)
		if ((size_t)(own - d->places[i]) >= size && memcmp(d->places[i], own, size) == 0)
			return d->places[i];
	return own;
}

static void make_column(struct block_draft *d, const int64_t *numbers)
{
	uint8_t *control = d->columns++, *own = d->distances;
	const uint8_t *place = own;
	int64_t base = numbers[0];
	uint64_t largest = 0;
	unsigned width = 0;

	for (size_t i = 1; i < d->count; i++)
		base = numbers[i] < base ? numbers[i] : base;
	for (size_t i = 0; i < d->count; i++)
		largest |= (uint64_t)numbers[i] - (uint64_t)base;
	for (; largest; largest >>= 8)
		width++;
	for (size_t i = 0; i < d->count && width; i++) {
		uint64_t distance = htole64((uint64_t)numbers[i] - (uint64_t)base);

		memcpy(own + i * width, &distance, width);
	}
	if (width)
		place = find_distances(d, own, width * d->count);
	*control = (uint8_t)(width | (base ? HAS_BASE : 0) | (place != own ? HAS_PLACE : 0));
	if (base)
		d->columns = varint_write(d->columns, base);
	if (place != own) {
		d->columns = varint_write(d->columns, place - d->distances_room);
	} else if (width) {
		d->places[d->place_count++] = own;
		d->distances += width * d->count;
	}
}

static void make_columns(struct block_draft *d)
{
	d->columns = d->columns_room;
	d->distances = d->distances_room;
	d->place_count = 0;
	make_column(d, d->ids);
	make_column(d, d->changed);
	make_column(d, d->shape);
	make_column(d, d->pattern);
	for (uint32_t k = 0; k < d->time_count; k++)
		make_column(d, d->times[k]);
	for (int f = FIELD_UUID + 1; f < d->kind->field_count; f++) {
		make_column(d, d->numbers[f]);
		if (!field_is_integer(&d->kind->fields[f]))
			make_column(d, d->ends[f]);
	}
}

static void content_destroy(struct ref *self)
{
	free(self);
}

static uint8_t *write_bytes(uint8_t *at, const void *bytes, size_t size)
{
	if (size)
		memcpy(at, bytes, size);
	return at + size;
}

static size_t found_size(const struct found *found)
{
	return found->at[found->count];
}

static struct content *make_content(const struct block_draft *d)
{
	size_t columns = (size_t)(d->columns - d->columns_room),
	       distances = (size_t)(d->distances - d->distances_room),
	       offsets = d->texts.count * sizeof(d->texts.at[0]),
	       size = found_size(&d->shapes) + (d->count * UUID_BYTES) + found_size(&d->others) + offsets +
		      found_size(&d->texts) + found_size(&d->patterns) + columns + distances + SLACK;
	struct content *c = malloc(sizeof(*c) + size);
	uint8_t *at;

	if (!c)
		return NULL;
	*c = (struct content){
		.kind = d->kind, .first = d->first, .count = (uint32_t)d->count, .time_count = d->time_count};
	ref_init(&c->ref, content_destroy);
	at = write_bytes(c->bytes, d->shapes.bytes, found_size(&d->shapes));
	c->uuids = (uint32_t)(at - c->bytes);
	at = write_bytes(at, d->uuids, d->count * UUID_BYTES);
	at = write_bytes(at, d->others.bytes, found_size(&d->others));
	c->offsets = (uint32_t)(at - c->bytes);
	at = write_bytes(at, d->texts.at, offsets);
	c->texts = (uint32_t)(at - c->bytes);
	at = write_bytes(at, d->texts.bytes, found_size(&d->texts));
	c->patterns = (uint32_t)(at - c->bytes);
	at = write_bytes(at, d->patterns.bytes, found_size(&d->patterns));
	c->columns = (uint32_t)(at - c->bytes);
	at = write_bytes(at, d->columns_room, columns);
	c->distances = (uint32_t)(at - c->bytes);
	at = write_bytes(at, d->distances_room, distances);
	memset(at, 0, SLACK);
	return c;
}

struct block *block_draft_end(struct block_draft *d)
{
	struct block *b;

	if (!d->count)
		return NULL;
	make_columns(d);
	b = block_of(make_content(d));
	empty_draft(d);
	return b;
}
