/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated hosts and their domains: connections and their callbacks, the life and the changes of domains; on the
 * shared test:///default of libvirt's test driver, on two hosts with a state of their own, and on the simulator.
 */
#include "tests/unit/hv_sim_fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <libvirt/libvirt.h>

#include "hypervisor/domain/cdrom.h"
#include "hypervisor/domain/console.h"
#include "hypervisor/domain/domain_size.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/domain/migrate.h"
#include "hypervisor/domain/nic.h"

static struct hv_domain_def spec_of(const char *uuid)
{
	static const struct hv_disk disks[] = {
		{.path = "/nowhere/root.qcow2", .format = "qcow2", .serial = VM_1, .device_id = 0},
		{.device_id = 0, .cdrom = true},
	};

	return (struct hv_domain_def){
		.uuid = uuid,
		.title = "a name with <angles> & \"quotes\"",
		.virt_type = "test",
		.cpu_num = 1,
		.cpu_max = 1,
		.memory = 64 * MIB,
		.memory_max = 64 * MIB,
		.cpu_mode = "none",
		.platform = "Linux",
		.video = "vga",
		.guest_agent = true,
		.disks = disks,
		.disk_count = ARRAY_SIZE(disks),
	};
}

static enum hv_domain_state state_of(struct fixture *f, const char *host, const char *uuid)
{
	enum hv_domain_state state;
	enum hv_domain_reason reason;

	assert_ok(hv_domain_state(f->hv, host, uuid, &state, &reason, e));
	return state;
}

/* How many domains the host says that it has; @ret_first, if not NULL, is the first. */
static size_t domains_of(struct fixture *f, const char *host, struct hv_domain_status *ret_first)
{
	_cleanup_free_ struct hv_domain_status *list = NULL;
	size_t count;

	assert_ok(hv_host_states(f->hv, host, &list, &count, e));
	if (ret_first && count > 0)
		*ret_first = list[0];
	return count;
}

/* ---------------------------------------------------------------------- hosts */

static void a_host_connects_and_reports_its_hardware(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(recorder.info.virt_type, "test");
	assert_true(recorder.info.simulated);
	assert_true(recorder.info.memory > 0);
	assert_true(recorder.info.cpus > 0);
	assert_true(recorder.info.sockets > 0);
	assert_true(recorder.info.hostname[0] != '\0');
	/* the driver's own domain "test" runs, and is ignored */
	assert_int_equal(domains_of(f, HOST_A, NULL), 0);
	assert_fails(EEXIST, hv_host_add(f->hv, HOST_A, "test:///default", e));
	assert_fails(EINVAL, hv_host_add(f->hv, "short", "test:///default", e));
	assert_fails(EINVAL, hv_host_add(f->hv, HOST_B, "nonsense", e));
	assert_fails(ENOENT, hv_host_reconnect(f->hv, HOST_B, e));
	hv_host_remove(f->hv, HOST_B);
}

