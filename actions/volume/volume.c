/* SPDX-License-Identifier: Apache-2.0 */
/* See volume.h. */
#include "actions/volume/volume.h"

#include "actions/engine/request.h"
#include "actions/storage/primary_storage.h"
#include "model/states.h"

void volume_file_name(const struct object *volume, char ret[64])
{
	const char *format = object_text(volume, VOLUME_FORMAT);

	snprintf(ret, 64, "%s.%s", object_uuid(volume), *format ? format : "qcow2");
}

bool volume_is_shareable(const struct object *volume)
{
	return object_int(volume, VOLUME_IS_SHAREABLE) != 0;
}

bool volume_vm_is_active(const struct object *vm)
{
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_PAUSED));
}
bool volume_uses_storage_snapshots(const struct view *view, const struct object *volume)
{
	return volume &&
	       primary_storage_keeps_snapshots(
		       view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID)));
}

int64_t volume_snapshots_size(const struct view *view, const char *volume)
{
	int64_t sum = 0;

	view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume)
		sum += object_int(snapshot, SNAPSHOT_SIZE);
	return sum;
}

int volume_check_alive(const struct object *volume, struct error *e)
{
	if (!object_str_is(volume, VOLUME_STATUS, STATUS_DELETED))
		return 0;
	return error_set(e, EBUSY, "the volume[uuid:%s] is in status of deleted, cannot do the operation",
			 object_uuid(volume));
}

/* ------------------------------------------------------------------- queues */

const char *volume_vm_in_queue(const struct view *view, const char *volume)
{
	const struct object *o = view_get(view, KIND_VOLUME, volume);
	const char *vm = o ? object_str(o, VOLUME_VM_UUID) : NULL;

	/* A job before this one may attach it to a VM: wait in the queue of that VM, too. */
	view_for_each_where (job, view, KIND_JOB, JOB_QUEUE, volume)
		if (object_str_is(job, JOB_OPERATION, "AttachDataVolumeToVm") && object_str(job, JOB_QUEUE2))
			vm = object_str(job, JOB_QUEUE2);
	/* So may the spec of a VM that names it. */
	view_for_each_where (ref, view, KIND_QUEUE_REF, QUEUE_REF_OBJECT_UUID, volume) {
		const struct object *job = view_get(view, KIND_JOB, object_str(ref, QUEUE_REF_JOB_UUID));

		vm = job ? object_str(job, JOB_RESOURCE_UUID) : vm;
	}
	return vm;
}

const char *volume_queue_vm(const struct view *view, const struct request *req)
{
	return volume_vm_in_queue(view, req->target);
}

/* ------------------------------------------------------------------- changes */

struct number {
	const char *uuid;
	int field;
	int64_t value;
};

static int number_fn(struct txn *t, void *arg, struct error *e)
{
	const struct number *n = arg;
	struct object *volume;
	int r = txn_edit(t, KIND_VOLUME, n->uuid, &volume, e);

	if (r < 0)
		return r;
	object_set_int(volume, n->field, n->value);
	return txn_put(t, volume, NULL, e);
}

int volume_set_number(struct pool *pool, const char *uuid, int field, int64_t value, struct error *e)
{
	struct number n = {uuid, field, value};

	return store_run(pool_store(pool), number_fn, &n, e);
}
