/* SPDX-License-Identifier: Apache-2.0 */
/* See reconcile.h. */
#include "actions/vm/reconcile.h"

#include <stdatomic.h>
#include <time.h>

#include "actions/host/guest.h"
#include "actions/host/wait.h"
#include "actions/vm/moved.h"
#include "actions/vm/observed.h"
#include "actions/vm/state.h"
#include "hypervisor/domain/domain.h"
#include "model/states.h"

void vm_reconcile(struct pool *pool, const char *host, const char *uuid)
{
	vm_seek_moved(pool, host, uuid);
	vm_observe(pool, host, uuid);
}

void vm_reconcile_unknown(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each_where (vm, view, KIND_VM, VM_STATE, vm_state_name(VM_STATE_UNKNOWN)) {
		const struct object *host = view_get(view, KIND_HOST, object_text(vm, VM_HOST_UUID));

		if (host && object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
			vm_reconcile(pool, object_uuid(host), object_uuid(vm));
	}
}

/* ---------------------------------------------------------------- recovery */

struct recovered {
	const char *uuid, *host;
	bool known, for_good;
	enum hv_domain_state domain;
	enum vm_state state;
};

static int recovered_fn(struct txn *t, void *arg, struct error *e)
{
	struct recovered *r = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, r->uuid);

	if (!before)
		return error_gone(e, KIND_VM, r->uuid);
	txn_set_fact(t);
	if (!r->known) {
		struct object *vm = object_copy(before);

		if (!object_str_is(before, VM_STATE, vm_state_name(VM_STATE_UNKNOWN)))
			object_set_str(vm, VM_UNKNOWN_FROM, object_str(before, VM_STATE));
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN));
		return vm_write(t, before, vm, e);
	}
	r->state = vm_state_of_domain(r->domain);
	if (!hv_domain_is_up(r->domain))
		return vm_put_off(t, r->uuid, r->for_good, e);
	return vm_put_state(t, r->uuid, r->state, e);
}

/* How long a start may still take that a daemon had asked for, and how often the host is asked about it. */
#define STARTING_MS	 30000
#define STARTING_STEP_MS 100

/* The state of the domain on its host, which is what the daemon that was killed has made of it. False: no answer. */
static bool ask_what_has_become(struct job *job, struct recovered *r)
{
	const struct timespec pause = {.tv_nsec = STARTING_STEP_MS * 1000000L};
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	enum hv_domain_reason reason;

	if (!host_wait_connected(job, r->host))
		return false;
	for (int ms = 0;; ms += STARTING_STEP_MS) {
		if (hv_domain_state(pool_hypervisor(job->pool), r->host, r->uuid, &r->domain, &reason,
				    &ignored) < 0)
			return false;
		/* libvirt goes on with what it was asked for: until it is done, the domain is neither up nor paused */
		if (r->domain != HV_DOMAIN_PAUSED || reason != HV_REASON_STARTING || ms >= STARTING_MS ||
		    atomic_load(&job->cancelled))
			return true;
		(void)nanosleep(&pause, NULL);
	}
}

int vm_recover_state(struct job *job, const char *uuid, enum vm_state wanted)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	struct recovered r = {.uuid = uuid,
			      .host = host,
			      .state = VM_STATE_UNKNOWN,
			      .for_good = vm_stop_is_for_good(job->req)};
	int state = vm ? vm_state_parse(object_str(vm, VM_STATE)) : -1;

	if (!vm)
		return -EINTR;
	/* The job had written no more than the row, or had ended the domain already. */
	if (!host)
		return state == (int)wanted ? 0 : -EINTR;
	r.known = ask_what_has_become(job, &r);
	if (store_run(pool_store(job->pool), recovered_fn, &r, &ignored) < 0)
		return -EINTR;
	/* What the daemon that was killed had asked for may have come after the answer, whose event was ignored. */
	if (r.known)
		vm_reconcile(job->pool, host, uuid);
	return r.known && r.state == wanted ? 0 : -EINTR;
}
