/* SPDX-License-Identifier: Apache-2.0 */
/* From the model to a domain's description (behaviour.md 3.11 and 3.12). See vm.h. */
#include <stdarg.h>
#include <string.h>

#include "config.h"
#include "l3_network.h"
#include "vm.h"

const char *tag_value(const struct view *view, const char *resource_uuid, const char *prefix)
{
	size_t len = strlen(prefix);

	view_for_each_where(row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, resource_uuid)
	{
		const char *tag = object_text(row, SYSTEM_TAG_TAG);

		if (strncmp(tag, prefix, len) != 0)
			continue;
		if (tag[len] == '\0')
			return "";
		if (strncmp(tag + len, "::", 2) == 0)
			return tag + len + 2;
	}
	return NULL;
}

/* Keeps an allocated string alive as long as the description. NULL in, NULL out. */
static char *keep(struct vm_spec *spec, char *taken)
{
	if (taken && spec->string_count == ARRAY_SIZE(spec->strings)) {
		free(taken);
		return NULL;
	}
	if (taken)
		spec->strings[spec->string_count++] = taken;
	return taken;
}

void vm_spec_done(struct vm_spec *spec)
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

static enum hv_disk_bus bus_for(const struct view *view, const struct object *vm, const struct object *volume)
{
	const char *platform = object_text(vm, VM_PLATFORM);

	if (tag_value(view, object_uuid(volume), "capability::virtio-scsi"))
		return HV_BUS_SCSI;
	if (strcmp(platform, "Windows") == 0 || strcmp(platform, "Other") == 0)
		return HV_BUS_IDE;
	return HV_BUS_VIRTIO;
}

static int add_disk(struct vm_spec *spec, const struct object *vm, const struct object *volume, int device_id,
		    struct error *e)
{
	struct hv_disk *d = &spec->disks[spec->domain.disk_count];

	if (spec->domain.disk_count == ARRAY_SIZE(spec->disks))
		return error_set(e, ENOSPC, "VM '%s' has too many disks", object_uuid(vm));
	*d = (struct hv_disk){
		.path = object_str(volume, VOLUME_INSTALL_PATH),
		.format = object_str(volume, VOLUME_FORMAT),
		.serial = object_uuid(volume),
		.device_id = device_id,
		.bus = bus_for(spec->view, vm, volume),
		.shareable = object_int(volume, VOLUME_IS_SHAREABLE) != 0,
		.wwn = tag_value(spec->view, object_uuid(volume), "kvm::volume"),
		.total_bytes_sec = object_int(volume, VOLUME_BANDWIDTH),
	};
	spec->domain.disk_count++;
	return 0;
}

static int add_disks(struct vm_spec *spec, const struct object *vm, struct error *e)
{
	int r = 0;

	view_for_each_where(volume, spec->view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm))
	{
		if (r == 0 && object_str(volume, VOLUME_INSTALL_PATH))
			r = add_disk(spec, vm, volume, (int)object_int(volume, VOLUME_DEVICE_ID), e);
	}
	view_for_each_where(ref, spec->view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, object_uuid(vm))
	{
		const struct object *volume = view_get(spec->view, KIND_VOLUME, object_str(ref, SHAREABLE_REF_VOLUME_UUID));

		if (r == 0 && volume && object_str(volume, VOLUME_INSTALL_PATH))
			r = add_disk(spec, vm, volume, (int)object_int(ref, SHAREABLE_REF_DEVICE_ID), e);
	}
	return r;
}

/* The file of an ISO on the host: its copy in the image cache of the VM's primary storage. */
static const char *iso_path(const struct vm_spec *spec, const struct object *vm, const struct object *host,
			    const char *image)
{
	const struct object *root = view_get(spec->view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));

	view_for_each_where(cache, spec->view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID, image)
	{
		const char *cache_host = object_str(cache, IMAGE_CACHE_HOST_UUID);

		if (object_str_is(cache, IMAGE_CACHE_STATUS, "Ready") && root &&
		    object_str_is(cache, IMAGE_CACHE_PRIMARY_STORAGE_UUID, object_str(root, VOLUME_PRIMARY_STORAGE_UUID)) &&
		    (!cache_host || strcmp(cache_host, object_uuid(host)) == 0))
			return object_str(cache, IMAGE_CACHE_INSTALL_PATH);
	}
	return NULL;
}

