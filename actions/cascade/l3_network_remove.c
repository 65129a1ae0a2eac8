/* SPDX-License-Identifier: Apache-2.0 */
/* See l3_network_remove.h. */
#include "actions/cascade/l3_network_remove.h"

#include "actions/engine/rows.h"
#include "actions/network/host_prepare.h"
#include "actions/network/l3_network.h"
#include "model/states.h"

/* A Disabled network gets no new NICs, so that it stays unused while it is closed on the hosts. */
static int disable(struct txn *t, void *arg, struct error *e)
{
	const struct object_key *key = arg;
	const struct object *l3 = view_get(txn_view(t), KIND_L3_NETWORK, key->uuid);
	struct object *copy;
	int r = l3_network_check_unused(txn_view(t), key->uuid, e);

	if (r < 0 || !l3)
		return r;
	copy = object_copy(l3);
	object_set_str(copy, L3_STATE, STATE_DISABLED);
	return txn_put(t, copy, NULL, e);
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = l3_network_check_unused(txn_view(t), key->uuid, e);

	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, key->uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, key->uuid, e);
	return r < 0 ? r : object_remove_key(t, key, e);
}

static int close_everywhere(struct job *job, const struct view *view, const struct object *l3, bool enforcing,
			    struct error *e)
{
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID,
			     object_str(l3, L3_L2_NETWORK_UUID)) {
		int r = l3_network_close(job->pool, view, object_uuid(l3),
					 object_str(link, CLUSTER_L2_CLUSTER_UUID), enforcing ? NULL : e);

		if (r < 0 && !enforcing)
			return r;
	}
	return 0;
}

int l3_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, uuid);
	struct object_key key = {KIND_L3_NETWORK, uuid};
	int r;

	if (!l3)
		return 0;
	r = store_run(pool_store(job->pool), disable, &key, e);
	if (r < 0)
		return r;
	r = close_everywhere(job, view, l3, enforcing, e);
	if (r == 0)
		r = store_run(pool_store(job->pool), remove_rows, &key, e);
	hosts_prepare_again(job->pool);
	return r;
}
