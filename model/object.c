/* SPDX-License-Identifier: Apache-2.0 */
/* See object.h. */
#include "model/object.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/compressed.h"
#include "model/text_hash.h"
#include "model/varint.h"

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

static void init_editable(struct object *o, const struct kind *kind, void (*destroy)(struct ref *))
{
	ref_init(&o->ref, destroy);
	o->kind = kind;
	o->nulls = ~OBJECT_FLAGS;
}

struct object *object_new(const struct kind *kind)
{
	size_t values = (size_t)kind->field_count;
	struct object *o = calloc(1, sizeof(*o) + 2 * values * sizeof(o->content[0]));

	if (o)
		init_editable(o, kind, edited_destroy);
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
		ref_init(&o->ref, borrowing_destroy);
	return o;
}

struct object *object_borrowing_at(void *room, const struct kind *kind)
{
	struct object *o = room;

	init_editable(o, kind, borrowing_destroy);
	atomic_init(&o->inventory, NULL);
	return o;
}

/* Long texts of such an object are compressed already. */
static bool is_borrowing(const struct object *o)
{
	return ref_has_destroy(&o->ref, borrowing_destroy);
}

/* An editable copy with the texts of the fields @recall (a bit each) in memory, and without those of the fields @leave. */
static struct object *copy_of(const struct object *o, uint64_t recall, uint64_t leave)
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
		} else if (leave >> i & 1 || (object_text_has_left(o, i) && !(recall >> i & 1))) {
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
	return copy_of(o, 0, 0);
}

/* The fields whose texts have left memory. */
static uint64_t left_fields(const struct object *o)
{
	uint64_t left = 0;

	for (int i = 0; i < o->kind->field_count; i++)
		if (object_text_has_left(o, i))
			left |= UINT64_C(1) << i;
	return left;
}

/* Of these fields, those that the inventory shows. */
static uint64_t shown(const struct object *o, uint64_t fields)
{
	for (int i = 0; i < o->kind->field_count; i++)
		if (o->kind->fields[i].flags & F_HIDDEN)
			fields &= ~(UINT64_C(1) << i);
	return fields;
}

int object_recall(const struct object *o, uint64_t fields, const struct object **ret, struct error *e)
{
	uint64_t left = left_fields(o);
	int r;

	left = left && !fields ? shown(o, left) : left & fields;
	*ret = left ? copy_of(o, left, 0) : object_ref(o);
	if (*ret)
		return 0;
	r = object_check_texts(o, e);
	return r < 0 ? r : error_oom(e);
}

/* ------------------------------------------------------------- packed form */

/* Numbers that a slot has itself are below; all of a narrow object is before this offset. */
#define NARROW_MAX (OBJECT_ELSEWHERE >> 16)

static unsigned slot_count(const struct object *o)
{
	return (unsigned)__builtin_popcountll(~o->nulls & ~OBJECT_FLAGS) + 1;
}

/* The slot of the pattern of times follows those of the fields; 0: all have the first one. */
static uint32_t pattern_slot(const struct object *o)
{
	return object_slot_at(o, slot_count(o) - 1);
}

/* The offset of the times. */
static size_t times_offset(const struct object *o)
{
	return sizeof(*o) + slot_count(o) * (o->nulls & OBJECT_WIDE ? sizeof(uint32_t) : sizeof(uint16_t));
}

static void packed_destroy(struct ref *self)
{
	struct object *o = (struct object *)self;

	for (int i = 0; i < o->kind->field_count; i++)
		if ((o->kind->fields[i].flags & F_SHARED) && !object_is_null(o, i) &&
		    (object_slot(o, i) & OBJECT_ELSEWHERE))
			shared_text_put(object_slot(o, i) & ~OBJECT_ELSEWHERE);
	if (pattern_slot(o) & OBJECT_ELSEWHERE)
		shared_text_put(pattern_slot(o) & ~OBJECT_ELSEWHERE);
	document_unref(atomic_load_explicit(&o->inventory, memory_order_relaxed));
	free(o);
}

