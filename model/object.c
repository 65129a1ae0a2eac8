/* SPDX-License-Identifier: Apache-2.0 */
/* See object.h. */
#include "model/object.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/compressed.h"
#include "model/text_hash.h"

/* ----------------------------------------------------------- editable form */

static int64_t *edited_times(const struct object *o)
{
	return (int64_t *)(uintptr_t)(o->content + o->kind->field_count);
}

static void edited_destroy(struct ref *self)
{
	struct object *o = (struct object *)self;

	for (int i = 0; i < o->kind->field_count; i++)
		if (!field_is_integer(&o->kind->fields[i]))
			free(object_value(o, i)->s);
	document_unref(atomic_load_explicit(&o->inventory, memory_order_relaxed));
	free(o);
}

struct object *object_new(const struct kind *kind)
{
	size_t values = (size_t)kind->field_count;
	struct object *o = calloc(1, sizeof(*o) + 2 * values * sizeof(o->content[0]));

	if (!o)
		return NULL;
	ref_init(&o->ref, edited_destroy);
	o->kind = kind;
	o->nulls = ~(OBJECT_BROKEN | OBJECT_PACKED);
	return o;
}

/* An object whose texts are not its own. */
static void borrowing_destroy(struct ref *self)
{
	free(self);
}

struct object *object_new_borrowing(const struct kind *kind)
{
	struct object *o = object_new(kind);

	if (o)
		o->ref.destroy = borrowing_destroy;
	return o;
}

/* An editable copy; @leave: without the texts that leave memory, which nobody may edit then. */
static struct object *copy_of(const struct object *o, bool leave)
{
	struct object *copy = object_new(o->kind);

	if (!copy)
		return NULL;
	copy->id = o->id;
	copy->changed = o->changed;
	for (int i = 0; i < o->kind->field_count; i++) {
		object_set_time(copy, i, object_time(o, i));
		if (object_is_null(o, i))
			continue;
		if (field_is_integer(&o->kind->fields[i])) {
			object_set_int(copy, i, object_int(o, i));
		} else if (leave && (o->kind->fields[i].flags & F_LEAVES)) {
			object_leave_str(copy, i);
		} else if (o->kind->fields[i].flags & F_COMPRESSED) {
			object_value(copy, i)->s = object_long_text(o, i);
			if (object_value(copy, i)->s)
				copy->nulls &= ~(1ULL << i);
			else
				object_set_broken(copy);
		} else {
			object_set_str(copy, i, object_str(o, i));
		}
	}
	if (object_is_broken(copy)) {
		object_unref(copy);
		return NULL;
	}
	return copy;
}

struct object *object_copy(const struct object *o)
{
	return copy_of(o, false);
}

int object_recall(const struct object *o, uint64_t fields, const struct object **ret, struct error *e)
{
	bool left = false;
	int r;

	for (int i = 0; i < o->kind->field_count; i++)
		left |= (!fields || fields >> i & 1) && object_text_has_left(o, i);
	*ret = left ? object_copy(o) : object_ref(o);
	if (*ret)
		return 0;
	r = object_check_texts(o, e);
	return r < 0 ? r : error_oom(e);
}

/* ------------------------------------------------------------- packed form */

static void packed_destroy(struct ref *self)
{
	struct object *o = (struct object *)self;

	for (int i = 0; i < o->kind->field_count; i++)
		if ((o->kind->fields[i].flags & F_SHARED) && !object_is_null(o, i) &&
		    (object_slot(o, i) & OBJECT_ELSEWHERE))
			shared_text_put(object_slot(o, i) & ~OBJECT_ELSEWHERE);
	document_unref(atomic_load_explicit(&o->inventory, memory_order_relaxed));
	free(o);
}

/* The offsets of the times' numbers and of the numbers of a packed object. */
static size_t times_offset(const struct object *o)
{
	return sizeof(*o) + (size_t)__builtin_popcountll(~o->nulls & ~OBJECT_BROKEN) * sizeof(uint32_t);
}

