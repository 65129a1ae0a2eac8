/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: its table of domains by itself, and machines of it as hosts: events in order, changes of active
 * domains, two hosts apart, what survives a connection. What it has in common with libvirt's test driver is in
 * test_hv_sim_domains.c and test_hv_sim_storage.c.
 */
#include "tests/unit/hv_sim_fixture.h"

#include <errno.h>

#include <libvirt/libvirt.h>

#include "hypervisor/domain/cdrom.h"
#include "hypervisor/domain/console.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/domain_size.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/domain/migrate.h"
#include "hypervisor/domain/nic.h"
#include "hypervisor/domain/screenshot.h"
#include "hypervisor/domain/sighting.h"
#include "hypervisor/domain/survey.h"
#include "hypervisor/simulator/simulator.h"
#include "hypervisor/statistics.h"

/* ------------------------------------------------------------------ the table */

/* What the simulator has told, as "11..1 5 1;". */
struct told {
	char text[1024];
	size_t len, count;
};

static void on_change(void *ctx, const char *uuid, int type, int detail)
{
	struct told *told = ctx;

	told->count++;
	if (told->len < sizeof(told->text))
		told->len += (size_t)snprintf(told->text + told->len, sizeof(told->text) - told->len,
					      "%c %d %d;", uuid[0], type, detail);
}

/* A machine to which @told listens; its file is named by @ret_path. */
static struct simulator *new_machine(struct told *told, char ret_path[128])
{
	struct hv_host_info info = {0};
	struct simulator *s;
	char uri[160];

	describe_machine(HOST_A, ret_path, uri);
	assert_true(simulator_has_uri(HOST_A, uri));
	s = simulator_new(uri);
	assert_non_null(s);
	assert_ok(simulator_connect(s, on_change, told, &info, e));
	assert_int_equal(info.cpus, 8);
	assert_int_equal(info.sockets, 2);
	assert_int_equal(info.memory, 8LL << 30);
	return s;
}

static enum hv_domain_state state_in(struct simulator *s, const char *uuid)
{
	struct simulated_domain domain;

	simulator_find(s, uuid, &domain);
	return domain.state;
}

static void only_files_named_by_their_host_are_machines(void **state)
{
	(void)state;
	assert_true(simulator_has_uri(HOST_A, "test:///srv/my%20pool/simulators/" HOST_A ".xml"));
	assert_false(simulator_has_uri(HOST_B, "test:///srv/my%20pool/simulators/" HOST_A ".xml"));
	assert_false(simulator_has_uri(HOST_A, "test:///default"));
	assert_false(simulator_has_uri(HOST_A, "test:///srv/node.xml"));
	assert_false(simulator_has_uri(HOST_A, "test:///srv/" HOST_A ".xml.xml"));
	assert_false(simulator_has_uri(HOST_A, "qemu:///" HOST_A ".xml"));
	assert_false(simulator_has_uri(HOST_A, "test:"));
}

