/* SPDX-License-Identifier: Apache-2.0 */
/* Setting, getting and deleting the settings of a VM. See setting.h. */
#include "actions/vm/setting.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/wait.h"
#include "actions/vm/state.h"
#include "model/json.h"

static const struct vm_setting *setting_of(const struct request *req)
{
	return req->op->data;
}

static bool is_removal(const struct operation *op)
{
	return op->method == METHOD_DELETE;
}

/* --------------------------------------------------------------------- set */

static char *join(const json_t *list)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, i;
	FILE *f = open_memstream(&text, &len);
	json_t *item;

	if (!f)
		return NULL;
	json_array_foreach (list, i, item) {
		fprintf(f, "%s%s", i ? "," : "", json_string_value(item));
	}
	return fclose(f) == 0 ? steal(&text) : NULL;
}

/* The value that the request gives the tag, allocated; NULL when the tag is to be removed. */
static int wanted_value(const struct vm_setting *s, const struct request *req, char **ret, struct error *e)
{
	bool on = false;

	*ret = NULL;
	if (is_removal(req->op))
		return 0;
	switch (s->form) {
	case SETTING_TEXT:
		*ret = strdup(request_str(req, s->param));
		on = true;
		break;
	case SETTING_NUMBER:
		if (asprintf(ret, "%lld", (long long)request_int(req, s->param, 0)) < 0)
			*ret = NULL;
		on = true;
		break;
	case SETTING_LIST:
		on = json_array_size(request_list(req, s->param)) > 0;
		if (on)
			*ret = join(request_list(req, s->param));
		break;
	case SETTING_MARK:
	case SETTING_TRUE:
		on = request_bool(req, s->param, false);
		if (on)
			*ret = strdup(s->form == SETTING_TRUE ? "true" : "");
		break;
	}
	return on && !*ret ? error_oom(e) : 0;
}

static int put_tag(struct txn *t, const struct vm_setting *s, const struct request *req, struct error *e)
{
	_cleanup_free_ char *value = NULL;
	int r = wanted_value(s, req, &value, e);

	if (r < 0)
		return r;
	r = object_set_system_tag(t, KIND_VM, req->target, s->prefix, value, false, e);
	if (r < 0 || !s->companion)
		return r;
	return object_set_system_tag(t, KIND_VM, req->target, s->companion, request_tag(req, s->companion),
				     false, e);
}

/* Deletions answer with the inventory, as in the manual (behaviour.md 2.7), other rows when they have results. */
static bool answers_inventory(const struct operation *op)
{
	return op->results || is_removal(op);
}

int vm_setting_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct vm_setting *s = setting_of(req);
	const struct object *vm = view_get(txn_view(t), KIND_VM, req->target);
	int r;

	if (s->push && vm_active_host(vm))
		return OP_NEEDS_RUN;
	r = put_tag(t, s, req, e);
	return r < 0 || !answers_inventory(req->op)
		       ? r
		       : result_inventory(txn_view(t), KIND_VM, req->target, ret_result, e);
}

struct tag_change {
	const struct vm_setting *setting;
	const struct request *req;
	char *before; /* owned: the former value; NULL = no tag */
};

static void change_done(struct tag_change *c)
{
	free(c->before);
}

static int change_fn(struct txn *t, void *arg, struct error *e)
{
	struct tag_change *c = arg;
	const char *before = tag_value(txn_view(t), c->req->target, c->setting->prefix);

	free(c->before);
	c->before = before ? strdup(before) : NULL;
	if (before && !c->before)
		return error_oom(e);
	return put_tag(t, c->setting, c->req, e);
}

static int undo_fn(struct txn *t, void *arg, struct error *e)
{
	struct tag_change *c = arg;

	return object_set_system_tag(t, KIND_VM, c->req->target, c->setting->prefix, c->before, false, e);
}

static int push(struct job *job, const struct vm_setting *s, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? vm_active_host(vm) : NULL;

	return host ? s->push(job->pool, view, vm, host, e) : 0;
}

static int answer(struct job *job, json_t **ret_result, struct error *e)
{
	return answers_inventory(job->req->op)
		       ? job_result_inventory(job, KIND_VM, job->req->target, ret_result, e)
		       : 0;
}

int vm_setting_run(struct job *job, json_t **ret_result, struct error *e)
{
	const struct vm_setting *s = setting_of(job->req);
	_cleanup_(change_done) struct tag_change c = {.setting = s, .req = job->req};
	int r = store_run(pool_store(job->pool), change_fn, &c, e);

	if (r < 0)
		return r;
	kill_point("tag-written");
	r = push(job, s, e);
	if (r < 0) {
		(void)store_run(pool_store(job->pool), undo_fn, &c, NULL);
		return r;
	}
	return answer(job, ret_result, e);
}

int vm_setting_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const struct vm_setting *s = setting_of(job->req);
	_cleanup_free_ char *wanted = NULL;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *have = vm ? tag_value(view, object_uuid(vm), s->prefix) : NULL;
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	int r = wanted_value(s, job->req, &wanted, e);

	if (r < 0)
		return r;
	if (!vm || (wanted && have ? strcmp(wanted, have) != 0 : wanted || have))
		return error_undone(e, "the daemon ended before '%s' changed anything", job->req->op->name);
	if (host && host_wait_connected(job, host))
		r = push(job, s, e);
	else if (host && job_should_stop(job))
		return job_stop_reason(job, e);
	return r < 0 ? r : answer(job, ret_result, e);
}

/* --------------------------------------------------------------------- get */

static json_t *split(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	json_t *list = copy ? json_array() : NULL;
	char *rest = copy;

	for (char *word = strsep(&rest, ","); list && word; word = strsep(&rest, ","))
		json_add_item(&list, json_string(word));
	return list;
}

static json_t *value_json(const struct vm_setting *s, const char *value)
{
	switch (s->form) {
	case SETTING_TEXT:
		return json_string(value);
	case SETTING_NUMBER:
		return json_integer(atoll(value));
	case SETTING_LIST:
		return split(value);
	case SETTING_MARK:
		return json_boolean(value != NULL);
	case SETTING_TRUE:
		return json_boolean(value && strcasecmp(value, "true") == 0);
	}
	return NULL;
}

int vm_setting_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	const struct vm_setting *s = setting_of(req);
	const char *value = tag_value(view, req->target, s->prefix);
	bool is_switch = s->form == SETTING_MARK || s->form == SETTING_TRUE;

	(void)pool;
	/* The manual's GetVmQga includes the uuid of the VM. */
	*ret_result = s->form == SETTING_MARK ? json_pack("{s:s}", "uuid", req->target) : json_object();
	if (!value && s->missing)
		value = s->missing(view, req->target);
	for (size_t i = 0; i < ARRAY_SIZE(s->results) && (value || is_switch); i++)
		if (s->results[i] &&
		    json_object_set_new(*ret_result, s->results[i], value_json(s, value)) < 0) {
			json_decref(*ret_result);
			*ret_result = NULL;
		}
	return *ret_result ? 0 : error_oom(e);
}