static size_t numbers_offset(const struct object *o)
{
	return (times_offset(o) + (size_t)o->kind->field_count + sizeof(int64_t) - 1) &
	       ~(sizeof(int64_t) - 1);
}

/* What is to be packed. */
struct packing {
	const struct object *from;
	int64_t numbers[2 * FIELDS_MAX]; /* distinct */
	size_t number_count;
	uint8_t times[FIELDS_MAX];   /* the number of each field's time */
	uint32_t shared[FIELDS_MAX]; /* number of the shared text, or SHARED_TEXT_NONE */
	size_t lens[FIELDS_MAX];     /* of the other texts */
	size_t text_size;
};

/* The place of @number among the numbers, to which it is added. */
static size_t place_of(struct packing *p, int64_t number)
{
	size_t i = 0;

	while (i < p->number_count && p->numbers[i] != number)
		i++;
	if (i == p->number_count)
		p->numbers[p->number_count++] = number;
	return i;
}

static bool is_small(int64_t number)
{
	return number >= 0 && number < OBJECT_ELSEWHERE;
}

/* The bytes that a text takes at most; a NUL comes before a compressed one. */
static size_t text_bound(const struct field *f, size_t len)
{
	return f->flags & F_COMPRESSED ? 1 + compressed_bound(len) : len + 1;
}

/* Returns the bytes that it takes. */
static size_t pack_text(const struct field *f, const char *text, size_t len, char *ret)
{
	if (f->flags & F_COMPRESSED) {
		ret[0] = '\0';
		return 1 + compressed_write(text, len, ret + 1);
	}
	memcpy(ret, text, len + 1);
	return len + 1;
}

/* Sets all members but `from`. */
static void gather(struct packing *p)
{
	const struct object *o = p->from;
	const int64_t *times = edited_times(o);

	p->number_count = p->text_size = 0;
	for (int i = 0; i < o->kind->field_count; i++) {
		const struct field *f = &o->kind->fields[i];
		const char *text;

		p->shared[i] = SHARED_TEXT_NONE;
		p->times[i] =
			i > 0 && times[i] == times[i - 1] ? p->times[i - 1] : (uint8_t)place_of(p, times[i]);
		if (object_is_null(o, i))
			continue;
		if (field_is_integer(f)) {
			if (!is_small(object_value(o, i)->i))
				(void)place_of(p, object_value(o, i)->i);
			continue;
		}
		text = object_value(o, i)->s;
		if (!text)
			continue;
		if (f->flags & F_SHARED)
			p->shared[i] = shared_text_get(text);
		if (p->shared[i] != SHARED_TEXT_NONE)
			continue;
		p->lens[i] = strlen(text);
		p->text_size += text_bound(f, p->lens[i]);
	}
}

static uint32_t pack_number(struct packing *p, const struct object *packed, int64_t number)
{
	return is_small(number) ? (uint32_t)number
				: (uint32_t)(numbers_offset(packed) + place_of(p, number) * sizeof(number)) |
					  OBJECT_ELSEWHERE;
}

/* Gives back what compressed texts did not need of a packed object that nobody else has yet. */
static const struct object *shrink(struct object *packed, size_t needed, size_t size)
{
	struct object *shrunk = needed < size ? realloc(packed, needed) : packed;

	return shrunk ? shrunk : packed;
}

/* Fills the slots and texts of @packed, whose header is complete; returns the end of the texts. */
static size_t pack_values(struct packing *p, struct object *packed)
{
	const struct object *o = p->from;
	uint32_t *slot = (uint32_t *)packed->content;
	size_t text = numbers_offset(packed) + p->number_count * sizeof(p->numbers[0]);

	for (int i = 0; i < o->kind->field_count; i++) {
		if (object_is_null(o, i))
			continue;
		if (field_is_integer(&o->kind->fields[i])) {
			*slot++ = pack_number(p, packed, object_value(o, i)->i);
		} else if (p->shared[i] != SHARED_TEXT_NONE) {
			*slot++ = p->shared[i] | OBJECT_ELSEWHERE;
		} else if (!object_value(o, i)->s) {
			*slot++ = OBJECT_ELSEWHERE;
		} else {
			*slot++ = (uint32_t)text;
			text += pack_text(&o->kind->fields[i], object_value(o, i)->s, p->lens[i],
					  (char *)packed + text);
		}
	}
	return text;
}

