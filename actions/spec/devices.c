/* SPDX-License-Identifier: Apache-2.0 */
/* See devices.h. */
#include "actions/spec/devices.h"

#include <string.h>

#include "actions/network/ipv4.h"
#include "actions/volume/attach.h"
#include "actions/volume/disk.h"
#include "hypervisor/domain/domain_xml.h"
#include "model/json.h"

/* --------------------------------------------------------------------- NICs */

json_t *spec_present_nics(const struct view *view, const struct object *vm)
{
	static const int shown[] = {NIC_L3_UUID, NIC_IP, NIC_MAC};
	json_t *list = json_array();

	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
		json_t *item = json_object();

		for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
			if (object_str(nic, shown[i]))
				json_add_member(&item, nic->kind->fields[shown[i]].name,
						json_string(object_str(nic, shown[i])));
		json_add_item(&list, item);
	}
	return list;
}

/* An item of `nics`. Address and MAC are in the form of the rows; "" = any. */
struct wanted_nic {
	const char *l3, *ip;
	char mac[MAC_STRLEN];
};

static int read_nic(const struct spec_plan *p, const struct spec_member *m, const json_t *item,
		    struct wanted_nic *ret, struct error *e)
{
	const char *name;
	const json_t *value;
	uint32_t address;
	struct mac mac;
	int r;

