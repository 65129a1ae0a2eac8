/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a VM that are one system tag each (behaviour.md 3.12): one
 * table, and one handler for all operations that set, get or delete them.
 *
 * A setting that a running guest can feel at once has a push function. Then the
 * tag is written first and what it says is brought to the host; when that fails
 * the former tag comes back. A kill in between leaves the new tag, and recovery
 * brings it to the host once more.
 *
 * To add one: a row here; in the operation's row the handlers of this file, and
 * a check when not every value of the parameter will do.
 */
#include "actions/vm/setting.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/wait.h"
#include "actions/vm/describe.h"
#include "actions/vm/lease.h"
#include "actions/vm/state.h"
#include "hypervisor/domain/console.h"

enum value_form {
	VALUE_TEXT,   /* `prefix::text` */
	VALUE_NUMBER, /* `prefix::number` */
	VALUE_LIST,   /* `prefix::one,two` */
	VALUE_MARK,   /* `prefix` or nothing */
	VALUE_TRUE,   /* `prefix::true` or nothing */
};

/** Makes the host do what the VM's tag in @view says; @host is where the VM is active. Blocking. */
typedef int push_fn(struct pool *pool, const struct view *view, const struct object *vm, const char *host,
		    struct error *e);

struct setting {
	const char *prefix; /* of the tag */
	enum value_form form;
	const char *set, *get, *remove; /* names of the operations; NULL = none */
	const char *param;		/* of the set operation */
	const char *results[2];		/* members of the Get's answer: the wire's, the manual's */
	const char *companion;		/* tag that a set request may carry along, else it goes; or NULL */
	/* what holds without a tag; NULL = the answer has no such member */
	const char *(*missing)(const struct view *view, const char *vm_uuid);
	push_fn *push;
};

/* DHCP tells the name at the guest's next renewal. */
static int push_hostname(struct pool *pool, const struct view *view, const struct object *vm,
			 const char *host, struct error *e)
{
	return vm_set_leases(pool, view, object_uuid(vm), host, e);
}

static int push_console_password(struct pool *pool, const struct view *view, const struct object *vm,
				 const char *host, struct error *e)
{
	return hv_console_set_password(pool_hypervisor(pool), host, object_uuid(vm),
				       tag_value(view, object_uuid(vm), "consolePassword"), e);
}

static const char *one_monitor(const struct view *view, const char *vm_uuid)
{
	(void)view, (void)vm_uuid;
	return "1";
}

static const struct setting settings[] = {
	{.prefix = "sshkey",
	 .set = "SetVmSshKey",
	 .get = "GetVmSshKey",
	 .remove = "DeleteVmSshKey",
	 .param = "SshKey",
	 .results = {"sshKey"}},
	{.prefix = "consolePassword",
	 .set = "SetVmConsolePassword",
	 .get = "GetVmConsolePassword",
	 .remove = "DeleteVmConsolePassword",
	 .param = "consolePassword",
	 .results = {"password", "consolePassword"},
	 .push = push_console_password},
	{.prefix = "hostname",
	 .set = "SetVmHostname",
	 .get = "GetVmHostname",
	 .remove = "DeleteVmHostname",
	 .param = "hostname",
	 .results = {"hostname"},
	 .push = push_hostname},
	{.prefix = "bootOrder",
	 .form = VALUE_LIST,
	 .set = "SetVmBootOrder",
	 .get = "GetVmBootOrder",
	 .param = "bootOrder",
	 .results = {"orders", "order"},
	 .companion = "cdromBootOnce",
	 .missing = vm_boot_order},
	{.prefix = "qemuga",
	 .form = VALUE_MARK,
	 .set = "SetVmQga",
	 .get = "GetVmQga",
	 .param = "enable",
	 .results = {"enable"}},
	{.prefix = "RDPEnable",
	 .form = VALUE_TRUE,
	 .set = "SetVmRDP",
	 .get = "GetVmRDP",
	 .param = "enable",
	 .results = {"enable"}},
	{.prefix = "VDIMonitorNumber",
	 .form = VALUE_NUMBER,
	 .set = "SetVmMonitorNumber",
	 .get = "GetVmMonitorNumber",
	 .param = "monitorNumber",
	 .results = {"monitorNumber"},
	 .missing = one_monitor},
};

static bool is_name(const char *name, const char *wanted)
{
	return name && strcmp(name, wanted) == 0;
}

/* The setting that an operation is about; the table has one for each that has these handlers. */
static const struct setting *setting_of(const struct operation *op)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];

		if (is_name(s->set, op->name) || is_name(s->get, op->name) || is_name(s->remove, op->name))
			return s;
	}
	return NULL;
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

