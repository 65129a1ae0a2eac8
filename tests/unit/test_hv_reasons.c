/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whichever call of libvirt fails, its reason is in the error of the operation. Each
 * operation runs against a libvirt of its own (fake_libvirt.c, fake_libvirt_answers.c),
 * which fails the n-th call with a sentence that is looked for in the error; n goes up
 * until all calls succeed.
 *
 * The functions are enumerated from the object files: one that hypervisor/ calls for
 * the first time must be in fake_libvirt_rows.h, and must have been seen to fail with its
 * reason, unless the table says why not.
 */
#include "tests/unit/test.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/domain/console.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/domain_size.h"
#include "hypervisor/domain/firmware.h"
#include "hypervisor/domain/migrate.h"
#include "hypervisor/domain/nic.h"
#include "hypervisor/domain/screenshot.h"
#include "hypervisor/domain/sighting.h"
#include "hypervisor/host_load.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/network.h"
#include "hypervisor/storage/pool.h"
#include "hypervisor/storage/volume.h"
#include "tests/unit/fake_libvirt_answers.h"

#define HOST   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TARGET "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define VM     FAKE_VM
#define VOLUME FAKE_VOLUME
#define NET    "33333333333333333333333333333333"
#define POOL   "44444444444444444444444444444444"

static struct error error;
static struct error *e = &error;

static const char *const names[] = {
#define CALL(name) #name,
#include "libvirt_calls.h"
#undef CALL
};

static bool shown[ARRAY_SIZE(names)]; /* to fail with its reason */

/* -------------------------------------------------------------- the operations */

static struct hypervisor *hv;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum hv_host_status status;
	char why[256];
} told = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, HV_HOST_CONNECTING, ""};

static int on_host(void *ctx, const char *host, enum hv_host_status status, const struct hv_host_info *info,
		   const char *why)
{
	(void)ctx, (void)host, (void)info;
	scoped_lock(&told.lock);
	told.status = status;
	snprintf(told.why, sizeof(told.why), "%s", why ? why : "");
	pthread_cond_broadcast(&told.changed);
	return 0;
}

/* Adds a host, and waits for what becomes of it. */
static int connect_host(const char *uuid)
{
	int rc;

	pthread_mutex_lock(&told.lock);
	told.status = HV_HOST_CONNECTING;
	pthread_mutex_unlock(&told.lock);
	rc = hv_host_add(hv, uuid, "qemu:///system", e);
	pthread_mutex_lock(&told.lock);
	while (rc == 0 && told.status == HV_HOST_CONNECTING)
		pthread_cond_wait(&told.changed, &told.lock);
	if (rc == 0 && told.status == HV_HOST_DISCONNECTED)
		rc = error_set(e, EIO, "%s", told.why);
	pthread_mutex_unlock(&told.lock);
	return rc;
}

static int do_connect(void)
{
	static const char other[] = "cccccccccccccccccccccccccccccccc";
	int rc = connect_host(other);

	hv_host_remove(hv, other);
	return rc;
}

static const struct hv_nic nic = {.mac = "fa:00:00:00:00:03",
				  .network = "poolfs-3",
				  .model = "virtio",
				  .device_id = 2,
				  .only_ip = "10.1.1.2"};
static const struct hv_disk disk = {.path = "/pool/b.qcow2",
				    .format = "qcow2",
				    .serial = "55555555555555555555555555555555",
				    .device_id = 2};

static int do_start(void)
{
	static const char *const peers[] = {TARGET};
	const struct hv_domain_def def = {.uuid = VM,
					  .title = "x",
					  .virt_type = "qemu",
					  .cpu_num = 1,
					  .cpu_max = 1,
					  .memory = 1 << 20,
					  .memory_max = 1 << 20,
					  .cpu_mode = "host-model",
					  .cpu_peers = peers,
					  .cpu_peer_count = 1,
					  .platform = "Linux",
					  .video = "vga",
					  .nics = &nic,
					  .nic_count = 1};
	int rc;

	fake.off = true;
	rc = hv_domain_start(hv, HOST, &def, false, e);
	fake.off = false;
	return rc;
}

static int do_undefine(void)
{
	int rc;

	fake.off = true;
	rc = hv_domain_undefine(hv, HOST, VM, e);
	fake.off = false;
	return rc;
}

static int do_retire(void)
{
	int rc;

	fake.off = true;
	rc = hv_domain_retire(hv, HOST, VM, e);
	fake.off = false;
	return rc;
}

static int do_firmware_copy(void)
{
	return hv_firmware_copy(hv, HOST, VM, TARGET, "77777777777777777777777777777777", e);
}

static int do_firmware_remove(void)
{
	return hv_firmware_remove(hv, HOST, VM, e);
}

