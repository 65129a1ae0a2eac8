/* SPDX-License-Identifier: Apache-2.0 */
/* See sync.h. The callbacks run in the threads of their hosts. */
#include "actions/sync.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "actions/host/foreign.h"
#include "actions/host/host.h"
#include "actions/network/host_prepare.h"
#include "actions/storage/orphan_file.h"
#include "actions/vm/adopted.h"
#include "actions/vm/movable.h"
#include "actions/vm/moved.h"
#include "actions/vm/observed.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/remove.h"
#include "actions/vm/removed_device.h"
#include "actions/vm/second_copy.h"
#include "actions/vm/state.h"
#include "actions/volume/size.h"
#include "actions/volume/snapshot_reconcile.h"
#include "hypervisor/domain/domain.h"
#include "model/log.h"
#include "model/states.h"

/* ------------------------------------------------------------------- VMs */

/* The host of the VM is lost, so its state is unknown. */
static int vm_set_unknown(struct txn *t, const struct object *before, struct error *e)
{
	struct object *vm;

	if (vm_state_is_in(object_str(before, VM_STATE),
			   S_CREATED | S_STOPPED | S_DESTROYED | S_EXPUNGING | S_UNKNOWN))
		return 0;
	vm = object_copy(before);
	if (!vm)
		return error_oom(e);
	object_set_str(vm, VM_UNKNOWN_FROM, object_str(before, VM_STATE));
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN));
	return vm_write(t, before, vm, e);
}

/* ---------------------------------------------------------------- events */

/* What is to be done on the host about a domain that it lists. */
enum errand { ERRAND_NONE, ERRAND_SECOND_COPY, ERRAND_LEFTOVER };

struct host_event {
	struct pool *pool;
	char host[UUID_SIZE];
	enum hv_host_status status;
	const struct hv_host_info *info;
	const char *sentence; /* the reason why it is not connected */
	/* connected: */
	const struct view *then;	  /* the pool as it was before the host was asked for its domains */
	struct hv_domain_status *domains; /* owned */
	enum errand *errands;		  /* owned, one for each of the domains */
	size_t count;
	bool outdated; /* some of the VMs have changed since then */
};

static bool lists_domain(const struct host_event *event, const char *uuid)
{
	for (size_t i = 0; i < event->count; i++)
		if (strcmp(event->domains[i].uuid, uuid) == 0)
			return true;
	return false;
}

/* The next VM of the host; NULL after the last. *after, initially 0, is its row id. */
static const struct object *next_vm(const struct view *view, const char *host, int64_t *after)
{
	const struct object *vm = view_next_where(view, KIND_VM, VM_HOST_UUID, host, *after);

	if (vm)
		*after = vm->id;
	return vm;
}

static enum errand errand_for(const struct view *view, const char *host,
			      const struct hv_domain_status *domain)
{
	if (hv_domain_is_up(domain->state) && vm_is_second_copy(view, domain->uuid, host))
		return ERRAND_SECOND_COPY;
	return domain->state == HV_DOMAIN_OFF && vm_is_leftover(view, domain->uuid, host) ? ERRAND_LEFTOVER
											  : ERRAND_NONE;
}

