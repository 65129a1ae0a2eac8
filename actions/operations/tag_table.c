/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the system tags, with the checks of their values. See engine/system_tag.h. */
#include <ctype.h>
#include <string.h>

#include "actions/engine/system_tag.h"
#include "actions/engine/tags.h"
#include "actions/image/download.h"
#include "actions/network/ipv4.h"
#include "actions/operations/table.h"
#include "actions/vm/affinity.h"
#include "actions/vm/ha.h"
#include "actions/vm/placement_filters.h"
#include "actions/vm/tag_rules.h"
#include "actions/volume/file.h"
#include "hypervisor/domain/cpu_pinning.h"

/* What SMBIOS can hold, bytes. */
#define SERIAL_LENGTH 64

/* ------------------------------------------------------------------ checks */

/* Unique on the networks of the request, and on those that the VM is on. */
static int check_hostname(const struct tag_subject *s, struct error *e)
{
	const json_t *networks = s->req ? request_list(s->req, "l3NetworkUuids") : NULL, *l3;
	const struct object *vm = view_get(s->view, KIND_VM, s->uuid);
	size_t i;
	int r = vm_check_hostname(s->view, s->actor, s->value, vm ? object_text(vm, VM_DEFAULT_L3_UUID) : "",
				  s->uuid, e);

	json_array_foreach (networks, i, l3) {
		if (r < 0)
			break;
		r = vm_check_hostname(s->view, s->actor, s->value, json_string_value(l3), s->uuid, e);
	}
	return r;
}

static int check_boot_order(const struct tag_subject *s, struct error *e)
{
	return vm_check_boot_order(s->value, s->text, e);
}

/* What another tag of the object is, or will be: of the request, of what a new VM inherits from, of the VM. */
static const char *other_tag(const struct tag_subject *s, const char *prefix)
{
	static const char *const sources[] = {"instanceOfferingUuid", "imageUuid"};
	const char *value = s->req ? request_tag(s->req, prefix) : NULL;

	for (size_t i = 0; s->req && i < ARRAY_SIZE(sources) && !value; i++)
		if (request_str(s->req, sources[i]))
			value = tag_value(s->view, request_str(s->req, sources[i]), prefix);
	return value ? value : tag_value(s->view, s->uuid, prefix);
}

static const char console_mode[] = "vmConsoleMode", monitors[] = "VDIMonitorNumber", usb[] = "usbRedirect";

/* What the tags of the console are or will be. */
struct console {
	const char *mode, *monitors, *usb;
};

static struct console console_of(const struct tag_subject *s)
{
	const char *prefix = system_tag_find(s->text, NULL)->prefix;

	return (struct console){
		.mode = strcmp(prefix, console_mode) == 0 ? s->value : other_tag(s, console_mode),
		.monitors = strcmp(prefix, monitors) == 0 ? s->value : other_tag(s, monitors),
		.usb = strcmp(prefix, usb) == 0 ? s->value : other_tag(s, usb),
	};
}

static int check_console_password(const struct tag_subject *s, struct error *e)
{
	struct console c = console_of(s);

	return vm_check_console_password(s->value, vm_console_is_spice(c.mode, c.monitors, c.usb), e);
}

/*
 * The three tags of the console: more than one monitor and USB redirection exist with SPICE only, and a password
 * that was set for SPICE may be too long for VNC.
 */
static int check_console(const struct tag_subject *s, struct error *e)
{
	struct console c = console_of(s);
	const char *password = other_tag(s, "consolePassword");
	bool spice = vm_console_is_spice(c.mode, c.monitors, c.usb);

	if (!spice && vm_console_is_spice(NULL, c.monitors, c.usb))
		return error_set(
			e, EINVAL,
			"%s need SPICE, but the VM has the system tag %s::%s; remove it, or make it %s::spice",
			c.monitors && strcmp(c.monitors, "1") != 0 ? "several monitors"
								   : "redirected USB devices",
			console_mode, c.mode, console_mode);
	return password ? vm_check_console_password(password, spice, e) : 0;
}

static int check_ssh_key(const struct tag_subject *s, struct error *e)
{
	return vm_check_ssh_key(s->value, e);
}

