/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a query: grouping, sorting, paging, and the answer as JSON. See query_parse.h. */
#include "model/query_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "model/json_out.h"
#include "model/query_condition.h"
#include "model/query_internal.h"
#include "model/query_value.h"
#include "model/relation.h"
#include "model/render.h"

/* ------------------------------------------------------- grouping and sorting */

/* By the key, then by creation. */
static int order_ascending(const void *a, const void *b)
{
	const struct query_key *x = a, *y = b;
	int c = query_key_compare(x, y);

	return c != 0 ? c : (x->o->id > y->o->id) - (x->o->id < y->o->id);
}

static int order_descending(const void *a, const void *b)
{
	int c = query_key_compare(b, a);

	return c != 0 ? c : order_ascending(a, b);
}

static void keys_free(struct query_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		query_key_done(&keys[i]);
	free(keys);
}

/* The keys of the objects for a field, -1 for none, allocated: each is compared many times. NULL when memory is short. */
static struct query_key *keys_read(const struct matches *m, int field)
{
	struct query_key *keys = calloc(m->count + 1, sizeof(*keys));

	for (size_t i = 0; keys && i < m->count; i++)
		if (query_key_read(m->objects[i], field, &keys[i]) < 0) {
			keys_free(keys, i);
			return NULL;
		}
	return keys;
}

static int sort(struct matches *m, int field, bool descending)
{
	struct query_key *keys = keys_read(m, field);

	if (!keys)
		return -ENOMEM;
	qsort(keys, m->count, sizeof(*keys), descending ? order_descending : order_ascending);
	for (size_t i = 0; i < m->count; i++)
		m->objects[i] = keys[i].o;
	keys_free(keys, m->count);
	return 0;
}

/* Keeps the oldest object of each value of a field, as MySQL does; null is a value here. */
static int group(struct matches *m, int field)
{
	struct query_key *keys = keys_read(m, field);
	size_t kept = 0, last = 0;

	if (!keys)
		return -ENOMEM;
	qsort(keys, m->count, sizeof(*keys), order_ascending);
	for (size_t i = 0; i < m->count; i++)
		if (kept == 0 || query_key_compare(&keys[last], &keys[i]) != 0) {
			m->objects[kept++] = keys[i].o;
			last = i;
		}
	keys_free(keys, m->count);
	m->count = kept;
	return sort(m, -1, false);
}

/* ------------------------------------------------------------------- select */

void query_result_done(struct query_result *result)
{
	free(result->objects);
	*result = (struct query_result){.total = -1};
}

int query_select(const struct query *q, const struct view *view, const struct query_scope *scope,
		 struct query_result *ret_result, struct error *e)
{
	bool with_total = q->count || q->with_total;
	bool all = with_total || q->sort >= 0 || q->group_by >= 0 || q->limit > INT64_MAX - q->start;
	struct matches m = {0};
	size_t start, count;
	int r = query_find(q, view, scope, all ? SIZE_MAX : (size_t)(q->start + q->limit), &m, e);

	if (r < 0) {
		free(m.objects);
		return r;
	}
	if (q->group_by >= 0)
		r = group(&m, q->group_by);
	if (r == 0 && q->sort >= 0)
		r = sort(&m, q->sort, q->descending);
	if (r < 0) {
		free(m.objects);
		return error_oom(e);
	}
	start = (uint64_t)q->start < m.count ? (size_t)q->start : m.count;
	count = (uint64_t)q->limit < m.count - start ? (size_t)q->limit : m.count - start;
	if (count)
		memmove(m.objects, m.objects + start, count * sizeof(*m.objects));
	*ret_result =
		(struct query_result){m.objects, q->count ? 0 : count, with_total ? (int64_t)m.count : -1};
	return 0;
}

/* --------------------------------------------------------------------- JSON */

/* As item @index of the inventories; -1: as the member `inventory`. 1: it has been removed since texts of it had left memory. */
static int write_object(const struct query *q, int64_t index, const struct object *o, struct render *r,
			struct error *e)
{
	_cleanup_object_ const struct object *whole = NULL;
	int result = object_recall(o, q->fields, &whole, e);