/* Times are near to the last change of the object, and are counted from there. */
static int64_t since(const struct object *o, int64_t ns)
{
	return (int64_t)((uint64_t)ns - (uint64_t)o->changed);
}

static int64_t time_of(const struct object *o, const uint8_t *from)
{
	return (int64_t)((uint64_t)varint_read(&from) + (uint64_t)o->changed);
}

int64_t object_large_int(const struct object *o, int field, uint32_t slot)
{
	const uint8_t *from = (const uint8_t *)o + (slot & ~OBJECT_ELSEWHERE);

	return o->kind->fields[field].type == FIELD_DATE ? time_of(o, from) : varint_read(&from);
}

/* What is to be packed. */
struct packing {
	const struct object *from;
	int64_t times[FIELDS_MAX]; /* distinct */
	size_t time_at[FIELDS_MAX];
	unsigned time_count;
	char pattern[FIELDS_MAX + 1];		       /* one more than the number of each field's time */
	uint8_t numbers[2 * FIELDS_MAX * VARINT_SIZE]; /* the times, and the large numbers */
	size_t number_size;
	size_t at[FIELDS_MAX];	     /* of a large number: where it is in `numbers` */
	uint32_t shared[FIELDS_MAX]; /* number of the shared text, or SHARED_TEXT_NONE */
	uint32_t shared_pattern;     /* the same */
	uint32_t shared_max;	     /* the largest of these */
	size_t lens[FIELDS_MAX];     /* of the other texts */
	int ends[FIELDS_MAX];	     /* the field whose text this one ends; -1: none */
	size_t text_size;
};

/* The place of @ns among the times, to which it is added. */
static unsigned place_of_time(struct packing *p, int64_t ns)
{
	unsigned i = 0;

	while (i < p->time_count && p->times[i] != ns)
		i++;
	if (i < p->time_count)
		return i;
	p->times[i] = ns;
	p->time_at[i] = p->number_size;
	p->number_size = (size_t)(varint_write(p->numbers + p->number_size, since(p->from, ns)) - p->numbers);
	p->time_count++;
	return i;
}

static void gather_times(struct packing *p)
{
	const int64_t *times = edited_times(p->from);
	int count = p->from->kind->field_count;

	for (int i = 0; i < count; i++)
		p->pattern[i] = i > 0 && times[i] == times[i - 1] ? p->pattern[i - 1]
								  : (char)(place_of_time(p, times[i]) + 1);
	p->pattern[count] = '\0';
}

static bool is_small(int64_t number)
{
	return number >= 0 && number < NARROW_MAX;
}

static void gather_number(struct packing *p, int field)
{
	int64_t number = object_value(p->from, field)->i;
	bool is_date = p->from->kind->fields[field].type == FIELD_DATE;

	for (unsigned i = 0; i < p->time_count && is_date; i++)
		if (p->times[i] == number) {
			p->at[field] = p->time_at[i];
			return;
		}
	p->at[field] = p->number_size;
	p->number_size = (size_t)(varint_write(p->numbers + p->number_size,
					       is_date ? since(p->from, number) : number) -
				  p->numbers);
}

/* The bytes that a text takes at most; a NUL comes before a compressed one. */
static size_t text_bound(const struct object *o, const struct field *f, size_t len)
{
	return (f->flags & F_COMPRESSED) && !is_borrowing(o) ? 1 + compressed_bound(len) : 1 + len;
}

/* Returns the bytes that it takes. */
static size_t pack_text(const struct object *o, const struct field *f, const char *text, size_t len,
			char *ret)
{
	if (f->flags & F_COMPRESSED) {
		ret[0] = '\0';
		if (!is_borrowing(o))
			return 1 + compressed_write(text, len, ret + 1);
		memcpy(ret + 1, text, len);
		return 1 + len;
	}
	memcpy(ret, text, len + 1);
	return len + 1;
}