const struct object *object_pack(const struct object *o)
{
	struct object *packed, header = {.kind = o->kind, .nulls = o->nulls | OBJECT_PACKED};
	struct packing p;
	size_t size;

	if (o->nulls & OBJECT_PACKED)
		return object_ref(o);
	p.from = o;
	gather(&p);
	size = numbers_offset(&header) + p.number_count * sizeof(p.numbers[0]) + p.text_size;
	packed = size < OBJECT_ELSEWHERE ? malloc(size) : NULL;
	if (!packed) {
		for (int i = 0; i < o->kind->field_count; i++)
			if (p.shared[i] != SHARED_TEXT_NONE)
				shared_text_put(p.shared[i]);
		return NULL;
	}
	ref_init(&packed->ref, packed_destroy);
	packed->kind = o->kind;
	packed->id = o->id;
	packed->changed = o->changed;
	packed->nulls = header.nulls;
	atomic_init(&packed->inventory, NULL);
	memcpy((char *)packed + times_offset(packed), p.times, (size_t)o->kind->field_count);
	memcpy((char *)packed + numbers_offset(packed), p.numbers, p.number_count * sizeof(p.numbers[0]));
	return shrink(packed, pack_values(&p, packed), size);
}

const struct object *object_leave(const struct object *o)
{
	_cleanup_object_ struct object *copy = NULL;

	if (!object_has_ended(o) || object_texts_have_left(o))
		return object_pack(o);
	copy = copy_of(o, true);
	return copy ? object_pack(copy) : NULL;
}

int64_t object_time(const struct object *o, int field)
{
	uint8_t number;

	if (!(o->nulls & OBJECT_PACKED))
		return edited_times(o)[field];
	number = ((const uint8_t *)o)[times_offset(o) + (size_t)field];
	return ((const int64_t *)(const void *)((const char *)o + numbers_offset(o)))[number];
}

/* -------------------------------------------------------------- both forms */

const struct object *object_ref(const struct object *o)
{
	if (o)
		ref_get(&o->ref);
	return o;
}

void object_unref(const struct object *o)
{
	if (o)
		ref_put(&o->ref);
}

uint64_t object_text_hash(const struct object *o, int field)
{
	uint32_t slot = o->nulls & OBJECT_PACKED ? object_slot(o, field) : 0;

	return slot & OBJECT_ELSEWHERE ? shared_text_hash(slot & ~OBJECT_ELSEWHERE)
				       : text_hash(object_str(o, field));
}

const char *object_name(const struct object *o)
{
	const char *name = o->kind->name_field >= 0 ? object_str(o, o->kind->name_field) : NULL;

	return name ? name : object_uuid(o);
}

bool object_has_ended(const struct object *o)
{
	return o->kind->end_field >= 0 && !object_is_null(o, o->kind->end_field);
}

bool object_texts_have_left(const struct object *o)
{
	for (int i = 0; i < o->kind->field_count && object_has_ended(o); i++)
		if (object_text_has_left(o, i))
			return true;
	return false;
}

int object_read_text(const struct object *o, int field, char **ret_text)
{
	const char *text = object_text_in_memory(o, field);

	*ret_text = NULL;
	if (!text)
		return 0;
	if (object_text_has_left(o, field))
		return left_text_read(o->kind, o->id, field, ret_text);
	*ret_text = (o->kind->fields[field].flags & F_COMPRESSED) && (o->nulls & OBJECT_PACKED)
			    ? compressed_read(text + 1)
			    : strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}

