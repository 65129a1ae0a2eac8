/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface to hosts against a real libvirtd with real QEMU guests.
 *
 * Started by 01-real-host.sh, which sets up the host, the guest's image and a small
 * file system, and passes them in the environment:
 *   HV_URI     of the host
 *   HV_KVM_URI of a second host, which sees this machine's /dev/kvm
 *   HV_KVM     the expected result of the KVM probe there, "kvm" or "qemu"
 *   HV_BASE    folder for pools, below it small/ is a file system of a few MiB
 *   HV_IMAGE   the guest's qcow2 image
 *   HV_DNSMASQ the folder with the files of that host's dnsmasq
 *   HV_CONTROL command: kill-daemon, stop-daemon, continue-daemon, start-daemon, kill-guest UUID
 * The tests build on each other, in this order. "hv_real boot-sector" writes the probe's boot sector instead.
 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>

#include "hypervisor/boot_sector.h"
#include "hypervisor/domain/console.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/network.h"
#include "hypervisor/probe.h"
#include "hypervisor/storage/pool.h"
#include "hypervisor/storage/volume.h"
#include "tests/hv/real.h"
#include "tests/hv/recorder.h"

#define HOST  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KVM   "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define VM    "11111111111111111111111111111111"
#define BARE  "22222222222222222222222222222222"
#define POOL  "cccccccccccccccccccccccccccccccc"
#define SMALL "5555555555555555555555555555555a"
#define L3    "dddddddddddddddddddddddddddddddd"
#define MAC   "fa:16:3e:00:00:01"
#define IP    "10.99.7.11"

static char *image_path, *root_path, *data_path;
static char network[32];

static void control(const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "%s %s", env("HV_CONTROL"), command);
	assert_int_equal(system(line), 0);
}

static struct hv_domain_def spec_of(const char *uuid, const struct hv_disk *disks, size_t disk_count,
				    const struct hv_nic *nics, size_t nic_count)
{
	return (struct hv_domain_def){
		.uuid = uuid,
		.title = "a <guest>",
		.virt_type = recorder.info.virt_type,
		.cpu_num = 1,
		.cpu_max = 1,
		.memory = 128 * MIB,
		.memory_max = 128 * MIB,
		.cpu_mode = "none",
		.platform = "Linux",
		.video = "vga",
		.listen = "127.0.0.1",
		.guest_agent = true,
		.serial_number = "SN-1",
		.disks = disks,
		.disk_count = disk_count,
		.nics = nics,
		.nic_count = nic_count,
	};
}

static void start_guest(void)
{
	const struct hv_disk disks[] = {
		{.path = root_path, .format = "qcow2", .serial = VM, .device_id = 0},
		{.path = data_path, .format = "raw", .serial = BARE, .device_id = 1},
		{.device_id = 0, .cdrom = true},
		{.device_id = 1, .cdrom = true},
		{.device_id = 2, .cdrom = true},
	};
	const struct hv_nic nic = {.mac = MAC, .network = network, .target = "vnic1.0", .model = "virtio"};
	struct hv_domain_def spec = spec_of(VM, disks, data_path ? 5 : 1, &nic, 1);
	char log[256];

	(void)snprintf(log, sizeof(log), "%s/serial.log", env("HV_BASE"));
	spec.serial_log = log;
	assert_ok(hv_domain_start(hv, HOST, &spec, false, e));
	await("domain", VM, HV_DOMAIN_RUNNING);
}

/* A guest without any medium: it stays in its firmware and does not react to anything. */
static void start_bare(bool paused)
{
	static const struct hv_disk cdrom = {.device_id = 0, .cdrom = true};
	struct hv_domain_def spec = spec_of(BARE, &cdrom, 1, NULL, 0);

	spec.memory = spec.memory_max = 32 * MIB;
	assert_ok(hv_domain_start(hv, HOST, &spec, paused, e));
	await("domain", BARE, paused ? HV_DOMAIN_PAUSED : HV_DOMAIN_RUNNING);
}

static enum hv_domain_state state_of(const char *uuid, enum hv_domain_reason *ret_reason)
{
	enum hv_domain_state state;

	assert_ok(hv_domain_state(hv, HOST, uuid, &state, ret_reason, e));
	return state;
}

/* ---------------------------------------------------------------------- hosts */

