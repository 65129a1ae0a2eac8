/* SPDX-License-Identifier: Apache-2.0 */
/* See nic.h. */
#include "actions/vm/nic.h"

#include <string.h>

#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/guest.h"
#include "actions/network/ipv4.h"
#include "actions/network/l3_network.h"
#include "actions/vm/lease.h"
#include "actions/vm/state.h"

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
	char text[MAC_STRLEN], name[32], uuid[UUID_SIZE];
	int r;

	if (!nic)
		return error_oom(e);
	make_mac(txn_view(t), mac, (uint8_t)device_id, text);
	if (view_next_where(txn_view(t), KIND_NIC, NIC_MAC, text, 0))
		return nic_refuse_mac(text, e);
	uuid_make(uuid);
	if (ret_uuid)
		memcpy(ret_uuid, uuid, sizeof(uuid));
	snprintf(name, sizeof(name), "vnic%lld.%d", (long long)object_int(vm, VM_INTERNAL_ID), device_id);
	object_set_str(nic, NIC_UUID, uuid);
	object_set_str(nic, NIC_VM_UUID, vm_uuid);
	object_set_str(nic, NIC_L3_UUID, l3);
	object_set_str(nic, NIC_MAC, text);
	object_set_str(nic, NIC_INTERNAL_NAME, name);
	object_set_int(nic, NIC_DEVICE_ID, device_id);
	r = l3_network_allocate_ip(t, l3, ip, nic, e);
	return r < 0 ? r : txn_put(t, steal(&nic), NULL, e);
}

void nic_static_ip_prefix(const char *l3, char ret_prefix[64])
{
	snprintf(ret_prefix, 64, "staticIp::%s", l3);
}

int vm_put_default_l3(struct txn *t, const char *vm_uuid, const char *l3, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VM, vm_uuid);
	struct object *vm;
	int r = txn_edit(t, KIND_VM, vm_uuid, &vm, e);

	if (r < 0)
		return r;
	object_set_str(vm, VM_DEFAULT_L3_UUID, l3);
	return vm_write(t, before, vm, e);
}

/*
 * Removes the NIC's row and the tag with its static address. If it was on the default network, that of the
 * VM's first remaining NIC becomes the default.
 */
static int remove_row_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *nic = view_get(txn_view(t), KIND_NIC, arg), *left;
	char vm[UUID_SIZE], l3[UUID_SIZE], prefix[64];
	int r;

	if (!nic)
		return 0;
	snprintf(vm, sizeof(vm), "%s", object_text(nic, NIC_VM_UUID));
	snprintf(l3, sizeof(l3), "%s", object_text(nic, NIC_L3_UUID));
	nic_static_ip_prefix(l3, prefix);
	r = object_remove(t, nic, e);
	if (r < 0)
		return r;
	r = object_set_system_tag(t, KIND_VM, vm, prefix, NULL, false, e);
	if (r < 0 || !object_str_is(view_get(txn_view(t), KIND_VM, vm), VM_DEFAULT_L3_UUID, l3))
		return r;
	left = view_next_where(txn_view(t), KIND_NIC, NIC_VM_UUID, vm, 0);
	return vm_put_default_l3(t, vm, left ? object_str(left, NIC_L3_UUID) : NULL, e);
}

int vm_remove_nic(struct pool *pool, const struct view *view, const struct object *nic, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));
	const char *host = vm ? vm_place(vm) : NULL;
	int r = store_run(pool_store(pool), remove_row_fn, (void *)(uintptr_t)object_uuid(nic), e);

	/* Another network may have become the default one, and gives its router and its DNS from now on. */
	if (r == 0 && host)
		vm_forget_leases(pool, view, object_uuid(vm), host);
	return r;
}

const char *nic_queue(const struct view *view, const struct request *req)
{
	const struct object *nic = request_object(view, req);

	return nic ? object_str(nic, NIC_VM_UUID) : NULL;
}
