/* SPDX-License-Identifier: Apache-2.0 */
/* See value.h. */
#include "fs/class/value.h"

#include "fs/class/command.h"
#include "fs/class/document.h"
#include "fs/class/value_text.h"
#include "fs/class/writing.h"
#include "fs/tell/wait.h"
#include "model/access.h"
#include "model/render.h"
#include "fs/tree/permissions.h"

struct document *render_field(const struct place *p)
{
	return render_value(p->view, p->object, (int)p->node.index);
}

/* The operation requested by writing a value file; NULL if the file is read-only. */
static const struct operation *field_operation(const struct place *p)
{
	const struct operation *op = operation_by_field(p->kind->id, p->field->name);

	return op && !(operation_param(op, p->field->name)->flags & PARAM_NOFILE) ? op : NULL;
}

static bool is_secret(const struct object *o)
{
	return o && o->kind->id == KIND_SYSTEM_TAG && system_tag_is_secret(object_text(o, SYSTEM_TAG_TAG));
}

mode_t permissions_of_tag(const struct place *p)
{
	return is_secret(p->object) ? 0400 : 0444;
}

mode_t permissions_value(const struct place *p)
{
	bool secret = (p->field->flags & F_SECRET) ||
		      (is_secret(p->object) && (int)p->node.index == SYSTEM_TAG_TAG);
	mode_t mode = field_operation(p) ? 0644 : 0444;

	return secret ? mode & 0600 : mode;
}

static int tag_field(const struct object *o)
{
	return o->kind->id == KIND_SYSTEM_TAG ? SYSTEM_TAG_TAG : USER_TAG_TAG;
}

struct document *render_tag(const struct place *p)
{
	return render_value(p->view, p->object, tag_field(p->object));
}

/* Is this the present value, with no change in progress that the write would have to revert? */
static bool is_present_value(const struct place *p, const json_t *value)
{
	json_t *present = render_field_json(p->view, p->object, (int)p->node.index);
	const char *text = json_string_value(value);
	bool same = present ? json_equal(present, value) : text && !*text;

	json_decref(present);
	return same && !view_next_where(p->view, KIND_JOB, JOB_QUEUE, object_uuid(p->object), 0);
}

/* The request in the text of a value file; NULL if it is the present value, once it has been trimmed. */
static int value_request(const struct place *p, const char *data, size_t len, struct request **ret_req,
			 struct error *e)
{
	const struct operation *op = field_operation(p);
	_cleanup_(request_free_p) struct request *req = NULL;
	struct actor actor = place_actor(p);
	json_t *value = NULL, *params;
	int r = value_parse(operation_param(op, p->field->name), data, len, &value, e);

	*ret_req = NULL;
	if (r < 0)
		return r;
	params = json_pack("{s:o}", p->field->name, value);
	r = params ? request_new(op, object_uuid(p->object), params, &actor, &req, e)
		   : error_set(e, ENOMEM, "out of memory");
	json_decref(params);
	if (r == 0 && !is_present_value(p, json_object_get(req->params, p->field->name)))
		*ret_req = steal(&req);
	return r;
}

static const struct param *value_param(const struct place *p)
{
	return operation_param(field_operation(p), p->field->name);
}

static int value_part(const struct place *p, const struct gather *g, struct error *e)
{
	const struct param *param = value_param(p);

	if (param->type == PARAM_LIST || param->type == PARAM_MAP)
		return writing_part_of_json(g, e);
	return value_check_piece(param, g->data, g->len, e);
}

static bool may_grow(const struct place *p, const char *text, size_t len)
{
	return value_may_grow(value_param(p), text, len);
}

static bool value_jobs(const struct place *p, struct job_set *ret)
{
	ret->op = field_operation(p);
	snprintf(ret->resource, sizeof(ret->resource), "%s", object_uuid(p->object));
	return ret->op != NULL;
}

static int64_t value_version(const struct place *p)
{
	return render_value_mtime(p->object, (int)p->node.index);
}

/* A value that is rendered from others may change without the object; a text that leaves memory is read by others. */
static bool value_is_paged(const struct place *p)
{
	return field_is_stored(p->field) && !(p->field->flags & F_LEAVES);
}

const struct file_class class_value = {
	DOCUMENT_FILE,
	COMMAND_FILE,
	.part = value_part,
	.may_grow = may_grow,
	.amends = true,
	.version = value_version,
	.is_paged = value_is_paged,
	.request = value_request,
	.jobs = value_jobs,
};