static void connects(void **state)
{
	static const struct hv_events events = {on_host, on_domain, on_agent, on_device_removed};
	(void)state;

	assert_ok(hv_new(&events, NULL, &hv, e));
	assert_ok(hv_host_add(hv, HOST, env("HV_URI"), e));
	await("host", "", HV_HOST_CONNECTED);
	assert_string_equal(recorder.info.virt_type, "qemu"); /* this host has no /dev/kvm */
	assert_false(recorder.info.simulated);
	assert_true(recorder.info.memory > 0 && recorder.info.cpus > 0 && recorder.info.sockets > 0);
	assert_int_equal(recorder.listed, 0);
	print_message("    %s: %lld MiB, %d cpus, bandwidth %d\n", recorder.info.hostname,
		      (long long)(recorder.info.memory / MIB), recorder.info.cpus, recorder.info.bandwidth);
}

/* The boot sector succeeds under TCG, and the probe leaves nothing behind. */
static void the_probe_guest_runs(void **state)
{
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	double began = seconds();
	(void)state;

	assert_non_null(conn);
	assert_true(probe_guest(conn, HOST, "qemu"));
	print_message("    probe %.3f s\n", seconds() - began);
	assert_false(probe_guest(conn, HOST, "kvm"));
	assert_int_equal(virConnectNumOfDomains(conn), 0);
	assert_int_equal(virConnectNumOfStoragePools(conn), 0);
	assert_int_equal(virConnectNumOfDefinedStoragePools(conn), 0);
	assert_int_equal(virConnectNumOfNetworks(conn), 0);
	virConnectClose(conn);
}

/* libvirt offers KVM there because the device exists; KVM is used only if a guest runs with it. */
static void kvm_is_used_only_when_it_works(void **state)
{
	double began = seconds();
	(void)state;

	assert_ok(hv_host_add(hv, KVM, env("HV_KVM_URI"), e));
	await("host", "", HV_HOST_CONNECTED);
	print_message("    '%s' after %.3f s\n", recorder.info.virt_type, seconds() - began);
	assert_string_equal(recorder.info.virt_type, env("HV_KVM"));
	hv_host_remove(hv, KVM);
	memcpy(recorder.info.virt_type, "qemu", 5);
}

/* -------------------------------------------------------------------- storage */

static int progress(void *ctx, int percent)
{
	int *last = ctx;

	assert_true(percent > *last && percent <= 100);
	*last = percent;
	return 0;
}

static int cancel(void *ctx, int percent)
{
	(void)ctx;
	return percent > 30;
}

/* The number of files that libvirt finds in a pool; those of the given names (NULL = none) must exist. */
static int count_volumes(const char *uuid, const char *first, const char *second)
{
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	virStoragePoolPtr pool = virStoragePoolLookupByUUIDString(conn, uuid);
	const char *const names[] = {first, second};
	int count;

	assert_non_null(pool);
	assert_int_equal(virStoragePoolRefresh(pool, 0), 0);
	count = virStoragePoolNumOfVolumes(pool);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		virStorageVolPtr volume = names[i] ? virStorageVolLookupByName(pool, names[i]) : NULL;

		assert_true(volume || !names[i]);
		if (volume)
			virStorageVolFree(volume);
	}
	virStoragePoolFree(pool);
	virConnectClose(conn);
	return count;
}

