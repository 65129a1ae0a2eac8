/* SPDX-License-Identifier: Apache-2.0 */
/* See object.h. */
#include "model/object.h"

#include <stdlib.h>
#include <string.h>

/* Set in `nulls` when an edit ran out of memory; no kind has that many fields. */
#define BROKEN (1ULL << (FIELDS_MAX - 1))

static void object_destroy(struct ref *self)
{
	struct object *o = (struct object *)self;

	for (int i = 0; i < o->kind->field_count; i++)
		if (!field_is_integer(&o->kind->fields[i]))
			free(o->values[i].s);
	document_unref(atomic_load_explicit(&o->inventory, memory_order_relaxed));
	free(o->times);
	free(o);
}

struct object *object_new(const struct kind *kind)
{
	struct object *o = calloc(1, sizeof(*o) + (size_t)kind->field_count * sizeof(o->values[0]));

	if (!o)
		return NULL;
	o->times = calloc((size_t)kind->field_count, sizeof(o->times[0]));
	if (!o->times) {
		free(o);
		return NULL;
	}
	ref_init(&o->ref, object_destroy);
	o->kind = kind;
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_integer(&kind->fields[i]))
			o->nulls |= 1ULL << i;
	return o;
}

struct object *object_copy(const struct object *o)
{
	struct object *copy = object_new(o->kind);

	if (!copy)
		return NULL;
	copy->id = o->id;
	copy->changed = o->changed;
	memcpy(copy->times, o->times, (size_t)o->kind->field_count * sizeof(o->times[0]));
	for (int i = 0; i < o->kind->field_count; i++) {
		if (!field_is_integer(&o->kind->fields[i]))
			object_set_str(copy, i, o->values[i].s);
		else if (!object_is_null(o, i))
			object_set_int(copy, i, o->values[i].i);
	}
	if (object_is_broken(copy)) {
		object_unref(copy);
		return NULL;
	}
	return copy;
}

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

const char *object_name(const struct object *o)
{
	const char *name = o->kind->name_field >= 0 ? object_str(o, o->kind->name_field) : NULL;

	return name ? name : object_uuid(o);
}

bool object_str_is(const struct object *o, int field, const char *text)
{
	const char *s = object_str(o, field);

	return s && text ? strcmp(s, text) == 0 : s == text;
}

void object_set_str(struct object *o, int field, const char *text)
{
	char *copy;

	if (!o)
		return;
	copy = text ? strdup(text) : NULL;
	if (text && !copy)
		object_set_broken(o);
	free(o->values[field].s);
	o->values[field].s = copy;
}

void object_set_int(struct object *o, int field, int64_t number)
{
	if (!o)
		return;
	o->values[field].i = number;
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
	o->values[field].i = 0;
	o->nulls |= 1ULL << field;
}

void object_set_broken(struct object *o)
{
	if (o)
		o->nulls |= BROKEN;
}

bool object_is_broken(const struct object *o)
{
	return (o->nulls & BROKEN) != 0;
}

bool object_field_equal(const struct object *a, const struct object *b, int field)
{
	if (!field_is_integer(&a->kind->fields[field]))
		return object_str_is(a, field, b->values[field].s);
	return object_is_null(a, field) == object_is_null(b, field) &&
	       a->values[field].i == b->values[field].i;
}

bool object_equal(const struct object *a, const struct object *b)
{
	for (int i = 0; i < a->kind->field_count; i++)
		if (field_is_stored(&a->kind->fields[i]) && !object_field_equal(a, b, i))
			return false;
	return true;
}
