/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup in the table of system tags, and its checks. See system_tag.h. */
#include "actions/engine/system_tag.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "model/access.h"

const struct system_tag *system_tags(void)
{
	return operations_tags();
}

/* ------------------------------------------------------------------ lookup */

/* What follows the prefix in @tag: "" or "::...". NULL: it has another prefix. */
static const char *after_prefix(const char *tag, const char *prefix, bool any_case)
{
	size_t len = strlen(prefix);

	if ((any_case ? strncasecmp(tag, prefix, len) : strncmp(tag, prefix, len)) != 0)
		return NULL;
	return tag[len] == '\0' || strncmp(tag + len, "::", 2) == 0 ? tag + len : NULL;
}

static const struct system_tag *find(const char *tag, bool any_case, const char **ret_value)
{
	for (const struct system_tag *row = system_tags(); row->prefix; row++) {
		const char *rest = after_prefix(tag, row->prefix, any_case);

		if (!rest)
			continue;
		if (ret_value)
			*ret_value = *rest ? rest + 2 : rest;
		return row;
	}
	return NULL;
}

const struct system_tag *system_tag_find(const char *tag, const char **ret_value)
{
	return find(tag, false, ret_value);
}

/* ------------------------------------------------------------------- forms */

static int check_number(const struct system_tag *row, const struct tag_subject *s, struct error *e)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(s->value, &end, 10);
	if (!isdigit((unsigned char)*s->value) || *end || errno || number < row->min || number > row->max)
		return error_set(e, EINVAL,
				 "the system tag '%s' takes a number from %" PRId64 " to %" PRId64
				 ", not '%s'",
				 row->prefix, row->min, row->max, s->value);
	return 0;
}

static int check_choice(const struct system_tag *row, const struct tag_subject *s, struct error *e)
{
	char takes[128] = "";
	size_t len = 0;

	for (const char *const *v = row->values; *v; v++) {
		if (strcasecmp(*v, s->value) == 0)
			return 0;
		len += (size_t)snprintf(takes + len, sizeof(takes) - len, "%s%s",
					v == row->values ? "" : " or ", *v);
	}
	return error_set(e, EINVAL, "the system tag '%s' takes %s, not '%s'", row->prefix, takes, s->value);
}

static int check_form(const struct system_tag *row, const struct tag_subject *s, struct error *e)
{
	bool bare = s->text[strlen(row->prefix)] == '\0';

	switch (row->form) {
	case TAG_MARK:
		return bare ? 0 : error_set(e, EINVAL, "the system tag '%s' takes no value", row->prefix);
	case TAG_NUMBER:
		return check_number(row, s, e);
	case TAG_CHOICE:
		return check_choice(row, s, e);
	case TAG_VALUE:
		return *s->value ? 0
				 : error_set(e, EINVAL, "the system tag '%s' needs a value: %s::%s",
					     row->prefix, row->prefix, row->takes);
	}
	return 0;
}

static bool has_effect_on(const struct system_tag *row, enum kind_id kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(row->kinds); i++)
		if (row->kinds[i] == kind)
			return true;
	return false;
}

static int check_place(const struct system_tag *row, const struct tag_subject *s, struct error *e)
{
	if (!has_effect_on(row, s->kind))
		return error_set(e, EINVAL, "the system tag '%s' is for %s, it has no effect on %s",
				 row->prefix, kind_get(row->kinds[0])->vo, kind_get(s->kind)->vo);
	if (!s->req && row->life == TAG_REQUEST)
		return error_set(e, EINVAL, "the system tag '%s' is for requests only and is never stored",
				 row->prefix);
	if ((!s->req && row->life == TAG_CREATION) || row->life == TAG_POOL)
		return error_set(e, EBUSY, "tag[%s] is an inherent system tag, use %s",
				 system_tag_shown(s->text), row->operation);
	return 0;
}