static void pools_and_volumes(void **state)
{
	char target[256], file[280], command[1024];
	struct hv_storage_pool_def pool = {.uuid = POOL, .type = "dir", .target = target};
	struct hv_volume_info info;
	struct hv_capacity capacity;
	struct stat st, original;
	char *none = NULL;
	int last = -1;
	(void)state;

	(void)snprintf(target, sizeof(target), "%s/deep/pool", env("HV_BASE"));
	(void)snprintf(file, sizeof(file), "%s/back.qcow2", env("HV_BASE"));
	assert_ok(hv_storage_pool_open(hv, HOST, &pool, e));
	assert_ok(hv_storage_pool_open(hv, HOST, &pool, e));
	assert_ok(hv_storage_pool_capacity(hv, HOST, POOL, &capacity, e));
	assert_true(capacity.available > 0 && capacity.available < capacity.total);

	assert_ok(hv_volume_upload(hv, HOST, POOL, "image.qcow2", "qcow2", env("HV_IMAGE"), progress, &last,
				   &image_path, e));
	assert_int_equal(last, 100);
	assert_ok(hv_volume_info(hv, HOST, image_path, &info, e));
	assert_int_equal(info.size, atoll(env("HV_IMAGE_SIZE")));
	assert_true(info.actual_size > MIB && info.actual_size < info.size);
	assert_fails(EEXIST, hv_volume_upload(hv, HOST, POOL, "image.qcow2", "qcow2", env("HV_IMAGE"), NULL,
					      NULL, &none, e));
	assert_fails(ECANCELED, hv_volume_upload(hv, HOST, POOL, "cancelled", "qcow2", env("HV_IMAGE"),
						 cancel, NULL, &none, e));
	assert_ok(hv_volume_create(hv, HOST, POOL, "root.qcow2", "qcow2", 64 * MIB, image_path, "qcow2",
				   &root_path, e));
	assert_fails(EEXIST,
		     hv_volume_create(hv, HOST, POOL, "root.qcow2", "qcow2", MIB, NULL, NULL, &none, e));
	assert_fails(ENOENT, hv_volume_info(hv, HOST, "/nowhere/at/all", &info, e));
	assert_null(none);
	assert_ok(hv_volume_info(hv, HOST, root_path, &info, e));
	assert_int_equal(info.size, 64 * MIB);

	last = -1;
	assert_ok(hv_volume_download(hv, HOST, image_path, file, progress, &last, e));
	assert_int_equal(last, 100);
	assert_fails(EEXIST, hv_volume_download(hv, HOST, image_path, file, NULL, NULL, e));
	(void)snprintf(command, sizeof(command), "cmp '%s' '%s'", env("HV_IMAGE"), file);
	assert_int_equal(system(command), 0);
	assert_int_equal(unlink(file), 0);
	assert_fails(ECANCELED, hv_volume_download(hv, HOST, image_path, file, cancel, NULL, e));
	assert_int_equal(access(file, F_OK), -1);

	/* holes are preserved in both directions */
	(void)snprintf(file, sizeof(file), "%s/sparse", env("HV_BASE"));
	(void)snprintf(command, sizeof(command),
		       "printf begin >'%s'; truncate -s 200M '%s'; printf end >>'%s'", file, file, file);
	assert_int_equal(system(command), 0);
	assert_int_equal(stat(file, &original), 0);
	assert_ok(hv_volume_upload(hv, HOST, POOL, "sparse.raw", "raw", file, NULL, NULL, &none, e));
	assert_int_equal(stat(none, &st), 0);
	assert_int_equal(st.st_size, original.st_size);
	assert_true(st.st_blocks * 512 < MIB);
	(void)unlink(file);
	assert_ok(hv_volume_download(hv, HOST, none, file, NULL, NULL, e));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, original.st_size);
	assert_true(st.st_blocks * 512 < MIB);
	free(none);

	/* a file that libvirt did not create is found, too */
	(void)snprintf(command, sizeof(command), "cp --sparse=always '%s' '%s/found.raw'", file, target);
	assert_int_equal(system(command), 0);
	(void)snprintf(file, sizeof(file), "%s/found.raw", target);
	assert_ok(hv_volume_info(hv, HOST, file, &info, e));
	assert_int_equal(info.size, original.st_size);
	assert_int_equal(count_volumes(POOL, "found.raw", "sparse.raw"), 4);
	assert_ok(hv_volume_delete(hv, HOST, POOL, "sparse.raw", e));
	assert_ok(hv_volume_delete(hv, HOST, POOL, "sparse.raw", e));
}

static void a_full_storage_is_enospc(void **state)
{
	char target[256];
	struct hv_storage_pool_def pool = {.uuid = SMALL, .type = "dir", .target = target};
	char *none = NULL;
	(void)state;

	(void)snprintf(target, sizeof(target), "%s/small", env("HV_BASE"));
	assert_ok(hv_storage_pool_open(hv, HOST, &pool, e));
	assert_fails(ENOSPC, hv_volume_upload(hv, HOST, SMALL, "image", "qcow2", env("HV_IMAGE"), NULL, NULL,
					      &none, e));
	assert_null(none);
	assert_int_equal(count_volumes(SMALL, NULL, NULL), 0); /* the incomplete volume was removed */
	assert_ok(hv_volume_create(hv, HOST, SMALL, "data.raw", "raw", 32 * MIB, NULL, NULL, &data_path, e));
}

