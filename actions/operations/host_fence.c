/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the power of a host that is silent: running its fence command,
 * and the word of an administrator. host/fence.h says what follows from it.
 */
#include <inttypes.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/host/fence.h"
#include "actions/host/fence_command.h"
#include "actions/operations/table.h"
#include "actions/vm/ha.h"
#include "model/log.h"
#include "model/states.h"

/* What a living host does needs no proof, and must not be cut off by mistake. */
static int check_silent(const struct object *host, const struct request *req, struct error *e)
{
	if (object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED))
		return 0;
	if (req->due && object_str_is(host, HOST_STATUS, STATUS_CONNECTING))
		error_may_pass(e);
	return error_set(e, EBUSY, "host '%s' is %s; only a host that is Disconnected can be taken for dead",
			 object_name(host), object_text(host, HOST_STATUS));
}

/* --------------------------------------------------------------- the outcome */

struct outcome {
	const char *host;
	int64_t since; /* when the host became Disconnected, ns since 1970 */
	const char *status, *reason;
};

static bool is_same_silence(const struct object *host, const struct outcome *outcome)
{
	return host && object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED) &&
	       object_time(host, HOST_STATUS) == outcome->since;
}

/* What was found out while the host was silent says nothing about it when it has answered since. */
static int outcome_fn(struct txn *t, void *arg, struct error *e)
{
	const struct outcome *outcome = arg;
	const struct object *host = view_get(txn_view(t), KIND_HOST, outcome->host);
	int r;

	if (!is_same_silence(host, outcome))
		return error_set(e, EAGAIN,
				 "the host has answered meanwhile, or the connection to it is new");
	r = host_put_fence(t, outcome->host, outcome->status, outcome->reason, e);
	if (r < 0 || !host_is_dead(view_get(txn_view(t), KIND_HOST, outcome->host)))
		return r;
	return ha_release_host(t, outcome->host, e);
}

static int put_outcome(struct job *job, struct outcome *outcome, const char *status, const char *reason,
		       struct error *e)
{
	outcome->status = status;
	outcome->reason = reason;
	return store_run(pool_store(job->pool), outcome_fn, outcome, e);
}

/* ------------------------------------------------------------------- fencing */

static int no_command(const struct object *host, struct error *e)
{
	return error_set(
		e, ENOENT,
		"neither host '%s' nor its cluster has a fenceCommand; if the host is switched off, use "
		"confirm-dead",
		object_name(host));
}

static int host_fence_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *host = request_object(view, req);
	int r = check_silent(host, req, e);

	return r < 0 || host_fence_command(view, host) ? r : no_command(host, e);
}

struct fencing {
	struct job *job;
	const struct object *host;  /* borrowed */
	const char *command;	    /* borrowed */
	struct fence_answer answer; /* of the last call */
};

/* One call of the command; what it prints is in the log. */
static int call(struct fencing *f, const char *action, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(f->job->pool));
	int64_t limit = config_int(view, "ha.fence.timeout") * 1000;
	int left = job_remaining_ms(f->job);
	int r = fence_command_run(f->command, action, f->host, limit < left ? (int)limit : left, f->job,
				  &f->answer, e);

	if (r < 0)
		return r;
	log_info("host", object_uuid(f->host), "'%s %s' ended with status %d: %s", f->command, action,
		 f->answer.status, f->answer.output);
	return 0;
}

static int not_proved(const struct fencing *f, const char *action, const char *what, struct error *e)
{
	return error_set(e, EIO, "'%s %s' ended with status %d, %s%s%s", f->command, action, f->answer.status,
			 what, *f->answer.output ? ": " : "", f->answer.output);
}

