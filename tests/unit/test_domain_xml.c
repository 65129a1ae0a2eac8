/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain XML, compared byte for byte with tests/data/domain-xml, and checked
 * by libvirt: its schema (virt-xml-validate, where it is installed) and, for
 * type "test", its test driver accept every one.
 *
 * After an intended change: POOLFS_REGENERATE=1 build/tests/unit/test-domain_xml,
 * and review the difference.
 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "hypervisor/domain/cpu_pinning.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/network_xml.h"
#include "hypervisor/xml.h"

#define FOLDER SOURCE_ROOT "/tests/data/domain-xml/"
#define VM     "0123456789abcdef0123456789abcdef"
#define VOLUME "fedcba9876543210fedcba9876543210"
#define GIB    (1LL << 30)

extern char **environ;

static const struct hv_disk plain_disks[] = {
	{.path = "/pool/root.qcow2", .format = "qcow2", .serial = VOLUME, .device_id = 0},
	{.device_id = 0, .cdrom = true},
	{.device_id = 1, .cdrom = true},
	{.device_id = 2, .cdrom = true},
};

static const struct hv_nic plain_nic = {
	.mac = "fa:16:3e:00:00:01",
	.network = "poolfs-01234567",
	.target = "vnic1.0",
	.model = "virtio",
};

static const struct hv_domain_def plain = {
	.uuid = VM,
	.title = "vm1",
	.virt_type = "qemu",
	.cpu_num = 1,
	.cpu_max = 1,
	.memory = GIB,
	.memory_max = GIB,
	.cpu_mode = "none",
	.platform = "Linux",
	.video = "cirrus",
	.listen = "127.0.0.1",
	.console_password = "secret",
	.monitors = 1,
	.guest_agent = true,
	.disks = plain_disks,
	.disk_count = ARRAY_SIZE(plain_disks),
	.nics = &plain_nic,
	.nic_count = 1,
};

/* Every bus, shared and limited disks, a filled CD-ROM, the NoCloud disk, boot order by device. */
static const struct hv_disk all_disks[] = {
	{.path = "/pool/root.qcow2",
	 .format = "qcow2",
	 .serial = VOLUME,
	 .device_id = 0,
	 .boot_order = 2,
	 .total_bytes_sec = 1048576,
	 .cache = "writeback"},
	{.path = "/pool/shared.raw",
	 .format = "raw",
	 .serial = VOLUME,
	 .device_id = 9,
	 .bus = HV_BUS_SCSI,
	 .shareable = true,
	 .wwn = "000f1b2c3d4e5f60"},
	{.path = "/pool/data & <more>.qcow2", .format = "qcow2", .serial = VOLUME, .device_id = 2},
	{.path = "/pool/27th.qcow2", .format = "qcow2", .device_id = 27},
	{.path = "/pool/install.iso", .device_id = 0, .cdrom = true, .boot_order = 1},
	{.device_id = 1, .cdrom = true},
	{.device_id = 2, .cdrom = true},
	{.path = "/pool/seed.iso", .device_id = 3, .cdrom = true},
};

static const struct hv_nic all_nics[] = {
	{.mac = "fa:16:3e:00:00:01",
	 .network = "poolfs-01234567",
	 .target = "vnic1.0",
	 .model = "virtio",
	 .inbound_bps = 8388608,
	 .outbound_bps = 1},
	{.mac = "fa:16:3e:00:00:02", .bridge = "br_eth0", .model = "e1000e", .device_id = 1, .boot_order = 3},
};

static const char *const all_pci[] = {"0000:03:00.0", "0001:af:1f.7"};

static const struct hv_domain_def everything = {
	.uuid = VM,
	.title = "every <thing> & \"more\"  in \xe4\xb8\xad\xe6\x96\x87 \xff",
	.virt_type = "kvm",
	.machine = "q35",
	.pcie_ports = 30,
	.cpu_num = 2,
	.cpu_max = 8,
	.memory = 2 * GIB,
	.memory_max = 16 * GIB,
	.cpu_shares = 2000,
	.cpu_mode = "host-passthrough",
	.cpu_pinning = "0:1-3,5,1:0,99:1",
	.hide_kvm = true,
	.uefi = true,
	.boot_menu = true,
	.platform = "Linux",
	.serial_number = "SN-42",
	.serial_log = "/pool/vm/serial.log",
	.video = "qxl",
	.graphics = HV_GRAPHICS_SPICE,
	.console_password = "longer than eight",
	.listen = "0.0.0.0",
	.monitors = 4,
	.usb_redirect = true,
	.guest_agent = true,
	.pci_devices = all_pci,
	.pci_device_count = ARRAY_SIZE(all_pci),
	.disks = all_disks,
	.disk_count = ARRAY_SIZE(all_disks),
	.nics = all_nics,
	.nic_count = ARRAY_SIZE(all_nics),
};