/* ------------------------------------------------------------------- networks */

/* The file of dnsmasq with its entries must have exactly these lines, in any order. */
static void assert_entries(const char *file, const char *const lines[])
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 0, count = 0;
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	assert_true(getdelim(&text, &room, '\0', f) >= 0 || feof(f));
	fclose(f);
	for (; lines[count]; count++) {
		if (!text || !strstr(text, lines[count]))
			fail_msg("no '%s' in:\n%s", lines[count], text ? text : "");
		len += strlen(lines[count]) + 1;
	}
	assert_int_equal(text ? strlen(text) : 0, len);
}

static void a_network_with_leases(void **state)
{
	enum { WEB, SECOND, THIRD, COUNT };
	struct hv_lease leases[COUNT] = {
		[WEB] = {.mac = MAC, .ip = IP, .hostname = "guest-one"},
		[SECOND] = {.mac = "fa:16:3e:00:00:02", .ip = "10.99.7.12"},
		[THIRD] = {.mac = "fa:16:3e:00:00:03",
			   .ip = "10.99.7.13",
			   .hostname = "10",
			   .secondary = true},
	};
	struct hv_network_def spec = {
		.uuid = L3,
		.bridge = "pfhv0",
		.gateway = "10.99.7.1",
		.netmask = "255.255.255.0",
		.range_start = "10.99.7.10",
		.range_end = "10.99.7.99",
		.dns_domain = "pool.example",
		.leases = leases,
	};
	struct stat before, after;
	char file[256];
	double began;
	(void)state;

	(void)snprintf(file, sizeof(file), "%s/poolfs-dddddddd.hostsfile", env("HV_DNSMASQ"));
	assert_ok(hv_network_open(hv, HOST, &spec, network, e));
	assert_string_equal(network, "poolfs-dddddddd");
	spec.lease_count = COUNT;
	assert_ok(hv_network_open(hv, HOST, &spec, network, e));
	/* dnsmasq would take the name of the third for a lease time */
	assert_entries(file, (const char *const[]){MAC "," IP ",guest-one", "fa:16:3e:00:00:02,10.99.7.12",
						   "fa:16:3e:00:00:03,10.99.7.13,fa:16:3e:00:00:03", NULL});
	/* what is right already leaves the file of dnsmasq alone */
	assert_int_equal(stat(file, &before), 0);
	began = seconds();
	assert_ok(hv_network_open(hv, HOST, &spec, network, e));
	print_message("    leases that are there already: %.4f s\n", seconds() - began);
	assert_int_equal(stat(file, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	/* two swap their addresses, a name moves */
	leases[WEB].ip = "10.99.7.12";
	leases[WEB].hostname = NULL;
	leases[SECOND].ip = IP;
	leases[SECOND].hostname = "guest-one";
	assert_ok(hv_network_open(hv, HOST, &spec, network, e));
	assert_entries(file, (const char *const[]){MAC ",10.99.7.12", "fa:16:3e:00:00:02," IP ",guest-one",
						   "fa:16:3e:00:00:03,10.99.7.13,fa:16:3e:00:00:03", NULL});
	/* a new MAC with the name and the address of another, and all others go */
	leases[WEB] = (struct hv_lease){.mac = "fa:16:3e:00:00:04", .ip = IP, .hostname = "guest-one"};
	spec.lease_count = 1;
	assert_ok(hv_network_open(hv, HOST, &spec, network, e));
	assert_entries(file, (const char *const[]){"fa:16:3e:00:00:04," IP ",guest-one", NULL});
	leases[WEB].mac = MAC;
	assert_ok(hv_network_open(hv, HOST, &spec, network, e));
	control("check-dnsmasq poolfs-dddddddd 10.99.7.1,static");
}

/* -------------------------------------------------------------------- domains */

static void a_guest_boots(void **state)
{
	struct hv_console console = {0};
	struct report agent;
	double began = seconds();
	char *xml = NULL;
	(void)state;

	start_guest();
	assert_fails(ENOTCONN, hv_domain_agent_ping(hv, HOST, VM, 1000, e)); /* still in its firmware */
	agent = await("agent", VM, true);
	print_message("    agent after %.1f s\n", agent.when - began);
	assert_ok(hv_domain_agent_ping(hv, HOST, VM, 3000, e));
	assert_ok(hv_domain_console(hv, HOST, VM, &console, e));
	assert_true(console.port >= 5900);
	assert_string_equal(console.protocol, "vnc");
	assert_ok(hv_domain_get_xml(hv, HOST, VM, &xml, e));
	assert_non_null(strstr(xml, "ua-nic-0"));
	assert_non_null(strstr(xml, "vnic1.0"));
	assert_null(strstr(xml, "passwd=")); /* the password stays on the host */
	free(xml);
	control("wait-serial 'NET eth0 " IP "'");
}

static void pauses_and_resumes(void **state)
{
	enum hv_domain_reason reason;
	(void)state;

	assert_ok(hv_domain_suspend(hv, HOST, VM, e));
	await("domain", VM, HV_DOMAIN_PAUSED);
	assert_int_equal(state_of(VM, &reason), HV_DOMAIN_PAUSED);
	assert_fails(EBUSY, hv_domain_agent_ping(hv, HOST, VM, 1000, e));
	assert_fails(EBUSY, hv_domain_shutdown(hv, HOST, VM, 1000, e));
	assert_ok(hv_domain_resume(hv, HOST, VM, e));
	await("domain", VM, HV_DOMAIN_RUNNING);
	assert_ok(hv_domain_resume(hv, HOST, VM, e));
}

static void guest_exec(const char *shell)
{
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	virDomainPtr domain = virDomainLookupByUUIDString(conn, VM);
	char command[512];
	char *answer;

	(void)snprintf(
		command, sizeof(command),
		"{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\",\"arg\":[\"-c\",\"%s\"]}}",
		shell);
	answer = virDomainQemuAgentCommand(domain, command, 10, 0);
	assert_non_null(answer);
	free(answer);
	virDomainFree(domain);
	virConnectClose(conn);
}

static void a_full_disk_pauses_the_guest(void **state)
{
	enum hv_domain_reason reason;
	(void)state;

	guest_exec("dd if=/dev/zero of=/dev/vdb bs=1M count=30");
	assert_int_equal(await("domain", VM, HV_DOMAIN_PAUSED).reason, HV_REASON_ENOSPC);
	assert_int_equal(state_of(VM, &reason), HV_DOMAIN_PAUSED);
	assert_int_equal(reason, HV_REASON_ENOSPC);
	/* the same from the list of domains of a new connection */
	assert_ok(hv_host_reconnect(hv, HOST, e));
	await("host", "", HV_HOST_CONNECTED);
	assert_int_equal(recorder.list[0].reason, HV_REASON_ENOSPC);
	control("grow-small");
	assert_ok(hv_domain_resume(hv, HOST, VM, e));
	await("domain", VM, HV_DOMAIN_RUNNING);
}

static void a_removed_device_is_reported(void **state)
{
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	virDomainPtr domain = virDomainLookupByUUIDString(conn, VM);
	(void)state;

	assert_int_equal(virDomainDetachDeviceAlias(domain, "ua-disk-1", VIR_DOMAIN_AFFECT_LIVE), 0);
	assert_string_equal(await("removed", VM, 0).alias, "ua-disk-1");
	virDomainFree(domain);
	virConnectClose(conn);
}

static void is_shut_down_by_the_guest(void **state)
{
	enum hv_domain_reason reason;
	double began = seconds();
	(void)state;

	assert_ok(hv_domain_agent_ping(hv, HOST, VM, 5000, e));
	assert_ok(hv_domain_shutdown(hv, HOST, VM, 60000, e));
	print_message("    shut down in %.2f s\n", seconds() - began);
	assert_int_equal(await("domain", VM, HV_DOMAIN_OFF).reason, HV_REASON_GUEST);
	assert_int_equal(state_of(VM, &reason), HV_DOMAIN_OFF);
	assert_int_equal(reason, HV_REASON_GUEST);
	assert_ok(hv_domain_shutdown(hv, HOST, VM, 1000, e));
	assert_ok(hv_domain_undefine(hv, HOST, VM, e));
	await("domain", VM, HV_DOMAIN_ABSENT);
}

static void an_unresponsive_guest_times_out(void **state)
{
	double began;
	(void)state;

	start_bare(false);
	began = seconds();
	assert_fails(ETIMEDOUT, hv_domain_shutdown(hv, HOST, BARE, 700, e));
	assert_true(seconds() - began >= 0.7 && seconds() - began < 3);
	assert_ok(hv_domain_destroy(hv, HOST, BARE, e));
	assert_int_equal(await("domain", BARE, HV_DOMAIN_OFF).reason, HV_REASON_OTHER);
	start_bare(true);
	assert_ok(hv_domain_resume(hv, HOST, BARE, e));
	await("domain", BARE, HV_DOMAIN_RUNNING);
	assert_fails(EEXIST, hv_domain_start(hv, HOST,
					     &(struct hv_domain_def){
						     .uuid = BARE, .virt_type = "qemu", .video = "vga"},
					     false, e));
	assert_ok(hv_domain_destroy(hv, HOST, BARE, e));
	await("domain", BARE, HV_DOMAIN_OFF);
}

/* A start that fails leaves nothing behind. */
static void a_failed_start_leaves_nothing(void **state)
{
	const struct hv_disk disk = {.path = "/nowhere/x.qcow2", .format = "qcow2", .device_id = 0};
	struct hv_domain_def spec = spec_of(VM, &disk, 1, NULL, 0);
	enum hv_domain_reason reason;
	(void)state;

	assert_fails(ENOENT, hv_domain_start(hv, HOST, &spec, false, e));
	assert_int_equal(state_of(VM, &reason), HV_DOMAIN_ABSENT);
}

/* The cost of hv_domain_start() in addition to libvirt's own start: the best of a few rounds each. */
static void starting_costs_little_more_than_libvirt(void **state)
{
	enum { ROUNDS = 9 };
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	virDomainPtr domain = virDomainLookupByUUIDString(conn, BARE);
	static const struct hv_disk cdrom = {.device_id = 0, .cdrom = true};
	struct hv_domain_def spec = spec_of(BARE, &cdrom, 1, NULL, 0);
	double raw = 1e9, ours = 1e9;
	(void)state;

	assert_non_null(domain);
	spec.memory = spec.memory_max = 32 * MIB;
	for (int i = 0; i < ROUNDS; i++) {
		double began = seconds();

		assert_int_equal(virDomainCreate(domain), 0);
		raw = seconds() - began < raw ? seconds() - began : raw;
		assert_ok(hv_domain_destroy(hv, HOST, BARE, e));
		began = seconds();
		assert_ok(hv_domain_start(hv, HOST, &spec, false, e));
		ours = seconds() - began < ours ? seconds() - began : ours;
		assert_ok(hv_domain_destroy(hv, HOST, BARE, e));
	}
	print_message("    libvirt %.1f ms, hv_domain_start %.1f ms\n", raw * 1e3, ours * 1e3);
	/* two lookups and a definition, 2 ms; the rest allows for other load on the machine */
	assert_true(ours - raw < 0.050 + raw / 2);
	virDomainFree(domain);
	virConnectClose(conn);
	recorder.from = recorder.count;
}

/* --------------------------------------------------------------------- faults */

static void a_killed_qemu_is_a_crash(void **state)
{
	enum hv_domain_reason reason;
	(void)state;

	start_bare(false);
	control("kill-guest " BARE);
	assert_int_equal(await("domain", BARE, HV_DOMAIN_OFF).reason, HV_REASON_CRASHED);
	assert_int_equal(state_of(BARE, &reason), HV_DOMAIN_OFF);
	assert_int_equal(reason, HV_REASON_CRASHED);
}

/* One of several calls: libvirt then has one of them wait for the socket, see hypervisor/event_loop.c. */
static void *ask_a_silent_host(void *arg)
{
	_cleanup_(error_done) struct error error = ERROR_INIT;
	int *result = arg;

	*result = hv_domain_destroy(hv, HOST, BARE, &error);
	return NULL;
}

static void a_hung_libvirtd_is_noticed(void **state)
{
	pthread_t threads[4];
	int results[ARRAY_SIZE(threads)];
	double began;
	(void)state;

	start_bare(false);
	control("stop-daemon");
	began = seconds();
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_a_silent_host, &results[i]), 0);
	assert_true(await("host", "", HV_HOST_DISCONNECTED).when - began < 8);
	assert_fails(ENOTCONN, hv_domain_destroy(hv, HOST, BARE, e));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(results[i] < 0);
	}
	assert_true(seconds() - began < 8);
	control("continue-daemon");
	await("host", "", HV_HOST_CONNECTED);
	assert_int_equal(recorder.listed, 1);
	assert_string_equal(recorder.list[0].uuid, BARE);
	assert_int_equal(recorder.list[0].state, HV_DOMAIN_RUNNING);
}