static void a_domain_goes_from_state_to_state(void **state)
{
	struct told told = {0};
	struct simulated_domain domain;
	char path[128], *xml = NULL, expected[512];
	struct simulator *s = new_machine(&told, path);
	int id;

	(void)state;
	assert_fails(ENOENT, simulator_start(s, VM_1, false, e));
	assert_ok(simulator_define(s, VM_1, "<domain/>", 2, 64 * MIB, e));
	assert_int_equal(state_in(s, VM_1), HV_DOMAIN_OFF);
	assert_fails(EBUSY, simulator_suspend(s, VM_1, e));
	assert_fails(EBUSY, simulator_resume(s, VM_1, e));
	assert_fails(EBUSY, simulator_shutdown(s, VM_1, e));
	assert_fails(EBUSY, simulator_destroy(s, VM_1, e));
	assert_ok(simulator_start(s, VM_1, true, e));
	assert_int_equal(state_in(s, VM_1), HV_DOMAIN_PAUSED);
	assert_fails(EBUSY, simulator_start(s, VM_1, false, e));
	assert_fails(EBUSY, simulator_undefine(s, VM_1, e));
	assert_ok(simulator_resume(s, VM_1, e));
	assert_ok(simulator_resume(s, VM_1, e));
	assert_ok(simulator_define(s, VM_1, "<domain a='b'/>", 3, 128 * MIB, e));
	simulator_find(s, VM_1, &domain);
	assert_int_equal(domain.state, HV_DOMAIN_RUNNING);
	assert_int_equal(domain.cpus, 3);
	assert_int_equal(domain.memory, 128 * MIB);
	assert_int_not_equal(domain.id, 0);
	assert_ok(simulator_get_xml(s, VM_1, &xml, &id, e));
	assert_string_equal(xml, "<domain a='b'/>");
	assert_int_equal(id, domain.id);
	free(xml);
	assert_ok(simulator_suspend(s, VM_1, e));
	assert_fails(EBUSY, simulator_shutdown(s, VM_1, e));
	assert_int_equal(state_in(s, VM_1), HV_DOMAIN_PAUSED);
	assert_ok(simulator_resume(s, VM_1, e));
	assert_ok(simulator_shutdown(s, VM_1, e));
	simulator_find(s, VM_1, &domain);
	assert_int_equal(domain.state, HV_DOMAIN_OFF);
	assert_int_equal(domain.reason, HV_REASON_GUEST);
	assert_int_equal(domain.cpu_ns, 0);
	assert_ok(simulator_start(s, VM_1, false, e));
	assert_ok(simulator_destroy(s, VM_1, e));
	assert_ok(simulator_undefine(s, VM_1, e));
	assert_int_equal(state_in(s, VM_1), HV_DOMAIN_ABSENT);
	assert_fails(ENOENT, simulator_undefine(s, VM_1, e));
	assert_fails(ENOENT, simulator_get_xml(s, VM_1, &xml, &id, e));

	(void)snprintf(
		expected, sizeof(expected),
		"1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;1 %d %d;",
		VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_ADDED, VIR_DOMAIN_EVENT_STARTED,
		VIR_DOMAIN_EVENT_STARTED_BOOTED, VIR_DOMAIN_EVENT_SUSPENDED,
		VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, VIR_DOMAIN_EVENT_RESUMED,
		VIR_DOMAIN_EVENT_RESUMED_UNPAUSED, VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_UPDATED,
		VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, VIR_DOMAIN_EVENT_RESUMED,
		VIR_DOMAIN_EVENT_RESUMED_UNPAUSED, VIR_DOMAIN_EVENT_STOPPED,
		VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED,
		VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, VIR_DOMAIN_EVENT_UNDEFINED,
		VIR_DOMAIN_EVENT_UNDEFINED_REMOVED);
	assert_string_equal(told.text, expected);
	simulator_free(s);
	(void)unlink(path);
}

static void domains_outlive_connections_but_not_the_machine(void **state)
{
	struct told first = {0}, second = {0};
	struct hv_host_info info = {0};
	char path[128];
	char *type = NULL, *root = NULL;
	struct simulator *s = new_machine(&first, path);

	(void)state;
	assert_ok(simulator_define(s, VM_1, "<domain/>", 1, MIB, e));
	assert_ok(simulator_start(s, VM_1, false, e));
	assert_ok(simulator_open_pool(s, POOL, "dir", "/somewhere", e));
	simulator_disconnect(s, &first);
	assert_ok(simulator_suspend(s, VM_1, e));
	assert_int_equal(first.count, 2);

	assert_ok(simulator_connect(s, on_change, &second, &info, e));
	assert_int_equal(state_in(s, VM_1), HV_DOMAIN_PAUSED);
	assert_ok(simulator_resume(s, VM_1, e));
	simulator_disconnect(s, &first); /* late: it listens no more */
	assert_ok(simulator_destroy(s, VM_1, e));
	assert_int_equal(first.count, 2);
	assert_int_equal(second.count, 2);
	assert_ok(simulator_find_pool(s, POOL, &type, &root, e));
	assert_string_equal(type, "dir");
	assert_string_equal(root, "/somewhere");
	free(type);
	free(root);

	assert_int_equal(unlink(path), 0);
	assert_fails(ENOENT, simulator_connect(s, on_change, &second, &info, e));
	assert_int_equal(state_in(s, VM_1), HV_DOMAIN_ABSENT);
	assert_fails(ENOENT, simulator_find_pool(s, POOL, &type, &root, e));
	simulator_free(s);
	simulator_free(NULL);
}