/* Is it a text that stands in the object as it is? */
static bool is_own_text(const struct packing *p, int field)
{
	const struct field *f = &p->from->kind->fields[field];

	return !field_is_integer(f) && !(f->flags & F_COMPRESSED) && !object_is_null(p->from, field) &&
	       p->shared[field] == SHARED_TEXT_NONE && p->ends[field] < 0;
}

/* The field before this one whose text ends with this text; -1: none. */
static int find_longer(const struct packing *p, int field)
{
	const char *text = object_value(p->from, field)->s;
	size_t len = p->lens[field];

	for (int i = 0; i < field; i++)
		if (is_own_text(p, i) && p->lens[i] >= len &&
		    memcmp(object_value(p->from, i)->s + p->lens[i] - len, text, len) == 0)
			return i;
	return -1;
}

static void gather_text(struct packing *p, int field)
{
	const struct field *f = &p->from->kind->fields[field];
	const char *text = object_value(p->from, field)->s;

	if (!text)
		return;
	if (f->flags & F_SHARED)
		p->shared[field] = shared_text_get(text);
	if (p->shared[field] != SHARED_TEXT_NONE) {
		p->shared_max = p->shared[field] > p->shared_max ? p->shared[field] : p->shared_max;
		return;
	}
	p->lens[field] =
		(f->flags & F_COMPRESSED) && is_borrowing(p->from) ? compressed_size(text) : strlen(text);
	if (!(f->flags & F_COMPRESSED))
		p->ends[field] = find_longer(p, field);
	if (p->ends[field] < 0)
		p->text_size += text_bound(p->from, f, p->lens[field]);
}

/* Sets all members but `from`. */
static void gather(struct packing *p)
{
	const struct object *o = p->from;

	p->time_count = 0;
	p->number_size = p->text_size = 0;
	p->shared_max = 0;
	gather_times(p);
	for (int i = 0; i < o->kind->field_count; i++) {
		p->shared[i] = SHARED_TEXT_NONE;
		p->ends[i] = -1;
		if (object_is_null(o, i))
			continue;
		if (!field_is_integer(&o->kind->fields[i]))
			gather_text(p, i);
		else if (!is_small(object_value(o, i)->i))
			gather_number(p, i);
	}
	p->shared_pattern = p->time_count > 1 ? shared_text_get(p->pattern) : SHARED_TEXT_NONE;
	if (p->shared_pattern != SHARED_TEXT_NONE)
		p->shared_max = p->shared_pattern > p->shared_max ? p->shared_pattern : p->shared_max;
	else if (p->time_count > 1)
		p->text_size += (size_t)o->kind->field_count + 1;
}

static void drop_shared(const struct packing *p)
{
	for (int i = 0; i < p->from->kind->field_count; i++)
		if (p->shared[i] != SHARED_TEXT_NONE)
			shared_text_put(p->shared[i]);
	if (p->shared_pattern != SHARED_TEXT_NONE)
		shared_text_put(p->shared_pattern);
}

/* Gives back what compressed texts did not need of a packed object that nobody else has yet. */
static const struct object *shrink(struct object *packed, size_t needed, size_t size)
{
	struct object *shrunk = needed < size ? realloc(packed, needed) : packed;

	return shrunk ? shrunk : packed;
}

static void set_slot(struct object *packed, unsigned at, uint32_t slot)
{
	if (packed->nulls & OBJECT_WIDE)
		((uint32_t *)packed->content)[at] = slot;
	else
		((uint16_t *)packed->content)[at] = (uint16_t)(slot >> 16 | slot);
}

