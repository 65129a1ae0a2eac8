/* SPDX-License-Identifier: Apache-2.0 */
/* See plan.h. */
#include "actions/spec/plan.h"

#include <string.h>

#include "actions/engine/access.h"
#include "model/json.h"

/* -------------------------------------------------------------------- steps */

static int grow(struct spec_plan *p, struct error *e)
{
	struct spec_step *grown = reallocarray(p->steps, p->room + 8, sizeof(*grown));

	if (!grown)
		return error_oom(e);
	p->steps = grown;
	p->room += 8;
	return 0;
}

int spec_plan_add(struct spec_plan *p, const struct spec_member *member, const char *op, const char *target,
		  json_t *taken_params, json_t *taken_tags, enum spec_need need, struct error *e)
{
	_cleanup_json_ json_t *params = taken_params, *tags = taken_tags;
	struct spec_step *step;
	int r = p->count == p->room ? grow(p, e) : 0;

	if (r < 0)
		return r;
	if (!params)
		return error_oom(e);
	step = &p->steps[p->count];
	*step = (struct spec_step){.member = member, .need = need};
	r = request_new(operation_by_name(op), target, params, p->actor, &step->req, e);
	if (r < 0)
		return r;
	p->count++;
	if (tags) {
		json_decref(step->req->system_tags);
		step->req->system_tags = json_incref(tags);
	}
	return 0;
}

/* ------------------------------------------------------------ lists, objects */

int spec_check_list(const struct spec_member *m, const json_t *wanted, const char *key, struct error *e)
{
	_cleanup_json_ json_t *seen = NULL;
	json_t *item;
	size_t i;

	if (!json_is_array(wanted))
		return error_set(e, EINVAL, "'%s' must be a list", m->name);
	seen = json_object();
	json_array_foreach (wanted, i, item) {
		const char *text = json_string_value(key ? json_object_get(item, key) : item);

		if (!text && key)
			return error_set(e, EINVAL, "an item of '%s' must be an object with a string '%s'",
					 m->name, key);
		if (!text)
			return error_set(e, EINVAL, "an item of '%s' must be a string", m->name);
		if (json_object_get(seen, text))
			return error_set(e, EINVAL, "'%s' names '%s' twice", m->name, text);
		if (json_object_set_new(seen, text, json_true()) < 0)
			return error_oom(e);
	}
	return 0;
}

bool spec_list_has(const json_t *list, const char *key, const char *text)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		const char *own = json_string_value(key ? json_object_get(item, key) : item);

		if (own && strcmp(own, text) == 0)
			return true;
	}
	return false;
}

int spec_check_exists(const struct spec_plan *p, const struct spec_member *m, enum kind_id kind,
		      const char *uuid, struct error *e)
{
	const struct object *o = view_get(p->view, kind, uuid);

	if (o && access_shows(p->view, p->actor, o))
		return 0;
	return error_set(e, ENOENT, "'%s' names the %s '%s', which does not exist", m->name,
			 kind_get(kind)->noun, uuid);
}

/* -------------------------------------------------------------------- types */

int spec_check_type(const char *name, enum param_type type, const json_t *value, struct error *e)
{
	static const char *const words[] = {
		[PARAM_STRING] = "a string",	[PARAM_INT] = "a number", [PARAM_LONG] = "a number",
		[PARAM_BOOL] = "true or false", [PARAM_LIST] = "a list",  [PARAM_MAP] = "an object",
	};
	bool right = false;

	switch (type) {
	case PARAM_STRING:
		right = json_is_string(value);
		break;
	case PARAM_INT:
	case PARAM_LONG: /* a string may have a unit: K, M, G */
		right = json_is_integer(value) || json_is_string(value);
		break;
	case PARAM_BOOL:
		right = json_is_boolean(value);
		break;
	case PARAM_LIST:
		right = json_is_array(value);
		break;
	case PARAM_MAP:
		right = json_is_object(value);
		break;
	}
	if (right)
		return 0;
	return error_set(e, EINVAL, "'%s' must be %s; leave it out to keep it as it is", name, words[type]);
}
