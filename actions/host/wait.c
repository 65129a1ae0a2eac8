/* SPDX-License-Identifier: Apache-2.0 */
/* See wait.h. */
#include "actions/host/wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "actions/host/fence.h"
#include "actions/host/topology.h"
#include "model/states.h"

/* How long a recovery waits for a host to be connected, and how often it checks. */
#define RECOVER_MS	30000
#define RECOVER_STEP_MS 100

/* Where an object is, if it is a VM that a host runs or a volume in a folder of a host. */
static const char *host_of(const struct view *view, const char *uuid)
{
	const struct object *vm = view_get(view, KIND_VM, uuid), *volume = view_get(view, KIND_VOLUME, uuid);

	return vm ? object_str(vm, VM_HOST_UUID) : volume ? object_str(volume, VOLUME_HOST_UUID) : NULL;
}

bool host_is_connecting_for(const struct view *view, const struct object *job)
{
	const char *const objects[] = {object_str(job, JOB_QUEUE), object_str(job, JOB_QUEUE2)};

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		const struct object *host = view_get(view, KIND_HOST, host_of(view, objects[i]));

		if (host && object_str_is(host, HOST_STATUS, STATUS_CONNECTING))
			return true;
	}
	return false;
}

static bool host_is_connected(const struct view *view, const char *ps, const char *host)
{
	const struct object *o =
		host ? view_get(view, KIND_HOST, host) : primary_storage_next_host(view, ps, 0);

	return o && object_str_is(o, HOST_STATUS, STATUS_CONNECTED);
}

/* Waits until @host, or if NULL any host of @ps, is connected; false after RECOVER_MS or when it is gone. */
static bool wait_connected(struct job *job, const char *ps, const char *host)
{
	const struct timespec pause = {.tv_nsec = RECOVER_STEP_MS * 1000000L};

	for (int ms = 0; ms < RECOVER_MS && !atomic_load(&job->cancelled); ms += RECOVER_STEP_MS) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

		if (host_is_connected(view, ps, host))
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