static int do_state(void)
{
	enum hv_domain_state state;
	enum hv_domain_reason reason;

	return hv_domain_state(hv, HOST, VM, &state, &reason, e);
}

static int do_sight(void)
{
	struct hv_sighting s;

	return hv_domain_sight(hv, HOST, VM, (const char *const[]){"/pool/b.qcow2", NULL}, &s, e);
}

static int do_stop_autostart(void)
{
	return hv_domain_stop_autostart(hv, HOST, VM, e);
}

static int do_states(void)
{
	_cleanup_free_ struct hv_domain_status *list = NULL;
	size_t count;

	return hv_host_states(hv, HOST, &list, &count, e);
}

static int do_xml(void)
{
	_cleanup_free_ char *xml = NULL;

	return hv_domain_get_xml(hv, HOST, VM, &xml, e);
}

static int do_shutdown(void)
{
	return hv_domain_shutdown(hv, HOST, VM, 20, e);
}

static int do_destroy(void)
{
	return hv_domain_destroy(hv, HOST, VM, e);
}

static int do_suspend(void)
{
	return hv_domain_suspend(hv, HOST, VM, e);
}

static int do_resume(void)
{
	int rc;

	fake.paused = true;
	rc = hv_domain_resume(hv, HOST, VM, e);
	fake.paused = false;
	return rc;
}

static int do_wake(void)
{
	int rc;

	fake.asleep = true;
	rc = hv_domain_resume(hv, HOST, VM, e);
	fake.asleep = false;
	return rc;
}

static int do_ping(void)
{
	return hv_domain_agent_ping(hv, HOST, VM, 1000, e);
}

static int do_guest_password(void)
{
	return hv_domain_set_password(hv, HOST, VM, "root", "secret", e);
}

static int do_console(void)
{
	struct hv_console console;

	return hv_domain_console(hv, HOST, VM, &console, e);
}

static int do_screenshot(void)
{
	_cleanup_free_ char *png = NULL;
	size_t len;

	return hv_domain_screenshot(hv, HOST, VM, &png, &len, e);
}

static int do_load(void)
{
	struct hv_host_load load;

	return hv_host_load(hv, HOST, &load, e);
}

static int do_console_password(void)
{
	return hv_console_set_password(hv, HOST, VM, "secret", e);
}

static int do_cpus(void)
{
	int now;

	return hv_domain_set_cpus(hv, HOST, VM, 2, &now, e);
}

static int do_memory(void)
{
	int64_t change;

	return hv_domain_set_memory(hv, HOST, VM, INT64_C(256) << 20, &change, e);
}

static int do_migrate(bool managed)
{
	const char *copied[] = {VOLUME};
	const struct hv_migration how = {.managed = managed, .copied = copied, .copied_count = 1};

	return hv_domain_migrate(hv, HOST, TARGET, VM, &how, NULL, NULL, e);
}

static int do_migrate_peer(void)
{
	return do_migrate(false);
}

static int do_migrate_managed(void)
{
	return do_migrate(true);
}

static int do_nic_attach(void)
{
	return hv_nic_attach(hv, HOST, VM, &nic, e);
}

static int do_first_filter(void)
{
	int rc;

	fake.bare = true;
	rc = do_nic_attach();
	fake.bare = false;
	return rc;
}

static int do_nic_detach(void)
{
	return hv_nic_detach(hv, HOST, VM, 0, 1, e);
}

static int do_nic_limit(void)
{
	return hv_nic_set_bandwidth(hv, HOST, VM, "fa:00:00:00:00:01", 1 << 20, 0, e);
}

static int do_disk_attach(void)
{
	return hv_disk_attach(hv, HOST, VM, &disk, e);
}

static int do_disk_detach(void)
{
	return hv_disk_detach(hv, HOST, VM, VOLUME, 1, e);
}

/* Gone from the guest already. */
static int do_disk_forget(void)
{
	return hv_disk_detach(hv, HOST, VM, "66666666666666666666666666666666", 1, e);
}

static int do_disk_numbers(void)
{
	bool used[8] = {false};
	int rc = hv_disk_numbers(hv, HOST, VM, used, ARRAY_SIZE(used), e);

	return rc < 0 || used[0] ? rc : -1;
}

/* Gone from the guest already, and no volume says that it has that disk. */
static int do_disk_forget_number(void)
{
	return hv_disk_forget(hv, HOST, VM, 7, e);
}

static int do_disk_limit(void)
{
	return hv_disk_set_bandwidth(hv, HOST, VM, VOLUME, 1 << 20, e);
}

static int do_disk_resize(void)
{
	return hv_disk_resize(hv, HOST, VM, VOLUME, 2 << 20, e);
}