static void calls_need_a_connected_host(void **state)
{
	struct fixture *f = *state;
	struct error lost = ERROR_INIT;
	size_t from = now();

	assert_fails(ENOENT, hv_domain_destroy(f->hv, HOST_B, VM_1, e));
	assert_ok(hv_host_add(f->hv, HOST_B, "qemu+unix:///system?socket=/nowhere/libvirt-sock", e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTING);
	wait_for(&from, "host", HOST_B, "", HV_HOST_DISCONNECTED);
	assert_non_null(strstr(recorder.sentence, "/nowhere"));
	assert_int_equal(hv_domain_destroy(f->hv, HOST_B, VM_1, &lost), -ENOTCONN);
	assert_string_equal(lost.code, "HOST.1010");
	error_done(&lost);
	assert_ok(hv_host_reconnect(f->hv, HOST_B, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTING);
	wait_for(&from, "host", HOST_B, "", HV_HOST_DISCONNECTED);
	hv_host_remove(f->hv, HOST_B);
	assert_fails(ENOENT, hv_domain_destroy(f->hv, HOST_B, VM_1, e));
}

/* A daemon that accepts connections and never answers is reported, and delays nothing, not even hv_free(). */
static void a_hung_host_delays_no_other(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct hv_domain_def spec = spec_of(VM_1);
	struct timespec began, ended;
	char uri[160];
	size_t from = now();

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/sock", f->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	(void)snprintf(uri, sizeof(uri), "qemu+unix:///system?socket=%s/sock", f->folder);
	assert_ok(hv_host_add(f->hv, HOST_B, uri, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTING);
	assert_fails(ENOTCONN, hv_domain_destroy(f->hv, HOST_B, VM_1, e));
	/* the other host works meanwhile */
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_RUNNING);
	wait_for(&from, "host", HOST_B, "", HV_HOST_DISCONNECTED);
	assert_string_equal(recorder.sentence, "the host does not answer");

	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	hv_host_remove(f->hv, HOST_B);
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(ended.tv_sec - began.tv_sec <= 1);
	/* again, and this time it is still connecting at hv_free() */
	assert_ok(hv_host_add(f->hv, HOST_B, uri, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTING);
	hv_free(f->hv);
	(void)clock_gettime(CLOCK_MONOTONIC, &began);
	assert_true(began.tv_sec - ended.tv_sec <= 4);
	assert_ok(hv_new(&events, &recorder, &f->hv, e));
	f->from = now();
	assert_ok(hv_host_add(f->hv, HOST_A, "test:///default", e));
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_CONNECTED);
	/* the abandoned threads that open connections end when their daemon does */
}

static void reconnecting_lists_the_domains_again(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	struct hv_domain_status first;

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_RUNNING);
	assert_ok(hv_host_reconnect(f->hv, HOST_A, e));
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_CONNECTING);
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_CONNECTED);
	assert_int_equal(domains_of(f, HOST_A, &first), 1);
	assert_string_equal(first.uuid, VM_1);
	assert_int_equal(first.state, HV_DOMAIN_RUNNING);
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_OFF);
}

/* Two hosts with a state of their own each, on the same machine. */
static void each_file_is_a_host_of_its_own(void **state)
{
	static const char node[] =
		"<node><cpu><mhz>1000</mhz><model>x</model><active>8</active><nodes>1</nodes><sockets>2</sockets>"
		"<cores>4</cores><threads>1</threads></cpu><memory>8388608</memory></node>";
	char path[128], uri[160];
	struct fixture *f;
	size_t from;
	const struct hv_migration how = {0};
	struct hv_domain_def spec = spec_of(VM_1);
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/poolfs-hv_sim.%d.xml", (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, node, sizeof(node) - 1), sizeof(node) - 1);
	close(fd);
	(void)snprintf(uri, sizeof(uri), "test://%s", path);
	assert_int_equal(set_up_uri(state, uri), 0);
	f = *state;
	from = now();
	assert_ok(hv_host_add(f->hv, HOST_B, uri, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTED);
	assert_int_equal(recorder.info.memory, 8LL << 30);
	assert_int_equal(recorder.info.cpus, 8);
	assert_int_equal(recorder.info.sockets, 2);

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_RUNNING);
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_RUNNING);
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_ABSENT);
	assert_ok(hv_domain_start(f->hv, HOST_B, &spec, false, e));
	wait_for(&from, "domain", HOST_B, VM_1, HV_DOMAIN_RUNNING);
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_RUNNING);
	/* what is simulated in the connection survives a reconnection */
	assert_ok(hv_host_reconnect(f->hv, HOST_B, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTED);
	assert_int_equal(domains_of(f, HOST_B, NULL), 1);
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_RUNNING);
	/* a domain migrates to the other host as it is, and cannot migrate to the host it is on */
	assert_ok(hv_domain_suspend(f->hv, HOST_B, VM_1, e));
	assert_ok(hv_domain_migrate(f->hv, HOST_B, HOST_A, VM_1, &how, NULL, NULL, e));
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_PAUSED);
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_ABSENT);
	assert_fails(ENOENT, hv_domain_migrate(f->hv, HOST_B, HOST_A, VM_1, &how, NULL, NULL, e));
	assert_ok(hv_domain_start(f->hv, HOST_B, &spec, false, e));
	assert_fails(EEXIST, hv_domain_migrate(f->hv, HOST_A, HOST_B, VM_1, &how, NULL, NULL, e));
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_PAUSED);
	assert_ok(hv_domain_destroy(f->hv, HOST_B, VM_1, e));
	assert_fails(EBUSY, hv_domain_migrate(f->hv, HOST_B, HOST_A, VM_1, &how, NULL, NULL, e));
	assert_ok(hv_domain_migrate_wait(f->hv, HOST_B, VM_1, NULL, NULL, e));
	(void)tear_down(state);
	(void)unlink(path);
}