/* Cuts the power and asks whether it is off. 0: it is. */
static int cut_power(struct fencing *f, struct error *e)
{
	int r = call(f, "status", e);

	if (r < 0 || fence_power_of_status(f->answer.status) == FENCE_POWER_OFF)
		return r;
	r = call(f, "off", e);
	if (r < 0)
		return r;
	kill_point("fence-off");
	if (f->answer.status != 0)
		return not_proved(f, "off", "so the power was not cut", e);
	r = call(f, "status", e);
	if (r < 0)
		return r;
	switch (fence_power_of_status(f->answer.status)) {
	case FENCE_POWER_OFF:
		return 0;
	case FENCE_POWER_ON:
		return not_proved(f, "status", "so the power is still on", e);
	case FENCE_POWER_UNKNOWN:
		break;
	}
	return not_proved(f, "status", "which does not say that the power is off", e);
}

static int host_fence_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *host = request_object(view, job->req);
	struct fencing f = {
		.job = job, .host = host, .command = host ? host_fence_command(view, host) : NULL};
	struct outcome outcome = {.host = job->req->target};
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r;

	if (!host)
		return error_gone(e, KIND_HOST, job->req->target);
	if (!f.command)
		return no_command(host, e);
	outcome.since = object_time(host, HOST_STATUS);
	r = put_outcome(job, &outcome, FENCE_FENCING, "the fence command is running", e);
	if (r < 0)
		return r;
	r = cut_power(&f, e);
	if (r < 0) {
		(void)put_outcome(job, &outcome, FENCE_FAILED, error_sentence(e), &ignored);
		return r;
	}
	r = put_outcome(job, &outcome, FENCE_OFF, "the fence command says that the power is off", e);
	return r < 0 ? r : job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
}

static int interrupted_fn(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	const struct object *host = request_object(txn_view(t), req);

	if (!host || !object_str_is(host, HOST_FENCE_STATUS, FENCE_FENCING))
		return 0;
	return host_put_fence(t, req->target, FENCE_FAILED, "poolfs ended while the fence command ran", e);
}

/* A host that is off stays so when it is asked once more, and one that has come back is not asked. */
static int host_fence_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r;

	if (host_is_dead(request_object(view, job->req)))
		return job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
	r = store_run(pool_store(job->pool), interrupted_fn, job->req, e);
	return r < 0 ? r : error_undone(e, "poolfs ended while the fence command ran");
}

/* -------------------------------------------------------------- confirmation */

static int host_confirm_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_silent(request_object(view, req), req, e);
}

static int host_confirm_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *host = request_object(txn_view(t), req);
	struct outcome outcome = {.host = req->target,
				  .since = object_time(host, HOST_STATUS),
				  .status = FENCE_CONFIRMED,
				  .reason = "an administrator has confirmed that the host is off"};

	(void)ret_result;
	return outcome_fn(t, &outcome, e);
}

static const struct operation fence_host = {
	.section = "5.1",
	.name = "FenceHost",
	.message = "org.zstack.header.host.APIFenceHostMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/hosts/{uuid}/actions", NULL},
	.key = "fenceHost",
	.params = (const struct param[]){P_UUID(KIND_HOST), {0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "fence",
	.flags = OP_ADMIN,
	.help = "cuts the power of a host that is Disconnected, by its fenceCommand; its VMs are then known to be dead",
	.check = host_fence_check,
	.run = host_fence_run,
	.recover = host_fence_recover,
};

static const struct operation confirm_host_dead = {
	.section = "5.1",
	.name = "ConfirmHostDead",
	.message = "org.zstack.header.host.APIConfirmHostDeadMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/hosts/{uuid}/actions", NULL},
	.key = "confirmHostDead",
	.params = (const struct param[]){P_UUID(KIND_HOST), {0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "confirm-dead",
	.flags = OP_ADMIN,
	.help = "says that a Disconnected host is switched off: its VMs may be started elsewhere. If it runs, they run twice",
	.check = host_confirm_check,
	.apply = host_confirm_apply,
};

const struct operation *const operations_host_fence[] = {&fence_host, &confirm_host_dead, NULL};