static int check_monitors(const struct tag_subject *s, struct error *e)
{
	int r = vm_check_monitors(s->value, e);

	return r < 0 ? r : check_console(s, e);
}

static int check_pinning(const struct tag_subject *s, struct error *e)
{
	return cpu_pinning_check(s->value, e);
}

static int check_serial(const struct tag_subject *s, struct error *e)
{
	if (strlen(s->value) > SERIAL_LENGTH)
		return error_set(e, EINVAL, "a serial number has at most %d bytes, not %zu", SERIAL_LENGTH,
				 strlen(s->value));
	for (const char *p = s->value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F)
			return error_set(e, EINVAL, "byte %zu of the serial number is a control character",
					 (size_t)(p - s->value));
	return 0;
}

/* What Secure Boot needs of the other tags. */
static int check_firmware(const char *secure, const char *mode, const char *machine, struct error *e)
{
	if (!secure || strcasecmp(secure, "true") != 0)
		return 0;
	if (mode && strcasecmp(mode, "Legacy") == 0)
		return error_set(e, EINVAL, "Secure Boot needs UEFI, not the system tag bootMode::%s", mode);
	if (machine && strcasecmp(machine, "pc") == 0)
		return error_set(
			e, EINVAL,
			"Secure Boot needs the machine type q35, not the system tag vmMachineType::%s",
			machine);
	return 0;
}

static int check_boot_mode(const struct tag_subject *s, struct error *e)
{
	int r = vm_check_boot_mode(s, e);

	return r < 0 ? r : check_firmware(other_tag(s, "secureBoot"), s->value, NULL, e);
}

static int check_machine_type(const struct tag_subject *s, struct error *e)
{
	return check_firmware(other_tag(s, "secureBoot"), NULL, s->value, e);
}

/* The keys are put into the firmware's variables when these are made. */
static int check_secure_boot(const struct tag_subject *s, struct error *e)
{
	if (s->req || s->kind != KIND_VM || !view_get(s->view, KIND_VM, s->uuid))
		return check_firmware(s->value, other_tag(s, "bootMode"), other_tag(s, "vmMachineType"), e);
	return error_set(
		e, EINVAL,
		"Secure Boot is chosen when a VM is created, as a system tag of the VM, its offering or "
		"its image");
}

