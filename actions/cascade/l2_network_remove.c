/* SPDX-License-Identifier: Apache-2.0 */
/* See l2_network_remove.h. */
#include "actions/cascade/l2_network_remove.h"

#include "actions/cascade/l3_network_remove.h"
#include "actions/engine/rows.h"

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, key->uuid, e);

	return r < 0 ? r : object_remove_key(t, key, e);
}

int l2_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	struct object_key key = {KIND_L2_NETWORK, uuid};

	for (;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *l3 = view_next_where(view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID, uuid, 0);
		int r;

		if (!l3)
			break;
		r = l3_network_remove(job, object_uuid(l3), enforcing, e);
		if (r < 0)
			return r;
	}
	return store_run(pool_store(job->pool), remove_rows, &key, e);
}
