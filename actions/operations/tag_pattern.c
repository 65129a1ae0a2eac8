/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag patterns, the resource tags of later versions of the manual's server: a name,
 * a colour and the text of the user tags that are made from it. What is attached is
 * an ordinary user tag, which knows its pattern and goes with it. So the owner of a
 * pattern changes and deletes tags on the objects of accounts that it is shared with,
 * if they have attached it, also when the sharing has ended.
 */
#include <string.h>

#include "actions/engine/params.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/steps.h"
#include "actions/engine/tags.h"
#include "actions/operations/table.h"
#include "model/json.h"
#include "model/render.h"

#define LENGTH 128 /* characters of a name or value */

/* ------------------------------------------------------------------- the text */

static bool is_simple(const struct object *pattern)
{
	return object_str_is(pattern, TAG_PATTERN_TYPE, "simple");
}

/*
 * The text that @tag, "os::{name}", makes with the tokens {"name": "x"}, NULL: none; allocated. An error if one of
 * its tokens has no value.
 */
static int make_text(const struct object *tag, const json_t *tokens, char **ret, struct error *e)
{
	const char *pattern = object_text(tag, TAG_PATTERN_VALUE);
	bool simple = is_simple(tag);
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int r = out ? 0 : error_oom(e);

	while (r == 0 && *pattern) {
		const char *end = !simple && *pattern == '{' ? strchr(pattern, '}') : NULL;
		_cleanup_free_ char *name = end ? strndup(pattern + 1, (size_t)(end - pattern - 1)) : NULL;
		const char *value = name ? json_string_value(json_object_get(tokens, name)) : NULL;

		if (!end) {
			(void)fputc(*pattern++, out);
		} else if (value) {
			(void)fputs(value, out);
			pattern = end + 1;
		} else {
			r = error_set(e, EINVAL, "the tag needs a value for its token '%s'",
				      name ? name : "");
		}
	}
	if (out && fclose(out) != 0 && r == 0)
		r = error_oom(e);
	if (r == 0)
		r = params_check_user_tag("tokens", *ret, e);
	if (r < 0) {
		free(*ret);
		*ret = NULL;
	}
	return r;
}

static bool has_token(const char *value)
{
	const char *open = strchr(value, '{'), *end = open ? strchr(open, '}') : NULL;

	return end && end > open + 1;
}

static int check_value(const char *value, bool simple, struct error *e)
{
	if (!*value)
		return error_set(e, EINVAL, "field[value] cannot be an empty string");
	if (!simple && !has_token(value))
		return error_set(e, EINVAL,
				 "the value of a tag with tokens must have one, such as 'os::{name}'");
	return 0;
}

/* ---------------------------------------------------------- creating, changing */

static int pattern_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	return r < 0 ? r
		     : check_value(request_str(req, "value"), strcmp(request_str(req, "type"), "simple") == 0,
				   e);
}

static int pattern_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_TAG_PATTERN, req, &o, e);

	return r < 0 ? r : object_create(t, o, req, ret_result, e);
}

static int pattern_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *pattern = request_object(view, req);
	const char *value = request_str(req, "value");

	if (!value)
		return 0;
	if (!is_simple(pattern) &&
	    view_next_where(view, KIND_USER_TAG, USER_TAG_PATTERN_UUID, req->target, 0))
		return error_set(
			e, EBUSY,
			"the value of tag '%s' has tokens and is in use, detach it before it is changed",
			req->target);
	return check_value(value, is_simple(pattern), e);
}

/* The tags of a pattern, in steps. */
struct walk {
	const char *pattern;
	int64_t after;
};

/* An object that has the new value as a tag of its own already keeps that alone: nothing is on it twice. */
static int follow(struct txn *t, const struct object *tag, const char *value, struct error *e)
{
	const char *uuid = object_text(tag, USER_TAG_RESOURCE_UUID);
	struct object *copy;

	if (object_str_is(tag, USER_TAG_TAG, value))
		return 0;
	if (object_find_tag(txn_view(t), KIND_USER_TAG, uuid, value))
		return object_remove(t, tag, e);
	copy = object_copy(tag);
	object_set_str(copy, USER_TAG_TAG, value);
	return txn_put(t, copy, NULL, e);
}

/* The tags that were made of a value follow it. */
static int follow_step(struct txn *t, void *arg, size_t *left, struct error *e)
{
	struct walk *walk = arg;
	const struct object *pattern = view_get(txn_view(t), KIND_TAG_PATTERN, walk->pattern), *tag;
	_cleanup_object_ const struct object *held = pattern ? object_ref(pattern) : NULL;
	int r = 0;

	if (!pattern || !is_simple(pattern))
		return 0;
	while (r == 0 && *left &&
	       (tag = view_next_where(txn_view(t), KIND_USER_TAG, USER_TAG_PATTERN_UUID, walk->pattern,
				      walk->after))) {
		walk->after = tag->id;
		(*left)--;
		r = follow(t, tag, object_text(held, TAG_PATTERN_VALUE), e);
	}
	return r;
}