/* Tags `iso::<image>::<deviceId>`; drives without one stay empty. */
static void add_isos(struct vm_spec *spec, const struct object *vm, const struct object *host)
{
	view_for_each_where(row, spec->view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(vm))
	{
		char image[UUID_SIZE];
		int device;

		if (sscanf(object_text(row, SYSTEM_TAG_TAG), "iso::%32[0-9a-f]::%d", image, &device) != 2)
			continue;
		if (spec->domain.disk_count == ARRAY_SIZE(spec->disks))
			return;
		spec->disks[spec->domain.disk_count++] = (struct hv_disk){
			.path = iso_path(spec, vm, host, image),
			.format = "raw",
			.device_id = device,
			.bus = HV_BUS_IDE,
			.cdrom = true,
		};
	}
}

static int add_nics(struct vm_spec *spec, const struct object *vm, struct error *e)
{
	const char *platform = object_text(vm, VM_PLATFORM);
	bool emulated = strcmp(platform, "Windows") == 0 || strcmp(platform, "Other") == 0;

	view_for_each_where(nic, spec->view, KIND_NIC, NIC_VM_UUID, object_uuid(vm))
	{
		size_t i = spec->domain.nic_count;
		bool managed;

		if (i == ARRAY_SIZE(spec->nics))
			return error_set(e, ENOSPC, "VM '%s' has too many NICs", object_uuid(vm));
		managed = l3_network_place(spec->view, object_text(nic, NIC_L3_UUID), spec->networks[i]);
		spec->nics[i] = (struct hv_nic){
			.mac = object_str(nic, NIC_MAC),
			.network = managed ? spec->networks[i] : NULL,
			.bridge = managed ? NULL : spec->networks[i],
			.target = object_str(nic, NIC_INTERNAL_NAME),
			.model = emulated ? "e1000" : "virtio",
			.device_id = (int)object_int(nic, NIC_DEVICE_ID),
			.inbound_bps = object_int(nic, NIC_INBOUND),
			.outbound_bps = object_int(nic, NIC_OUTBOUND),
		};
		spec->domain.nic_count++;
	}
	return 0;
}

/* `bootOrder::CdRom,HardDisk`: which of the two comes first. */
static bool cdrom_first(const struct view *view, const struct object *vm)
{
	const char *order = tag_value(view, object_uuid(vm), "bootOrder");

	return order && strncmp(order, "CdRom", 5) == 0;
}

static int monitors(const struct view *view, const struct object *vm)
{
	const char *n = tag_value(view, object_uuid(vm), "VDIMonitorNumber");

	return n && (strcmp(n, "2") == 0 || strcmp(n, "4") == 0) ? *n - '0' : 1;
}

static int add_pci(struct vm_spec *spec, const struct object *vm, struct error *e)
{
	view_for_each_where(row, spec->view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(vm))
	{
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

int vm_spec_build(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		  struct vm_spec *spec, struct error *e)
{
	const char *password = tag_value(view, object_uuid(vm), "consolePassword");
	bool numa = config_bool(view, "vm.numa");
	int r;

	spec->view = view_ref(view);
	snprintf(spec->title, sizeof(spec->title), "%s", object_name(vm));
	if (is_local(host))
		snprintf(spec->log, sizeof(spec->log), "%s/console/%s.log", pool_state_dir(pool), object_uuid(vm));
	spec->domain = (struct hv_domain_spec){
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
		.boot_cdrom_first = cdrom_first(view, vm),
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
		r = add_nics(spec, vm, e);
	if (r == 0)
		r = add_pci(spec, vm, e);
	if (r == 0)
		add_isos(spec, vm, host);
	return r;
}

int vm_spec_add_nocloud(struct vm_spec *spec, char *taken_path, struct error *e)
{
	char *path = keep(spec, taken_path);

	if (!path || spec->domain.disk_count == ARRAY_SIZE(spec->disks))
		return error_set(e, ENOSPC, "VM '%s' has too many disks", spec->domain.uuid);
	spec->disks[spec->domain.disk_count++] = (struct hv_disk){
		.path = path, .format = "raw", .device_id = 3, .bus = HV_BUS_IDE, .cdrom = true};
	return 0;
}