/* Two IDE disks take two of the four slots; the CD-ROMs that do not fit are attached to SATA. */
static const struct hv_disk ide_disks[] = {
	{.path = "/pool/root.qcow2", .format = "qcow2", .device_id = 0, .bus = HV_BUS_IDE},
	{.path = "/pool/data.qcow2", .format = "qcow2", .device_id = 1, .bus = HV_BUS_IDE},
	{.path = "/pool/install.iso", .device_id = 0, .cdrom = true},
	{.device_id = 1, .cdrom = true},
	{.device_id = 2, .cdrom = true},
	{.path = "/pool/seed.iso", .device_id = 3, .cdrom = true},
};

static struct hv_domain_def windows(void)
{
	struct hv_domain_def spec = plain;

	spec.virt_type = "kvm";
	spec.platform = "Windows";
	spec.cpu_mode = "host-model";
	spec.console_password = "longer than eight";
	spec.disks = ide_disks;
	spec.disk_count = ARRAY_SIZE(ide_disks);
	return spec;
}

/* On q35 they are on SATA, and USB is the machine's own. */
static struct hv_domain_def windows_q35(void)
{
	struct hv_domain_def spec = windows();

	spec.machine = "q35";
	spec.pcie_ports = 2;
	return spec;
}

/* The same definition for the test driver. */
static struct hv_domain_def simulated(void)
{
	struct hv_domain_def spec = everything;

	spec.virt_type = "test";
	return spec;
}

static struct hv_domain_def passthrough_without_kvm(void)
{
	struct hv_domain_def spec = plain;

	spec.cpu_mode = "host-passthrough";
	spec.hide_kvm = true;
	spec.console_password = NULL;
	spec.title = NULL;
	spec.nic_count = 0;
	spec.cpu_pinning = "0:0;";
	return spec;
}

/* On a host with ARM processors. */
static struct hv_domain_def arm(void)
{
	struct hv_domain_def spec = plain;

	spec.arch = "aarch64";
	spec.machine = "q35";
	spec.pcie_ports = 2;
	return spec;
}

/* A processor that a cluster has in common, and all that Windows 11 asks for. */
static struct hv_domain_def secure(void)
{
	struct hv_domain_def spec = plain;

	spec.machine = "q35";
	spec.uefi = true;
	spec.secure_boot = true;
	spec.tpm = true;
	spec.cpu_mode = "host-model";
	spec.cpu_baseline = "<cpu mode='custom' match='exact'><model fallback='forbid'>Westmere</model>"
			    "<vendor>Intel</vendor><feature policy='require' name='avx'/></cpu>";
	return spec;
}

static struct hv_domain_def named_model(void)
{
	struct hv_domain_def spec = plain;

