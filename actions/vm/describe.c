/* SPDX-License-Identifier: Apache-2.0 */
/* From the model to a domain's description (behaviour.md 3.11 and 3.12). See vm/state.h. */
#include "actions/vm/describe.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/network/l3_network.h"
#include "actions/vm/iso.h"
#include "actions/volume/disk.h"
#include "actions/volume/location.h"
#include "hypervisor/domain/domain_xml.h"
#include "model/states.h"

/* Keeps an allocated string alive as long as the description. NULL in, NULL out. */
static char *keep(struct vm_description *spec, char *taken)
{
	if (taken && spec->string_count == ARRAY_SIZE(spec->strings)) {
		free(taken);
		return NULL;
	}
	if (taken)
		spec->strings[spec->string_count++] = taken;
	return taken;
}

void vm_description_done(struct vm_description *spec)
{
	while (spec->string_count)
		free(spec->strings[--spec->string_count]);
	view_unref(spec->view);
	spec->view = NULL;
}

/* Only a host on this machine can write a log where we can read it. */
static bool is_local(const struct object *host)
{
	const char *uri = object_text(host, HOST_URI);

	return strncmp(uri, "qemu:///", 8) == 0 || strncmp(uri, "qemu+unix:", 10) == 0;
}

static int add_disk(struct vm_description *spec, const struct object *vm, const struct object *volume,
		    int device_id, struct error *e)
{
	if (spec->domain.disk_count == ARRAY_SIZE(spec->disks))
		return error_set(e, ENOSPC, "VM '%s' has too many disks", object_uuid(vm));
	volume_describe_disk(spec->view, vm, volume, device_id, &spec->disks[spec->domain.disk_count]);
	spec->domain.disk_count++;
	return 0;
}

static int add_disks(struct vm_description *spec, const struct object *vm, struct error *e)
{
	int r = 0;

	view_for_each_where (volume, spec->view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm)) {
		if (r == 0 && object_str(volume, VOLUME_INSTALL_PATH))
			r = add_disk(spec, vm, volume, (int)object_int(volume, VOLUME_DEVICE_ID), e);
	}
	view_for_each_where (ref, spec->view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, object_uuid(vm)) {
		const struct object *volume =
			view_get(spec->view, KIND_VOLUME, object_str(ref, SHAREABLE_REF_VOLUME_UUID));

		if (r == 0 && volume && object_str(volume, VOLUME_INSTALL_PATH))
			r = add_disk(spec, vm, volume, (int)object_int(ref, SHAREABLE_REF_DEVICE_ID), e);
	}
	return r;
}

/* The file of an ISO on the host: its copy in the image cache of the VM's primary storage. */
static const char *iso_path(const struct vm_description *spec, const struct object *vm,
			    const struct object *host, const char *image)
{
	const struct object *root = vm_root_volume(spec->view, vm);

	view_for_each_where (cache, spec->view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID, image) {
		const char *cache_host = object_str(cache, IMAGE_CACHE_HOST_UUID);

		if (object_str_is(cache, IMAGE_CACHE_STATUS, STATUS_READY) && root &&
		    object_str_is(cache, IMAGE_CACHE_PRIMARY_STORAGE_UUID,
				  object_str(root, VOLUME_PRIMARY_STORAGE_UUID)) &&
		    (!cache_host || strcmp(cache_host, object_uuid(host)) == 0))
			return object_str(cache, IMAGE_CACHE_INSTALL_PATH);
	}
	return NULL;
}

/* Every VM has all its drives, full or empty, so that a medium can be put in while it runs. */
static int add_drives(struct vm_description *spec, const struct object *vm, const struct object *host,
		      struct error *e)
{
	for (int i = 0; i < VM_ISO_MAX; i++) {
		char image[UUID_SIZE];

		if (spec->domain.disk_count == ARRAY_SIZE(spec->disks))
			return error_set(e, ENOSPC, "VM '%s' has too many disks", object_uuid(vm));
		spec->disks[spec->domain.disk_count++] = (struct hv_disk){
			.path = vm_iso_in_drive(spec->view, object_uuid(vm), i, image)
					? iso_path(spec, vm, host, image)
					: NULL,
			.format = "raw",
			.device_id = i,
			.bus = HV_BUS_IDE,
			.cdrom = true,
		};
	}
	return 0;
}

