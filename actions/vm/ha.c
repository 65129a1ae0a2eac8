/* SPDX-License-Identifier: Apache-2.0 */
/* See ha.h. The level is set with the operations 4.1.52 to 4.1.54 of the manual. */
#include "actions/vm/ha.h"

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/host/address.h"
#include "actions/host/fence.h"
#include "actions/vm/ha_decision.h"
#include "actions/vm/state.h"
#include "model/log.h"
#include "model/states.h"

#define HA_SOURCE "ha"
/* Starts that were submitted longer ago do not count, seconds. */
#define RECENT_S 3600

/* --------------------------------------------------------------------- jobs */

/* When the next job of HA on the object is due, ns since 1970. */
static int64_t next_try(const struct view *view, const char *uuid, int64_t now)
{
	int64_t max = config_int(view, "ha.neverStopVm.gc.maxRetryIntervalTime"), last = 0, wait = 1;
	unsigned tries = 0;

	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, uuid) {
		if (!object_str_is(job, JOB_SOURCE, HA_SOURCE) ||
		    object_int(job, JOB_CREATED) < now - RECENT_S * NS_PER_S)
			continue;
		tries++;
		last = object_int(job, JOB_FINISHED) > last ? object_int(job, JOB_FINISHED) : last;
	}
	for (; tries > 1 && wait < max; tries--)
		wait *= 2;
	return last + (wait < max ? wait : max) * NS_PER_S;
}

/* @account: on whose behalf, "" for the pool's. */
static int submit(struct txn *t, const char *operation, const char *uuid, const char *account,
		  struct error *e)
{
	struct actor actor = {.source = HA_SOURCE};
	_cleanup_(request_free_p) struct request *req = NULL;
	int r;

	snprintf(actor.account, sizeof(actor.account), "%s", account);
	r = request_new(operation_by_name(operation), uuid, NULL, &actor, &req, e);
	return r < 0 ? r : job_submit(t, req, e);
}

/* ------------------------------------------------------------------- starts */

/* The levels, as values of the tag, and whether they ask for a start of each VM that is Stopped. */
static const struct {
	const char *tag;
	bool always;
} levels[] = {{HA_TAG "::NeverStop", true}, {HA_TAG "::OnHostFailure", false}};

/* True when HA is to start a VM that is Stopped, not on purpose, and its next start is due. */
static bool is_due(const struct view *view, const struct object *vm, bool always, int64_t now)
{
	return vm && (always || object_int(vm, VM_HA_RESTART)) &&
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) &&
	       !object_int(vm, VM_STOPPED_BY_HA) && !job_is_pending_for(view, object_uuid(vm)) &&
	       next_try(view, object_uuid(vm), now) <= now;
}

static const struct object *next_due(const struct view *view, size_t level, int64_t now, int64_t *after)
{
	const struct object *tag;

	while ((tag = view_next_where(view, KIND_SYSTEM_TAG, SYSTEM_TAG_TAG, levels[level].tag, *after))) {
		const struct object *vm = view_get(view, KIND_VM, object_str(tag, SYSTEM_TAG_RESOURCE_UUID));

		*after = tag->id;
		if (is_due(view, vm, levels[level].always, now))
			return vm;
	}
	return NULL;
}

static int start_stopped_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		const struct object *vm;
		int64_t after = 0;

		while ((vm = next_due(txn_view(t), i, txn_now(t), &after))) {
			int r = submit(t, "StartVmInstance", object_uuid(vm),
				       object_text(vm, VM_ACCOUNT_UUID), e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

bool ha_has_vms(const struct view *view)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels) && config_bool(view, "ha.enable"); i++)
		if (view_next_where(view, KIND_SYSTEM_TAG, SYSTEM_TAG_TAG, levels[i].tag, 0))
			return true;
	return false;
}

int ha_start_stopped(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(levels) && config_bool(view, "ha.enable"); i++) {
		int64_t after = 0;

		any = any || next_due(view, i, store_now(), &after);
	}
	return any ? store_run(pool_store(pool), start_stopped_fn, NULL, e) : 0;
}

/* ------------------------------------------------------------- silent hosts */

static bool is_on_shared_storage(const struct view *view, const struct object *vm)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm))
		if (object_str(volume, VOLUME_HOST_UUID))
			return false;
	return true;
}

static enum ha_vm_step step_of_vm(const struct view *view, const struct object *vm)
{
	struct ha_vm facts = {
		.unknown = object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN)),
		.pending = job_is_pending_for(view, object_uuid(vm)),
		.elsewhere = vm_may_be_at_target(view, vm),
		.shared = is_on_shared_storage(view, vm),
		.available = config_bool(view, "ha.enable") && vm_was_up(vm) &&
			     tag_value(view, object_uuid(vm), HA_TAG),
	};

	return ha_decide_vm(&facts);
}

/* The next VM of the host that @step is to be done with, NULL after the last. */
static const struct object *next_vm(const struct view *view, const char *host, enum ha_vm_step step,
				    int64_t *after)
{
	const struct object *vm;

	while ((vm = view_next_where(view, KIND_VM, VM_HOST_UUID, host, *after))) {
		*after = vm->id;
		if (step_of_vm(view, vm) == step)
			return vm;
	}
	return NULL;
}