/* A mode, or a model by libvirt's name. */
static int check_cpu_mode(const struct tag_subject *s, struct error *e)
{
	for (const char *p = s->value; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return error_set(
				e, EINVAL,
				"a CPU mode is none, host-model, host-passthrough, or the name of a CPU "
				"model of libvirt, such as Nehalem");
	return 0;
}

/* Whether the text has the form of @pattern, where 'x' stands for a hex digit and all else for itself. */
static bool has_form(const char *text, const char *pattern)
{
	for (; *pattern && *text; pattern++, text++)
		if (*pattern == 'x' ? !isxdigit((unsigned char)*text) : *pattern != *text)
			return false;
	return *pattern == *text;
}

static int check_wwn(const struct tag_subject *s, struct error *e)
{
	return has_form(s->value, "xxxxxxxxxxxxxxxx")
		       ? 0
		       : error_set(e, EINVAL, "a WWN has 16 hex digits, '%s' does not", s->value);
}

static int check_pci_device(const struct tag_subject *s, struct error *e)
{
	return has_form(s->value, "xxxx:xx:xx.x") && s->value[11] < '8'
		       ? 0
		       : error_set(
				 e, EINVAL,
				 "'%s' is not the address of a PCI device on the host, such as 0000:03:00.0; this "
				 "pool gives its devices no uuids",
				 s->value);
}

/* The object whose uuid the value begins with. */
static const struct object *named(const struct tag_subject *s, char ret_uuid[UUID_SIZE])
{
	const struct system_tag *row = system_tag_find(s->text, NULL);

	snprintf(ret_uuid, UUID_SIZE, "%.*s", (int)strcspn(s->value, ":"), s->value);
	return view_get(s->view, row->resource, ret_uuid);
}

static int check_storage(const struct tag_subject *s, struct error *e)
{
	char uuid[UUID_SIZE];

	return named(s, uuid)
		       ? 0
		       : error_set(e, EINVAL, "primary storage[uuid:%s] of the system tag[%s] not found",
				   uuid, s->text);
}

static int check_host(const struct tag_subject *s, struct error *e)
{
	char uuid[UUID_SIZE];

	return named(s, uuid)
		       ? 0
		       : error_set(e, EINVAL, "host[uuid:%s] of the system tag[%s] not found", uuid, s->text);
}

static int check_static_ip(const struct tag_subject *s, struct error *e)
{
	const char *ip = tag_parse(s->value).value;
	char l3[UUID_SIZE];
	uint32_t address;

	if (!named(s, l3))
		return error_set(
			e, EINVAL,
			"L3 network[uuid:%s] not found. Please correct your system tag[%s] of static IP", l3,
			s->text);
	if (!ip || ipv4_parse(ip, &address, NULL) < 0)
		return error_set(
			e, EINVAL,
			"%s is not a valid IPv4 address. Please correct your system tag[%s] of static IP",
			ip ? ip : "", s->text);
	return 0;
}

static int check_mac(const struct tag_subject *s, struct error *e)
{
	const char *text = tag_parse(s->value).value;
	struct mac mac;
	char l3[UUID_SIZE];

	if (!named(s, l3))
		return error_set(e, EINVAL, "L3 network[uuid:%s] of the system tag[%s] not found", l3,
				 s->text);
	if (mac_parse(text ? text : "", &mac, e) < 0)
		return -EINVAL;
	return mac_is_host(&mac) ? 0 : error_set(e, EINVAL, "'%s' is not the MAC address of a NIC", text);
}

static int check_ephemeral(const struct tag_subject *s, struct error *e)
{
	static const char checksum[] = "checksum::";

	if (s->kind == KIND_VOLUME && strcmp(s->value, "shareable") == 0)
		return 0;
	if (s->kind == KIND_IMAGE && strcmp(s->value, "forceRaw") == 0)
		return 0;
	if (s->kind == KIND_IMAGE && strncmp(s->value, checksum, strlen(checksum)) == 0)
		return download_check_checksum(s->value + strlen(checksum), e);
	return error_set(e, EINVAL,
			 "the system tag '%s' means nothing here: ephemeral::shareable is for volumes, "
			 "ephemeral::forceRaw and ephemeral::checksum::ALGORITHM:HEX are for images",
			 s->text);
}

/* -------------------------------------------------------------------- rows */

/* A VM inherits the tags of its offering and of its image. */
#define VMS_AND_ORIGINS                                                                                      \
	{                                                                                                    \
		KIND_VM, KIND_INSTANCE_OFFERING, KIND_IMAGE                                                  \
	}
#define VMS                                                                                                  \
	{                                                                                                    \
		KIND_VM                                                                                      \
	}
#define VOLUMES                                                                                              \
	{                                                                                                    \
		KIND_VOLUME                                                                                  \
	}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct system_tag tag_table[] = {
	{.prefix = "RDPEnable",
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("true", "false"),
	 .effect = "a mark for clients, answered by GetVmRDP: the guest offers RDP"},
	{.prefix = "VDIMonitorNumber",
	 .kinds = VMS_AND_ORIGINS,
	 .takes = "1|2|4",
	 .effect = "the number of monitors; several are on a SPICE console and a qxl or virtio video card",
	 .check = check_monitors},
	{.prefix = AFFINITY_TAG,
	 .life = TAG_CREATION,
	 .kinds = VMS,
	 .many = true, /* affinity_check_creation() has a sentence of its own */
	 .resource = KIND_AFFINITY_GROUP,
	 .changes = true,
	 .takes = "<uuid>",
	 .operation = "AddVmToAffinityGroup",
	 .effect = "the affinity group that a new VM is in"},
	{.prefix = "bootMode",
	 .kinds = VMS_AND_ORIGINS,
	 .takes = "Legacy|UEFI",
	 .effect = "the firmware from the next start on",
	 .check = check_boot_mode},
	{.prefix = "bootOrder",
	 .kinds = VMS_AND_ORIGINS,
	 .takes = "HardDisk,CdRom",
	 .effect = "the devices that the VM boots from, from the next start on",
	 .check = check_boot_order},
	{.prefix = "capability::virtio-scsi",
	 .form = TAG_MARK,
	 .kinds = VOLUMES,
	 .effect = "the volume is attached to a virtio-scsi controller, as shareable volumes must be"},
	{.prefix = "cdromBootOnce",
	 .form = TAG_CHOICE,
	 .kinds = VMS,
	 .values = WORDS("true"),
	 .effect = "the tag bootOrder is for one start and removed with this tag afterwards"},
	{.prefix = "consolePassword",
	 .kinds = VMS_AND_ORIGINS,
	 .secret = true,
	 .takes = "<password>",
	 .effect = "the password of the console",
	 .check = check_console_password},
	{.prefix = "customMac",
	 .life = TAG_CREATION,
	 .kinds = VMS,
	 .many = true,
	 .resource = KIND_L3_NETWORK,
	 .takes = "<L3 network>::<MAC>",
	 .operation = "UpdateVmNicMac",
	 .effect = "the MAC address of the new NIC on this network",
	 .check = check_mac},
	{.prefix = "ephemeral",
	 .life = TAG_REQUEST,
	 .kinds = {KIND_VOLUME, KIND_IMAGE},
	 .many = true,
	 .takes = "<shareable, forceRaw or checksum::ALGORITHM:HEX>",
	 .effect =
		 "shareable: the new volume can be attached to several VMs; forceRaw: the image is a raw disk whatever "
		 "it begins with; checksum: what is downloaded must have it",
	 .check = check_ephemeral},
	{.prefix = HA_TAG,
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("NeverStop", "OnHostFailure"),
	 .effect = "when HA starts the VM again: whenever it is down, or when its host has failed"},
	{.prefix = "hostname",
	 .kinds = VMS,
	 .takes = "<name>",
	 .effect = "the guest's name, by DHCP and cloud-init; unique on the default network",
	 .check = check_hostname},
	{.prefix = "iso",
	 .life = TAG_POOL,
	 .kinds = VMS,
	 .many = true,
	 .resource = KIND_IMAGE,
	 .takes = "<image>::<drive>",
	 .operation = "AttachIsoToVmInstance",
	 .effect = "the ISO in a CD-ROM drive"},
	{.prefix = "kvm::volume",
	 .kinds = VOLUMES,
	 .takes = "<16 hex digits>",
	 .effect = "the WWN of a volume with capability::virtio-scsi",
	 .check = check_wwn},
	{.prefix = LOCAL_HOST_TAG,
	 .life = TAG_CREATION,
	 .kinds = VOLUMES,
	 .resource = KIND_HOST,
	 .takes = "<uuid>",
	 .operation = "CreateDataVolume",
	 .effect = "the host on which a new volume is made, when its primary storage is local to hosts",
	 .check = check_host},
	{.prefix = "maxInstancePerHost",
	 .form = TAG_NUMBER,
	 .kinds = VMS_AND_ORIGINS,
	 .min = 1,
	 .max = INT32_MAX,
	 .effect = "the most VMs on a host, with the strategy MaxInstancePerHostHostAllocatorStrategy"},
	{.prefix = "monitoring",
	 .form = TAG_MARK,
	 .kinds = {KIND_ACCOUNT},
	 .admin = true,
	 .effect =
		 "the account may read the metrics of the whole pool (GetMetrics), as an administrator may"},
	{.prefix = "pciDevice",
	 .kinds = VMS_AND_ORIGINS,
	 .many = true,
	 .admin = true,
	 .takes = "<0000:03:00.0>",
	 .effect =
		 "the host's PCI device at this address is passed through to the guest, which cannot migrate",
	 .check = check_pci_device},
	{.prefix = PREFERRED_HOST_TAG,
	 .kinds = VMS_AND_ORIGINS,
	 .many = true,
	 .admin = true,
	 .resource = KIND_HOST,
	 .takes = "<uuid>",
	 .effect = "a host that the VM is placed on if it can be",
	 .check = check_host},
	{.prefix = DATA_STORAGE_TAG,
	 .kinds = VMS,
	 .resource = KIND_PRIMARY_STORAGE,
	 .takes = "<uuid>",
	 .effect = "the primary storage on which data volumes of the VM are made",
	 .check = check_storage},
	{.prefix = "qemuga",
	 .form = TAG_MARK,
	 .kinds = VMS_AND_ORIGINS,
	 .effect = "the guest has an agent, so ChangeVmPassword is possible"},
	{.prefix = REQUIRED_HOST_TAG,
	 .kinds = VMS_AND_ORIGINS,
	 .many = true,
	 .admin = true,
	 .resource = KIND_HOST,
	 .takes = "<uuid>",
	 .effect = "a host that the VM may be on; without such a tag it may be on all",
	 .check = check_host},
	{.prefix = "rootPassword",
	 .kinds = VMS_AND_ORIGINS,
	 .secret = true,
	 .takes = "<password>",
	 .effect = "the password of root, by cloud-init",
	 .check = vm_check_root_password},
	{.prefix = "secureBoot",
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("true", "false"),
	 .effect = "UEFI that starts signed systems only, on q35; given when the VM is created",
	 .check = check_secure_boot},
	{.prefix = "shareable",
	 .form = TAG_MARK,
	 .life = TAG_REQUEST,
	 .kinds = VOLUMES,
	 .effect = "as ephemeral::shareable"},
	{.prefix = "sshkey",
	 .kinds = VMS_AND_ORIGINS,
	 .secret = true,
	 .takes = "<key>",
	 .effect = "an SSH key for the guest, by cloud-init",
	 .check = check_ssh_key},
	{.prefix = "staticIp",
	 .life = TAG_CREATION,
	 .kinds = VMS,
	 .many = true,
	 .resource = KIND_L3_NETWORK,
	 .takes = "<L3 network>::<address>",
	 .operation = "SetVmStaticIp",
	 .effect = "the address of the NIC on this network",
	 .check = check_static_ip},
	{.prefix = "tpm",
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("2.0"),
	 .effect = "an emulated TPM, whose state stays on its host, from the next start on"},
	{.prefix = "usbRedirect",
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("true", "false"),
	 .effect = "USB devices of the viewer can be given to the guest, on a SPICE console",
	 .check = check_console},
	{.prefix = "userdata",
	 .kinds = VMS_AND_ORIGINS,
	 .many = true, /* vm_check_user_data() has the manual's sentence */
	 .secret = true,
	 .takes = "<base64>",
	 .effect = "user data for cloud-init",
	 .check = vm_check_user_data},
	{.prefix = "vmConsoleMode",
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("vnc", "spice"),
	 .effect = "the protocol of the console from the next start on",
	 .check = check_console},
	{.prefix = "vmCpuMode",
	 .kinds = VMS_AND_ORIGINS,
	 .takes = "host-model|host-passthrough|none|<model>",
	 .effect = "the CPU from the next start on, instead of that of the setting kvm.vm.cpuMode",
	 .check = check_cpu_mode},
	{.prefix = "vmCpuPinning",
	 .kinds = VMS_AND_ORIGINS,
	 .admin = true,
	 .takes = "1:3;1-3:4-7,^6",
	 .effect = "the host's CPUs that virtual CPUs may run on: here the first on 3, 4, 5 and 7",
	 .check = check_pinning},
	{.prefix = "vmMachineType",
	 .form = TAG_CHOICE,
	 .kinds = VMS_AND_ORIGINS,
	 .values = WORDS("pc", "q35"),
	 .effect = "the type of the machine from the next start on, instead of that in machineType",
	 .check = check_machine_type},
	{.prefix = "vmSystemSerialNumber",
	 .kinds = VMS_AND_ORIGINS,
	 .takes = "<text>",
	 .effect = "the serial number that the guest's firmware shows",
	 .check = check_serial},
	{.prefix = "volumeMaxIncrementalSnapshotNum",
	 .form = TAG_NUMBER,
	 .kinds = VOLUMES,
	 .min = 1,
	 .max = 10000,
	 .effect = "the maximum number of snapshots in one chain of the volume"},
	{.prefix = "windows::virtioVolume",
	 .form = TAG_MARK,
	 .kinds = VMS_AND_ORIGINS,
	 .effect = "the Windows in the guest has the driver: its disks are on virtio instead of IDE"},
	{0},
};