/* -------------------------------------------------------------------- domains */

static void the_life_of_a_domain(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	char *xml = NULL;
	struct hv_console console = {0};

	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_ABSENT);
	assert_fails(ENOENT, hv_domain_suspend(f->hv, HOST_A, VM_1, e));
	assert_fails(ENOENT, hv_domain_get_xml(f->hv, HOST_A, VM_1, &xml, e));
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_ok(hv_domain_undefine(f->hv, HOST_A, VM_1, e));

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_RUNNING);
	wait_for(&f->from, "agent", HOST_A, VM_1, true);
	assert_fails(EEXIST, hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_ok(hv_domain_agent_ping(f->hv, HOST_A, VM_1, 1000, e));
	assert_ok(hv_domain_console(f->hv, HOST_A, VM_1, &console, e));
	assert_true(console.port >= 5900 && console.port < 65536);
	assert_string_equal(console.protocol, "vnc");
	assert_ok(hv_domain_get_xml(f->hv, HOST_A, VM_1, &xml, e));
	assert_non_null(strstr(xml, "ua-disk-0"));
	free(xml);

	assert_ok(hv_domain_suspend(f->hv, HOST_A, VM_1, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_PAUSED);
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_PAUSED);
	assert_fails(EBUSY, hv_domain_agent_ping(f->hv, HOST_A, VM_1, 1000, e));
	assert_ok(hv_domain_resume(f->hv, HOST_A, VM_1, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_RUNNING);
	assert_ok(hv_domain_resume(f->hv, HOST_A, VM_1, e));
	assert_fails(EBUSY, hv_domain_undefine(f->hv, HOST_A, VM_1, e));

	assert_ok(hv_domain_shutdown(f->hv, HOST_A, VM_1, 5000, e));
	assert_int_equal(wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_OFF)->reason, HV_REASON_GUEST);
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_OFF);
	assert_ok(hv_domain_shutdown(f->hv, HOST_A, VM_1, 5000, e));
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_fails(EBUSY, hv_domain_console(f->hv, HOST_A, VM_1, &console, e));
	assert_fails(EBUSY, hv_domain_agent_ping(f->hv, HOST_A, VM_1, 1000, e));

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, true, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_PAUSED);
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_int_equal(wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_OFF)->reason, HV_REASON_OTHER);
	assert_ok(hv_domain_undefine(f->hv, HOST_A, VM_1, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_ABSENT);
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_ABSENT);
}

/* The current definition of a simulated domain; owned by the caller. */
static char *definition_of(const char *uuid)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr domain = virDomainLookupByUUIDString(conn, uuid);
	char *xml;

	assert_non_null(domain);
	xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	assert_non_null(xml);
	virDomainFree(domain);
	virConnectClose(conn);
	return xml;
}

static void assert_definition(const char *uuid, const char *text, bool wanted)
{
	char *xml = definition_of(uuid);

	if ((strstr(xml, text) != NULL) != wanted)
		fail_msg("'%s' is %s in %s", text, wanted ? "not" : "still", xml);
	free(xml);
}

