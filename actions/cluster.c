/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: hosts that share storage and networks. */
#include "actions/cluster.h"

#include "actions/handlers.h"
#include "actions/host.h"
#include "actions/object_ops.h"

int cluster_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_CLUSTER, req, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, CLUSTER_STATE, "Enabled");
	if (object_is_null(o, CLUSTER_TYPE))
		object_set_str(o, CLUSTER_TYPE, "zstack");
	return object_create(t, o, req, ret_result, e);
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, key->uuid, e);

	if (r == 0)
		r = object_remove_where(t, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, key->uuid,
					e);
	if (r == 0)
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

int cluster_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return cluster_remove(job, job->req->target, request_is_enforcing(job->req), e);
}