	spec.cpu_mode = "Nehalem";
	return spec;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		return NULL;
	len = getdelim(&text, &size, '\0', file);
	(void)fclose(file);
	if (len < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Validates against libvirt's RNG schema; does nothing when the program is not installed. */
static void validate(const char *path)
{
	char *const args[] = {(char *)"virt-xml-validate", (char *)path, (char *)"domain", NULL};
	posix_spawn_file_actions_t actions;
	int status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	if (posix_spawnp(&pid, args[0], &actions, NULL, args, environ) != 0) {
		print_message("virt-xml-validate is not installed: schema not checked\n");
	} else {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
			print_message("virt-xml-validate is not installed: schema not checked\n");
		else
			assert_int_equal(status, 0);
	}
	posix_spawn_file_actions_destroy(&actions);
}

static void define_on_test_driver(const char *xml)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr domain;

	assert_non_null(conn);
	domain = virDomainDefineXML(conn, xml);
	if (!domain)
		fail_msg("%s", virGetLastErrorMessage());
	assert_int_equal(virDomainCreate(domain), 0);
	assert_int_equal(virDomainDestroy(domain), 0);
	assert_int_equal(virDomainUndefine(domain), 0);
	virDomainFree(domain);
	virConnectClose(conn);
}

static void check(const char *name, const struct hv_domain_def *spec)
{
	char *xml = hv_domain_xml(spec);
	char *again = hv_domain_xml(spec);
	char path[512];
	char *golden;

	assert_non_null(xml);
	assert_string_equal(xml, again);
	(void)snprintf(path, sizeof(path), FOLDER "%s.xml", name);
	if (getenv("POOLFS_REGENERATE"))
		write_file(path, xml);
	golden = read_file(path);
	assert_non_null(golden);
	assert_string_equal(xml, golden);
	validate(path);
	if (strcmp(spec->virt_type, "test") == 0)
		define_on_test_driver(xml);
	free(golden);
	free(again);
	free(xml);
}

static void plain_vm(void **state)
{
	(void)state;
	check("plain", &plain);
}

static void vm_with_everything(void **state)
{
	(void)state;
	check("everything", &everything);
}

static void windows_on_ide(void **state)
{
	struct hv_domain_def spec = windows();
	(void)state;
	check("windows-ide", &spec);
}

static void arm_host(void **state)
{
	struct hv_domain_def spec = arm();

	(void)state;
	check("aarch64", &spec);
}

static void secure_boot_and_tpm(void **state)
{
	struct hv_domain_def spec = secure();

	(void)state;
	check("secure", &spec);
}

static void cpu_by_name(void **state)
{
	struct hv_domain_def spec = named_model();

	(void)state;
	check("named-cpu", &spec);
}

static void windows_on_sata(void **state)
{
	struct hv_domain_def spec = windows_q35();

	(void)state;
	check("windows-q35", &spec);
}

static void simulated_vm(void **state)
{
	struct hv_domain_def spec = simulated();
	(void)state;
	check("test", &spec);
}

static void cpu_of_the_host_without_kvm(void **state)
{
	struct hv_domain_def spec = passthrough_without_kvm();
	(void)state;
	check("no-kvm", &spec);
}

/* Text of users stays text: it reads back as it was given, and adds no attribute or element. */
static const char *const texts[] = {
	"x' keymap='/etc/hostname' connected='keep",
	"x\" keymap=\"/etc/hostname",
	"</title><devices/><title>",
	"]]><!-- & &amp; &#39;",
	"it's me",
	"{\"json\": \"no\"}, $(true) `true` %s %n \\",
	" two  blanks ",
	"a tab\tand\nlines\r\n",
	"\u202E\u05D0\u05D1 \xC2\x85\x7F",
	"\U0001F600",
};

/* What @path finds in @xml is @text. */
static void reads_back(const char *xml, const char *path, const char *text)
{
	_cleanup_xml_ xmlDocPtr doc = xml ? xml_parse(xml) : NULL;
	_cleanup_free_ char *got = doc ? xml_get(doc, NULL, path) : NULL;

	if (!got || strcmp(got, text) != 0)
		fail_msg("'%s' at %s is '%s'", text, path, got ? got : "absent");
}

static void hostile_text_stays_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct hv_disk disk = plain_disks[0];
		struct hv_domain_def def = plain;
		_cleanup_free_ char *xml = NULL;
		_cleanup_xml_ xmlDocPtr doc = NULL;

		disk.path = disk.serial = texts[i];
		disk.bus = HV_BUS_SCSI;
		def.disks = &disk;
		def.disk_count = 1;
		def.title = def.serial_number = def.serial_log = texts[i];
		def.graphics = HV_GRAPHICS_SPICE;
		def.console_password = def.listen = texts[i];
		xml = hv_domain_xml(&def);
		assert_non_null(xml);
		reads_back(xml, "/domain/title", texts[i]);
		reads_back(xml, "/domain/devices/graphics/@passwd", texts[i]);
		reads_back(xml, "/domain/devices/graphics/listen/@address", texts[i]);
		reads_back(xml, "/domain/devices/disk/source/@file", texts[i]);
		reads_back(xml, "/domain/devices/serial/source/@path", texts[i]);
		if (strlen(texts[i]) <= 36)
			reads_back(xml, "/domain/devices/disk/serial", texts[i]);
		doc = xml_parse(xml);
		assert_false(xml_has(doc, "/domain/devices/graphics/@keymap"));
		assert_true(xml_has(doc, "/domain[count(devices) = 1]"));
	}
}

static void pins(const char *text, int vcpu, const char *set)
{
	char *got = cpu_pinning_of(text, vcpu);

	assert_int_equal(cpu_pinning_check(text, NULL), 0);
	if (set) {
		assert_non_null(got);
		assert_string_equal(got, set);
	} else {
		assert_null(got);
	}
	free(got);
}