int system_tag_check(const struct tag_subject *s, struct error *e)
{
	struct tag_subject full = *s;
	const struct system_tag *row = system_tag_find(s->text, &full.value);
	int r;

	if (!row) {
		row = find(s->text, true, NULL);
		return row ? error_set(e, EINVAL, "the system tag '%.*s' is written '%s'",
				       (int)strlen(row->prefix), s->text, row->prefix)
			   : 0;
	}
	r = check_place(row, &full, e);
	if (r < 0)
		return r;
	r = check_form(row, &full, e);
	if (r == 0 && row->check)
		r = row->check(&full, e);
	if (r < 0)
		return r;
	if (s->count > 1 && !row->many)
		return error_set(e, EINVAL, "only one %s system tag is allowed, but %zu got", row->prefix,
				 s->count);
	return 0;
}

/* ---------------------------------------------------------------- requests */

/*
 * The tags of @row in the request, if their number matters. A second one is refused then, so all tags are walked at most
 * once for each row, not for each tag.
 */
static size_t count_in_request(const struct request *req, const struct system_tag *row)
{
	size_t i, n = 0;
	json_t *tag;

	if (!row || row->many)
		return 1;
	json_array_foreach (req->system_tags, i, tag) {
		n += system_tag_find(json_string_value(tag), NULL) == row;
	}
	return n;
}

/* The kind of what gets the tags of the request: of the new object, whose inventory is the result. */
static enum kind_id tagged_kind(const struct operation *op)
{
	const char *const inventory = "inventory:";
	const char *result = op->results ? op->results[0] : "";
	const struct kind *kind = NULL;
	bool creates = false;
	char name[64];

	for (const struct param *p = op->params; p && p->name; p++)
		creates = creates || (p->flags & PARAM_NEW_UUID);
	if (creates && strncmp(result, inventory, strlen(inventory)) == 0) {
		result += strlen(inventory);
		snprintf(name, sizeof(name), "%.*s", (int)(strlen(result) - strlen("Inventory")), result);
		kind = kind_by_name(name);
	}
	return kind ? kind->id : op->kind;
}

static int check_brought(const struct view *view, const struct request *req, struct error *e)
{
	size_t i;
	json_t *tag;

	json_array_foreach (req->system_tags, i, tag) {
		const char *text = json_string_value(tag);
		struct tag_subject s = {.view = view,
					.actor = &req->actor,
					.req = req,
					.kind = tagged_kind(req->op),
					.uuid = req->target,
					.text = text,
					.count = count_in_request(req, system_tag_find(text, NULL))};
		int r = system_tag_check(&s, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The tags of @row on the object, besides the tag with the uuid @but and those with the very text @text. */
static size_t count_on_object(const struct view *view, const char *uuid, const char *text, const char *but)
{
	const struct system_tag *row = system_tag_find(text, NULL);
	size_t n = 0;

	view_for_each_where (tag, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, uuid)
		n += !object_str_is(tag, SYSTEM_TAG_TAG, text) &&
		     system_tag_find(object_text(tag, SYSTEM_TAG_TAG), NULL) == row &&
		     strcmp(object_uuid(tag), but) != 0;
	return n;
}

/* CreateSystemTag names the object, UpdateSystemTag the tag. */
static int check_subject(const struct view *view, const struct request *req, const char *text,
			 struct error *e)
{
	const struct object *tag = request_object(view, req);
	const char *uuid =
		tag ? object_text(tag, SYSTEM_TAG_RESOURCE_UUID) : request_str(req, "resourceUuid");
	const struct object *o = uuid ? view_get_any(view, uuid) : NULL;
	struct tag_subject s = {.view = view, .actor = &req->actor, .uuid = uuid, .text = text};

	if (!o || (tag && object_int(tag, SYSTEM_TAG_INHERENT)))
		return 0; /* refused by the operation */
	s.kind = o->kind->id;
	s.count = count_on_object(view, uuid, text, tag ? req->target : "") + 1;
	return system_tag_check(&s, e);
}

int system_tags_check_request(const struct view *view, const struct request *req, struct error *e)
{
	int r = check_brought(view, req, e);

	for (const struct param *p = req->op->params; r == 0 && p && p->name; p++)
		if (p->flags & PARAM_TAG && request_str(req, p->name))
			r = check_subject(view, req, request_str(req, p->name), e);
	return r;
}