static void *kill_the_daemon(void *arg)
{
	(void)arg;
	usleep(500000);
	control("kill-daemon");
	return NULL;
}

static void a_restarted_libvirtd_is_reconnected(void **state)
{
	pthread_t killer;
	(void)state;

	/* a thread waits for a guest meanwhile */
	assert_int_equal(pthread_create(&killer, NULL, kill_the_daemon, NULL), 0);
	assert_fails(ENOTCONN, hv_domain_shutdown(hv, HOST, BARE, 60000, e));
	assert_int_equal(pthread_join(killer, NULL), 0);
	await("host", "", HV_HOST_DISCONNECTED);
	/* the guest survives its libvirtd, and dies while libvirtd is down */
	control("kill-guest " BARE);
	control("start-daemon");
	await("host", "", HV_HOST_CONNECTED);
	assert_int_equal(recorder.listed, 1);
	assert_int_equal(recorder.list[0].state, HV_DOMAIN_OFF);
	assert_int_equal(recorder.list[0].reason, HV_REASON_CRASHED);
	/* and events arrive again */
	start_bare(false);
	assert_ok(hv_domain_destroy(hv, HOST, BARE, e));
	await("domain", BARE, HV_DOMAIN_OFF);
	assert_ok(hv_domain_undefine(hv, HOST, BARE, e));
	await("domain", BARE, HV_DOMAIN_ABSENT);
}