/* Compares all VMs: first those that the host lists, then those that it should have but does not list. */
static int compare_all(struct txn *t, struct host_event *event, struct error *e)
{
	const struct object *vm;
	int64_t after = 0;
	int r;

	event->outdated = false;
	for (size_t i = 0; i < event->count; i++) {
		const struct hv_domain_status *domain = &event->domains[i];

		event->errands[i] = errand_for(txn_view(t), event->host, domain);
		if (event->errands[i] == ERRAND_SECOND_COPY)
			continue; /* the row is right: the VM is elsewhere */
		if (vm_stop_is_unsure(txn_view(t), domain->uuid, event->host, domain->state))
			continue; /* prepare() asks */
		r = vm_set_observed(t, event->then, event->host, domain, &event->outdated, e);
		if (r < 0)
			return r;
	}
	while ((vm = next_vm(txn_view(t), event->host, &after))) {
		struct hv_domain_status absent = {.state = HV_DOMAIN_ABSENT};

		if (lists_domain(event, object_uuid(vm)) ||
		    vm_stop_is_unsure(txn_view(t), object_uuid(vm), event->host, HV_DOMAIN_ABSENT))
			continue;
		snprintf(absent.uuid, sizeof(absent.uuid), "%s", object_uuid(vm));
		r = vm_set_observed(t, event->then, event->host, &absent, &event->outdated, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int host_lost(struct txn *t, const struct host_event *event, struct error *e)
{
	const char *status = event->status == HV_HOST_CONNECTING ? STATUS_CONNECTING : STATUS_DISCONNECTED;
	const struct object *vm;
	int64_t after = 0;
	int r = host_set_status(t, event->host, status, event->sentence, e);

	if (r < 0 || event->status != HV_HOST_DISCONNECTED)
		return r;
	while ((vm = next_vm(txn_view(t), event->host, &after))) {
		r = vm_set_unknown(t, vm, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int host_event_fn(struct txn *t, void *arg, struct error *e)
{
	struct host_event *event = arg;
	int r;

	if (!view_get(txn_view(t), KIND_HOST, event->host))
		return 0; /* removed meanwhile */
	if (event->status != HV_HOST_CONNECTED)
		return host_lost(t, event, e);
	r = host_set_connected(t, event->host, event->info, e);
	return r < 0 ? r : compare_all(t, event, e);
}

/* What is to be done about a host that has connected, in the background. */
struct preparation {
	struct pool *pool;
	char host[UUID_SIZE];
	size_t count;
	struct chore {
		enum errand errand;
		char vm[UUID_SIZE];
	} chores[];
};

/* What the host has kept of VMs that went elsewhere while it was silent. */
static void run_errands(const struct preparation *p)
{
	for (size_t i = 0; i < p->count; i++)
		switch (p->chores[i].errand) {
		case ERRAND_NONE:
			break;
		case ERRAND_SECOND_COPY:
			vm_settle_second_copy(p->pool, p->host, p->chores[i].vm);
			break;
		case ERRAND_LEFTOVER:
			vm_remove_leftover(p->pool, p->host, p->chores[i].vm);
			break;
		}
}

static int prepared_fn(struct txn *t, void *arg, struct error *e)
{
	return host_set_prepared(t, arg, e);
}

static void prepare(void *arg)
{
	struct preparation *p = arg;

	/* first: guests that run twice must not get networks and storage */
	run_errands(p);
	vm_settle_adopted(p->pool, p->host);
	vm_reconcile_unknown(p->pool);
	foreign_domains_count(p->pool, p->host);
	(void)host_prepare(p->pool, p->host, NULL);
	(void)pool_insist(p->pool, "host", p->host, prepared_fn, p->host, NULL);
	/* what was left behind while the host could not be reached */
	vm_expunge_left_behind(p->pool);
	snapshots_reconcile_idle(p->pool);
	volumes_settle_growth(p->pool);
	(void)orphan_files_collect(p->pool, NULL);
	free(p);
}

static int prepare_later(const struct host_event *event, struct error *e)
{
	struct preparation *p = calloc(1, sizeof(*p) + event->count * sizeof(p->chores[0]));
	int r;

	if (!p)
		return error_oom(e);
	p->pool = event->pool;
	memcpy(p->host, event->host, sizeof(p->host));
	p->count = event->count;
	for (size_t i = 0; i < event->count; i++) {
		p->chores[i].errand = event->errands[i];
		memcpy(p->chores[i].vm, event->domains[i].uuid, sizeof(p->chores[i].vm));
	}
	r = pool_background(event->pool, prepare, p);
	if (r < 0)
		free(p);
	if (r == 0 || r == -ESHUTDOWN) /* the pool is closed, and its hosts will be */
		return 0;
	return error_set(e, -r, "cannot prepare the host: %s", strerror(-r));
}

/* Asks the host for its domains, and writes what it says of those VMs that have not changed meanwhile. */
static int compare_with_host(struct host_event *event, struct error *e)
{
	_cleanup_view_ struct view *then = store_view(pool_store(event->pool));
	int r;

	free(steal(&event->domains));
	free(steal(&event->errands));
	r = hv_host_states(pool_hypervisor(event->pool), event->host, &event->domains, &event->count, e);
	if (r < 0)
		return r;
	event->errands = calloc(event->count + 1, sizeof(event->errands[0]));
	if (!event->errands)
		return error_oom(e);
	event->then = then;
	return store_run(pool_store(event->pool), host_event_fn, event, e);
}

/* The events of the host wait meanwhile: what changes after its answer is told after that has been written. */
static int follow_connected(struct host_event *event, struct error *e)
{
	int r = 0;

	event->outdated = true;
	vm_settle_left(event->pool, event->host);
	for (int round = 0; event->outdated && r == 0 && round < VM_ASK_ROUNDS; round++)
		r = compare_with_host(event, e);
	if (r == 0)
		r = prepare_later(event, e);
	free(event->domains);
	free(event->errands);
	return r;
}

static int on_host(void *ctx, const char *host_uuid, enum hv_host_status status,
		   const struct hv_host_info *info, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct host_event event = {.pool = ctx, .status = status, .info = info, .sentence = sentence};
	int r;

	snprintf(event.host, sizeof(event.host), "%s", host_uuid);
	r = status == HV_HOST_CONNECTED ? follow_connected(&event, &e)
					: store_run(pool_store(event.pool), host_event_fn, &event, &e);
	if (r < 0 && r != -ENOENT) /* not: it has been removed */
		log_error("host", host_uuid, "%s", error_sentence(&e));
	return r;
}

struct domain_event {
	struct pool *pool;
	char host[UUID_SIZE], vm[UUID_SIZE];
	bool foreign; /* no VM of the pool, such as one that was released */
};

/* What takes more than a question to the host itself. */
static void look_into(void *arg)
{
	struct domain_event *event = arg;
	_cleanup_view_ struct view *view = store_view(pool_store(event->pool));

	if (event->foreign)
		foreign_domains_changed(event->pool, event->host);
	else if (vm_is_second_copy(view, event->vm, event->host))
		vm_settle_second_copy(event->pool, event->host, event->vm);
	else
		vm_reconcile(event->pool, event->host, event->vm);
	free(event);
}

static void look_into_later(struct pool *pool, const char *host, const char *vm, bool foreign)
{
	struct domain_event *event = calloc(1, sizeof(*event));

	if (!event)
		return;
	event->pool = pool;
	event->foreign = foreign;
	snprintf(event->host, sizeof(event->host), "%s", host);
	snprintf(event->vm, sizeof(event->vm), "%s", vm);
	if (pool_background(pool, look_into, event) < 0)
		free(event);
}

/*
 * True when a host reports the domain as active while it is active on another host. During a migration both
 * report it, one after the other, and an event may be late: only the hosts themselves know the present state.
 */
static bool is_contested(const struct view *view, const char *host, const struct hv_domain_status *domain)
{
	return hv_domain_is_up(domain->state) && vm_is_second_copy(view, domain->uuid, host);
}

/* Whether other hosts must be asked, too. */
static bool takes_others(const struct view *view, const char *host, const struct hv_domain_status *domain)
{
	return is_contested(view, host, domain) ||
	       vm_stop_is_unsure(view, domain->uuid, host, domain->state) ||
	       vm_has_left(view, domain->uuid, host, domain->state);
}

static void on_domain(void *ctx, const char *host_uuid, const char *domain_uuid, enum hv_domain_state state,
		      enum hv_domain_reason reason)
{
	struct hv_domain_status event = {.state = state, .reason = reason};
	struct pool *pool = ctx;
	bool again = true;

	snprintf(event.uuid, sizeof(event.uuid), "%s", domain_uuid);
	for (int round = 0; again && round < VM_ASK_ROUNDS; round++) {
		_cleanup_view_ struct view *view = store_view(pool_store(pool));
		bool foreign = !view_get(view, KIND_VM, domain_uuid);

		if (foreign || takes_others(view, host_uuid, &event)) {
			look_into_later(pool, host_uuid, domain_uuid, foreign);
			return;
		}
		again = vm_ask_host(pool, view, host_uuid, domain_uuid, &event);
	}
}

static void on_agent(void *ctx, const char *host_uuid, const char *domain_uuid, bool connected)
{
	(void)ctx, (void)host_uuid, (void)domain_uuid, (void)connected;
}

/* How long the jobs that work on a VM may take to decide about its devices by themselves. */
#define DEVICE_WAIT_MS	30000
#define DEVICE_SLICE_MS 200

struct device_event {
	struct pool *pool;
	char host[UUID_SIZE], vm[UUID_SIZE], alias[64];
	int waited_ms;
};

static void settle_device(void *arg)
{
	const struct timespec pause = {.tv_nsec = DEVICE_SLICE_MS * 1000000L};
	struct device_event *event = arg;

	if (!vm_settle_removed_device(event->pool, event->host, event->vm, event->alias) &&
	    event->waited_ms < DEVICE_WAIT_MS) {
		(void)nanosleep(&pause, NULL);
		event->waited_ms += DEVICE_SLICE_MS;
		if (pool_background(event->pool, settle_device, event) == 0)
			return;
	}
	free(event);
}

static void on_device_removed(void *ctx, const char *host_uuid, const char *domain_uuid, const char *alias)
{
	struct device_event *event = calloc(1, sizeof(*event));

	if (!event)
		return; /* detaching it again finds that it is gone */
	event->pool = ctx;
	snprintf(event->host, sizeof(event->host), "%s", host_uuid);
	snprintf(event->vm, sizeof(event->vm), "%s", domain_uuid);
	snprintf(event->alias, sizeof(event->alias), "%s", alias);
	if (pool_background(event->pool, settle_device, event) < 0)
		free(event);
}

struct others_event {
	struct pool *pool;
	char host[UUID_SIZE];
};

static void count_others(void *arg)
{
	struct others_event *event = arg;

	vm_seek_arrivals(event->pool, event->host);
	foreign_domains_changed(event->pool, event->host);
	free(event);
}

static void on_others(void *ctx, const char *host_uuid)
{
	struct others_event *event = calloc(1, sizeof(*event));

	if (!event)
		return; /* the next change, or connection, counts them */
	event->pool = ctx;
	snprintf(event->host, sizeof(event->host), "%s", host_uuid);
	if (pool_background(event->pool, count_others, event) < 0)
		free(event);
}

const struct hv_events pool_events = {
	.host = on_host,
	.domain = on_domain,
	.agent = on_agent,
	.device_removed = on_device_removed,
	.others = on_others,
};

/* The status in the rows is from the last run of the daemon: it is unknown until the hosts are connected. */
static int all_connecting_fn(struct txn *t, void *arg, struct error *e)
{
	int64_t after = 0;

	(void)arg;
	for (;;) {
		const struct object *host = view_next(txn_view(t), KIND_HOST, after);
		int r;

		if (!host)
			return 0;
		after = host->id;
		r = host_set_status(t, object_uuid(host), STATUS_CONNECTING, "", e);
		if (r < 0)
			return r;
	}
}

void pool_wait_for_hosts(struct pool *pool, int ms)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	bool waiting = true;

	for (; ms > 0 && waiting && !pool_is_closing(pool); ms -= 20) {
		_cleanup_view_ struct view *view = store_view(pool_store(pool));

		waiting = false;
		view_for_each (host, view, KIND_HOST)
			waiting = waiting || object_str_is(host, HOST_STATUS, STATUS_CONNECTING);
		if (waiting)
			(void)nanosleep(&pause, NULL);
	}
}

int pool_expect_hosts(struct pool *pool, struct error *e)
{
	return store_run(pool_store(pool), all_connecting_fn, NULL, e);
}

int pool_connect_hosts(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = NULL;
	int r = vm_adopted_start(pool, e); /* before the hosts say which domains they have */

	if (r < 0)
		return r;
	view = store_view(pool_store(pool));
	view_for_each (host, view, KIND_HOST) {
		r = hv_host_add(pool_hypervisor(pool), object_uuid(host), object_text(host, HOST_URI), e);

		if (r < 0)
			return r;
	}
	return 0;
}