void vm_describe_nic(const struct view *view, const struct object *nic, const struct object *host,
		     char network[VM_NETWORK_NAME], struct hv_nic *ret)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));
	const char *platform = vm ? object_text(vm, VM_PLATFORM) : "";
	bool emulated = strcmp(platform, "Windows") == 0 || strcmp(platform, "Other") == 0;
	bool managed = l3_network_source(view, object_text(nic, NIC_L3_UUID), network);
	/* A limit that the host cannot keep would keep the VM from starting: it waits for a host that can. */
	bool limits = object_int(host, HOST_BANDWIDTH) != 0;

	*ret = (struct hv_nic){
		.mac = object_str(nic, NIC_MAC),
		.network = managed ? network : NULL,
		.bridge = managed ? NULL : network,
		.target = object_str(nic, NIC_INTERNAL_NAME),
		.model = emulated ? "e1000" : "virtio",
		.device_id = (int)object_int(nic, NIC_DEVICE_ID),
		.inbound_bps = limits ? object_int(nic, NIC_INBOUND) : 0,
		.outbound_bps = limits ? object_int(nic, NIC_OUTBOUND) : 0,
	};
}

static int add_nics(struct vm_description *spec, const struct object *vm, const struct object *host,
		    struct error *e)
{
	view_for_each_where (nic, spec->view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
		size_t i = spec->domain.nic_count;

		if (i == ARRAY_SIZE(spec->nics))
			return error_set(e, ENOSPC, "VM '%s' has too many NICs", object_uuid(vm));
		vm_describe_nic(spec->view, nic, host, spec->networks[i], &spec->nics[i]);
		spec->domain.nic_count++;
	}
	return 0;
}

const char *vm_boot_order(const struct view *view, const char *vm_uuid)
{
	const char *order = tag_value(view, vm_uuid, "bootOrder");

	if (order)
		return order;
	return tag_value(view, vm_uuid, "iso") ? "HardDisk,CdRom" : "HardDisk";
}

/* The drive to boot from when none has a medium is the first. */
static bool is_boot_drive(const struct hv_disk *disk, bool any_medium)
{
	return disk->cdrom && (any_medium ? disk->path != NULL : disk->device_id == 0);
}

/* Numbers the root disk and the CD-ROM drives in the order that the VM boots from; others are never booted.
 */
static void set_boot_order(struct vm_description *spec)
{
	const char *order = vm_boot_order(spec->view, spec->domain.uuid);
	bool any_medium = false;
	int n = 0;

	for (size_t i = 0; i < spec->domain.disk_count; i++)
		any_medium = any_medium || (spec->disks[i].cdrom && spec->disks[i].path);
	for (const char *word = order; *word; word += strcspn(word, ","), word += *word == ',')
		for (size_t i = 0; i < spec->domain.disk_count; i++) {
			struct hv_disk *disk = &spec->disks[i];
			bool wanted = strncmp(word, "CdRom", 5) == 0 ? is_boot_drive(disk, any_medium)
								     : !disk->cdrom && disk->device_id == 0;

			if (wanted && disk->boot_order == 0)
				disk->boot_order = ++n;
		}
}

static int monitors(const struct view *view, const struct object *vm)
{
	const char *n = tag_value(view, object_uuid(vm), "VDIMonitorNumber");

	return n && (strcmp(n, "2") == 0 || strcmp(n, "4") == 0) ? *n - '0' : 1;
}

static int add_pci(struct vm_description *spec, const struct object *vm, struct error *e)
{
	view_for_each_where (row, spec->view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(vm)) {
		const char *tag = object_text(row, SYSTEM_TAG_TAG);

		if (strncmp(tag, "pciDevice::", 11) != 0)
			continue;
		if (spec->domain.pci_device_count == ARRAY_SIZE(spec->pci))
			return error_set(e, ENOSPC, "VM '%s' has too many PCI devices", object_uuid(vm));
		spec->pci[spec->domain.pci_device_count++] = tag + 11;
	}
	spec->domain.pci_devices = spec->pci;
	return 0;
}