/* The value that the request gives the tag, allocated; *ret is NULL when the tag shall go. */
static int wanted_value(const struct setting *s, const struct request *req, char **ret, struct error *e)
{
	bool on = false;

	*ret = NULL;
	if (is_name(s->remove, req->op->name))
		return 0;
	switch (s->form) {
	case VALUE_TEXT:
		*ret = strdup(request_str(req, s->param));
		on = true;
		break;
	case VALUE_NUMBER:
		if (asprintf(ret, "%lld", (long long)request_int(req, s->param, 0)) < 0)
			*ret = NULL;
		on = true;
		break;
	case VALUE_LIST:
		on = json_array_size(request_list(req, s->param)) > 0;
		if (on)
			*ret = join(request_list(req, s->param));
		break;
	case VALUE_MARK:
	case VALUE_TRUE:
		on = request_bool(req, s->param, false);
		if (on)
			*ret = strdup(s->form == VALUE_TRUE ? "true" : "");
		break;
	}
	return on && !*ret ? error_oom(e) : 0;
}

static int put_tag(struct txn *t, const struct setting *s, const struct request *req, struct error *e)
{
	_cleanup_free_ char *value = NULL;
	int r = wanted_value(s, req, &value, e);

	if (r == 0)
		r = object_set_system_tag(t, KIND_VM, req->target, s->prefix, value, false, e);
	if (r == 0 && s->companion)
		r = object_set_system_tag(t, KIND_VM, req->target, s->companion,
					  request_tag(req, s->companion), false, e);
	return r;
}

/* Deletions answer with the inventory, as the manual shows it (behaviour.md 2.7), sets where the table says
 * so. */
static bool answers_inventory(const struct setting *s, const struct operation *op)
{
	return op->results || is_name(s->remove, op->name);
}

int vm_setting_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct setting *s = setting_of(req->op);
	const struct object *vm = view_get(txn_view(t), KIND_VM, req->target);
	int r;

	if (s->push && vm_active_host(vm))
		return OP_NEEDS_RUN;
	r = put_tag(t, s, req, e);
	return r < 0 || !answers_inventory(s, req->op)
		       ? r
		       : result_inventory(txn_view(t), KIND_VM, req->target, ret_result, e);
}

struct tag_change {
	const struct setting *setting;
	const struct request *req;
	char *before; /* owned: the former value, NULL = there was no tag */
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

static int push(struct job *job, const struct setting *s, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? vm_active_host(vm) : NULL;

	return host ? s->push(job->pool, view, vm, host, e) : 0;
}

static int answer(struct job *job, const struct setting *s, json_t **ret_result, struct error *e)
{
	return answers_inventory(s, job->req->op)
		       ? job_result_inventory(job, KIND_VM, job->req->target, ret_result, e)
		       : 0;
}

int vm_setting_run(struct job *job, json_t **ret_result, struct error *e)
{
	const struct setting *s = setting_of(job->req->op);
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
	return answer(job, s, ret_result, e);
}

int vm_setting_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const struct setting *s = setting_of(job->req->op);
	_cleanup_free_ char *wanted = NULL;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *have = vm ? tag_value(view, object_uuid(vm), s->prefix) : NULL;
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	int r = wanted_value(s, job->req, &wanted, e);

	if (r < 0)
		return r;
	if (!vm || (wanted && have ? strcmp(wanted, have) != 0 : wanted || have))
		return error_set_code(e, EINTR, "SYS.1000", "the daemon ended before '%s' changed anything",
				      job->req->op->name);
	if (host && host_wait_connected(job, host))
		r = push(job, s, e);
	return r < 0 ? r : answer(job, s, ret_result, e);
}

/* --------------------------------------------------------------------- get */

static json_t *split(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	json_t *list = copy ? json_array() : NULL;
	char *rest = copy;

	for (char *word = strsep(&rest, ","); list && word; word = strsep(&rest, ","))
		(void)json_array_append_new(list, json_string(word));
	return list;
}

static json_t *value_json(const struct setting *s, const char *value)
{
	switch (s->form) {
	case VALUE_TEXT:
		return json_string(value);
	case VALUE_NUMBER:
		return json_integer(atoll(value));
	case VALUE_LIST:
		return split(value);
	case VALUE_MARK:
		return json_boolean(value != NULL);
	case VALUE_TRUE:
		return json_boolean(value && strcasecmp(value, "true") == 0);
	}
	return NULL;
}

int vm_setting_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	const struct setting *s = setting_of(req->op);
	const char *value = tag_value(view, req->target, s->prefix);
	bool is_switch = s->form == VALUE_MARK || s->form == VALUE_TRUE;

	(void)pool;
	/* The manual's GetVmQga says whose answer it is. */
	*ret_result = s->form == VALUE_MARK ? json_pack("{s:s}", "uuid", req->target) : json_object();
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