static int do_disk_switch(void)
{
	return hv_disk_switch(hv, HOST, VM, VOLUME, "/pool/c.qcow2", e);
}

static int open_network(void)
{
	const struct hv_lease lease = {.mac = "fa:00:00:00:00:01", .ip = "10.1.1.9", .secondary = true};
	const struct hv_network_def def = {.uuid = NET,
					   .bridge = "br",
					   .gateway = "10.1.1.1",
					   .netmask = "255.255.255.0",
					   .range_start = "10.1.1.2",
					   .range_end = "10.1.1.9",
					   .leases = &lease,
					   .lease_count = 1};
	char name[32];

	return hv_network_open(hv, HOST, &def, name, e);
}

static int do_network_start(void)
{
	int rc;

	fake.off = true;
	rc = open_network();
	fake.off = false;
	return rc;
}

static int do_network_close(void)
{
	return hv_network_close(hv, HOST, NET, e);
}

static int open_pool(const char *target)
{
	const struct hv_storage_pool_def def = {.uuid = POOL, .type = "dir", .target = target};
	int rc;

	fake.off = true;
	rc = hv_storage_pool_open(hv, HOST, &def, e);
	fake.off = false;
	return rc;
}

static int do_pool_open(void)
{
	return open_pool("/pool");
}

static int do_pool_replace(void)
{
	return open_pool("/other");
}

static int do_pool_close(void)
{
	return hv_storage_pool_close(hv, HOST, POOL, e);
}

static int do_pool_state(void)
{
	enum hv_pool_state state;
	int rc;

	fake.off = true;
	rc = hv_storage_pool_state(hv, HOST, POOL, &state, e);
	fake.off = false;
	return rc;
}

static int do_pool_capacity(void)
{
	struct hv_capacity capacity;

	return hv_storage_pool_capacity(hv, HOST, POOL, &capacity, e);
}

static const struct {
	const char *name;
	int (*run)(void);
} operations[] = {
#define RUN(name)                                                                                            \
	{                                                                                                    \
#name, name                                                                                  \
	}
	RUN(do_connect),
	RUN(do_pool_replace),
	RUN(do_wake),
	RUN(do_first_filter),
	RUN(do_start),
	RUN(do_undefine),
	RUN(do_state),
	RUN(do_sight),
	RUN(do_stop_autostart),
	RUN(do_states),
	RUN(do_xml),
	RUN(do_shutdown),
	RUN(do_destroy),
	RUN(do_suspend),
	RUN(do_resume),
	RUN(do_ping),
	RUN(do_guest_password),
	RUN(do_console),
	RUN(do_console_password),
	RUN(do_screenshot),
	RUN(do_cpus),
	RUN(do_memory),
	RUN(do_migrate_peer),
	RUN(do_migrate_managed),
	RUN(do_nic_attach),
	RUN(do_nic_detach),
	RUN(do_nic_limit),
	RUN(do_disk_attach),
	RUN(do_disk_detach),
	RUN(do_disk_numbers),
	RUN(do_disk_forget_number),
	RUN(do_disk_forget),
	RUN(do_disk_limit),
	RUN(do_disk_resize),
	RUN(do_disk_switch),
	RUN(open_network),
	RUN(do_network_start),
	RUN(do_network_close),
	RUN(do_pool_open),
	RUN(do_pool_close),
	RUN(do_pool_state),
	RUN(do_pool_capacity),
	RUN(do_load),
	RUN(do_retire),
	RUN(do_firmware_copy),
	RUN(do_firmware_remove),
};

/* -------------------------------------------------------------------- the test */

static int run_failing(int (*run)(void), int fail_at)
{
	int rc;

	error_done(e);
	pthread_mutex_lock(&fake.lock);
	fake.armed = true;
	fake.count = 0;
	fake.fail_at = fail_at;
	fake.failed = NULL;
	pthread_mutex_unlock(&fake.lock);
	rc = run();
	pthread_mutex_lock(&fake.lock);
	fake.armed = false;
	pthread_mutex_unlock(&fake.lock);
	return rc;
}

static void note_shown(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			shown[i] = true;
}

/* One operation, with each of its calls failing in turn. Returns how many lost their reason. */
static int lost_reasons(const char *name, int (*run)(void))
{
	_cleanup_free_ char *usual = NULL;
	int lost = 0;

	usual = run_failing(run, 0) < 0 ? strdup(error_sentence(e)) : NULL;
	for (int n = 1;; n++) {
		int rc = run_failing(run, n);
		char wanted[128];

		if (!fake.failed)
			return lost;
		snprintf(wanted, sizeof(wanted), FAKE_REASON "%s", fake.failed);
		if (rc == 0 || (usual && strcmp(usual, error_sentence(e)) == 0))
			continue; /* goes on without it, or ends as it does anyway */
		if (strstr(error_sentence(e), wanted)) {
			note_shown(fake.failed);
			continue;
		}
		print_error("%s: %s failed, and the error is: %s\n", name, fake.failed, error_sentence(e));
		lost++;
	}
}