static void an_active_domain_is_changed(void **state)
{
	static const struct hv_nic nic = {
		.mac = "fa:00:00:00:00:01", .network = "default", .model = "virtio", .device_id = 1};
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	int64_t change;
	int cpus;

	spec.cpu_max = 4;
	spec.memory = 256 * MIB;
	spec.memory_max = 1024 * MIB;
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	for (int i = 0; i < 2; i++) { /* a repeated change succeeds */
		assert_ok(hv_nic_attach(f->hv, HOST_A, VM_1, &nic, e));
		assert_ok(hv_nic_set_bandwidth(f->hv, HOST_A, VM_1, nic.mac, 8 * MIB, 0, e));
		assert_ok(hv_cdrom_change(f->hv, HOST_A, VM_1, 0, "/nowhere/a & b.iso", e));
		assert_ok(hv_console_set_password(f->hv, HOST_A, VM_1, "longer-than-eight", e));
		assert_ok(hv_domain_set_cpus(f->hv, HOST_A, VM_1, 3, &cpus, e));
		assert_int_equal(cpus, 3);
		assert_ok(hv_domain_set_memory(f->hv, HOST_A, VM_1, 300 * MIB, &change, e));
		assert_int_equal(change, i == 0 ? 128 * MIB : 0);
	}
	assert_definition(VM_1, nic.mac, true);
	assert_definition(VM_1, "<inbound average='1024'/>", true);
	assert_definition(VM_1, "outbound", false);
	assert_definition(VM_1, "<source file='/nowhere/a &amp; b.iso'", true);
	assert_definition(VM_1, "passwd='longer-t'", true);
	assert_definition(VM_1, "<memory unit='KiB'>393216</memory>", true);
	assert_ok(hv_domain_set_password(f->hv, HOST_A, VM_1, "root", "secret", e));
	assert_fails(EOPNOTSUPP, hv_domain_set_cpus(f->hv, HOST_A, VM_1, 5, &cpus, e));
	assert_int_equal(cpus, 3);
	assert_fails(EOPNOTSUPP, hv_domain_set_memory(f->hv, HOST_A, VM_1, 2048 * MIB, &change, e));
	assert_int_equal(change, 0);
	assert_ok(hv_domain_set_cpus(f->hv, HOST_A, VM_1, 2, &cpus, e));
	assert_int_equal(cpus, 2);
	assert_ok(hv_domain_set_memory(f->hv, HOST_A, VM_1, 200 * MIB, &change, e));
	assert_int_equal(change, -128 * MIB);
	assert_definition(VM_1, "<memory unit='KiB'>262144</memory>", true);
	assert_fails(ENOENT, hv_cdrom_change(f->hv, HOST_A, VM_1, 2, NULL, e));

	for (int i = 0; i < 2; i++) {
		assert_ok(hv_nic_detach(f->hv, HOST_A, VM_1, 1, 1000, e));
		assert_ok(hv_cdrom_change(f->hv, HOST_A, VM_1, 0, NULL, e));
	}
	assert_ok(hv_console_set_password(f->hv, HOST_A, VM_1, NULL, e));
	assert_definition(VM_1, nic.mac, false);
	assert_definition(VM_1, "/nowhere/a", false);
	assert_definition(VM_1, "passwd='longer-t'", false);
	assert_definition(VM_1, "passwd='", true);

	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_fails(EBUSY, hv_nic_attach(f->hv, HOST_A, VM_1, &nic, e));
	assert_fails(EBUSY, hv_domain_set_cpus(f->hv, HOST_A, VM_1, 4, &cpus, e));
	assert_fails(ENOENT, hv_nic_detach(f->hv, HOST_A, VM_2, 1, 1000, e));
}

static void the_fewest_modules_are_chosen(void **state)
{
	const int64_t sizes[] = {128, 256, 384, 128};

	(void)state;
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 128), 1);
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 256), 2);
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 384), 4);
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 512), 5);
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 896), 15);
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 64), 0);
	assert_int_equal(hv_memory_choose_modules(sizes, 4, 1024), 0);
	assert_int_equal(hv_memory_choose_modules(sizes, 0, 128), 0);
}

