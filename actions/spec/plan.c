/* SPDX-License-Identifier: Apache-2.0 */
/* See plan.h. */
#include "actions/spec/plan.h"

#include <string.h>

/* -------------------------------------------------------------------- steps */

int spec_plan_add(struct spec_plan *p, const struct spec_member *member, const char *op, const char *target,
		  json_t *params, json_t *tags, enum spec_need need, struct error *e)
{
	struct spec_step *grown = p->steps, *step;
	int r = 0;

	if (p->count == p->room) {
		grown = reallocarray(p->steps, p->room + 8, sizeof(*grown));
		if (grown) {
			p->steps = grown;
			p->room += 8;
		}
	}
	if (!grown || !params)
		r = error_oom(e);
	if (r == 0) {
		step = &p->steps[p->count];
		*step = (struct spec_step){.member = member, .need = need};
		r = request_new(operation_by_name(op), target, params, p->actor, &step->req, e);
	}
	if (r == 0) {
		p->count++;
		if (tags) {
			json_decref(step->req->system_tags);
			step->req->system_tags = json_incref(tags);
		}
	}
	json_decref(params);
	json_decref(tags);
	return r;
}

int spec_check_list(const struct spec_member *m, const json_t *wanted, const char *key, struct error *e)
{
	json_t *seen, *item;
	size_t i;
	int r = 0;

	if (!json_is_array(wanted))
		return error_set(e, EINVAL, "'%s' must be a list", m->name);
	seen = json_object();
	json_array_foreach (wanted, i, item) {
		const char *text = json_string_value(key ? json_object_get(item, key) : item);

		if (!text)
			r = key ? error_set(e, EINVAL, "an item of '%s' must be an object with a text '%s'",
					    m->name, key)
				: error_set(e, EINVAL, "an item of '%s' must be a text", m->name);
		else if (json_object_get(seen, text))
			r = error_set(e, EINVAL, "'%s' names '%s' twice", m->name, text);
		else if (json_object_set_new(seen, text, json_true()) < 0)
			r = error_oom(e);
		if (r < 0)
			break;
	}
	json_decref(seen);
	return r;
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
	if (view_get(p->view, kind, uuid))
		return 0;
	return error_set(e, ENOENT, "'%s' names the %s '%s', which does not exist", m->name,
			 kind_get(kind)->noun, uuid);
}

/* ------------------------------------------------------------------- fields */

int spec_check_type(const char *name, enum param_type type, const json_t *value, struct error *e)
{
	static const char *const words[] = {
		[PARAM_STRING] = "a text",	[PARAM_INT] = "a number", [PARAM_LONG] = "a number",
		[PARAM_BOOL] = "true or false", [PARAM_LIST] = "a list",  [PARAM_MAP] = "an object",
	};
	bool right = false;

	switch (type) {
	case PARAM_STRING:
		right = json_is_string(value);
		break;
	case PARAM_INT:
	case PARAM_LONG: /* K, M, G may follow it in a text */
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
	return right ? 0
		     : error_set(e, EINVAL, "'%s' must be %s; leave it out to have it as it is", name,
				 words[type]);
}