static void pinnings_have_the_forms_of_the_manual(void **state)
{
	static const char *const bad[] = {"",
					  "zz",
					  "0",
					  "0:",
					  ":0",
					  "0:a",
					  "3-1:0",
					  "0:3-1",
					  "0:1,",
					  "0:1;;",
					  "0:^1",
					  "0:1-,2",
					  "0:1;1",
					  "0 :1",
					  "-1:0",
					  "1024:0",
					  "0:4096",
					  "0:1:2",
					  "0:99999999999999999999"};
	static const char manual[] = "1:3;1-3:4-7,^6";

	(void)state;
	pins(manual, 0, NULL);
	pins(manual, 1, "3-5,7");
	pins(manual, 2, "4-5,7");
	pins(manual, 3, "4-5,7");
	pins(manual, 4, NULL);
	pins("0:1-3,1:0", 0, "1-3");
	pins("0:1-3,1:0", 1, "0");
	pins("0:1-3,5,1:0;", 0, "1-3,5");
	pins("0-1:0", 1, "0");
	pins("0:4095", 0, "4095");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (cpu_pinning_check(bad[i], &e) != -EINVAL)
			fail_msg("'%s' is taken for a pinning", bad[i]);
		assert_non_null(strstr(error_sentence(&e), bad[i]));
		assert_null(cpu_pinning_of(bad[i], 0));
	}
}

static void hostile_text_stays_text_in_networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *dns[] = {texts[i]};
		const struct hv_lease lease = {.mac = texts[i], .ip = texts[i], .hostname = texts[i]};
		const struct hv_network_def def = {
			.uuid = "00112233445566778899aabbccddeeff",
			.bridge = texts[i],
			.gateway = texts[i],
			.netmask = texts[i],
			.range_start = texts[i],
			.range_end = texts[i],
			.dns_domain = texts[i],
			.dns = dns,
			.dns_count = 1,
			.leases = &lease,
			.lease_count = 1,
		};
		const struct hv_nic nic = {.mac = texts[i],
					   .bridge = texts[i],
					   .target = texts[i],
					   .model = texts[i],
					   .only_ip = texts[i]};
		_cleanup_free_ char *network = network_xml(&def), *interface = nic_xml(&nic);

		reads_back(network, "/network/bridge/@name", texts[i]);
		reads_back(network, "/network/domain/@name", texts[i]);
		reads_back(network, "/network/dns/forwarder/@addr", texts[i]);
		reads_back(network, "/network/ip/@address", texts[i]);
		reads_back(network, "/network/ip/dhcp/host/@mac", texts[i]);
		reads_back(network, "/network/ip/dhcp/host/@name", texts[i]);
		reads_back(interface, "/interface/mac/@address", texts[i]);
		reads_back(interface, "/interface/source/@bridge", texts[i]);
		reads_back(interface, "/interface/filterref/parameter/@value", texts[i]);
	}
}

/* All XML is written by these; what XML cannot carry never reaches libvirt. */
static void the_writer_keeps_text(void **state)
{
	static const struct {
		const char *given, *written;
	} lost[] = {
		{"a\x1B[0m", "a [0m"},
		{"a\xFF", "a?"},
		{"a\xEF\xBF\xBE", "a???"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts) + ARRAY_SIZE(lost); i++) {
		const char *given = i < ARRAY_SIZE(texts) ? texts[i] : lost[i - ARRAY_SIZE(texts)].given;
		const char *written = i < ARRAY_SIZE(texts) ? given : lost[i - ARRAY_SIZE(texts)].written;
		_cleanup_free_ char *xml = NULL;
		struct xml x;

		xml_begin(&x);
		xml_open(&x, "a", "b", given, NULL);
		xml_element(&x, "c", given);
		xml_close(&x);
		xml = xml_finish(&x);
		reads_back(xml, "/a/@b", written);
		reads_back(xml, "/a/c", written);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pinnings_have_the_forms_of_the_manual),
		cmocka_unit_test(plain_vm),
		cmocka_unit_test(vm_with_everything),
		cmocka_unit_test(windows_on_ide),
		cmocka_unit_test(windows_on_sata),
		cmocka_unit_test(arm_host),
		cmocka_unit_test(secure_boot_and_tpm),
		cmocka_unit_test(cpu_by_name),
		cmocka_unit_test(simulated_vm),
		cmocka_unit_test(cpu_of_the_host_without_kvm),
		cmocka_unit_test(hostile_text_stays_text),
		cmocka_unit_test(hostile_text_stays_text_in_networks),
		cmocka_unit_test(the_writer_keeps_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