	*ret = (struct wanted_nic){.ip = ""};
	json_object_foreach_const (item, name, value) {
		r = spec_check_type(name, PARAM_STRING, value, e);
		if (r < 0)
			return r;
		if (strcmp(name, "l3NetworkUuid") == 0) {
			ret->l3 = json_string_value(value);
			r = spec_check_exists(p, m, KIND_L3_NETWORK, ret->l3, e);
		} else if (strcmp(name, "ip") == 0) {
			ret->ip = json_string_value(value);
			if (ipv4_parse(ret->ip, &address, NULL) < 0)
				return error_set(e, EINVAL, "'%s' in 'nics' is not an IPv4 address", ret->ip);
		} else if (strcmp(name, "mac") == 0) {
			r = mac_parse(json_string_value(value), &mac, e);
			if (r < 0)
				return r;
			mac_format(&mac, ret->mac);
		} else {
			return error_set(
				e, EINVAL,
				"an item of 'nics' has no member '%s', only l3NetworkUuid, ip and mac", name);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_nic(struct spec_plan *p, const struct spec_member *m, const struct wanted_nic *want,
		   struct error *e)
{
	json_t *params = json_pack("{s:s}", "l3NetworkUuid", want->l3);
	json_t *tags = *want->mac ? json_array() : NULL;

	if (*want->ip)
		json_add_member(&params, "staticIp", json_string(want->ip));
	if (*want->mac)
		json_add_item(&tags, json_sprintf("customMac::%s::%s", want->l3, want->mac));
	if (*want->mac && !tags) {
		json_decref(params);
		return error_oom(e);
	}
	return spec_plan_add(p, m, "AttachL3NetworkToVm", object_uuid(p->object), params, tags, NEED_AWAKE,
			     e);
}

static int change_nic(struct spec_plan *p, const struct spec_member *m, const struct object *nic,
		      const struct wanted_nic *want, struct error *e)
{
	int r = 0;

	if (*want->ip && !object_str_is(nic, NIC_IP, want->ip))
		r = spec_plan_add(p, m, "SetVmStaticIp", object_uuid(p->object),
				  json_pack("{s:s, s:s}", "l3NetworkUuid", want->l3, "ip", want->ip), NULL,
				  NEED_STOPPED, e);
	if (r < 0 || !*want->mac || object_str_is(nic, NIC_MAC, want->mac))
		return r;
	return spec_plan_add(p, m, "UpdateVmNicMac", object_uuid(nic), json_pack("{s:s}", "mac", want->mac),
			     NULL, NEED_STOPPED, e);
}

int spec_plan_nics(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e)
{
	const char *first = json_string_value(
		json_object_get(p->document, kind_get(KIND_VM)->fields[VM_DEFAULT_L3_UUID].name));
	struct wanted_nic want;
	size_t i;
	json_t *item;
	int r = spec_check_list(m, wanted, "l3NetworkUuid", e);

	if (r < 0)
		return r;
	if (first && !spec_list_has(wanted, "l3NetworkUuid", first))
		return error_set(e, EINVAL, "the default network '%s' is not in 'nics'", first);
	/* Detach first: the number of NICs is limited. */
	view_for_each_where (nic, p->view, KIND_NIC, NIC_VM_UUID, object_uuid(p->object)) {
		if (spec_list_has(wanted, "l3NetworkUuid", object_text(nic, NIC_L3_UUID)))
			continue;
		r = spec_plan_add(p, m, "DetachL3NetworkFromVm", object_uuid(nic), json_object(), NULL,
				  NEED_AWAKE, e);
		if (r < 0)
			return r;
	}
	json_array_foreach (wanted, i, item) {
		const struct object *present = NULL;

		r = read_nic(p, m, item, &want, e);
		if (r < 0)
			return r;
		view_for_each_where (nic, p->view, KIND_NIC, NIC_VM_UUID, object_uuid(p->object)) {
			if (object_str_is(nic, NIC_L3_UUID, want.l3))
				present = nic;
		}
		r = present ? change_nic(p, m, present, &want, e) : add_nic(p, m, &want, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------ volumes */

/*
 * The next data volume of the VM: its own, then the shareable ones. *shared and *row are where the last
 * call got to, at first false and 0.
 */
static const struct object *next_volume(const struct view *view, const char *vm, bool *shared, int64_t *row)
{
	const struct object *o;

	while (!*shared && (o = view_next_where(view, KIND_VOLUME, VOLUME_VM_UUID, vm, *row))) {
		*row = o->id;
		if (!object_str_is(o, VOLUME_TYPE, "Root"))
			return o;
	}
	if (!*shared)
		*row = 0;
	*shared = true;
	while ((o = view_next_where(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, vm, *row))) {
		*row = o->id;
		o = view_get(view, KIND_VOLUME, object_str(o, SHAREABLE_REF_VOLUME_UUID));
		if (o)
			return o;
	}
	return NULL;
}

json_t *spec_present_volumes(const struct view *view, const struct object *vm)
{
	const struct object *o;
	json_t *list = json_array();
	bool shared = false;
	int64_t row = 0;

	while ((o = next_volume(view, object_uuid(vm), &shared, &row)))
		json_add_item(&list, json_string(object_uuid(o)));
	return list;
}

void spec_volumes_of(const json_t *document, json_t **queues)
{
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(document, "volumes"), i, item) {
		if (json_is_string(item))
			json_add_member(queues, json_string_value(item), json_true());
	}
}

/* A disk on IDE can be attached and detached only while the VM is stopped. */
static enum spec_need need_of_volume(const struct spec_plan *p, const struct object *volume)
{
	struct hv_disk disk;

	volume_describe_disk(p->view, p->object, volume, 1, &disk);
	return disk.bus == HV_BUS_IDE ? NEED_STOPPED : NEED_NOTHING;
}

/* Checks that the list may have the volume, whatever is detached before. */
static int check_volume(const struct spec_plan *p, const struct spec_member *m, const char *uuid,
			struct error *e)
{
	const struct object *volume = view_get(p->view, KIND_VOLUME, uuid);
	const char *vm = volume ? object_str(volume, VOLUME_VM_UUID) : NULL;
	int r = spec_check_exists(p, m, KIND_VOLUME, uuid, e);

	if (r < 0)
		return r;
	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "'%s' holds data volumes, '%s' is a root volume", m->name, uuid);
	if (vm && strcmp(vm, object_uuid(p->object)) != 0)
		return error_set(e, EBUSY, "volume '%s' is attached to the VM '%s', detach it there first",
				 uuid, vm);
	return 0;
}

int spec_plan_volumes(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e)
{
	const char *vm = object_uuid(p->object);
	const struct object *o;
	bool shared = false;
	int64_t row = 0;
	size_t i;
	json_t *item;
	int r = spec_check_list(m, wanted, NULL, e);

	if (r < 0)
		return r;
	while ((o = next_volume(p->view, vm, &shared, &row))) {
		if (spec_list_has(wanted, NULL, object_uuid(o)))
			continue;
		r = spec_plan_add(p, m, "DetachDataVolumeFromVm", object_uuid(o),
				  json_pack("{s:s}", "vmUuid", vm), NULL, need_of_volume(p, o), e);
		if (r < 0)
			return r;
	}
	json_array_foreach (wanted, i, item) {
		const char *uuid = json_string_value(item);

		r = check_volume(p, m, uuid, e);
		if (r < 0)
			return r;
		o = view_get(p->view, KIND_VOLUME, uuid);
		if (volume_is_attached(p->view, o, vm))
			continue;
		r = spec_plan_add(p, m, "AttachDataVolumeToVm", uuid,
				  json_pack("{s:s}", "vmInstanceUuid", vm), NULL, need_of_volume(p, o), e);
		if (r < 0)
			return r;
	}
	return 0;
}