static void *open_often(void *arg)
{
	for (int i = 0; i < 10000; i++)
		assert_ok(simulator_open_pool(arg, POOL, "dir", "/somewhere", e));
	return NULL;
}

static void a_pool_is_there_once(void **state)
{
	struct told told = {0};
	char path[128];
	char *type = NULL, *root = NULL;
	struct simulator *s = new_machine(&told, path);
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, open_often, s), 0);
	(void)open_often(s);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_ok(simulator_open_pool(s, POOL, "netfs", "/elsewhere", e));
	assert_ok(simulator_find_pool(s, POOL, &type, &root, e));
	assert_string_equal(type, "netfs");
	assert_string_equal(root, "/elsewhere");
	free(type);
	free(root);
	simulator_close_pool(s, POOL);
	assert_fails(ENOENT, simulator_find_pool(s, POOL, &type, &root, e));
	simulator_free(s);
	(void)unlink(path);
}

#define MANY 10000

static void many_domains(void **state)
{
	struct simulated_domain *list = NULL;
	struct told told = {0};
	size_t count = 0;
	char path[128];
	struct simulator *s = new_machine(&told, path);

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++) {
			char uuid[33];

			(void)snprintf(uuid, sizeof(uuid), "%032x", i);
			if (round == 0) {
				assert_ok(simulator_define(s, uuid, "<domain/>", 1, MIB, e));
				if (i % 4 == 0)
					assert_ok(simulator_start(s, uuid, false, e));
			} else if (i % 2) {
				assert_ok(simulator_undefine(s, uuid, e));
			}
		}
	assert_ok(simulator_list(s, false, &list, &count, e));
	assert_int_equal(count, MANY / 2);
	free(list);
	assert_ok(simulator_list(s, true, &list, &count, e));
	assert_int_equal(count, MANY / 4);
	free(list);
	for (int i = 0; i < MANY; i++) {
		char uuid[33];

		(void)snprintf(uuid, sizeof(uuid), "%032x", i);
		assert_int_equal(state_in(s, uuid), i % 2	 ? HV_DOMAIN_ABSENT
						    : i % 4 == 0 ? HV_DOMAIN_RUNNING
								 : HV_DOMAIN_OFF);
	}
	assert_int_equal(told.count, MANY + MANY / 4 + MANY / 2);
	simulator_free(s);
	(void)unlink(path);
}

/* ------------------------------------------------------------------- as a host */

static const struct hv_disk disks[] = {
	{.path = "/nowhere/root.qcow2", .format = "qcow2", .serial = VM_1, .device_id = 0},
	{.device_id = 0, .cdrom = true},
};

