/* SPDX-License-Identifier: Apache-2.0 */
/* See where_list.h. */
#include "fs/tree/where_list.h"

#include <inttypes.h>
#include <string.h>

#include "model/access.h"
#include "model/query_condition.h"
#include "model/text.h"

/* Fields with more values, or with a longer value, are not offered. */
#define VALUES_MAX 16
#define VALUE_MAX  64

/* The values of a field found so far. */
struct seen {
	int field;
	size_t count;		       /* above VALUES_MAX: too many */
	size_t set;		       /* objects that have a value */
	const char *texts[VALUES_MAX]; /* borrowed from the objects */
	int64_t numbers[VALUES_MAX];
};

/* Fields whose values can group objects, judging by the type: 64-bit numbers are sizes, long texts documents. */
static bool may_group(const struct kind *kind, int field)
{
	const struct field *f = &kind->fields[field];

	return query_may_name(f) && field != FIELD_UUID && field != kind->name_field &&
	       !(f->flags & F_COMPRESSED) &&
	       (f->type == FIELD_STRING || f->type == FIELD_BOOL || f->type == FIELD_INT);
}

static void see(struct seen *s, const struct object *o)
{
	bool is_text = o->kind->fields[s->field].type == FIELD_STRING;
	_cleanup_free_ char *owned = NULL; /* none is: the text is borrowed from the object */
	const char *text = is_text ? object_shown(o, s->field, &owned) : NULL;
	int64_t number = is_text ? 0 : object_int(o, s->field);

	if (s->count > VALUES_MAX || object_is_null(o, s->field))
		return;
	s->set++;
	for (size_t i = 0; i < s->count; i++)
		if (is_text ? text_compare(s->texts[i], text) == 0 : s->numbers[i] == number)
			return;
	/* `=null` has another meaning, and an empty value would make an unreadable name. */
	if (s->count == VALUES_MAX ||
	    (is_text && (!*text || strlen(text) > VALUE_MAX || strcmp(text, "null") == 0))) {
		s->count = VALUES_MAX + 1;
		return;
	}
	s->texts[s->count] = text;
	s->numbers[s->count++] = number;
}

/* Only if values are few, or shared by several objects; else names serve as well. */
static bool is_worth_it(const struct seen *s)
{
	return s->count <= VALUES_MAX && (s->count <= 4 || s->count * 2 <= s->set);
}

static char *condition_text(const struct object *any, const struct seen *s, size_t i)
{
	const struct field *f = &any->kind->fields[s->field];
	char value[3 * VALUE_MAX + 1], *out = value, *text = NULL;

	if (f->type == FIELD_BOOL) {
		snprintf(value, sizeof(value), "%s", s->numbers[i] ? "true" : "false");
	} else if (f->type != FIELD_STRING) {
		snprintf(value, sizeof(value), "%" PRId64, s->numbers[i]);
	} else {
		for (const char *c = s->texts[i]; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '/' || *c == '%')
				out += snprintf(out, 4, "%%%02X", (unsigned char)*c);
			else
				*out++ = *c;
		*out = '\0';
	}
	return asprintf(&text, "%s=%s", f->name, value) < 0 ? NULL : text;
}

/* Adds the conditions for the values of the objects found. */
static int offer(struct where_list *list, const struct kind *kind)
{
	struct seen *seen = calloc((size_t)kind->field_count, sizeof(*seen));
	size_t fields = 0;
	int r = seen ? 0 : -ENOMEM;

	for (int i = 0; i < kind->field_count && r == 0; i++)
		if (may_group(kind, i))
			seen[fields++].field = i;
	list->conditions = calloc(fields * VALUES_MAX + 1, sizeof(*list->conditions));
	if (!list->conditions)
		r = -ENOMEM;
	for (size_t i = 0; i < list->result.count && r == 0; i++)
		for (size_t j = 0; j < fields; j++)
			see(&seen[j], list->result.objects[i]);
	for (size_t j = 0; j < fields && r == 0; j++)
		for (size_t i = 0; is_worth_it(&seen[j]) && i < seen[j].count && r == 0; i++) {
			char *text = condition_text(list->result.objects[0], &seen[j], i);

			if (text)
				list->conditions[list->condition_count++] = text;
			else
				r = -ENOMEM;
		}
	free(seen);
	return r;
}

struct where_list *where_list_new(const struct place *dir, const struct query *q,
				  const struct query_scope *scope, struct error *e)
{
	struct where_list *list = calloc(1, sizeof(*list));

	if (!list) {
		error_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	if (query_select(q, dir->view, scope, &list->result, e) < 0) {
		where_list_free(list);
		return NULL;
	}
	if (dir->node.class == N_WHERE) {
		if (offer(list, dir->kind) < 0) {
			error_set(e, ENOMEM, "out of memory");
			where_list_free(list);
			return NULL;
		}
		query_result_done(&list->result); /* `where` lists no objects */
	}
	return list;
}

void where_list_free(struct where_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->condition_count; i++)
		free(list->conditions[i]);
	free(list->conditions);
	query_result_done(&list->result);
	free(list);
}
