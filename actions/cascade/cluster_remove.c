/* SPDX-License-Identifier: Apache-2.0 */
/* See cluster_remove.h. */
#include "actions/cascade/cluster_remove.h"

#include "actions/cascade/host_remove.h"
#include "actions/engine/rows.h"

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, key->uuid, e);

	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, key->uuid, e);
	if (r < 0)
		return r;
	r = object_clear_where(t, KIND_VM, VM_CLUSTER_UUID, key->uuid, e);
	return r < 0 ? r : object_remove_key(t, key, e);
}

int cluster_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	struct object_key key = {KIND_CLUSTER, uuid};

	for (;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *host = view_next_where(view, KIND_HOST, HOST_CLUSTER_UUID, uuid, 0);
		int r;

		if (!host)
			break;
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		r = host_remove(job, object_uuid(host), enforcing, e);
		if (r < 0)
			return r;
	}
	return store_run(pool_store(job->pool), remove_rows, &key, e);
}
