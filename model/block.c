/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: looking at what is in one, and their versions. See block.h. */
#include "model/block.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "model/block_internal.h"
#include "model/varint.h"

/* What was made; of objects that have been removed since, too. */
struct made {
	struct ref ref;
	uint32_t count;
	_Atomic(const struct object *) of[]; /* a reference each; NULL: not yet */
};

struct block {
	struct ref ref;
	uint32_t count;
	struct content *content;	/* owned reference */
	_Atomic(struct made *) made;	/* owned reference; NULL until somebody asks */
	uint64_t there[BLOCK_IDS / 64]; /* a bit for each of the content's objects */
};

static void made_destroy(struct ref *self)
{
	struct made *made = (struct made *)self;

	for (uint32_t i = 0; i < made->count; i++)
		object_unref(atomic_load_explicit(&made->of[i], memory_order_relaxed));
	free(made);
}

static void block_destroy(struct ref *self)
{
	struct block *b = (struct block *)self;

	ref_put((struct ref *)atomic_load_explicit(&b->made, memory_order_relaxed));
	ref_put(&b->content->ref);
	free(b);
}

struct block *block_of(struct content *content)
{
	struct block *b = content ? calloc(1, sizeof(*b)) : NULL;

	if (!b) {
		ref_put((struct ref *)content);
		return NULL;
	}
	ref_init(&b->ref, block_destroy);
	b->content = content;
	b->count = content->count;
	for (uint32_t i = 0; i < content->count; i++)
		b->there[i / 64] |= UINT64_C(1) << i % 64;
	return b;
}

struct columns {
	const struct content *content;
	const uint8_t *next;  /* what describes the next column */
	const uint8_t *place; /* the distances behind those of the column before */
};

static struct columns columns_of(const struct content *c)
{
	return (struct columns){c, c->bytes + c->columns, c->bytes + c->distances};
}

/* Reads the next column. Its distances are at *ret_place. */
static unsigned next_column(struct columns *c, int64_t *ret_base, const uint8_t **ret_place)
{
	uint8_t control = *c->next++;
	unsigned width = control & WIDTH_MASK;

	*ret_base = control & HAS_BASE ? varint_read(&c->next) : 0;
	if (control & HAS_PLACE) {
		*ret_place = c->content->bytes + c->content->distances + varint_read(&c->next);
		return width;
	}
	*ret_place = c->place;
	c->place += width * c->content->count;
	return width;
}

static int64_t number_at(unsigned width, int64_t base, const uint8_t *place, uint32_t i)
{
	uint64_t distance;

	if (!width)
		return base;
	memcpy(&distance, place + (size_t)i * width, sizeof(distance));
	distance = le64toh(distance) & UINT64_MAX >> (64 - 8 * width);
	return (int64_t)((uint64_t)base + distance);
}

/* The number of an object in the next column. */
static int64_t next_number(struct columns *c, uint32_t i)
{
	const uint8_t *place;
	int64_t base;
	unsigned width = next_column(c, &base, &place);

	return number_at(width, base, place, i);
}

/* The first object with a row id of @id or above; the number of objects if there is none. */
static uint32_t place_of(const struct content *c, int64_t id)
{
	struct columns columns = columns_of(c);
	const uint8_t *place;
	int64_t base;
	unsigned width = next_column(&columns, &base, &place);
	uint32_t from = 0, count = c->count;

	while (count > 0) {
		uint32_t middle = from + count / 2;

		if (c->first + middle + number_at(width, base, place, middle) < id) {
			count -= count / 2 + 1;
			from = middle + 1;
		} else {
			count /= 2;
		}
	}
	return from;
}

static int64_t id_at(const struct content *c, uint32_t i)
{
	struct columns columns = columns_of(c);

	return c->first + i + next_number(&columns, i);
}

static bool is_there(const struct block *b, uint32_t i)
{
	return b->there[i / 64] >> i % 64 & 1;
}

/* The place of the object with this row id; false: it is not there. */
static bool find_place(const struct block *b, int64_t id, uint32_t *ret)
{
	*ret = place_of(b->content, id);
	return *ret < b->content->count && is_there(b, *ret) && id_at(b->content, *ret) == id;
}

size_t block_count(const struct block *b)
{
	return b->count;
}

bool block_has(const struct block *b, int64_t id)
{
	uint32_t i;

	return find_place(b, id, &i);
}

int64_t block_next(const struct block *b, int64_t after)
{
	uint32_t i = place_of(b->content, after + 1);

	while (i < b->content->count && !is_there(b, i))
		i++;
	return i < b->content->count ? id_at(b->content, i) : 0;
}

/* Writes the uuid with this number at *to, and goes up. */
static void write_uuid(const struct content *c, int64_t number, char **to)
{
	uuid_unpack(c->bytes + c->uuids + number * UUID_BYTES, *to);
	(*to)[UUID_LEN] = '\0';
	*to += UUID_SIZE;
}

