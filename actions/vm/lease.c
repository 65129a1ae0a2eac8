/* SPDX-License-Identifier: Apache-2.0 */
/* See lease.h. */
#include "actions/vm/lease.h"

#include "actions/network/l3_network.h"

int vm_apply_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host,
		    struct error *e)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, uuid) {
		int r = l3_network_apply_on_host(pool, object_text(nic, NIC_L3_UUID), host, e);

		if (r < 0)
			return r;
	}
	return 0;
}

void vm_forget_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, uuid)
		(void)l3_network_apply_on_host(pool, object_text(nic, NIC_L3_UUID), host, NULL);
}
