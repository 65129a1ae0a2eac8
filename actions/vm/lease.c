/* SPDX-License-Identifier: Apache-2.0 */
/* See lease.h. */
#include "actions/vm/lease.h"

#include "actions/engine/tags.h"
#include "actions/network/l3_network.h"
#include "hypervisor/network.h"

int vm_set_lease(struct pool *pool, const struct view *view, const struct object *nic, const char *host,
		 struct error *e)
{
	const char *l3_uuid = object_str(nic, NIC_L3_UUID);
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);
	struct hv_lease lease = {.mac = object_text(nic, NIC_MAC),
				 .ip = object_text(nic, NIC_IP),
				 .hostname = tag_value(view, object_text(nic, NIC_VM_UUID), "hostname")};
	_cleanup_(error_done) struct error inner = ERROR_INIT;
	char name[32];
	int r = hv_lease_set(pool_hypervisor(pool), host, l3_uuid, &lease, &inner);

	if (r == -ENOENT && l3) { /* no such network there yet; opening it sets all its leases */
		error_done(&inner);
		r = l3_network_open_on_host(pool, view, l3, host, name, &inner);
	}
	return r < 0 ? error_move(e, &inner) : 0;
}

int vm_set_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host,
		  struct error *e)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, uuid) {
		int r = vm_set_lease(pool, view, nic, host, e);

		if (r < 0)
			return r;
	}
	return 0;
}