static void changes_from_outside_are_reported(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_2);
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr domain, foreign;

	assert_non_null(conn);
	foreign = virDomainLookupByName(conn, "test");
	assert_int_equal(virDomainSuspend(foreign), 0);
	assert_int_equal(virDomainResume(foreign), 0);
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "domain", HOST_A, VM_2, HV_DOMAIN_RUNNING);
	domain = virDomainLookupByUUIDString(conn, VM_2);
	assert_non_null(domain);
	/* undefined while it runs: it still exists, and is absent once it stops */
	assert_int_equal(virDomainUndefine(domain), 0);
	assert_int_equal(virDomainDestroy(domain), 0);
	wait_for(&f->from, "domain", HOST_A, VM_2, HV_DOMAIN_ABSENT);
	virDomainFree(domain);
	virDomainFree(foreign);
	virConnectClose(conn);
	for (size_t i = 0; i < now(); i++)
		assert_string_not_equal(recorder.reports[i].domain, "6695eb01f6a4830479aa97f2502e193f");
}

static void *start_and_stop(void *arg)
{
	struct fixture *f = ((void **)arg)[0];
	int n = *(int *)((void **)arg)[1];
	char uuid[33];
	struct hv_domain_def spec;

	(void)snprintf(uuid, sizeof(uuid), "%032d", n);
	spec = spec_of(uuid);
	for (int i = 0; i < 20; i++) {
		assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
		assert_ok(hv_domain_shutdown(f->hv, HOST_A, uuid, 5000, e));
	}
	assert_ok(hv_domain_undefine(f->hv, HOST_A, uuid, e));
	return NULL;
}

static void many_concurrent_workers(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[8];
	int numbers[8];
	void *args[8][2];

	for (int i = 0; i < 8; i++) {
		numbers[i] = i + 1;
		args[i][0] = f;
		args[i][1] = &numbers[i];
		assert_int_equal(pthread_create(&threads[i], NULL, start_and_stop, args[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 8; i++) {
		char uuid[33];
		size_t from = f->from;

		(void)snprintf(uuid, sizeof(uuid), "%032d", i + 1);
		/* states that had passed when they were handled are left out, the last one is not */
		wait_for(&from, "domain", HOST_A, uuid, HV_DOMAIN_ABSENT);
	}
}

static void a_removed_host_reports_nothing(void **state)
{
	struct fixture *f = *state;
	virConnectPtr conn = virConnectOpen("test:///default");
	struct hv_domain_def spec = spec_of(VM_1);
	virDomainPtr domain;
	size_t before;

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "agent", HOST_A, VM_1, true);
	hv_host_remove(f->hv, HOST_A);
	before = now();
	domain = virDomainLookupByUUIDString(conn, VM_1);
	assert_int_equal(virDomainDestroy(domain), 0);
	assert_int_equal(virDomainUndefine(domain), 0);
	usleep(200000);
	assert_int_equal(now(), before);
	virDomainFree(domain);
	virConnectClose(conn);
	/* the same host may be added again at once */
	f->from = now();
	assert_ok(hv_host_add(f->hv, HOST_A, "test:///default", e));
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_CONNECTED);
	assert_int_equal(domains_of(f, HOST_A, NULL), 0);
}

static void repeated_start_and_end(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct hypervisor *hv = NULL;

		assert_ok(hv_new(&events, &recorder, &hv, e));
		assert_ok(hv_host_add(hv, HOST_A, "test:///default", e));
		if (i % 2)
			assert_ok(hv_host_add(hv, HOST_B, "qemu+unix:///system?socket=/nowhere", e));
		if (i % 3 == 0)
			usleep(5000);
		hv_free(hv);
	}
	hv_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DEFAULT(a_host_connects_and_reports_its_hardware),
		ON_DEFAULT(calls_need_a_connected_host),
		ON_DEFAULT(a_hung_host_delays_no_other),
		ON_DEFAULT(reconnecting_lists_the_domains_again),
		cmocka_unit_test(each_file_is_a_host_of_its_own),
		ON_SIMULATOR(reconnecting_lists_the_domains_again),
		ON_DEFAULT(the_life_of_a_domain),
		ON_SIMULATOR(the_life_of_a_domain),
		ON_DEFAULT(an_active_domain_is_changed),
		cmocka_unit_test(the_fewest_modules_are_chosen),
		ON_DEFAULT(changes_from_outside_are_reported),
		ON_DEFAULT(many_concurrent_workers),
		ON_SIMULATOR(many_concurrent_workers),
		ON_DEFAULT(a_removed_host_reports_nothing),
		cmocka_unit_test(repeated_start_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