	if (result == -ESTALE) {
		error_done(e);
		return 1;
	}
	if (result == 0 && index < 0)
		render_write_object(r, "inventory", whole, q->fields);
	else if (result == 0)
		render_write_item(r, "inventories", (size_t)index, whole, q->fields);
	return result;
}

/* Lists the objects. */
static int write_objects(const struct query *q, const struct query_result *result,
			 const struct query_scope *scope, struct render *r, struct error *e)
{
	json_t *outer = json_out_list(r->out, "inventories");
	int64_t count = 0;
	int done = 0;

	for (size_t i = 0; i < result->count && done >= 0; i++) {
		done = write_object(q, count, result->objects[i], r, e);
		count += done == 0;
		if (done >= 0)
			done = query_check_time(scope, e);
	}
	json_out_close(r->out, true, outer);
	return done;
}

/* The schema, which is made with the objects, comes after them. */
static int write_answer(const struct query *q, const struct query_result *result,
			const struct query_scope *scope, struct render *r, struct error *e)
{
	json_t *answer = json_out_object(r->out, NULL), *map;
	_cleanup_(draft_done) struct draft text = {0};
	struct json_out schema = json_out_aside(r->out, &text);
	int done = 0;

	map = json_out_object(&schema, NULL);
	r->schema = &schema;
	if (!q->count)
		done = write_objects(q, result, scope, r, e);
	r->schema = NULL;
	json_out_close(&schema, false, map);
	if (result->total >= 0)
		json_out_integer(r->out, "total", result->total);
	json_out_take(r->out, "schema", &schema);
	if (done == 0 && q->shows_single && result->count == 1)
		done = write_object(q, -1, result->objects[0], r, e);
	json_out_close(r->out, false, answer);
	return done < 0 ? done : 0;
}

int query_answer(const struct query *q, const struct view *view, const struct query_scope *scope,
		 struct json_out *out, struct error *e)
{
	_cleanup_query_result_ struct query_result result = {0};
	struct render render = {.view = view, .out = out};
	int r = query_select(q, view, scope, &result, e);

	if (r < 0)
		return r;
	r = write_answer(q, &result, scope, &render, e);
	if (!render_write_end(&render) && r == 0)
		r = error_oom(e);
	return r;
}

int query_run(const struct query *q, const struct view *view, const struct query_scope *scope,
	      json_t **ret_json, struct error *e)
{
	struct json_out out = {0};
	int r = query_answer(q, view, scope, &out, e);
	json_t *json = json_out_tree(&out);

	if (r == 0 && json)
		*ret_json = steal(&json);
	json_decref(json);
	return r;
}

/* ------------------------------------------------------------------- schema */

static const char *type_name(const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		return "string";
	case FIELD_INT:
		return "int";
	case FIELD_LONG:
		return "long";
	case FIELD_BOOL:
		return "bool";
	case FIELD_DATE:
		return "date";
	case FIELD_CHILDREN:
	case FIELD_VALUES:
	case FIELD_NOTHING:
		return "list";
	case FIELD_TREE:
		return "map";
	}
	return "";
}

json_t *query_schema_json(const struct kind *kind)
{
	static const char *const tags[] = {"__systemTag__", "__userTag__"};
	json_t *fields = json_object(), *relations = json_object(), *json = NULL;
	int r = 0;

	for (int i = 0; i < kind->field_count; i++)
		if (query_may_name(&kind->fields[i]))
			r |= json_object_set_new(fields, kind->fields[i].name,
						 json_string(type_name(&kind->fields[i])));
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		r |= json_object_set_new(fields, tags[i], json_string("tag"));
	for (const struct relation *rel = NULL; (rel = relation_next(kind, rel));)
		r |= json_object_set_new(relations, rel->name, json_string(kind_get(rel->target)->name));
	json = json_pack("{s:s}", "kind", kind->name);
	if (kind->class)
		json_add_member(&json, "class", json_string(kind->class));
	json_add_member(&json, "operators",
			json_pack("[s,s,s,s,s,s,s,s,s,s,s,s]", "=", "!=", ">", "<",
				  ">=", "<=", "?=", "!?=", "~=", "!~=", "is null", "not null"));
	json_add_member(&json, "fields", r == 0 ? json_incref(fields) : NULL);
	json_add_member(&json, "relations", json_incref(relations));
	json_decref(fields);
	json_decref(relations);
	return json;
}