/* The text that begins with that of number @beginning; if it is not in the block as it is, it is written to *to. */
static const char *text_of(const struct content *c, int64_t beginning, int64_t end, char **to)
{
	const char *text = (const char *)c->bytes + c->texts, *written = *to;
	uint32_t offset;
	size_t len;

	memcpy(&offset, c->bytes + c->offsets + (size_t)beginning * sizeof(offset), sizeof(offset));
	text += offset;
	if (!end)
		return text;
	len = strlen(text);
	memcpy(*to, text, len);
	*to += len;
	write_uuid(c, c->count + end - 1, to);
	return written;
}

/* Sets a field, of which the columns are read. */
static void look_at_field(struct columns *columns, struct object *o, int field, const struct shape *shape,
			  uint32_t i, char **texts)
{
	const struct field *f = &o->kind->fields[field];
	int64_t number = next_number(columns, i), end = field_is_integer(f) ? 0 : next_number(columns, i);

	if (shape->nulls >> field & 1)
		return;
	if (shape->left >> field & 1)
		object_leave_str(o, field);
	else if (!field_is_integer(f))
		object_borrow_str(o, field, text_of(columns->content, number, end, texts));
	else if (f->type == FIELD_DATE)
		object_set_int(o, field, (int64_t)((uint64_t)number + (uint64_t)o->changed));
	else
		object_set_int(o, field, number);
}

static const struct object *look(const struct content *c, uint32_t i, struct block_row *room)
{
	struct object *o = object_borrowing_at(room->object, c->kind);
	struct columns columns = columns_of(c);
	int64_t times[FIELDS_MAX];
	char *texts = room->texts, *uuid = texts;
	const char *pattern;
	struct shape shape;

	o->id = c->first + i + next_number(&columns, i);
	o->changed = next_number(&columns, i);
	memcpy(&shape, c->bytes + (size_t)next_number(&columns, i) * sizeof(shape), sizeof(shape));
	pattern = (const char *)c->bytes + c->patterns +
		  (size_t)next_number(&columns, i) * (size_t)c->kind->field_count;
	for (uint32_t k = 0; k < c->time_count; k++)
		times[k] = (int64_t)((uint64_t)next_number(&columns, i) + (uint64_t)o->changed);
	write_uuid(c, i, &texts);
	object_borrow_str(o, FIELD_UUID, uuid);
	for (int f = FIELD_UUID + 1; f < c->kind->field_count; f++)
		look_at_field(&columns, o, f, &shape, i, &texts);
	for (int f = 0; f < c->kind->field_count; f++)
		object_set_time(o, f, times[(uint8_t)pattern[f]]);
	return o;
}

const struct object *block_look(const struct block *b, int64_t id, struct block_row *room)
{
	return look(b->content, place_of(b->content, id), room);
}

/* What the block makes is kept there. NULL when memory is short. */
static struct made *made_of(struct block *b)
{
	struct made *made = atomic_load_explicit(&b->made, memory_order_acquire), *other = NULL;

	if (made)
		return made;
	made = calloc(1, sizeof(*made) + b->content->count * sizeof(made->of[0]));
	if (!made)
		return NULL;
	ref_init(&made->ref, made_destroy);
	made->count = b->content->count;
	if (atomic_compare_exchange_strong_explicit(&b->made, &other, made, memory_order_acq_rel,
						    memory_order_acquire))
		return made;
	ref_put(&made->ref);
	return other;
}

const struct object *block_get(struct block *b, int64_t id)
{
	const struct object *o, *other = NULL;
	struct made *made;
	struct block_row room;
	uint32_t i;

	if (!find_place(b, id, &i))
		return NULL;
	made = made_of(b);
	if (!made)
		return NULL;
	o = atomic_load_explicit(&made->of[i], memory_order_acquire);
	if (o)
		return o;
	o = object_pack(look(b->content, i, &room));
	if (!o || atomic_compare_exchange_strong_explicit(&made->of[i], &other, o, memory_order_acq_rel,
							  memory_order_acquire))
		return o;
	object_unref(o);
	return other;
}

/* A block with the same objects, which has made nothing. */
static struct block *block_copy(const struct block *b)
{
	struct block *copy;

	ref_get(&b->content->ref);
	copy = block_of(b->content);
	if (!copy)
		return NULL;
	copy->count = b->count;
	memcpy(copy->there, b->there, sizeof(copy->there));
	return copy;
}

struct block *block_without(struct block *b, int64_t id)
{
	struct block *copy = block_copy(b);
	struct made *made = atomic_load_explicit(&b->made, memory_order_acquire);
	uint32_t i;

	if (!copy || !find_place(b, id, &i))
		return copy;
	ref_get((struct ref *)made);
	atomic_init(&copy->made, made);
	copy->there[i / 64] &= ~(UINT64_C(1) << i % 64);
	copy->count--;
	return copy;
}

struct block *block_rested(struct block *b)
{
	return atomic_load_explicit(&b->made, memory_order_relaxed) ? block_copy(b) : NULL;
}