/* Without a look at the tags, which may be many; never too few. */
static bool is_one_step(const struct view *view, const char *pattern)
{
	return view_count_candidates(view, KIND_USER_TAG, USER_TAG_PATTERN_UUID, pattern) < STEP_ROWS;
}

static int pattern_update_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	struct walk walk = {.pattern = req->target};
	size_t left = STEP_ROWS;
	int r;

	if (request_has(req, "value") && !is_one_step(txn_view(t), req->target))
		return OP_NEEDS_RUN;
	r = object_update_apply(t, req, ret_result, e);
	return r < 0 || !request_has(req, "value") ? r : follow_step(t, &walk, &left, e);
}

/* The new value comes first, so that it is that of what is attached meanwhile. Also completes an update. */
static int pattern_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct walk walk = {.pattern = job->req->target};
	_cleanup_view_ struct view *view = NULL;
	int r = store_run(pool_store(job->pool), object_update_fn, job->req, e);

	if (r == 0)
		r = pool_run_steps(job->pool, follow_step, &walk, e);
	if (r < 0)
		return r;
	view = store_view(pool_store(job->pool));
	return result_inventory(view, KIND_TAG_PATTERN, job->req->target, ret_result, e);
}

/* The last step removes the pattern itself, so that none of its tags stays. */
static int delete_step(struct txn *t, void *arg, size_t *left, struct error *e)
{
	const char *uuid = arg;
	const struct object *o;
	int r = 0;

	for (; r == 0 && *left &&
	       (o = view_next_where(txn_view(t), KIND_USER_TAG, USER_TAG_PATTERN_UUID, uuid, 0));
	     (*left)--)
		r = object_remove(t, o, e);
	if (r < 0 || !*left)
		return r;
	o = view_get(txn_view(t), KIND_TAG_PATTERN, uuid);
	return o ? object_remove(t, o, e) : 0;
}

static int pattern_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	size_t left = STEP_ROWS;

	(void)ret_result;
	return is_one_step(txn_view(t), req->target)
		       ? delete_step(t, (void *)(uintptr_t)req->target, &left, e)
		       : OP_NEEDS_RUN;
}

static int pattern_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return pool_run_steps(job->pool, delete_step, job->req->target, e);
}

/* ------------------------------------------------------------------- attaching */

static int attach_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *pattern = request_object(view, req);
	_cleanup_free_ char *text = NULL;
	int r = make_text(pattern, json_object_get(req->params, "tokens"), &text, e);
	json_t *item;
	size_t i;

	if (r < 0)
		return r;
	json_array_foreach (request_list(req, "resourceUuids"), i, item) {
		const char *uuid = json_string_value(item);
		const struct object *o = view_get_any(view, uuid);

		if (!o || !o->kind->directory)
			return error_set(e, ENOENT, "there is no object '%s' that can have tags", uuid);
		if (object_find_tag(view, KIND_USER_TAG, uuid, text))
			return error_set(e, EEXIST, "%s '%s' has the tag '%s' already", o->kind->noun, uuid,
					 text);
	}
	return 0;
}

static int attach_one(struct txn *t, const struct request *req, const char *resource, const char *text,
		      json_t *results, struct error *e)
{
	const struct object *o = view_get_any(txn_view(t), resource);
	char uuid[UUID_SIZE];
	json_t *inventory, *pattern;
	int r;

	if (!o)
		return error_set(e, ENOENT, "the object '%s' is gone", resource);
	if (object_find_tag(txn_view(t), KIND_USER_TAG, resource, text))
		return 0; /* named twice */
	uuid_make(uuid);
	r = object_put_user_tag(t, uuid, o->kind->id, resource, text, req->target, e);
	if (r < 0)
		return r;
	inventory = render_inventory_json(txn_view(t), view_get(txn_view(t), KIND_USER_TAG, uuid));
	pattern = render_inventory_json(txn_view(t), view_get(txn_view(t), KIND_TAG_PATTERN, req->target));
	json_add_member(&inventory, "tagPattern", pattern);
	return json_array_append_new(results,
				     json_pack("{s:o, s:b}", "inventory", inventory, "success", 1)) == 0
		       ? 0
		       : error_oom(e);
}

static int attach_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *pattern = request_object(txn_view(t), req);
	_cleanup_json_ json_t *results = json_array();
	_cleanup_free_ char *text = NULL;
	json_t *item;
	size_t i;
	int r;

	if (!pattern || !results)
		return pattern ? error_oom(e) : error_gone(e, KIND_TAG_PATTERN, req->target);
	r = make_text(pattern, json_object_get(req->params, "tokens"), &text, e);
	json_array_foreach (request_list(req, "resourceUuids"), i, item)
		if (r == 0)
			r = attach_one(t, req, json_string_value(item), text, results, e);
	if (r < 0)
		return r;
	*ret_result = json_pack("{s:O}", "results", results);
	return *ret_result ? 0 : error_oom(e);
}

static int detach_one(struct txn *t, const char *pattern, const char *resource, struct error *e)
{
	const struct object *tag;
	int64_t after = 0;
	int r = 0;

	while (r == 0 &&
	       (tag = view_next_where(txn_view(t), KIND_USER_TAG, USER_TAG_RESOURCE_UUID, resource, after))) {
		after = tag->id;
		if (object_str_is(tag, USER_TAG_PATTERN_UUID, pattern))
			r = object_remove(t, tag, e);
	}
	return r;
}