static struct hv_domain_def spec_of(const char *uuid)
{
	return (struct hv_domain_def){
		.uuid = uuid,
		.title = "a name with <angles> & \"quotes\"",
		.virt_type = "test",
		.cpu_num = 1,
		.cpu_max = 4,
		.memory = 256 * MIB,
		.memory_max = 1024 * MIB,
		.cpu_mode = "none",
		.platform = "Linux",
		.video = "vga",
		.guest_agent = true,
		.console_password = "secret42",
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

static void assert_xml(struct fixture *f, const char *text, bool wanted)
{
	char *xml = NULL;

	assert_ok(hv_domain_get_xml(f->hv, HOST_A, VM_1, &xml, e));
	if ((strstr(xml, text) != NULL) != wanted)
		fail_msg("'%s' is %s in %s", text, wanted ? "not" : "still", xml);
	free(xml);
}

/* The reports about VM_1 since @from, one letter each. */
static void reports_since(size_t from, char *ret, size_t size)
{
	static const char letters[] = {[HV_DOMAIN_ABSENT] = 'A',
				       [HV_DOMAIN_OFF] = 'O',
				       [HV_DOMAIN_RUNNING] = 'R',
				       [HV_DOMAIN_PAUSED] = 'P'};
	size_t len = 0;

	scoped_lock(&recorder.lock);
	for (size_t i = from; i < recorder.count && len + 1 < size; i++) {
		const struct report *report = &recorder.reports[i];

		if (strcmp(report->domain, VM_1) == 0)
			ret[len++] = strcmp(report->what, "agent") == 0 ? 'g' : letters[report->value];
	}
	ret[len] = '\0';
}

static void changes_are_reported_in_order(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	char reports[64];
	size_t from = now();

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, true, e));
	assert_ok(hv_domain_resume(f->hv, HOST_A, VM_1, e));
	assert_ok(hv_domain_suspend(f->hv, HOST_A, VM_1, e));
	assert_fails(EBUSY, hv_domain_shutdown(f->hv, HOST_A, VM_1, 1000, e));
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_ok(hv_domain_shutdown(f->hv, HOST_A, VM_1, 1000, e));
	assert_ok(hv_domain_undefine(f->hv, HOST_A, VM_1, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_ABSENT);
	reports_since(from, reports, sizeof(reports));
	assert_string_equal(reports, "RgPRPORgOA");
}

/* The host's thread is woken for the first of these alone, and comes to the others by itself. */
static void what_comes_during_a_callback_follows(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	char reports[64];
	size_t from = now();

	pthread_mutex_lock(&recorder.lock); /* callbacks wait for it */
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	for (int i = 0; i < 3; i++) {
		assert_ok(hv_domain_suspend(f->hv, HOST_A, VM_1, e));
		assert_ok(hv_domain_resume(f->hv, HOST_A, VM_1, e));
	}
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	pthread_mutex_unlock(&recorder.lock);
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_OFF);
	reports_since(from, reports, sizeof(reports));
	assert_string_equal(reports, "RgPRPRPRO");
	/* and sleeps meanwhile */
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	wait_for(&f->from, "domain", HOST_A, VM_1, HV_DOMAIN_RUNNING);
}

