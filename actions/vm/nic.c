/* SPDX-License-Identifier: Apache-2.0 */
/* See nic.h. */
#include "actions/vm/nic.h"

#include "actions/network/ipv4.h"
#include "actions/network/l3_network.h"

/* The address that was asked for, in its canonical form, else a new one that no NIC has. */
static void make_mac(const struct view *view, const char *custom, uint8_t device_id, char ret_mac[MAC_STRLEN])
{
	struct mac mac;

	if (custom && *custom && mac_parse(custom, &mac, NULL) == 0) {
		mac_format(&mac, ret_mac);
		return;
	}
	do {
		mac_generate(device_id, &mac);
		mac_format(&mac, ret_mac);
	} while (view_next_where(view, KIND_NIC, NIC_MAC, ret_mac, 0));
}

int nic_refuse_mac(const char *mac, struct error *e)
{
	return error_set(e, EEXIST, "Not allowed same mac [%s]", mac);
}

int vm_put_nic(struct txn *t, const char *vm_uuid, const char *l3, int device_id, const char *mac,
	       const char *ip, char ret_uuid[UUID_SIZE], struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, vm_uuid);
	_cleanup_object_ struct object *nic = object_new(kind_get(KIND_NIC));
	char text[MAC_STRLEN], name[32];
	int r;

	if (!nic)
		return error_oom(e);
	make_mac(txn_view(t), mac, (uint8_t)device_id, text);
	if (view_next_where(txn_view(t), KIND_NIC, NIC_MAC, text, 0))
		return nic_refuse_mac(text, e);
	uuid_make(ret_uuid);
	snprintf(name, sizeof(name), "vnic%lld.%d", (long long)object_int(vm, VM_INTERNAL_ID), device_id);
	object_set_str(nic, NIC_UUID, ret_uuid);
	object_set_str(nic, NIC_VM_UUID, vm_uuid);
	object_set_str(nic, NIC_L3_UUID, l3);
	object_set_str(nic, NIC_MAC, text);
	object_set_str(nic, NIC_INTERNAL_NAME, name);
	object_set_int(nic, NIC_DEVICE_ID, device_id);
	r = l3_network_allocate_ip(t, l3, ip, nic, e);
	return r < 0 ? r : txn_put(t, steal(&nic), NULL, e);
}

const char *nic_queue(const struct view *view, const struct request *req)
{
	const struct object *nic = request_object(view, req);

	return nic ? object_str(nic, NIC_VM_UUID) : NULL;
}
