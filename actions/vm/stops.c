/* SPDX-License-Identifier: Apache-2.0 */
/* See stops.h. */
#include "actions/vm/stops.h"

#include <time.h>

#include "actions/engine/result.h"
#include "actions/engine/submit.h"
#include "model/json.h"
#include "model/states.h"

/* Pause between two looks at a job's state, milliseconds. */
#define WAIT_STEP_MS 50

static bool is_up(const struct object *vm)
{
	return !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) &&
	       !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_CREATED)) &&
	       !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED));
}

bool vm_any_up(const struct view *view, vm_pick_fn *pick, const void *arg)
{
	view_for_each (vm, view, KIND_VM)
		if (is_up(vm) && pick(view, vm, arg))
			return true;
	return false;
}

static int submit_stop(struct job *job, const struct object *vm, char ret_job[UUID_SIZE], struct error *e)
{
	struct request *req;
	int r = request_new(operation_by_name("StopVmInstance"), object_uuid(vm), NULL, &job->req->actor,
			    &req, e);

	return r < 0 ? r : pool_submit_wait(job->pool, req, ret_job, e);
}

/* Waits for the end of another job and takes over its error. */
static int wait_for_job(struct job *job, const char *other, struct error *e)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

	for (;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *row = view_get(view, KIND_JOB, other);
		_cleanup_(error_done) struct error why = ERROR_INIT;
		_cleanup_json_ json_t *json = NULL;

		if (!row && view_has(view, KIND_JOB, other))
			return error_oom(e);
		if (!row || object_str_is(row, JOB_STATE, JOB_STATE_DONE))
			return 0;
		if (!job_state_is_final(object_str(row, JOB_STATE))) {
			if (job_should_stop(job))
				return job_stop_reason(job, e);
			(void)nanosleep(&step, NULL);
			continue;
		}
		json = json_loads(object_text(row, JOB_ERROR), 0, NULL);
		if (!json)
			return error_set(e, EIO, "job '%s', which should stop a VM, failed", other);
		error_from_json(json, &why);
		return error_move(e, &why);
	}
}

int vm_stop_all(struct job *job, vm_pick_fn *pick, const void *arg, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_free_ char(*jobs)[UUID_SIZE] = calloc(view_count(view, KIND_VM) + 1, UUID_SIZE);
	size_t count = 0;
	int r;

	if (!jobs)
		return error_oom(e);
	view_for_each (vm, view, KIND_VM) {
		if (!is_up(vm) || !pick(view, vm, arg))
			continue;
		r = submit_stop(job, vm, jobs[count], e);
		if (r < 0)
			return r;
		count++;
	}
	for (size_t i = 0; i < count; i++) {
		r = wait_for_job(job, jobs[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

bool vm_runs_on(const struct view *view, const struct object *vm, const void *host)
{
	(void)view;
	return object_str_is(vm, VM_HOST_UUID, host);
}