static void an_active_domain_is_changed(void **state)
{
	static const struct hv_nic nic = {
		.mac = "fa:00:00:00:00:01", .network = "default", .model = "virtio", .device_id = 1};
	static const struct hv_disk data = {
		.path = "/nowhere/data.qcow2", .format = "qcow2", .serial = VM_2, .device_id = 1};
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	struct hv_console console = {0};
	char *path = NULL, *png = NULL;
	size_t len = 0;
	int64_t change;
	int cpus;
	bool gone;

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_xml(f, "secret42", false);
	assert_xml(f, "<domain type=\"test\" id=\"", true);
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
	assert_ok(hv_disk_attach(f->hv, HOST_A, VM_1, &data, e));
	assert_fails(EEXIST, hv_disk_attach(f->hv, HOST_A, VM_1, &data, e));
	assert_ok(hv_disk_path(f->hv, HOST_A, VM_1, VM_2, &path, e));
	assert_string_equal(path, data.path);
	free(path);
	assert_xml(f, nic.mac, true);
	assert_xml(f, "<inbound average=\"1024\"/>", true);
	assert_xml(f, "a &amp; b.iso", true);
	assert_xml(f, "passwd", false);
	assert_xml(f, "<memory unit=\"KiB\">393216</memory>", true);
	assert_ok(hv_nic_set_bandwidth(f->hv, HOST_A, VM_1, nic.mac, 0, 0, e));
	assert_xml(f, "<bandwidth", false);
	assert_fails(ENOENT, hv_nic_set_bandwidth(f->hv, HOST_A, VM_1, "fa:00:00:00:00:99", 0, 0, e));
	assert_fails(EOPNOTSUPP, hv_domain_set_cpus(f->hv, HOST_A, VM_1, 5, &cpus, e));
	assert_int_equal(cpus, 3);
	assert_fails(EOPNOTSUPP, hv_domain_set_memory(f->hv, HOST_A, VM_1, 2048 * MIB, &change, e));
	assert_ok(hv_domain_set_password(f->hv, HOST_A, VM_1, "root", "secret", e));
	assert_ok(hv_domain_console(f->hv, HOST_A, VM_1, &console, e));
	assert_true(console.port >= 5900 && console.port < 65536);
	assert_ok(hv_domain_screenshot(f->hv, HOST_A, VM_1, &png, &len, e));
	assert_true(len > 8 && memcmp(png, "\x89PNG", 4) == 0);
	free(png);

	assert_ok(hv_nic_detach(f->hv, HOST_A, VM_1, 1, 1000, e));
	assert_ok(hv_disk_detach(f->hv, HOST_A, VM_1, VM_2, 1000, e));
	assert_ok(hv_disk_is_gone(f->hv, HOST_A, VM_1, VM_2, &gone, e));
	assert_true(gone);
	assert_ok(hv_cdrom_change(f->hv, HOST_A, VM_1, 0, NULL, e));
	assert_xml(f, nic.mac, false);
	assert_xml(f, data.path, false);
	assert_xml(f, "a &amp; b.iso", false);

	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_xml(f, "<domain type=\"test\" id=\"", false);
	assert_fails(EBUSY, hv_nic_attach(f->hv, HOST_A, VM_1, &nic, e));
	assert_fails(EBUSY, hv_domain_set_cpus(f->hv, HOST_A, VM_1, 4, &cpus, e));
	assert_fails(EBUSY, hv_domain_screenshot(f->hv, HOST_A, VM_1, &png, &len, e));
	assert_fails(EBUSY, hv_domain_set_password(f->hv, HOST_A, VM_1, "root", "secret", e));
	assert_fails(ENOENT, hv_nic_detach(f->hv, HOST_A, VM_2, 1, 1000, e));
}

static void what_a_host_says_of_its_domains(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	const char *const files[] = {"/nowhere/root.qcow2", NULL}, *const others[] = {"/other", NULL};
	struct hv_domain_statistics *statistics = NULL;
	struct hv_listed *list = NULL;
	struct hv_sighting sighting;
	size_t count = 0;

	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_ok(hv_host_statistics(f->hv, HOST_A, &statistics, &count, e));
	assert_int_equal(count, 1);
	assert_string_equal(statistics->uuid, VM_1);
	assert_true(statistics->values[HV_CPU_NS] > 0);
	assert_int_equal(statistics->values[HV_MEMORY_BYTES], 256 * MIB);
	free(statistics);
	assert_ok(hv_host_domains(f->hv, HOST_A, &list, &count, e));
	assert_int_equal(count, 1);
	assert_string_equal(list->name, VM_1);
	assert_true(list->own);
	assert_int_equal(list->cpus, 1);
	assert_int_equal(list->memory, 256 * MIB);
	hv_listed_free(list, count);
	assert_ok(hv_domain_sight(f->hv, HOST_A, VM_1, files, &sighting, e));
	assert_true(sighting.found && sighting.ours && sighting.own && sighting.uses);
	assert_ok(hv_domain_sight(f->hv, HOST_A, VM_1, others, &sighting, e));
	assert_true(sighting.found && !sighting.uses);
	assert_ok(hv_domain_sight(f->hv, HOST_A, VM_2, files, &sighting, e));
	assert_false(sighting.found);
	assert_ok(hv_domain_destroy(f->hv, HOST_A, VM_1, e));
	assert_ok(hv_host_statistics(f->hv, HOST_A, &statistics, &count, e));
	assert_int_equal(count, 0);
	free(statistics);
}