static void every_failure_tells_its_reason(void **state)
{
	const struct hv_events events = {.host = on_host};
	int lost = 0;
	(void)state;

	assert_int_equal(hv_new(&events, NULL, &hv, e), 0);
	assert_int_equal(connect_host(HOST), 0);
	assert_int_equal(connect_host(TARGET), 0);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		lost += lost_reasons(operations[i].name, operations[i].run);
	hv_free(hv);
	assert_int_equal(lost, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *exempt = fake_exemption(names[i]);

		if (!shown[i] && !exempt) {
			print_error("%s: never seen to fail with its reason\n", names[i]);
			lost++;
		}
		if (shown[i] && exempt)
			print_message("%s need not be exempt\n", names[i]);
	}
	assert_int_equal(lost, 0);
}

/* By default a VM has the processor that it can take to each host of its cluster. */
static void the_processor_is_what_all_hosts_have(void **state)
{
	const struct hv_events events = {.host = on_host};

	(void)state;
	for (int alike = 0; alike <= 1; alike++) {
		const char *second;

		assert_int_equal(hv_new(&events, NULL, &hv, e), 0);
		fake.alike = alike;
		assert_int_equal(connect_host(HOST), 0);
		assert_int_equal(connect_host(TARGET), 0);
		fake.compared[0] = '\0';
		assert_int_equal(do_start(), 0);
		if (alike) {
			assert_string_equal(fake.compared, "");
			assert_non_null(strstr(fake.defined, "<cpu mode=\"host-model\""));
		} else {
			assert_memory_equal(fake.compared, "<cpu>", 5);
			second = strstr(fake.compared + 1, "<cpu>");
			assert_non_null(second);
			assert_null(strstr(second + 1, "<cpu>"));
			assert_memory_not_equal(fake.compared, second, strlen(second));
			assert_non_null(strstr(fake.defined, ">common</model>"));
		}
		hv_free(hv);
	}
	fake.alike = false;
}

/* A daemon that was killed while it copied a volume leaves the domain that has it open, for a moment. */
static void a_host_is_connected_when_no_copy_is_left(void **state)
{
	const struct hv_events events = {.host = on_host};

	(void)state;
	assert_int_equal(hv_new(&events, NULL, &hv, e), 0);
	fake.tools = 3;
	assert_int_equal(connect_host(HOST), 0);
	assert_int_equal(fake.tools, 0);
	hv_free(hv);
}

/* Nobody waits for that of a host that is removed. */
static void a_copy_on_a_removed_host_is_not_waited_for(void **state)
{
	const struct hv_events events = {.host = on_host};
	const struct timespec step = {.tv_nsec = 1000000}, steps = {.tv_nsec = 200000000};
	int left;

	(void)state;
	assert_int_equal(hv_new(&events, NULL, &hv, e), 0);
	fake.tools = INT_MAX;
	assert_int_equal(hv_host_add(hv, HOST, "qemu:///system", e), 0);
	while (fake.tools == INT_MAX)
		(void)nanosleep(&step, NULL);
	hv_free(hv);
	left = fake.tools;
	(void)nanosleep(&steps, NULL);
	assert_int_equal(fake.tools, left);
	fake.tools = 0;
}

/* A request for a volume there starts it between its stop and its undefinition. */
static void a_pool_that_is_started_meanwhile_is_closed(void **state)
{
	const struct hv_events events = {.host = on_host};
	int n = 0, rc;

	(void)state;
	assert_int_equal(hv_new(&events, NULL, &hv, e), 0);
	assert_int_equal(connect_host(HOST), 0);
	fake.code = VIR_ERR_OPERATION_INVALID;
	do {
		rc = run_failing(do_pool_close, ++n);
		assert_non_null(fake.failed);
	} while (strcmp(fake.failed, "virStoragePoolUndefine") != 0);
	fake.code = 0;
	assert_int_equal(rc, 0);
	/* is it active, its stop, its undefinition */
	assert_int_equal(fake.count, n + 3);
	hv_free(hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failure_tells_its_reason),
		cmocka_unit_test(the_processor_is_what_all_hosts_have),
		cmocka_unit_test(a_host_is_connected_when_no_copy_is_left),
		cmocka_unit_test(a_copy_on_a_removed_host_is_not_waited_for),
		cmocka_unit_test(a_pool_that_is_started_meanwhile_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
