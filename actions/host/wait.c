/* SPDX-License-Identifier: Apache-2.0 */
/* See wait.h. */
#include "actions/host/wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "actions/host/fence.h"
#include "actions/host/guest.h"
#include "actions/host/topology.h"
#include "model/states.h"

/* How long a recovery waits for a host to be connected, and how often it checks. */
#define RECOVER_MS	30000
#define RECOVER_STEP_MS 100

/* Kinds whose jobs may ask any host, such as those that have the VMs of a zone stopped. */
static const enum kind_id on_all_hosts[] = {
	KIND_ZONE, KIND_CLUSTER, KIND_PRIMARY_STORAGE, KIND_L2_NETWORK, KIND_L3_NETWORK,
};

static bool is_there(const struct object *host, bool prepared)
{
	return object_str_is(host, HOST_STATUS, STATUS_CONNECTED) && !host_is_coming(host, prepared);
}

/* The host in whose folder the volume is; if all hosts of its storage have the file, those that there will be. */
static bool volume_is_away(const struct view *view, const struct object *volume, bool prepared)
{
	const char *own = object_str(volume, VOLUME_HOST_UUID);
	const char *ps = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID);
	bool coming = false;

	if (own)
		return host_is_coming(view_get(view, KIND_HOST, own), prepared);
	view_for_each (host, view, KIND_HOST) {
		if (!cluster_has_primary_storage(view, object_text(host, HOST_CLUSTER_UUID), ps))
			continue;
		coming = coming || host_is_coming(host, prepared);
		if (is_there(host, prepared))
			return false;
	}
	return coming;
}

static bool vm_is_away(const struct view *view, const struct object *vm, bool prepared)
{
	if (host_is_coming(view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID)), prepared) ||
	    host_is_coming(view_get(view, KIND_HOST, vm_place(vm)), prepared))
		return true;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm))
		if (volume_is_away(view, volume, prepared))
			return true;
	return false;
}

static bool any_is_coming(const struct view *view, bool prepared)
{
	view_for_each (host, view, KIND_HOST)
		if (host_is_coming(host, prepared))
			return true;
	return false;
}

/* Whether the hosts that have the object, or are to change with it, are yet to come. */
static bool is_away(const struct view *view, const char *uuid, bool prepared)
{
	const struct object *vm = view_get(view, KIND_VM, uuid), *volume = view_get(view, KIND_VOLUME, uuid);

	if (vm || volume)
		return vm ? vm_is_away(view, vm, prepared) : volume_is_away(view, volume, prepared);
	for (size_t i = 0; i < ARRAY_SIZE(on_all_hosts); i++)
		if (view_get(view, on_all_hosts[i], uuid))
			return true;
	return host_is_coming(view_get(view, KIND_HOST, uuid), prepared);
}

bool host_is_coming_for(const struct view *view, const struct object *job, bool prepared)
{
	return any_is_coming(view, prepared) && (is_away(view, object_str(job, JOB_QUEUE), prepared) ||
						 is_away(view, object_str(job, JOB_QUEUE2), prepared));
}

/* Whether the host, or if @host is NULL any host of the storage, which is to be open there, can be used. */
static bool can_be_used(const struct view *view, const char *ps, const char *host)
{
	const struct object *o =
		host ? view_get(view, KIND_HOST, host) : primary_storage_next_host(view, ps, 0);

	while (!host && o && !is_there(o, true))
		o = primary_storage_next_host(view, ps, o->id);
	return o && is_there(o, ps);
}

/* Waits until @host, or if NULL any host of @ps, is connected; false after RECOVER_MS or when it is gone. */
static bool wait_connected(struct job *job, const char *ps, const char *host)
{
	const struct timespec pause = {.tv_nsec = RECOVER_STEP_MS * 1000000L};

	for (int ms = 0; ms < RECOVER_MS && !atomic_load(&job->cancelled); ms += RECOVER_STEP_MS) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

		if (can_be_used(view, ps, host))
			return true;
		if (host && !view_get(view, KIND_HOST, host))
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static bool all_are_connected(const struct view *view, const char *cluster)
{
	view_for_each (host, view, KIND_HOST)
		if ((!cluster || object_str_is(host, HOST_CLUSTER_UUID, cluster)) &&
		    !object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
			return false;
	return true;
}

bool host_wait_for_cluster(struct job *job, const char *cluster)
{
	const struct timespec pause = {.tv_nsec = RECOVER_STEP_MS * 1000000L};

	for (int ms = 0; ms < RECOVER_MS && !atomic_load(&job->cancelled); ms += RECOVER_STEP_MS) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

		if (all_are_connected(view, cluster))
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return !atomic_load(&job->cancelled);
}

bool host_wait_connected(struct job *job, const char *host)
{
	return wait_connected(job, NULL, host);
}

void host_wait_for_storage(struct job *job, const char *ps, const char *host)
{
	if (ps || host)
		(void)wait_connected(job, ps, host);
}

int host_ask_again(struct job *job, const char *host, int (*ask)(void *arg, struct error *e), void *arg,
		   struct error *e)
{
	const struct timespec pause = {.tv_nsec = RECOVER_STEP_MS * 1000000L};
	int r = ask(arg, e);

	for (int ms = 0; r == -ENOTCONN && ms < RECOVER_MS && !atomic_load(&job->cancelled);
	     ms += RECOVER_STEP_MS) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *now = view_get(view, KIND_HOST, host);

		/* HA may be waiting for this job */
		if (!now || host_is_dead(now))
			break;
		(void)nanosleep(&pause, NULL);
		error_done(e);
		r = ask(arg, e);
	}
	return r;
}