static void hosts_are_apart_and_a_domain_moves(void **state)
{
	struct fixture *f = *state;
	const struct hv_migration how = {0};
	struct hv_domain_def spec = spec_of(VM_1);
	char path[128], uri[160];
	size_t from = now();

	describe_machine(HOST_B, path, uri);
	assert_ok(hv_host_add(f->hv, HOST_B, uri, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTED);
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_ABSENT);
	assert_ok(hv_domain_start(f->hv, HOST_B, &spec, false, e));
	assert_fails(EEXIST, hv_domain_migrate(f->hv, HOST_A, HOST_B, VM_1, &how, NULL, NULL, e));
	assert_ok(hv_domain_destroy(f->hv, HOST_B, VM_1, e));
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_RUNNING);

	assert_ok(hv_domain_suspend(f->hv, HOST_A, VM_1, e));
	assert_ok(hv_domain_migrate(f->hv, HOST_A, HOST_B, VM_1, &how, NULL, NULL, e));
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_PAUSED);
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_ABSENT);
	assert_fails(ENOENT, hv_domain_migrate(f->hv, HOST_A, HOST_B, VM_1, &how, NULL, NULL, e));
	hv_host_remove(f->hv, HOST_B);

	/* what it had is gone with it, as libvirt's test driver does it */
	assert_ok(hv_host_add(f->hv, HOST_B, uri, e));
	wait_for(&from, "host", HOST_B, "", HV_HOST_CONNECTED);
	assert_int_equal(state_of(f, HOST_B, VM_1), HV_DOMAIN_ABSENT);
	hv_host_remove(f->hv, HOST_B);
	(void)unlink(path);
}

static void a_machine_that_is_off_has_lost_all(void **state)
{
	struct fixture *f = *state;
	struct hv_domain_def spec = spec_of(VM_1);
	char path[128], uri[160];

	describe_machine(HOST_A, path, uri);
	assert_ok(hv_domain_start(f->hv, HOST_A, &spec, false, e));
	assert_int_equal(unlink(path), 0);
	assert_ok(hv_host_reconnect(f->hv, HOST_A, e));
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_DISCONNECTED);
	assert_non_null(strstr(recorder.sentence, path));
	describe_machine(HOST_A, path, uri); /* it is tried again and again */
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_CONNECTED);
	assert_int_equal(state_of(f, HOST_A, VM_1), HV_DOMAIN_ABSENT);
}

static void networks_have_names_alone(void **state)
{
	struct fixture *f = *state;
	const struct hv_network_def spec = {.uuid = L3, .gateway = "10.9.0.1", .netmask = "255.255.255.0"};
	char name[32];

	assert_ok(hv_network_open(f->hv, HOST_A, &spec, name, e));
	assert_string_equal(name, "poolfs-dddddddd");
	assert_ok(hv_network_close(f->hv, HOST_A, L3, e));
	assert_ok(hv_network_close(f->hv, HOST_A, L3, e));
}

static int remove_folder(void **state)
{
	char folder[64];

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/poolfs-hv_sim.%d", (int)getpid());
	(void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_files_named_by_their_host_are_machines),
		cmocka_unit_test(a_domain_goes_from_state_to_state),
		cmocka_unit_test(domains_outlive_connections_but_not_the_machine),
		cmocka_unit_test(a_pool_is_there_once),
		cmocka_unit_test(many_domains),
		ON_SIMULATOR(changes_are_reported_in_order),
		ON_SIMULATOR(what_comes_during_a_callback_follows),
		ON_SIMULATOR(an_active_domain_is_changed),
		ON_SIMULATOR(what_a_host_says_of_its_domains),
		ON_SIMULATOR(hosts_are_apart_and_a_domain_moves),
		ON_SIMULATOR(a_machine_that_is_off_has_lost_all),
		ON_SIMULATOR(networks_have_names_alone),
	};

	return cmocka_run_group_tests(tests, NULL, remove_folder);
}