/* The slot of a text, which is written at *end unless it is elsewhere; @offsets are those of the texts before. */
static uint32_t pack_string(const struct packing *p, struct object *packed, int field, const size_t *offsets,
			    size_t *end)
{
	const char *text = object_value(p->from, field)->s;
	size_t at = *end;

	if (p->shared[field] != SHARED_TEXT_NONE)
		return p->shared[field] | OBJECT_ELSEWHERE;
	if (!text)
		return OBJECT_ELSEWHERE;
	if (p->ends[field] >= 0)
		return (uint32_t)(offsets[p->ends[field]] + p->lens[p->ends[field]] - p->lens[field]);
	*end += pack_text(p->from, &p->from->kind->fields[field], text, p->lens[field], (char *)packed + at);
	return (uint32_t)at;
}

/* Fills the slots, numbers and texts of @packed, whose header is complete; returns the end of the texts. */
static size_t pack_values(const struct packing *p, struct object *packed)
{
	const struct object *o = p->from;
	size_t numbers = times_offset(packed), end = numbers + p->number_size, offsets[FIELDS_MAX];
	unsigned at = 0;

	memcpy((char *)packed + numbers, p->numbers, p->number_size);
	for (int i = 0; i < o->kind->field_count; i++) {
		if (object_is_null(o, i))
			continue;
		if (!field_is_integer(&o->kind->fields[i])) {
			uint32_t slot = pack_string(p, packed, i, offsets, &end);

			offsets[i] = slot;
			set_slot(packed, at++, slot);
		} else if (is_small(object_value(o, i)->i)) {
			set_slot(packed, at++, (uint32_t)object_value(o, i)->i);
		} else {
			set_slot(packed, at++, (uint32_t)(numbers + p->at[i]) | OBJECT_ELSEWHERE);
		}
	}
	if (p->shared_pattern != SHARED_TEXT_NONE) {
		set_slot(packed, at, p->shared_pattern | OBJECT_ELSEWHERE);
	} else if (p->time_count > 1) {
		set_slot(packed, at, (uint32_t)end);
		memcpy((char *)packed + end, p->pattern, (size_t)o->kind->field_count + 1);
		end += (size_t)o->kind->field_count + 1;
	} else {
		set_slot(packed, at, 0);
	}
	return end;
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
	size = times_offset(&header) + p.number_size + p.text_size;
	if (size >= NARROW_MAX || p.shared_max >= NARROW_MAX) {
		size -= times_offset(&header);
		header.nulls |= OBJECT_WIDE;
		size += times_offset(&header);
	}
	packed = size < OBJECT_ELSEWHERE ? malloc(size) : NULL;
	if (!packed) {
		drop_shared(&p);
		return NULL;
	}
	ref_init(&packed->ref, packed_destroy);
	packed->kind = o->kind;
	packed->id = o->id;
	packed->changed = o->changed;
	packed->nulls = header.nulls;
	atomic_init(&packed->inventory, NULL);
	return shrink(packed, pack_values(&p, packed), size);
}

const struct object *object_leave(const struct object *o)
{
	_cleanup_object_ struct object *copy = NULL;
	uint64_t leave = 0;

	if (o->kind->end_field >= 0 && !object_has_ended(o))
		return object_pack(o);
	for (int i = 0; i < o->kind->field_count; i++)
		if ((o->kind->fields[i].flags & F_LEAVES) && !object_is_null(o, i) &&
		    !object_text_has_left(o, i))
			leave |= UINT64_C(1) << i;
	if (!leave)
		return object_pack(o);
	copy = copy_of(o, 0, leave);
	return copy ? object_pack(copy) : NULL;
}

