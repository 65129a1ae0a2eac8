/* SPDX-License-Identifier: Apache-2.0 */
/* See describe.h. */
#include "actions/vm/describe.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/host/uri.h"
#include "actions/network/l3_network.h"
#include "actions/vm/console_log.h"
#include "actions/vm/iso.h"
#include "actions/vm/machine.h"
#include "actions/vm/tag_rules.h"
#include "actions/volume/disk.h"
#include "model/states.h"
#include "model/text.h"

void vm_description_done(struct vm_description *desc)
{
	free(desc->title);
	free(desc->nocloud);
	free(desc->peers);
	view_unref(desc->view);
	desc->title = NULL;
	desc->nocloud = NULL;
	desc->peers = NULL;
	desc->view = NULL;
}

/*
 * Where the console listens. On this machine its users can reach the loopback address; on another one only the
 * setting could say more.
 */
static const char *console_listen(const struct view *view, const struct object *host)
{
	const char *address = config_str(view, "vm.consoleListenAddress");

	if (strcmp(address, "auto") != 0)
		return address;
	return host_uri_is_local(object_text(host, HOST_URI)) ? "127.0.0.1" : "0.0.0.0";
}

/* The next unused disk of the description; NULL with -ENOSPC in @e when all are in use. */
static struct hv_disk *next_disk(struct vm_description *desc, struct error *e)
{
	if (desc->domain.disk_count < ARRAY_SIZE(desc->disks))
		return &desc->disks[desc->domain.disk_count++];
	(void)error_set(e, ENOSPC, "VM '%s' has too many disks", desc->domain.uuid);
	return NULL;
}

/* A volume without a file is left out. */
static int add_volume(struct vm_description *desc, const struct object *vm, const struct object *volume,
		      int64_t device_id, struct error *e)
{
	struct hv_disk *disk;

	if (!volume || !object_str(volume, VOLUME_INSTALL_PATH))
		return 0;
	disk = next_disk(desc, e);
	if (!disk)
		return -ENOSPC;
	volume_describe_disk(desc->view, vm, volume, (int)device_id, disk);
	return 0;
}

