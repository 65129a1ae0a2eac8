/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain XML of a VM.
 *
 * A pure function of `struct hv_domain_def`: the same spec gives the same
 * bytes, on every machine (golden files: tests/data/domain-xml). It is written
 * anew at each start, so nothing here has to merge with an older definition.
 *
 * Choices that are not obvious:
 * - What depends on the type of machine is a row of machines[]. With PCI Express
 *   (q35, virt) a device can be hot-plugged only into a port that was there at the
 *   start, so there are as many as the VM may get devices; "pc" has free slots
 *   until its one PCI bus is full.
 * - Every disk, CD-ROM and NIC has an alias ua-<kind>-<device id>, by which it
 *   can be found in the XML of the running domain and in events.
 * - CD-ROMs and IDE disks are on the controller that each guest can boot from:
 *   IDE on pc, the SATA controller of q35. IDE has four slots; they go to IDE disks
 *   first, then to the CD-ROMs in the order of their device ids; the rest is
 *   attached to SATA. Guests with virtio drivers have them on virtio-scsi instead of
 *   SATA: Debian's kernel for clouds has no driver for that, and would not see its
 *   NoCloud disk.
 * - A graphics password is always wanted, because one can be changed live only
 *   when the guest was started with one. Passwords are random, so the caller
 *   (hv_domain_start()) makes them up, not this file.
 * - Domain type "test" (libvirt's test driver) is an i686 machine without KVM,
 *   firmware choice or CPU models; those parts are left out for it.
 */
#include "hypervisor/domain/domain_xml.h"

#include <stdarg.h>
#include <string.h>

#include "hypervisor/domain/console.h"
#include "hypervisor/domain/cpu_pinning.h"
#include "hypervisor/domain/domain_size.h"
#include "hypervisor/host_machine.h"
#include "hypervisor/nic_filter.h"
#include "hypervisor/storage/backend.h"
#include "hypervisor/xml.h"

/* SATA targets are named from sdaa on, so that they never collide with a SCSI disk's name. */
#define SATA_FIRST	26
#define SMBIOS_TEXT_MAX 64
/* What the disk serial of virtio-blk can hold. */
#define VIRTIO_SERIAL_MAX 20
#define USB_REDIRECTIONS  4

/* What is particular to a type of machine. */
struct machine {
	const char *name;	/* libvirt's */
	const char *drive_bus;	/* of CD-ROMs and IDE disks */
	int drive_slots;	/* on it; further drives are on SATA; 0: there is room for all */
	bool virtio_drives;	/* CD-ROMs are on virtio-scsi where the guest has its driver */
	bool pcie;		/* hot-plug needs ports */
	bool arm;		/* for aarch64: UEFI alone, and nothing of a PC */
	const char *const *usb; /* models of the USB controllers for a guest without a driver for xHCI */
};

static const struct machine machines[] = {
	{.name = "pc",
	 .drive_bus = "ide",
	 .drive_slots = 4,
	 .usb = (const char *const[]){"piix3-uhci", NULL}},
	{.name = "q35",
	 .drive_bus = "sata",
	 .virtio_drives = true,
	 .pcie = true,
	 .usb = (const char *const[]){"ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", NULL}},
	{.name = "virt",
	 .drive_bus = "scsi",
	 .pcie = true,
	 .arm = true,
	 .usb = (const char *const[]){"qemu-xhci", NULL}},
};

/* SATA ports of q35's own controller, and of each further one. */
#define SATA_PORTS 6

static const struct machine *machine_of(const struct hv_domain_def *spec)
{
	if (host_machine_is_arm(spec->arch))
		return &machines[ARRAY_SIZE(machines) - 1];
	for (size_t i = 0; spec->machine && i < ARRAY_SIZE(machines); i++)
		if (strcmp(spec->machine, machines[i].name) == 0)
			return &machines[i];
	return &machines[0];
}

static bool is_type(const struct hv_domain_def *spec, const char *type)
{
	return strcmp(spec->virt_type, type) == 0;
}

/* Windows guests want their real-time clock in local time and, under KVM, Hyper-V's interfaces. */
static bool is_windows(const struct hv_domain_def *spec)
{
	return spec->platform && strncmp(spec->platform, "Windows", 7) == 0;
}

static bool any_boot_order(const struct hv_domain_def *spec)
{
	for (size_t i = 0; i < spec->disk_count; i++)
		if (spec->disks[i].boot_order > 0)
			return true;
	for (size_t i = 0; i < spec->nic_count; i++)
		if (spec->nics[i].boot_order > 0)
			return true;
	return false;
}

/* A formatted attribute value that lives as long as the caller's buffer. */
static const char *format(char *buffer, size_t size, const char *fmt, ...) _printf_(3, 4);

static const char *format(char *buffer, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(buffer, size, fmt, args);
	va_end(args);
	return buffer;
}

static void write_identity(struct xml *x, const struct hv_domain_def *spec)
{
	xml_element(x, "name", spec->uuid);
	xml_element(x, "uuid", spec->uuid);
	if (spec->title && spec->title[0] != '\0')
		xml_element(x, "title", spec->title);
}

static void write_memory(struct xml *x, const struct hv_domain_def *spec)
{
	if (spec->memory_max > spec->memory) {
		char slots[8];

		xml_open(x, "maxMemory", "slots", format(slots, sizeof(slots), "%d", HV_MEMORY_SLOTS), "unit",
			 "KiB", NULL);
		xml_int(x, spec->memory_max / 1024);
		xml_close(x);
	}
	xml_element_size(x, "memory", "KiB", spec->memory / 1024);
	xml_element_size(x, "currentMemory", "KiB", spec->memory / 1024);
}

/* QEMU cannot plug CPUs into its ARM machine. */
static int vcpus(const struct hv_domain_def *spec)
{
	return spec->cpu_max > spec->cpu_num && !machine_of(spec)->arm ? spec->cpu_max : spec->cpu_num;
}

/* The tag outlives a change of the VM's offering: it may name virtual CPUs that the VM does not have now. */
static void write_pins(struct xml *x, const struct hv_domain_def *spec)
{
	char number[16];

	for (int i = 0; i < vcpus(spec); i++) {
		_cleanup_free_ char *set = cpu_pinning_of(spec->cpu_pinning, i);

		if (set)
			xml_leaf(x, "vcpupin", "vcpu", format(number, sizeof(number), "%d", i), "cpuset", set,
				 NULL);
	}
}

static void write_cpu_share(struct xml *x, const struct hv_domain_def *spec)
{
	char number[16];

	xml_open(x, "vcpu", "placement", "static", "current",
		 vcpus(spec) > spec->cpu_num ? format(number, sizeof(number), "%d", spec->cpu_num) : NULL,
		 NULL);
	xml_int(x, vcpus(spec));
	xml_close(x);
	if (spec->cpu_shares <= 0 && !spec->cpu_pinning)
		return;
	xml_open(x, "cputune", NULL);
	if (spec->cpu_shares > 0)
		xml_element_int(x, "shares", spec->cpu_shares);
	if (spec->cpu_pinning)
		write_pins(x, spec);
	xml_close(x);
}

/*
 * libvirt chooses the host's firmware by its features. Unless it is told, that may be one that starts only
 * signed systems.
 */
static void write_firmware(struct xml *x, const struct hv_domain_def *spec)
{
	const char *secure = spec->secure_boot ? "yes" : "no";

	xml_open(x, "firmware", NULL);
	xml_leaf(x, "feature", "enabled", secure, "name", "enrolled-keys", NULL);
	xml_leaf(x, "feature", "enabled", secure, "name", "secure-boot", NULL);
	xml_close(x);
	if (spec->secure_boot)
		xml_leaf(x, "loader", "secure", "yes", NULL);
}

static void write_os(struct xml *x, const struct hv_domain_def *spec)
{
	bool test = is_type(spec, "test");

	bool uefi = !test && (spec->uefi || machine_of(spec)->arm);

	xml_open(x, "os", "firmware", uefi ? "efi" : NULL, NULL);
	xml_open(x, "type", "arch",
		 test	      ? "i686"
		 : spec->arch ? spec->arch
			      : "x86_64",
		 "machine", test ? NULL : machine_of(spec)->name, NULL);
	xml_text(x, "hvm");
	xml_close(x);
	if (uefi)
		write_firmware(x, spec);
	if (!any_boot_order(spec)) {
		xml_leaf(x, "boot", "dev", "hd", NULL);
		xml_leaf(x, "boot", "dev", "cdrom", NULL);
	}
	if (spec->boot_menu)
		xml_leaf(x, "bootmenu", "enable", "yes", "timeout", "3000", NULL);
	if (spec->serial_number)
		xml_leaf(x, "smbios", "mode", "sysinfo", NULL);
	xml_close(x);
}

static void write_sysinfo(struct xml *x, const struct hv_domain_def *spec)
{
	char serial[SMBIOS_TEXT_MAX + 1];

	if (!spec->serial_number)
		return;
	xml_open(x, "sysinfo", "type", "smbios", NULL);
	xml_open(x, "system", NULL);
	xml_open(x, "entry", "name", "serial", NULL);
	xml_text(x, format(serial, sizeof(serial), "%s", spec->serial_number));
	xml_close(x);
	xml_close(x);
	xml_close(x);
}

static void write_features(struct xml *x, const struct hv_domain_def *spec)
{
	bool kvm = is_type(spec, "kvm");

	xml_open(x, "features", NULL);
	xml_leaf(x, "acpi", NULL);
	if (!machine_of(spec)->arm) {
		xml_leaf(x, "apic", NULL);
		xml_leaf(x, "pae", NULL);
	}
	if (spec->secure_boot && !is_type(spec, "test"))
		xml_leaf(x, "smm", "state", "on", NULL);
	if (kvm && is_windows(spec)) {
		xml_open(x, "hyperv", "mode", "custom", NULL);
		xml_leaf(x, "relaxed", "state", "on", NULL);
		xml_leaf(x, "vapic", "state", "on", NULL);
		xml_leaf(x, "spinlocks", "state", "on", "retries", "8191", NULL);
		xml_close(x);
	}
	if (kvm && spec->hide_kvm) {
		xml_open(x, "kvm", NULL);
		xml_leaf(x, "hidden", "state", "on", NULL);
		xml_close(x);
	}
	xml_close(x);
}

static bool is_word(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* libvirt's name of the CPU mode; NULL for QEMU's default CPU. TCG has no host CPU to pass through. */
static const char *cpu_mode(const struct hv_domain_def *spec)
{
	static const char *const modes[] = {"host-model", "host-passthrough", "maximum", NULL};

	const char *wanted = spec->cpu_mode ? spec->cpu_mode : "none";

	/* QEMU's default for ARM is a processor of 32 bits */
	if (machine_of(spec)->arm && strcmp(wanted, "none") == 0)
		wanted = "host-passthrough";
	if (strcmp(wanted, "none") == 0 || is_type(spec, "test"))
		return NULL;
	if (strcmp(wanted, "host-passthrough") == 0 && !is_type(spec, "kvm"))
		return "maximum";
	return spec->cpu_baseline || !is_word(wanted, modes) ? "custom" : wanted;
}

static int write_cpu_feature(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	_cleanup_free_ char *policy = xml_get(doc, node, "@policy"), *name = xml_get(doc, node, "@name");

	xml_leaf(ctx, "feature", "policy", policy, "name", name, NULL);
	return 0;
}

/* A model by name; or the one with its differences that a cluster has in common. */
static void write_cpu_model(struct xml *x, const struct hv_domain_def *spec, const xmlDocPtr baseline)
{
	_cleanup_free_ char *model = baseline ? xml_get(baseline, NULL, "/cpu/model") : NULL;
	_cleanup_free_ char *vendor = baseline ? xml_get(baseline, NULL, "/cpu/vendor") : NULL;

	xml_open(x, "model", "fallback", "forbid", NULL);
	xml_text(x, baseline ? model : spec->cpu_mode);
	xml_close(x);
	xml_element(x, "vendor", vendor && *vendor ? vendor : NULL);
}

static void write_cpu(struct xml *x, const struct hv_domain_def *spec)
{
	char number[16];
	char range[16];
	const char *mode = cpu_mode(spec);
	bool custom = mode && strcmp(mode, "custom") == 0;
	_cleanup_xml_ xmlDocPtr baseline =
		custom && spec->cpu_baseline ? xml_parse(spec->cpu_baseline) : NULL;

	xml_open(x, "cpu", "mode", mode, "match", custom ? "exact" : NULL, "check", custom ? "partial" : NULL,
		 NULL);
	if (custom)
		write_cpu_model(x, spec, baseline);
	xml_leaf(x, "topology", "sockets", "1", "dies", "1", "cores",
		 format(number, sizeof(number), "%d", vcpus(spec)), "threads", "1", NULL);
	if (baseline)
		(void)xml_each(baseline, "/cpu/feature", write_cpu_feature, x);
	if (spec->memory_max > spec->memory) {
		/* memory can be plugged only into a NUMA cell */
		xml_open(x, "numa", NULL);
		xml_open(x, "cell", "id", "0", "cpus", format(range, sizeof(range), "0-%d", vcpus(spec) - 1),
			 NULL);
		xml_attr_int(x, "memory", spec->memory / 1024);
		xml_attr(x, "unit", "KiB");
		xml_close(x);
		xml_close(x);
	}
	xml_close(x);
}

static void write_clock(struct xml *x, const struct hv_domain_def *spec)
{
	xml_open(x, "clock", "offset", is_windows(spec) ? "localtime" : "utc", NULL);
	if (!machine_of(spec)->arm) {
		xml_leaf(x, "timer", "name", "rtc", "tickpolicy", "catchup", NULL);
		xml_leaf(x, "timer", "name", "pit", "tickpolicy", "delay", NULL);
		xml_leaf(x, "timer", "name", "hpet", "present", "no", NULL);
	}
	if (is_windows(spec) && is_type(spec, "kvm"))
		xml_leaf(x, "timer", "name", "hypervclock", "present", "yes", NULL);
	xml_close(x);
	xml_element(x, "on_poweroff", "destroy");
	xml_element(x, "on_reboot", "restart");
	xml_element(x, "on_crash", "destroy");
}

/*
 * SeaBIOS (1.16) does not set up the power management of a q35 again after S3: a guest that woke up would be without
 * its ACPI timer, so that its clock may stand still, without its power button, and could not sleep again. So it is
 * not told of S3. UEFI does set it up.
 */
static void write_sleep(struct xml *x, const struct hv_domain_def *spec)
{
	if (!machine_of(spec)->pcie || machine_of(spec)->arm || spec->uefi || is_type(spec, "test"))
		return;
	xml_open(x, "pm", NULL);
	xml_leaf(x, "suspend-to-mem", "enabled", "no", NULL);
	xml_close(x);
}

/* How a disk is attached: its bus and its target name, "vda", "sdc", "hdb". */
struct attachment {
	const char *bus;
	char target[8];
	int controller; /* where it is on it; -1: libvirt derives the place from the name */
	int place, unit;
};

/* "hd" and 27 give "hdab"; libvirt derives the address from the name. */
static void name_target(char target[8], const char *prefix, int index)
{
	if (index < 26)
		(void)snprintf(target, 8, "%s%c", prefix, 'a' + index);
	else
		(void)snprintf(target, 8, "%s%c%c", prefix, 'a' + (index / 26 - 1) % 26, 'a' + index % 26);
}

/* How many disks come before @i in the order of the slots: IDE disks, then CD-ROMs, by id. */
static int drive_rank(const struct hv_domain_def *spec, size_t i)
{
	const struct hv_disk *me = &spec->disks[i];
	int rank = 0;

	for (size_t k = 0; k < spec->disk_count; k++) {
		const struct hv_disk *other = &spec->disks[k];

		if (k == i || (!other->cdrom && other->bus != HV_BUS_IDE))
			continue;
		if (other->cdrom != me->cdrom)
			rank += me->cdrom;
		else if (other->device_id != me->device_id)
			rank += other->device_id < me->device_id;
		else
			rank += k < i;
	}
	return rank;
}

/* Windows has its driver for virtio-scsi only after its installation from CD. */
static bool has_virtio_scsi(const struct hv_domain_def *spec)
{
	return spec->platform && !is_windows(spec) && strcmp(spec->platform, "Other") != 0;
}

/*
 * Volumes on SCSI are units of one target of the one virtio-scsi controller: from their names libvirt would derive
 * further controllers, of a kind that few guests have a driver for, after the seventh.
 */
static struct attachment attachment_of_volume(const struct hv_disk *disk)
{
	bool scsi = disk->bus == HV_BUS_SCSI;
	struct attachment at = {.bus = scsi ? "scsi" : "virtio", .controller = scsi ? 0 : -1};

	name_target(at.target, scsi ? "sd" : "vd", disk->device_id);
	at.unit = disk->device_id;
	return at;
}

static struct attachment attachment_of(const struct hv_domain_def *spec, size_t i)
{
	const struct hv_disk *disk = &spec->disks[i];
	const struct machine *machine = machine_of(spec);
	struct attachment at = {.controller = -1};
	int rank;

	if (!disk->cdrom && disk->bus != HV_BUS_IDE)
		return attachment_of_volume(disk);
	rank = drive_rank(spec, i);
	at.bus = machine->drive_slots == 0 || rank < machine->drive_slots ? machine->drive_bus : "sata";
	if (machine->virtio_drives && disk->cdrom && has_virtio_scsi(spec))
		at.bus = "scsi";
	if (strcmp(at.bus, "ide") == 0)
		name_target(at.target, "hd", rank);
	else
		name_target(at.target, "sd", SATA_FIRST + rank - machine->drive_slots);
	if (machine->drive_slots != 0)
		return at;
	if (strcmp(at.bus, "scsi") ==
	    0) { /* target 0 has the volumes, and each drive is a target of its own */
		at.controller = 0;
		at.place = 1 + rank;
	} else {
		at.controller = rank / SATA_PORTS;
		at.unit = rank % SATA_PORTS;
	}
	return at;
}

static void write_boot_order(struct xml *x, int order)
{
	if (order <= 0)
		return;
	xml_open(x, "boot", NULL);
	xml_attr_int(x, "order", order);
	xml_close(x);
}

static void write_drive_address(struct xml *x, const struct attachment *at)
{
	if (at->controller < 0)
		return;
	xml_open(x, "address", "type", "drive", NULL);
	xml_attr_int(x, "controller", at->controller);
	xml_attr_int(x, "bus", 0);
	xml_attr_int(x, "target", at->place);
	xml_attr_int(x, "unit", at->unit);
	xml_close(x);
}

static void write_disk(struct xml *x, const struct hv_domain_def *spec, size_t i)
{
	const struct hv_disk *disk = &spec->disks[i];
	const struct storage_backend *backend = storage_backend_of_path(disk->path);
	struct attachment at = attachment_of(spec, i);
	char alias[32];
	char serial[64];

	xml_open(x, "disk", "type", backend->disk_type, "device", disk->cdrom ? "cdrom" : "disk", NULL);
	if (disk->cdrom)
		xml_leaf(x, "driver", "name", "qemu", "type", "raw", NULL);
	else /* a guest whose disk fails stops, and goes on when the storage is back; it would have to live with errors */
		xml_leaf(x, "driver", "name", "qemu", "type", disk->format, "cache",
			 disk->cache ? disk->cache : "none", "error_policy", "stop", "discard", "unmap",
			 NULL);
	if (disk->path)
		backend->write_disk_source(x, disk->path);
	xml_leaf(x, "target", "dev", at.target, "bus", at.bus, NULL);
	if (disk->total_bytes_sec > 0) {
		xml_open(x, "iotune", NULL);
		xml_element_int(x, "total_bytes_sec", disk->total_bytes_sec);
		xml_close(x);
	}
	if (disk->cdrom)
		xml_leaf(x, "readonly", NULL);
	else if (disk->shareable)
		xml_leaf(x, "shareable", NULL);
	if (disk->serial && !disk->cdrom)
		xml_element(x, "serial",
			    format(serial, sizeof(serial), "%.*s",
				   disk->bus == HV_BUS_VIRTIO ? VIRTIO_SERIAL_MAX : 36, disk->serial));
	if (disk->wwn && !disk->cdrom && disk->bus == HV_BUS_SCSI)
		xml_element(x, "wwn", disk->wwn);
	write_boot_order(x, disk->boot_order);
	xml_leaf(x, "alias", "name",
		 format(alias, sizeof(alias), "ua-%s-%d", disk->cdrom ? "cdrom" : "disk", disk->device_id),
		 NULL);
	write_drive_address(x, &at);
	xml_close(x);
}

char *hv_disk_xml(const struct hv_disk *disk)
{
	const struct hv_domain_def alone = {.disks = disk, .disk_count = 1};
	struct xml x;

	xml_begin(&x);
	write_disk(&x, &alone, 0);
	return xml_finish(&x);
}

int64_t kib_per_second(int64_t bits_per_second)
{
	int64_t kib = bits_per_second / 8 / 1024;

	return kib > 0 || bits_per_second <= 0 ? kib : 1;
}

static void write_limit(struct xml *x, const char *direction, int64_t bits_per_second)
{
	if (bits_per_second <= 0)
		return;
	xml_open(x, direction, NULL);
	xml_attr_int(x, "average", kib_per_second(bits_per_second));
	xml_close(x);
}

static void write_nic(struct xml *x, const struct hv_nic *nic)
{
	char alias[32];

	xml_open(x, "interface", "type", nic->network ? "network" : "bridge", NULL);
	xml_leaf(x, "mac", "address", nic->mac, NULL);
	if (nic->network)
		xml_leaf(x, "source", "network", nic->network, NULL);
	else
		xml_leaf(x, "source", "bridge", nic->bridge, NULL);
	if (nic->target)
		xml_leaf(x, "target", "dev", nic->target, NULL);
	xml_leaf(x, "model", "type", nic->model, NULL);
	if (nic->inbound_bps > 0 || nic->outbound_bps > 0) {
		xml_open(x, "bandwidth", NULL);
		write_limit(x, "inbound", nic->inbound_bps);
		write_limit(x, "outbound", nic->outbound_bps);
		xml_close(x);
	}
	if (nic->only_ip) {
		xml_open(x, "filterref", "filter", NIC_FILTER, NULL);
		xml_leaf(x, "parameter", "name", "IP", "value", nic->only_ip, NULL);
		xml_close(x);
	}
	write_boot_order(x, nic->boot_order);
	xml_leaf(x, "alias", "name", format(alias, sizeof(alias), "ua-nic-%d", nic->device_id), NULL);
	xml_close(x);
}

char *nic_xml(const struct hv_nic *nic)
{
	struct xml x;

	xml_begin(&x);
	write_nic(&x, nic);
	return xml_finish(&x);
}

static void write_consoles(struct xml *x, const struct hv_domain_def *spec)
{
	xml_open(x, "serial", "type", spec->serial_log ? "file" : "pty", NULL);
	if (spec->serial_log)
		xml_leaf(x, "source", "path", spec->serial_log, "append", "on", NULL);
	xml_leaf(x, "target", "port", "0", NULL);
	xml_close(x);
	if (!spec->guest_agent)
		return;
	xml_open(x, "channel", "type", "unix", NULL);
	xml_leaf(x, "target", "type", "virtio", "name", "org.qemu.guest_agent.0", NULL);
	xml_close(x);
}

static void write_graphics(struct xml *x, const struct hv_domain_def *spec)
{
	bool spice = spec->graphics == HV_GRAPHICS_SPICE;
	const char *video = machine_of(spec)->arm ? "virtio" : spec->video; /* there is no other on it */
	bool many_heads = strcmp(video, "qxl") == 0 || strcmp(video, "virtio") == 0;
	const char *listen = spec->listen ? spec->listen : "127.0.0.1";
	char password[128];
	char heads[8];

	xml_open(x, "graphics", "type", spice ? "spice" : "vnc", "autoport", "yes", "listen", listen,
		 "passwd",
		 !spec->console_password ? NULL
		 : spice		 ? spec->console_password
					 : format(password, sizeof(password), "%.*s", CONSOLE_PASSWORD_LENGTH,
						  spec->console_password),
		 NULL);
	xml_leaf(x, "listen", "type", "address", "address", listen, NULL);
	xml_close(x);
	xml_open(x, "video", NULL);
	xml_leaf(x, "model", "type", video, "heads",
		 many_heads && spec->monitors > 1 ? format(heads, sizeof(heads), "%d", spec->monitors) : "1",
		 "primary", "yes", NULL);
	xml_close(x);
	if (!spice)
		return;
	xml_open(x, "channel", "type", "spicevmc", NULL);
	xml_leaf(x, "target", "type", "virtio", "name", "com.redhat.spice.0", NULL);
	xml_close(x);
}

/* USB without xHCI. Of the controllers of q35, the first carries the others' ports at high speed. */
static void write_old_usb(struct xml *x, const struct machine *machine)
{
	for (int i = 0; machine->usb[i]; i++) {
		xml_open(x, "controller", "type", "usb", "index", "0", "model", machine->usb[i], NULL);
		if (i > 0) {
			xml_open(x, "master", NULL);
			xml_attr_int(x, "startport", 2 * (i - 1));
			xml_close(x);
		}
		xml_close(x);
	}
}

/* A tablet, so that the pointer of a console follows the user's; redirection exists with SPICE only. */
static void write_usb(struct xml *x, const struct hv_domain_def *spec)
{
	bool redirect = spec->usb_redirect && spec->graphics == HV_GRAPHICS_SPICE;
	bool old_guest = spec->platform &&
			 (strcmp(spec->platform, "Windows") == 0 || strcmp(spec->platform, "Other") == 0);

	if (redirect || !old_guest)
		xml_leaf(x, "controller", "type", "usb", "index", "0", "model", "qemu-xhci", NULL);
	else
		write_old_usb(x, machine_of(spec));
	xml_leaf(x, "input", "type", "tablet", "bus", "usb", NULL);
	for (int i = 0; redirect && i < USB_REDIRECTIONS; i++)
		xml_leaf(x, "redirdev", "bus", "usb", "type", "spicevmc", NULL);
}

/* @address is "0000:00:00.0"; anything else is passed on, and libvirt refuses it. */
static void write_pci_device(struct xml *x, const char *address)
{
	unsigned int domain = 0, bus = 0, slot = 0, function = 0;
	char text[4][16];

	(void)sscanf(address, "%4x:%2x:%2x.%1x", &domain, &bus, &slot, &function);
	xml_open(x, "hostdev", "mode", "subsystem", "type", "pci", "managed", "yes", NULL);
	xml_open(x, "source", NULL);
	xml_leaf(x, "address", "domain", format(text[0], sizeof(text[0]), "0x%04x", domain), "bus",
		 format(text[1], sizeof(text[1]), "0x%02x", bus), "slot",
		 format(text[2], sizeof(text[2]), "0x%02x", slot), "function",
		 format(text[3], sizeof(text[3]), "0x%x", function), NULL);
	xml_close(x);
	xml_close(x);
}

/* A TPM 2.0, emulated by swtpm, which keeps its state on the host. */
static void write_tpm(struct xml *x)
{
	xml_open(x, "tpm", "model", "tpm-crb", NULL);
	xml_leaf(x, "backend", "type", "emulator", "version", "2.0", NULL);
	xml_close(x);
}

static void write_ports(struct xml *x, const struct hv_domain_def *spec)
{
	if (!machine_of(spec)->pcie || is_type(spec, "test"))
		return;
	xml_leaf(x, "controller", "type", "pci", "index", "0", "model", "pcie-root", NULL);
	for (int i = 1; i <= spec->pcie_ports; i++) {
		char index[16];

		xml_leaf(x, "controller", "type", "pci", "index", format(index, sizeof(index), "%d", i),
			 "model", "pcie-root-port", NULL);
	}
}

static void write_devices(struct xml *x, const struct hv_domain_def *spec)
{
	xml_open(x, "devices", NULL);
	write_ports(x, spec);
	for (size_t i = 0; i < spec->disk_count; i++)
		write_disk(x, spec, i);
	/* always there: a SCSI volume hot-plugged later would else bring QEMU's old LSI controller along */
	xml_leaf(x, "controller", "type", "scsi", "index", "0", "model", "virtio-scsi", NULL);
	for (size_t i = 0; i < spec->nic_count; i++)
		write_nic(x, &spec->nics[i]);
	write_consoles(x, spec);
	write_graphics(x, spec);
	write_usb(x, spec);
	for (size_t i = 0; i < spec->pci_device_count; i++)
		write_pci_device(x, spec->pci_devices[i]);
	if (spec->tpm && !is_type(spec, "test"))
		write_tpm(x);
	xml_leaf(x, "memballoon", "model", "virtio", NULL);
	xml_open(x, "rng", "model", "virtio", NULL);
	xml_open(x, "backend", "model", "random", NULL);
	xml_text(x, "/dev/urandom");
	xml_close(x);
	xml_close(x);
	xml_close(x);
}

char *hv_domain_xml(const struct hv_domain_def *spec)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "domain", "type", spec->virt_type, NULL);
	write_identity(&x, spec);
	write_memory(&x, spec);
	write_cpu_share(&x, spec);
	write_sysinfo(&x, spec);
	write_os(&x, spec);
	write_features(&x, spec);
	write_cpu(&x, spec);
	write_clock(&x, spec);
	write_sleep(&x, spec);
	write_devices(&x, spec);
	xml_close(&x);
	return xml_finish(&x);
}