static bool tag_is(const struct view *view, const struct object *vm, const char *prefix, const char *value)
{
	const char *have = tag_value(view, object_uuid(vm), prefix);

	return have && strcasecmp(have, value) == 0;
}

int vm_describe(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		struct vm_description *spec, struct error *e)
{
	const char *password = tag_value(view, object_uuid(vm), "consolePassword");
	bool numa = config_bool(view, "vm.numa");
	int r;

	spec->view = view_ref(view);
	snprintf(spec->title, sizeof(spec->title), "%s", object_name(vm));
	if (is_local(host))
		snprintf(spec->log, sizeof(spec->log), "%s/console/%s.log", pool_state_dir(pool),
			 object_uuid(vm));
	spec->domain = (struct hv_domain_def){
		.uuid = object_uuid(vm),
		.title = spec->title,
		.virt_type = object_text(host, HOST_VIRT_TYPE),
		.cpu_num = (int)object_int(vm, VM_CPU_NUM),
		.cpu_max = (int)object_int(vm, VM_CPU_NUM),
		.memory = object_int(vm, VM_MEMORY_SIZE),
		.memory_max = object_int(vm, VM_MEMORY_SIZE),
		.cpu_shares = (int)(object_int(vm, VM_CPU_SPEED) * object_int(vm, VM_CPU_NUM)),
		.cpu_mode = config_str(view, "kvm.vm.cpuMode"),
		.cpu_pinning = tag_value(view, object_uuid(vm), "vmCpuPinning"),
		.hide_kvm = config_bool(view, "vm.kvmHiddenState"),
		.uefi = tag_is(view, vm, "bootMode", "UEFI"),
		.boot_menu = config_bool(view, "vm.bootMenu"),
		.platform = object_text(vm, VM_PLATFORM),
		.serial_number = tag_value(view, object_uuid(vm), "vmSystemSerialNumber"),
		.serial_log = *spec->log ? spec->log : NULL,
		.video = config_str(view, "vm.videoType"),
		.graphics = tag_is(view, vm, "vmConsoleMode", "spice") ? HV_GRAPHICS_SPICE : HV_GRAPHICS_VNC,
		.console_password = password,
		.listen = "0.0.0.0",
		.monitors = monitors(view, vm),
		.usb_redirect = tag_is(view, vm, "usbRedirect", "true"),
		.guest_agent = true,
		.disks = spec->disks,
		.nics = spec->nics,
	};
	if (numa) {
		/* Room for hot-plug: as much as the host has. */
		spec->domain.cpu_max = (int)object_int(host, HOST_CPU_NUM) > spec->domain.cpu_num
					       ? (int)object_int(host, HOST_CPU_NUM)
					       : spec->domain.cpu_num;
		spec->domain.memory_max = object_int(host, HOST_TOTAL_MEMORY) > spec->domain.memory
						  ? object_int(host, HOST_TOTAL_MEMORY)
						  : spec->domain.memory;
	}
	r = add_disks(spec, vm, e);
	if (r == 0)
		r = add_nics(spec, vm, host, e);
	if (r == 0)
		r = add_pci(spec, vm, e);
	if (r == 0)
		r = add_drives(spec, vm, host, e);
	if (r == 0)
		set_boot_order(spec);
	return r;
}

int vm_description_add_nocloud(struct vm_description *spec, char *taken_path, struct error *e)
{
	char *path = keep(spec, taken_path);

	if (!path || spec->domain.disk_count == ARRAY_SIZE(spec->disks))
		return error_set(e, ENOSPC, "VM '%s' has too many disks", spec->domain.uuid);
	spec->disks[spec->domain.disk_count++] = (struct hv_disk){
		.path = path, .format = "raw", .device_id = VM_ISO_MAX, .bus = HV_BUS_IDE, .cdrom = true};
	return 0;
}