int64_t object_time(const struct object *o, int field)
{
	const uint8_t *from = (const uint8_t *)o + times_offset(o);
	const char *pattern;
	uint32_t slot;

	if (!(o->nulls & OBJECT_PACKED))
		return edited_times(o)[field];
	slot = pattern_slot(o);
	if (slot == 0)
		return time_of(o, from);
	pattern = slot & OBJECT_ELSEWHERE ? shared_text(slot & ~OBJECT_ELSEWHERE) : (const char *)o + slot;
	for (char before = 1; before < pattern[field]; before++)
		while (*from++ & 0x80)
			;
	return time_of(o, from);
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

bool object_rests(const struct object *o)
{
	for (int i = 0; i < o->kind->field_count; i++)
		if ((o->kind->fields[i].flags & F_LEAVES) && !object_is_null(o, i) &&
		    !object_text_has_left(o, i))
			return false;
	return object_has_ended(o);
}

bool object_texts_have_left(const struct object *o)
{
	return left_fields(o) != 0;
}

bool object_shown_texts_have_left(const struct object *o)
{
	return shown(o, left_fields(o)) != 0;
}

int object_read_text(const struct object *o, int field, char **ret_text)
{
	const char *text;

	*ret_text = NULL;
	if (object_text_has_left(o, field))
		return left_text_read(o->kind, o->id, field, ret_text);
	text = object_text_in_memory(o, field);
	if (!text)
		return 0;
	if (!(o->kind->fields[field].flags & F_COMPRESSED))
		*ret_text = strdup(text);
	else if (o->nulls & OBJECT_PACKED)
		*ret_text = compressed_read(text + 1);
	else
		*ret_text = is_borrowing(o) ? compressed_read(text) : strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}

const char *object_compressed(const struct object *o, int field)
{
	if (object_is_null(o, field))
		return NULL;
	return o->nulls & OBJECT_PACKED ? (const char *)o + object_slot(o, field) + 1
					: object_value(o, field)->s;
}

char *object_long_text(const struct object *o, int field)
{
	char *text;

	return object_read_text(o, field, &text) == 0 ? text : NULL;
}

/* Says why object_read_text() has failed with @r. */
static int text_error(const struct object *o, int field, int r, struct error *e)
{
	if (r == -ESTALE) {
		(void)error_gone(e, o->kind->id, object_uuid(o));
		return r;
	}
	return error_set(e, -r, "'%s' of %s '%s' cannot be read in the database", o->kind->fields[field].name,
			 o->kind->noun, object_uuid(o));
}

int object_check_texts(const struct object *o, struct error *e)
{
	for (int i = 0; i < o->kind->field_count; i++) {
		_cleanup_free_ char *text = NULL;
		int r = object_text_has_left(o, i) ? object_read_text(o, i, &text) : 0;

		if (r < 0)
			return text_error(o, i, r, e);
	}
	return 0;
}

int object_read_json(const struct object *o, int field, struct json_t **ret, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	int r = object_read_text(o, field, &text);

	*ret = NULL;
	if (r < 0)
		return text_error(o, field, r, e);
	*ret = text ? json_loads(text, 0, NULL) : NULL;
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

void object_clear(struct object *o)
{
	o->nulls = ~OBJECT_FLAGS;
}

int64_t *object_times(struct object *o)
{
	return edited_times(o);
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

/* An editable copy in which a text that has left memory was not edited. */
static bool is_as_it_was(const struct object *o, int field)
{
	return !(o->nulls & OBJECT_PACKED) && object_text_has_left(o, field);
}

static bool long_text_equal(const struct object *a, const struct object *b, int field)
{
	bool is_one_row = a->id == b->id && a->kind == b->kind;
	_cleanup_free_ char *text = NULL;

	if (is_one_row && (is_as_it_was(a, field) || is_as_it_was(b, field) ||
			   (object_text_has_left(a, field) && object_text_has_left(b, field))))
		return true;
	/* it was edited: to write what is there already costs the writer less than to read it, and shows nowhere */
	if (is_one_row && (a->kind->fields[field].flags & F_HIDDEN) &&
	    ((object_text_has_left(a, field) && !(b->nulls & OBJECT_PACKED)) ||
	     (object_text_has_left(b, field) && !(a->nulls & OBJECT_PACKED))))
		return false;
	text = object_long_text(b, field);
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
