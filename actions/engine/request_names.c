/* SPDX-License-Identifier: Apache-2.0 */
/* See request_names.h. */
#include "actions/engine/request_names.h"

#include <string.h>

#include "actions/engine/system_tag.h"
#include "model/access.h"

/* The most objects of one name that a refusal lists. */
#define LISTED 5

/* The objects that have a name. */
struct found {
	const char *first; /* uuid, borrowed from the view; NULL: none yet */
	size_t count;
	char list[LISTED * 128]; /* "VM '...', VM '...'" */
};

static bool is_visible(const struct name_place *place, const struct object *o)
{
	return !*place->account || access_is_admin(place->view, place->account) ||
	       access_may_see(place->view, o, place->account);
}

static void find_in_kind(const struct name_place *place, enum kind_id kind, const char *name, struct found *f)
{
	int field = kind_get(kind)->name_field;
	size_t len = strlen(f->list);

	if (field < 0)
		return;
	view_for_each_where (o, place->view, kind, field, name) {
		if (!is_visible(place, o))
			continue;
		if (!f->first)
			f->first = object_uuid(o);
		if (f->count++ < LISTED)
			len += (size_t)snprintf(f->list + len, sizeof(f->list) - len, "%s%s '%s'",
						len ? ", " : "", o->kind->noun, object_uuid(o));
	}
}

int request_name_find(const struct name_place *place, const char *text, const char **ret, struct error *e)
{
	struct found f = {0};
	const char *noun = place->kind ? kind_get(place->kind)->noun : "object";

	if (*text != NAME_SIGN) {
		*ret = text;
		return 0;
	}
	if (place->kind && kind_get(place->kind)->name_field < 0)
		return error_set(e, EINVAL, "'%s' must be a uuid in '%s', since a %s has no name", text,
				 place->field, noun);
	for (int kind = KIND_NONE + 1; kind < KIND_COUNT; kind++)
		if (place->kind ? kind == (int)place->kind : kind_get(kind)->directory != NULL)
			find_in_kind(place, (enum kind_id)kind, text + 1, &f);
	if (f.count == 0)
		return error_set_code(e, ENOENT, "SYS.1003", "invalid field[%s], no %s is named '%s'",
				      place->field, noun, text + 1);
	if (f.count > 1)
		return error_set(e, EINVAL, "'%s' in '%s' is ambiguous, %zu objects have this name: %s%s",
				 text, place->field, f.count, f.list, f.count > LISTED ? ", ..." : "");
	*ret = f.first;
	return 0;
}

typedef int replace_fn(const struct name_place *place, json_t **value, struct error *e);

/* Replaces each item of a list as @replace does; nothing happens to what is no list. */
static int replace_items(const struct name_place *place, json_t *list, replace_fn *replace, struct error *e)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		json_t *replaced = json_incref(item);
		int r = replace(place, &replaced, e);

		if (r == 0 && json_array_set(list, i, replaced) < 0)
			r = error_oom(e);
		json_decref(replaced);
		if (r < 0)
			return r;
	}
	return 0;
}

int request_name_replace(const struct name_place *place, json_t **value, struct error *e)
{
	const char *uuid, *text = json_string_value(*value);
	json_t *item;
	int r;

	if (text && *text == NAME_SIGN) {
		r = request_name_find(place, text, &uuid, e);
		item = r < 0 ? NULL : json_string(uuid);
		if (!item)
			return r < 0 ? r : error_oom(e);
		json_decref(*value);
		*value = item;
		return 0;
	}
	return replace_items(place, *value, request_name_replace, e);
}

/* The name in a tag's value ends where the next part of the value begins. */
static int replace_in_tag(const struct name_place *place, json_t **tag, struct error *e)
{
	const char *value, *end, *uuid, *text = json_string_value(*tag);
	const struct system_tag *row = text ? system_tag_find(text, &value) : NULL;
	struct name_place in_tag = *place;
	_cleanup_free_ char *name = NULL;
	json_t *replaced;
	int r;

	if (!row || row->resource == KIND_NONE || *value != NAME_SIGN)
		return 0;
	end = strstr(value, "::");
	name = strndup(value, end ? (size_t)(end - value) : strlen(value));
	if (!name)
		return error_oom(e);
	in_tag.kind = row->resource;
	in_tag.field = row->prefix;
	r = request_name_find(&in_tag, name, &uuid, e);
	if (r < 0)
		return r;
	replaced = json_sprintf("%s::%s%s", row->prefix, uuid, end ? end : "");
	if (!replaced)
		return error_oom(e);
	json_decref(*tag);
	*tag = replaced;
	return 0;
}

int request_name_replace_tags(const struct name_place *place, json_t **value, struct error *e)
{
	return json_is_array(*value) ? replace_items(place, *value, replace_in_tag, e)
				     : replace_in_tag(place, value, e);
}

static int resolve_param(const struct view *view, struct request *req, const struct param *p, struct error *e)
{
	const char *type = p->flags & PARAM_ANY_KIND ? request_str(req, "resourceType") : NULL;
	const struct kind *kind = type ? kind_by_name(type) : NULL;
	struct name_place place = {view, req->actor.account, kind ? kind->id : p->resource, p->name};
	json_t *value = json_object_get(req->params, p->name);
	int r;

	if (!value)
		return 0;
	json_incref(value);
	r = p->flags & PARAM_TAG ? request_name_replace_tags(&place, &value, e)
				 : request_name_replace(&place, &value, e);
	if (r == 0 && json_object_set(req->params, p->name, value) < 0)
		r = error_oom(e);
	json_decref(value);
	return r;
}

int request_names_resolve(const struct view *view, struct request *req, struct error *e)
{
	const struct operation *op = req->op;
	const struct name_place place = {view, req->actor.account, KIND_NONE, "systemTags"};
	const char *target = op->target ? op->target : "resourceUuid"; /* the parameter it comes from */

	for (const struct param *p = op->params; p && p->name; p++) {
		int r = 0;

		if (p->resource != KIND_NONE || (p->flags & (PARAM_ANY_KIND | PARAM_TAG)))
			r = resolve_param(view, req, p, e);
		if (r < 0)
			return r;
	}
	if (*req->target == NAME_SIGN && request_has(req, target))
		snprintf(req->target, sizeof(req->target), "%s", request_str(req, target));
	return request_name_replace_tags(&place, &req->system_tags, e);
}