static int add_volumes(struct vm_description *desc, const struct object *vm, struct error *e)
{
	int r;

	view_for_each_where (volume, desc->view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm)) {
		r = add_volume(desc, vm, volume, object_int(volume, VOLUME_DEVICE_ID), e);
		if (r < 0)
			return r;
	}
	view_for_each_where (ref, desc->view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, object_uuid(vm)) {
		const char *uuid = object_str(ref, SHAREABLE_REF_VOLUME_UUID);

		r = add_volume(desc, vm, view_get(desc->view, KIND_VOLUME, uuid),
			       object_int(ref, SHAREABLE_REF_DEVICE_ID), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The file of an ISO on the host: its copy in the image cache of the VM's primary storage. NULL = none. */
static const char *iso_path(const struct vm_description *desc, const struct object *vm,
			    const struct object *host, const char *image)
{
	const struct object *root = view_get(desc->view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));

	view_for_each_where (cache, desc->view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID, image) {
		const char *cache_host = object_str(cache, IMAGE_CACHE_HOST_UUID);

		if (object_str_is(cache, IMAGE_CACHE_STATUS, STATUS_READY) && root &&
		    object_str_is(cache, IMAGE_CACHE_PRIMARY_STORAGE_UUID,
				  object_str(root, VOLUME_PRIMARY_STORAGE_UUID)) &&
		    (!cache_host || strcmp(cache_host, object_uuid(host)) == 0))
			return object_str(cache, IMAGE_CACHE_INSTALL_PATH);
	}
	return NULL;
}

/*
 * A VM has all its drives from the start, with a medium or empty, so that one can be inserted while it
 * runs.
 */
static int add_drives(struct vm_description *desc, const struct object *vm, const struct object *host,
		      struct error *e)
{
	for (int i = 0; i < VM_ISO_MAX; i++) {
		struct hv_disk *disk = next_disk(desc, e);
		char image[UUID_SIZE];

		if (!disk)
			return -ENOSPC;
		*disk = (struct hv_disk){
			.path = vm_iso_in_drive(desc->view, object_uuid(vm), i, image)
					? iso_path(desc, vm, host, image)
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
	bool pcie = vm && strcmp(vm_machine_type(view, vm), "q35") == 0;
	bool managed = l3_network_source(view, object_text(nic, NIC_L3_UUID), network);
	/* A host without traffic control cannot start a VM with limits; a host that has it applies them. */
	bool limits = object_int(host, HOST_BANDWIDTH) != 0;

	*ret = (struct hv_nic){
		.mac = object_str(nic, NIC_MAC),
		.network = managed ? network : NULL,
		.bridge = managed ? NULL : network,
		.target = object_str(nic, NIC_INTERNAL_NAME),
		.model = !emulated ? "virtio"
			 : pcie	   ? "e1000e"
				   : "e1000",
		.device_id = (int)object_int(nic, NIC_DEVICE_ID),
		.inbound_bps = limits ? object_int(nic, NIC_INBOUND) : 0,
		.outbound_bps = limits ? object_int(nic, NIC_OUTBOUND) : 0,
		.only_ip = config_bool(view, "vm.cleanTraffic") ? object_str(nic, NIC_IP) : NULL,
	};
}

static int add_nics(struct vm_description *desc, const struct object *vm, const struct object *host,
		    struct error *e)
{
	view_for_each_where (nic, desc->view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
		size_t i = desc->domain.nic_count;

		if (i == ARRAY_SIZE(desc->nics))
			return error_set(e, ENOSPC, "VM '%s' has too many NICs", object_uuid(vm));
		vm_describe_nic(desc->view, nic, host, desc->networks[i], &desc->nics[i]);
		desc->domain.nic_count++;
	}
	return 0;
}

const char *vm_boot_order(const struct view *view, const char *vm_uuid)
{
	const char *order = tag_value(view, vm_uuid, "bootOrder");

	return order ? order : "HardDisk,CdRom"; /* the manual's default, 4.1.44 */
}

/* A drive with a medium is bootable; without any medium the first drive stands for all. */
static bool is_boot_drive(const struct hv_disk *disk, bool any_medium)
{
	return disk->cdrom && (any_medium ? disk->path != NULL : disk->device_id == 0);
}

/* Numbers the root disk and the CD-ROM drives in the VM's boot order. No other disk is booted from. */
static void set_boot_order(struct vm_description *desc)
{
	const char *order = vm_boot_order(desc->view, desc->domain.uuid);
	bool any_medium = false;
	int n = 0;

	for (size_t i = 0; i < desc->domain.disk_count; i++)
		any_medium = any_medium || (desc->disks[i].cdrom && desc->disks[i].path);
	for (const char *word = order; *word; word += strcspn(word, ","), word += *word == ',')
		for (size_t i = 0; i < desc->domain.disk_count; i++) {
			struct hv_disk *disk = &desc->disks[i];
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

static int add_pci_devices(struct vm_description *desc, const struct object *vm, struct error *e)
{
	view_for_each_where (row, desc->view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(vm)) {
		const char *device = tag_strip_prefix(object_text(row, SYSTEM_TAG_TAG), "pciDevice");

		if (!device)
			continue;
		if (desc->domain.pci_device_count == ARRAY_SIZE(desc->pci))
			return error_set(e, ENOSPC, "VM '%s' has too many PCI devices", object_uuid(vm));
		desc->pci[desc->domain.pci_device_count++] = device;
	}
	desc->domain.pci_devices = desc->pci;
	return 0;
}

static bool tag_is(const struct view *view, const struct object *vm, const char *prefix, const char *value)
{
	const char *have = tag_value(view, object_uuid(vm), prefix);

	return have && strcasecmp(have, value) == 0;
}

/* The video card: only two of them can have several monitors. */
static const char *video_type(const struct view *view, int monitors)
{
	const char *type = config_str(view, "vm.videoType");

	return monitors > 1 && strcmp(type, "virtio") != 0 ? "qxl" : type;
}

static int add_peers(struct vm_description *desc, const struct object *host, struct error *e)
{
	const char *cluster = object_text(host, HOST_CLUSTER_UUID);
	size_t n = 0;

	desc->peers = calloc(view_count_candidates(desc->view, KIND_HOST, HOST_CLUSTER_UUID, cluster) + 1,
			     sizeof(*desc->peers));
	if (!desc->peers)
		return error_oom(e);
	view_for_each_where (peer, desc->view, KIND_HOST, HOST_CLUSTER_UUID, cluster)
		if (strcmp(object_uuid(peer), object_uuid(host)) != 0)
			desc->peers[n++] = object_uuid(peer);
	desc->domain.cpu_peers = desc->peers;
	desc->domain.cpu_peer_count = n;
	return 0;
}

/* Up to the host's own CPUs and memory can be hot-plugged. */
static void add_hotplug_room(struct vm_description *desc, const struct object *host)
{
	int cpus = (int)object_int(host, HOST_CPU_NUM);
	int64_t memory = object_int(host, HOST_TOTAL_MEMORY);

	if (cpus > desc->domain.cpu_max)
		desc->domain.cpu_max = cpus;
	if (memory > desc->domain.memory_max)
		desc->domain.memory_max = memory;
}

int vm_describe(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		struct vm_description *desc, struct error *e)
{
	const char *password = tag_value(view, object_uuid(vm), "consolePassword");
	int r;

	desc->view = view_ref(view);
	desc->title = text_printable(object_name(vm)); /* libvirt's titles are one line */
	if (!desc->title)
		return error_oom(e);
	/* elsewhere the daemon could not read it */
	if (host_uri_is_local(object_text(host, HOST_URI)))
		console_log_path(pool, object_uuid(vm), desc->log);
	desc->domain = (struct hv_domain_def){
		.uuid = object_uuid(vm),
		.title = desc->title,
		.virt_type = object_text(host, HOST_VIRT_TYPE),
		.cpu_num = (int)object_int(vm, VM_CPU_NUM),
		.cpu_max = (int)object_int(vm, VM_CPU_NUM),
		.memory = object_int(vm, VM_MEMORY_SIZE),
		.memory_max = object_int(vm, VM_MEMORY_SIZE),
		.cpu_shares = (int)(object_int(vm, VM_CPU_SPEED) * object_int(vm, VM_CPU_NUM)),
		.cpu_pinning = tag_value(view, object_uuid(vm), "vmCpuPinning"),
		.hide_kvm = config_bool(view, "vm.kvmHiddenState"),
		.boot_menu = config_bool(view, "vm.bootMenu"),
		.platform = object_text(vm, VM_PLATFORM),
		.serial_number = tag_value(view, object_uuid(vm), "vmSystemSerialNumber"),
		.serial_log = *desc->log ? desc->log : NULL,
		.video = video_type(view, monitors(view, vm)),
		.graphics = vm_has_spice(view, object_uuid(vm)) ? HV_GRAPHICS_SPICE : HV_GRAPHICS_VNC,
		.console_password = password,
		.listen = console_listen(view, host),
		.monitors = monitors(view, vm),
		.usb_redirect = tag_is(view, vm, "usbRedirect", "true"),
		.guest_agent = true,
		.disks = desc->disks,
		.nics = desc->nics,
	};
	vm_describe_machine(view, vm, &desc->domain);
	if (config_bool(view, "vm.numa"))
		add_hotplug_room(desc, host);
	r = add_peers(desc, host, e);
	if (r < 0)
		return r;
	r = add_volumes(desc, vm, e);
	if (r < 0)
		return r;
	r = add_nics(desc, vm, host, e);
	if (r < 0)
		return r;
	r = add_pci_devices(desc, vm, e);
	if (r < 0)
		return r;
	desc->domain.pcie_ports += (int)desc->domain.pci_device_count;
	r = add_drives(desc, vm, host, e);
	if (r < 0)
		return r;
	set_boot_order(desc);
	return 0;
}

int vm_description_add_nocloud(struct vm_description *desc, char *taken_path, struct error *e)
{
	struct hv_disk *disk = next_disk(desc, e);

	if (!disk) {
		free(taken_path);
		return -ENOSPC;
	}
	desc->nocloud = taken_path;
	*disk = (struct hv_disk){.path = taken_path,
				 .format = "raw",
				 .device_id = VM_ISO_MAX,
				 .bus = HV_BUS_IDE,
				 .cdrom = true};
	return 0;
}