static bool any_vm(const struct view *view, const char *host, enum ha_vm_step step)
{
	int64_t after = 0;

	return next_vm(view, host, step, &after);
}

static int release_vm(struct txn *t, const struct object *vm, bool restart, struct error *e)
{
	char uuid[UUID_SIZE];
	struct object *copy;
	int r;

	snprintf(uuid, sizeof(uuid), "%s", object_uuid(vm));
	r = vm_put_stopped(t, uuid, VM_STATE_STOPPED, e);
	if (r < 0 || !restart)
		return r;
	r = txn_edit(t, KIND_VM, uuid, &copy, e);
	if (r < 0)
		return r;
	object_set_int(copy, VM_HA_RESTART, 1);
	return txn_put(t, copy, NULL, e);
}

int ha_release_host(struct txn *t, const char *host, struct error *e)
{
	static const enum ha_vm_step steps[] = {HA_VM_STOP, HA_VM_RESTART};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct object *vm;
		int64_t after = 0;

		while ((vm = next_vm(txn_view(t), host, steps[i], &after))) {
			int r = release_vm(t, vm, steps[i] == HA_VM_RESTART, e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static enum ha_host_step step_of_host(const struct view *view, const struct object *host, bool answers,
				      int64_t now)
{
	struct ha_host facts = {
		.disconnected = object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED),
		.dead = host_is_dead(host),
		.needed = any_vm(view, object_uuid(host), HA_VM_RESTART),
		.answers = answers,
		.has_command = host_fence_command(view, host),
		.pending = job_is_pending_for(view, object_uuid(host)),
		.silent_ns = now - object_time(host, HOST_STATUS),
		.patience_ns = config_int(view, "host.ping.interval") *
			       config_int(view, "host.ping.maxFailure") * NS_PER_S,
		.next_try_ns = next_try(view, object_uuid(host), now) - now,
	};

	return ha_decide_host(&facts);
}

struct probe {
	struct pool *pool;
	char host[UUID_SIZE];
	bool answers;
};

#define LIVES                                                                                                         \
	"something answers at the host's address, so only its libvirt has failed and its guests run: start libvirtd " \
	"there; or switch the host off and write confirm-dead to its actions, then HA starts them elsewhere"
#define ASK                                                                                                       \
	"the host does not answer, and it has no fenceCommand that could tell whether it is off: its guests may " \
	"still run and are not started elsewhere; if it is switched off, write confirm-dead to its actions"

/* With what the probe has found, decides once more: the pool may have changed meanwhile. */
static int check_fn(struct txn *t, void *arg, struct error *e)
{
	const struct probe *probe = arg;
	const struct object *host = view_get(txn_view(t), KIND_HOST, probe->host);

	if (!host)
		return 0;
	switch (step_of_host(txn_view(t), host, probe->answers, txn_now(t))) {
	case HA_HOST_WAIT:
		return 0;
	case HA_HOST_LIVES:
		return host_put_fence(t, probe->host, NULL, LIVES, e);
	case HA_HOST_ASK:
		return host_put_fence(t, probe->host, NULL, ASK, e);
	case HA_HOST_FENCE:
		return submit(t, "FenceHost", probe->host, "", e);
	case HA_HOST_RELEASE:
		return ha_release_host(t, probe->host, e);
	}
	return 0;
}

static void probe_host(void *arg)
{
	_cleanup_free_ struct probe *probe = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(probe->pool));
	const struct object *host = view_get(view, KIND_HOST, probe->host);

	if (!host)
		return;
	probe->answers = !host_is_dead(host) && host_address_answers(host);
	if (store_run(pool_store(probe->pool), check_fn, probe, &e) < 0)
		log_error("host", probe->host, "%s", error_sentence(&e));
}

/* True when there may be something to do about the host. */
static bool is_to_be_checked(const struct view *view, const struct object *host, int64_t now)
{
	switch (step_of_host(view, host, false, now)) {
	case HA_HOST_WAIT:
	case HA_HOST_LIVES:
		return false;
	case HA_HOST_ASK:
	case HA_HOST_FENCE:
		return true;
	case HA_HOST_RELEASE: /* jobs on its VMs may have ended since it was released */
		return any_vm(view, object_uuid(host), HA_VM_STOP) ||
		       any_vm(view, object_uuid(host), HA_VM_RESTART);
	}
	return false;
}

int ha_check_hosts(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t now = store_now();

	view_for_each (host, view, KIND_HOST) {
		struct probe *probe;

		if (!is_to_be_checked(view, host, now))
			continue;
		probe = malloc(sizeof(*probe));
		if (!probe)
			return error_oom(e);
		*probe = (struct probe){.pool = pool};
		snprintf(probe->host, sizeof(probe->host), "%s", object_uuid(host));
		if (pool_background(pool, probe_host, probe) < 0)
			free(probe);
	}
	return 0;
}