static void everything_can_be_removed(void **state)
{
	virConnectPtr conn = virConnectOpen(env("HV_URI"));
	(void)state;

	assert_ok(hv_network_close(hv, HOST, L3, e));
	assert_ok(hv_network_close(hv, HOST, L3, e));
	assert_ok(hv_storage_pool_close(hv, HOST, POOL, e));
	assert_ok(hv_storage_pool_close(hv, HOST, SMALL, e));
	assert_int_equal(access(image_path, R_OK), 0); /* files remain */
	assert_int_equal(virConnectListAllDomains(conn, NULL, 0), 0);
	assert_int_equal(virConnectListAllNetworks(conn, NULL, 0), 0);
	assert_int_equal(virConnectListAllStoragePools(conn, NULL, 0), 0);
	virConnectClose(conn);
	hv_free(hv);
	free(image_path);
	free(root_path);
	free(data_path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects),
		cmocka_unit_test(the_probe_guest_runs),
		cmocka_unit_test(kvm_is_used_only_when_it_works),
		cmocka_unit_test(pools_and_volumes),
		cmocka_unit_test(a_full_storage_is_enospc),
		cmocka_unit_test(a_network_with_leases),
		cmocka_unit_test(a_guest_boots),
		cmocka_unit_test(pauses_and_resumes),
		cmocka_unit_test(a_full_disk_pauses_the_guest),
		cmocka_unit_test(a_removed_device_is_reported),
		cmocka_unit_test(is_shut_down_by_the_guest),
		cmocka_unit_test(an_unresponsive_guest_times_out),
		cmocka_unit_test(a_failed_start_leaves_nothing),
		cmocka_unit_test(starting_costs_little_more_than_libvirt),
		cmocka_unit_test(a_killed_qemu_is_a_crash),
		cmocka_unit_test(a_hung_libvirtd_is_noticed),
		cmocka_unit_test(a_restarted_libvirtd_is_reconnected),
		cmocka_unit_test(everything_can_be_removed),
	};

	if (argc > 1 && strcmp(argv[1], "boot-sector") == 0)
		return fwrite(probe_boot_sector, sizeof(probe_boot_sector), 1, stdout) != 1;
	cmocka_set_test_filter(getenv("HV_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
