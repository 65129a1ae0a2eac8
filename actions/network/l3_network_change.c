/* SPDX-License-Identifier: Apache-2.0 */
/* See l3_network_change.h. */
#include "actions/network/l3_network_change.h"

#include "actions/engine/result.h"
#include "actions/host/topology.h"
#include "actions/network/host_prepare.h"
#include "actions/network/l3_network.h"
#include "model/states.h"

struct l3_change {
	const struct request *req;
	op_apply_fn *apply;
	json_t *result; /* owned */
};

static int apply_change(struct txn *t, void *arg, struct error *e)
{
	struct l3_change *change = arg;
	int r;

	json_decref(change->result);
	change->result = NULL;
	r = change->apply(t, change->req, &change->result, e);
	return r == 0 && !change->result ? result_of_target(txn_view(t), change->req, &change->result, e) : r;
}

int l3_network_change(struct job *job, const char *l3_uuid, op_apply_fn *apply, json_t **ret_result,
		      struct error *e)
{
	struct l3_change change = {.req = job->req, .apply = apply};
	int r = store_run(pool_store(job->pool), apply_change, &change, e);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);

	if (r < 0) {
		json_decref(change.result);
		return r;
	}
	view_for_each (host, view, KIND_HOST) {
		_cleanup_(error_done) struct error why = ERROR_INIT;

		if (l3 && object_str_is(host, HOST_STATUS, STATUS_CONNECTED) &&
		    cluster_has_l2(view, object_str(host, HOST_CLUSTER_UUID),
				   object_str(l3, L3_L2_NETWORK_UUID)) &&
		    l3_network_apply_on_host(job->pool, l3_uuid, object_uuid(host), &why) < 0)
			host_note_failure(job->pool, object_uuid(host), &why);
	}
	/* what this host, or another one, has lacked may be there now */
	hosts_prepare_again(job->pool);
	*ret_result = change.result;
	return 0;
}