char *object_long_text(const struct object *o, int field)
{
	char *text;

	return object_read_text(o, field, &text) == 0 ? text : NULL;
}

int object_check_texts(const struct object *o, struct error *e)
{
	for (int i = 0; i < o->kind->field_count; i++) {
		_cleanup_free_ char *text = NULL;
		int r = object_text_has_left(o, i) ? object_read_text(o, i, &text) : 0;

		if (r == -ESTALE) {
			(void)error_gone(e, o->kind->id, object_uuid(o));
			return r;
		}
		if (r < 0)
			return error_set(e, -r, "'%s' of %s '%s' cannot be read in the database",
					 o->kind->fields[i].name, o->kind->noun, object_uuid(o));
	}
	return 0;
}

struct json_t *object_json(const struct object *o, int field)
{
	_cleanup_free_ char *text = object_long_text(o, field);

	return text ? json_loads(text, 0, NULL) : NULL;
}

bool object_str_is(const struct object *o, int field, const char *text)
{
	bool is_long = o->kind->fields[field].flags & F_COMPRESSED;
	_cleanup_free_ char *owned = is_long ? object_long_text(o, field) : NULL;
	const char *s = is_long ? owned : object_str(o, field);

	return s && text ? strcmp(s, text) == 0 : !text && object_is_null(o, field);
}

void object_set_str(struct object *o, int field, const char *text)
{
	char *copy;

	if (!o)
		return;
	copy = text ? strdup(text) : NULL;
	if (text && !copy)
		object_set_broken(o);
	free(object_value(o, field)->s);
	object_value(o, field)->s = copy;
	if (copy)
		o->nulls &= ~(1ULL << field);
	else
		o->nulls |= 1ULL << field;
}

void object_borrow_str(struct object *o, int field, const char *text)
{
	object_value(o, field)->s = (char *)(uintptr_t)text;
	if (text)
		o->nulls &= ~(1ULL << field);
	else
		o->nulls |= 1ULL << field;
}

void object_leave_str(struct object *o, int field)
{
	object_value(o, field)->s = NULL;
	o->nulls &= ~(1ULL << field);
}

void object_set_int(struct object *o, int field, int64_t number)
{
	if (!o)
		return;
	object_value(o, field)->i = number;
	o->nulls &= ~(1ULL << field);
}

void object_set_null(struct object *o, int field)
{
	if (!o)
		return;
	if (!field_is_integer(&o->kind->fields[field])) {
		object_set_str(o, field, NULL);
		return;
	}
	object_value(o, field)->i = 0;
	o->nulls |= 1ULL << field;
}

void object_set_time(struct object *o, int field, int64_t ns)
{
	if (o)
		edited_times(o)[field] = ns;
}

void object_set_broken(struct object *o)
{
	if (o)
		o->nulls |= OBJECT_BROKEN;
}

bool object_is_broken(const struct object *o)
{
	return (o->nulls & OBJECT_BROKEN) != 0;
}

static bool long_text_equal(const struct object *a, const struct object *b, int field)
{
	_cleanup_free_ char *text = object_long_text(b, field);

	return object_is_null(b, field) ? object_is_null(a, field) : text && object_str_is(a, field, text);
}

bool object_field_equal(const struct object *a, const struct object *b, int field)
{
	if (!field_is_integer(&a->kind->fields[field]))
		return a->kind->fields[field].flags & F_COMPRESSED
			       ? long_text_equal(a, b, field)
			       : object_str_is(a, field, object_str(b, field));
	return object_is_null(a, field) == object_is_null(b, field) &&
	       object_int(a, field) == object_int(b, field);
}

bool object_equal(const struct object *a, const struct object *b)
{
	for (int i = 0; i < a->kind->field_count; i++)
		if (field_is_stored(&a->kind->fields[i]) && !object_field_equal(a, b, i))
			return false;
	return true;
}