static int detach_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	json_t *item;
	size_t i;

	(void)ret_result;
	json_array_foreach (request_list(req, "resourceUuids"), i, item) {
		int r = detach_one(t, req->target, json_string_value(item), e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --------------------------------------------------------------------- the rows */

#define P_TEXT(pname, pflags, plength)                                                                       \
	{                                                                                                    \
		.name = (pname), .type = PARAM_STRING, .in = IN_BODY, .flags = (pflags),                     \
		.max_length = (plength)                                                                      \
	}

#define P_RESOURCES(place)                                                                                   \
	{                                                                                                    \
		.name = "resourceUuids", .type = PARAM_LIST, .in = (place),                                  \
		.flags = PARAM_REQUIRED | PARAM_NONEMPTY | PARAM_ANY_KIND | PARAM_CHANGES                    \
	}

static const struct operation create_tag = {
	.section = "5.4",
	.name = "CreateTag",
	.message = "org.zstack.tag2.APICreateTagMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/tags", NULL},
	.key = "params",
	.params = (const struct param[]){P_TEXT("name", PARAM_REQUIRED, LENGTH),
					 P_TEXT("value", PARAM_REQUIRED, LENGTH),
					 P_DESCRIPTION,
					 P_TEXT("color", 0, 32),
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"simple", "withToken", NULL},
					  .default_value = "simple"},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:TagPatternInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_TAG_PATTERN,
	.where = "tags",
	.error_code = "SYS.1002",
	.help = "makes a tag that can be attached to objects; with type=withToken its value has tokens, 'os::{name}'",
	.check = pattern_create_check,
	.apply = pattern_create_apply,
};

static const struct operation query_tag = {
	.section = "5.4",
	.name = "QueryTag",
	.message = "org.zstack.tag2.APIQueryTagMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/tags", "/tags/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_TAG_PATTERN,
	.flags = OP_SYNC,
	.help = "lists tags that can be attached",
};

static const struct operation update_tag = {
	.section = "5.4",
	.name = "UpdateTag",
	.message = "org.zstack.tag2.APIUpdateTagMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/tags/{uuid}/actions", NULL},
	.key = "updateTag",
	.params = (const struct param[]){P_UUID(KIND_TAG_PATTERN),
					 P_TEXT("name", 0, LENGTH),
					 P_TEXT("value", 0, LENGTH),
					 P_DESCRIPTION,
					 P_TEXT("color", 0, 32),
					 {0}},
	.results = (const char *const[]){"inventory:TagPatternInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_TAG_PATTERN,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the tag; a new value is that of all objects that it is attached to, too",
	.check = pattern_update_check,
	.apply = pattern_update_apply,
	.run = pattern_update_run,
	.recover = pattern_update_run,
};

/* On the manual's server DeleteTag deletes tags of all kinds. */
static const struct operation delete_tag_pattern = {
	.section = "5.4",
	.name = "DeleteTagPattern",
	.message = "org.zstack.header.tag.APIDeleteTagMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/tags/{uuid}", NULL},
	.params = (const struct param[]){P_UUID(KIND_TAG_PATTERN), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_TAG_PATTERN,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the tag, and detaches it from all objects",
	.apply = pattern_delete_apply,
	.run = pattern_delete_run,
	.recover = pattern_delete_run,
};

static const struct operation attach_tag = {
	.section = "5.4",
	.name = "AttachTagToResources",
	.message = "org.zstack.tag2.APIAttachTagToResourcesMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/tags/{tagUuid}/resources", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("tagUuid", KIND_TAG_PATTERN),
					 P_RESOURCES(IN_BODY),
					 {.name = "tokens", .type = PARAM_MAP, .in = IN_BODY},
					 {0}},
	.results = (const char *const[]){"results:[AttachTagResult]", NULL},
	.form = FORM_VERB,
	.kind = KIND_TAG_PATTERN,
	.target = "tagUuid",
	.verb = "attach",
	.flags = OP_USES_TARGET,
	.help = "attaches the tag to objects, as a user tag; tokens are the values of what its value has in braces",
	.check = attach_check,
	.apply = attach_apply,
};

static const struct operation detach_tag = {
	.section = "5.4",
	.name = "DetachTagFromResources",
	.message = "org.zstack.tag2.APIDetachTagFromResourcesMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/tags/{tagUuid}/resources", NULL},
	.params = (const struct param[]){P_PATH("tagUuid", KIND_TAG_PATTERN), P_RESOURCES(IN_QUERY), {0}},
	.form = FORM_VERB,
	.kind = KIND_TAG_PATTERN,
	.target = "tagUuid",
	.verb = "detach",
	.flags = OP_USES_TARGET,
	.help = "detaches the tag from objects",
	.apply = detach_apply,
};

const struct operation *const operations_tag_pattern[] = {
	&create_tag, &query_tag, &update_tag, &delete_tag_pattern, &attach_tag, &detach_tag, NULL,
};
