/* SPDX-License-Identifier: Apache-2.0 */
/* Domains of others on a host of libvirt's test driver: which of their devices the pool means once they are adopted. */
#include "tests/unit/test.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/adopted.h"
#include "hypervisor/call.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/nic.h"
#include "hypervisor/domain/sighting.h"
#include "hypervisor/domain/survey.h"
#include "hypervisor/hypervisor.h"

#define HOST   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WEB    "11111111111111111111111111111111"
#define DB     "22222222222222222222222222222222"
#define PROBE  "33333333333333333333333333333333"
#define MERGE  "44444444444444444444444444444444"
#define ROUTER "55555555555555555555555555555555"
/* volumes: the two disks of each domain, and another one */
#define WEB_ROOT "a1111111111111111111111111111111"
#define WEB_DATA "a2222222222222222222222222222222"
#define DB_ROOT	 "b1111111111111111111111111111111"
#define DB_DATA	 "b2222222222222222222222222222222"
#define NEW	 "c2222222222222222222222222222222"
#define OTHER	 "c1111111111111111111111111111111"

#define DISK(file, target)                                                                                   \
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='" file "'/>"          \
	"<target dev='" target "' bus='virtio'/></disk>"
#define NIC(mac)                                                                                             \
	"<interface type='bridge'><mac address='" mac                                                        \
	"'/><source bridge='br'/><model type='virtio'/></interface>"
#define DOMAIN(name, uuid, devices)                                                                          \
	"<domain type='test'><name>" name "</name><uuid>" uuid "</uuid><memory>65536</memory>"               \
	"<os><type>hvm</type></os><devices>" devices "</devices></domain>"

static const char node[] =
	"<node><cpu><mhz>2000</mhz><model>m</model><active>8</active><nodes>1</nodes><sockets>1</sockets>"
	"<cores>8</cores><threads>1</threads></cpu><memory>16777216</memory>" DOMAIN(
		"web", WEB, DISK("/web-root", "vda") DISK("/web-data", "vdb") NIC("52:54:00:00:00:01"))
		DOMAIN("db", DB, DISK("/db-root", "vda") DISK("/db-data", "vdb"))
			DOMAIN("poolfs-probe-aaaaaaaa", PROBE, "") DOMAIN("poolfs-merge-x.qcow2", MERGE, "")
				DOMAIN("poolfs-router", ROUTER, "") "</node>";

/* Set: the next uuid cannot be read. */
static atomic_bool unreadable;
/* With this uuid, web and db are adopted. */
static atomic_int adopt_after;

static void adopt(const char *domain, const char *root, const char *data, const char *mac);

int __real_virDomainGetUUID(virDomainPtr domain, unsigned char *uuid);
int __wrap_virDomainGetUUID(virDomainPtr domain, unsigned char *uuid);
int __wrap_virDomainGetUUID(virDomainPtr domain, unsigned char *uuid)
{
	int r = atomic_exchange(&unreadable, false) ? -1 : __real_virDomainGetUUID(domain, uuid);

	if (atomic_load(&adopt_after) > 0 && atomic_fetch_sub(&adopt_after, 1) == 1) {
		adopt(WEB, WEB_ROOT, WEB_DATA, "");
		adopt(DB, DB_ROOT, DB_DATA, "");
	}
	return r;
}

struct fixture {
	struct hypervisor *hv;
	char file[64];
};

static sem_t connected, reported;
static atomic_int others,
	absent; /* reports: of domains that are not of the pool, and of domains that are gone */

static int on_host(void *ctx, const char *host, enum hv_host_status status, const struct hv_host_info *info,
		   const char *sentence)
{
	(void)ctx, (void)host, (void)info, (void)sentence;
	if (status == HV_HOST_CONNECTED)
		(void)sem_post(&connected);
	return 0;
}

static void on_domain(void *ctx, const char *host, const char *domain, enum hv_domain_state state,
		      enum hv_domain_reason reason)
{
	(void)ctx, (void)host, (void)domain, (void)reason;
	(void)atomic_fetch_add(&absent, state == HV_DOMAIN_ABSENT);
	(void)sem_post(&reported);
}

static void on_others(void *ctx, const char *host)
{
	(void)ctx, (void)host;
	(void)atomic_fetch_add(&others, 1);
}

static int set_up(void **state)
{
	static const struct hv_events events = {.host = on_host, .domain = on_domain, .others = on_others};
	struct fixture *f = calloc(1, sizeof(*f));
	char uri[80];
	int fd;

	(void)sem_init(&connected, 0, 0);
	(void)sem_init(&reported, 0, 0);
	atomic_store(&others, 0);
	atomic_store(&absent, 0);
	(void)snprintf(f->file, sizeof(f->file), "/tmp/test_hv_adopted.XXXXXX.xml");
	fd = mkstemps(f->file, 4);
	assert_int_equal(write(fd, node, strlen(node)), strlen(node));
	assert_int_equal(close(fd), 0);
	(void)snprintf(uri, sizeof(uri), "test://%s", f->file);
	assert_int_equal(hv_new(&events, NULL, &f->hv, NULL), 0);
	assert_int_equal(hv_host_add(f->hv, HOST, uri, NULL), 0);
	(void)sem_wait(&connected);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	hv_release_domain(HOST, WEB);
	hv_release_domain(HOST, DB);
	hv_free(f->hv);
	(void)unlink(f->file);
	free(f);
	return 0;
}

static void adopt(const char *domain, const char *root, const char *data, const char *mac)
{
	struct hv_adopted_disk disks[2] = {{.target = "vda"}, {.target = "vdb"}};
	struct hv_adopted_nic nic = {.device_id = 0};

	(void)snprintf(disks[0].volume, sizeof(disks[0].volume), "%s", root);
	(void)snprintf(disks[1].volume, sizeof(disks[1].volume), "%s", data);
	(void)snprintf(nic.mac, sizeof(nic.mac), "%s", mac);
	assert_int_equal(hv_adopt_domain(HOST, domain, disks, 2, &nic, *mac ? 1 : 0, NULL), 0);
}

/* As the pool does when the row of the volume says that it has left. */
static void forget_data_disk(const char *domain, const char *root)
{
	struct hv_adopted_disk disk = {.target = "vda"};

	(void)snprintf(disk.volume, sizeof(disk.volume), "%s", root);
	assert_int_equal(hv_adopt_domain(HOST, domain, &disk, 1, NULL, 0, NULL), 0);
}

/* The file of the volume's disk in the domain is @file; NULL: it has no such disk. */
static void expect(struct fixture *f, const char *domain, const char *volume, const char *file)
{
	char *path = NULL;

	assert_int_equal(hv_disk_path(f->hv, HOST, domain, volume, &path, NULL), 0);
	if (!path != !file || (path && strcmp(path, file) != 0))
		fail_msg("volume %s of %s is %s, not %s", volume, domain, path ? path : "none",
			 file ? file : "none");
	free(path);
}

static void attach(struct fixture *f, const char *domain, const char *volume, const char *path, int device_id)
{
	struct hv_disk disk = {.path = path,
			       .format = "raw",
			       .serial = volume,
			       .device_id = device_id,
			       .bus = HV_BUS_VIRTIO,
			       .cache = "none"};

	assert_int_equal(hv_disk_attach(f->hv, HOST, domain, &disk, NULL), 0);
}

static void detach(struct fixture *f, const char *domain, const char *volume)
{
	assert_int_equal(hv_disk_detach(f->hv, HOST, domain, volume, 1000, NULL), 0);
}

static void a_disk_is_that_of_its_own_domain(void **state)
{
	struct fixture *f = *state;
	char target[ADOPTED_TARGET_SIZE];

	adopt(WEB, WEB_ROOT, WEB_DATA, "");
	adopt(DB, DB_ROOT, DB_DATA, "");
	expect(f, WEB, WEB_DATA, "/web-data");
	expect(f, DB, DB_DATA, "/db-data");
	expect(f, DB, WEB_DATA, NULL);
	/* it leaves its domain: where it goes, another disk has the target that it had */
	detach(f, WEB, WEB_DATA);
	expect(f, WEB, WEB_DATA, NULL);
	forget_data_disk(WEB, WEB_ROOT);
	assert_false(adopted_find_disk(HOST, WEB, WEB_DATA, target));
	assert_true(adopted_find_disk(HOST, WEB, WEB_ROOT, target));
	detach(f, DB, WEB_DATA);
	expect(f, DB, DB_DATA, "/db-data");
	attach(f, DB, WEB_DATA, "/web-data", 2);
	expect(f, DB, WEB_DATA, "/web-data");
	detach(f, DB, WEB_DATA);
	expect(f, DB, WEB_DATA, NULL);
	expect(f, DB, DB_DATA, "/db-data");
	expect(f, DB, DB_ROOT, "/db-root");
}

static void a_target_counts_where_no_serial_does(void **state)
{
	struct fixture *f = *state;

	adopt(WEB, WEB_ROOT, WEB_DATA, "");
	detach(f, WEB, WEB_DATA);
	forget_data_disk(WEB, WEB_ROOT);
	attach(f, WEB, OTHER, "/other", 1); /* vdb again */
	expect(f, WEB, OTHER, "/other");
	expect(f, WEB, WEB_DATA, NULL);
	/* one that was adopted again after the pool had made it: of disks with serials of former volumes */
	adopt(WEB, WEB_ROOT, NEW, "");
	expect(f, WEB, NEW, "/other");
	/* a serial comes first */
	adopt(WEB, OTHER, NEW, "");
	expect(f, WEB, OTHER, "/other");
}

static void a_nic_is_that_of_its_own_domain(void **state)
{
	const struct hv_nic again = {
		.bridge = "br", .device_id = 1, .mac = "52:54:00:00:00:01", .model = "virtio"};
	struct fixture *f = *state;
	bool gone;

	adopt(WEB, WEB_ROOT, WEB_DATA, "52:54:00:00:00:01");
	assert_int_equal(hv_nic_is_gone(f->hv, HOST, WEB, 0, &gone, NULL), 0);
	assert_false(gone);
	assert_int_equal(hv_nic_detach(f->hv, HOST, WEB, 0, 1000, NULL), 0);
	assert_int_equal(hv_nic_is_gone(f->hv, HOST, WEB, 0, &gone, NULL), 0);
	assert_true(gone);
	adopt(WEB, WEB_ROOT, WEB_DATA, "");
	/* the pool attaches one of that MAC: it is the device 1, and no other */
	assert_int_equal(hv_nic_attach(f->hv, HOST, WEB, &again, NULL), 0);
	assert_int_equal(hv_nic_is_gone(f->hv, HOST, WEB, 0, &gone, NULL), 0);
	assert_true(gone);
	assert_int_equal(hv_nic_is_gone(f->hv, HOST, WEB, 1, &gone, NULL), 0);
	assert_false(gone);
}

/* ------------------------------------------------------------- whose domains they are */

/* By libvirt alone: domains of others are not there for the calls. */
static void pause_and_resume(struct fixture *f, const char *uuid)
{
	_cleanup_call_ struct hv_call call = {0};
	virDomainPtr domain;

	assert_int_equal(hv_call_begin(f->hv, HOST, &call, NULL), 0);
	domain = virDomainLookupByUUIDString(call.conn, uuid);
	assert_non_null(domain);
	assert_int_equal(virDomainSuspend(domain), 0);
	assert_int_equal(virDomainResume(domain), 0);
	assert_int_equal(virDomainFree(domain), 0);
}

/* A domain is the pool's on the host where it was adopted; the calls see no other. */
static void a_domain_of_another_host_is_not_there(void **state)
{
	struct fixture *f = *state;
	enum hv_domain_reason reason;
	enum hv_domain_state now;
	struct hv_sighting s;

	assert_int_equal(hv_adopt_domain(PROBE, WEB, NULL, 0, NULL, 0, NULL), 0);
	assert_int_equal(hv_domain_state(f->hv, HOST, WEB, &now, &reason, NULL), 0);
	assert_int_equal(now, HV_DOMAIN_ABSENT);
	assert_int_equal(hv_domain_suspend(f->hv, HOST, WEB, NULL), -ENOENT);
	assert_int_equal(hv_domain_destroy(f->hv, HOST, WEB, NULL), 0);
	assert_int_equal(hv_domain_undefine(f->hv, HOST, WEB, NULL), 0);
	assert_int_equal(hv_domain_sight(f->hv, HOST, WEB, (const char *const[]){"/none", "/web-data", NULL},
					 &s, NULL),
			 0);
	assert_true(s.found && !s.ours && !s.own && s.uses);
	assert_int_equal(s.state, HV_DOMAIN_RUNNING);
	assert_int_equal(
		hv_domain_sight(f->hv, HOST, WEB, (const char *const[]){"/none", "/db-data", NULL}, &s, NULL),
		0);
	assert_false(s.uses);
	hv_release_domain(PROBE, WEB);
	adopt(WEB, WEB_ROOT, WEB_DATA, "");
	assert_int_equal(hv_domain_destroy(f->hv, HOST, WEB, NULL), 0);
	assert_int_equal(hv_domain_undefine(f->hv, HOST, WEB, NULL), 0);
	assert_int_equal(hv_domain_sight(f->hv, HOST, WEB, NULL, &s, NULL), 0);
	assert_false(s.found);
}

/* What is adopted while a host tells of its domains is among them. */
static void what_is_adopted_meanwhile_is_listed(void **state)
{
	_cleanup_free_ struct hv_domain_status *list = NULL;
	struct fixture *f = *state;
	size_t count;

	atomic_store(&adopt_after, 5); /* the domains here */
	assert_int_equal(hv_host_states(f->hv, HOST, &list, &count, NULL), 0);
	assert_int_equal(atomic_load(&adopt_after), 0);
	assert_int_equal(count, 2);
}

static void tools_of_the_pool_are_nobodys(void **state)
{
	static const char *const tools[] = {PROBE, MERGE, "poolfs-probe-aaaaaaaa", "poolfs-merge-x.qcow2"};
	struct fixture *f = *state;
	struct hv_listed *list;
	size_t count;

	assert_int_equal(hv_host_domains(f->hv, HOST, &list, &count, NULL), 0);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++)
		assert_true(strcmp(list[i].uuid, WEB) == 0 || strcmp(list[i].uuid, DB) == 0 ||
			    strcmp(list[i].uuid, ROUTER) == 0);
	hv_listed_free(list, count);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		struct hv_survey survey;

		assert_int_equal(hv_domain_survey(f->hv, HOST, tools[i], &survey, &e), -ENOENT);
		hv_survey_done(&survey);
	}
}

/* Events come in order, and what they say of others after those that came with them: two rounds show it. */
static void tools_of_the_pool_are_not_told_of(void **state)
{
	struct fixture *f = *state;

	adopt(WEB, WEB_ROOT, WEB_DATA, "");
	pause_and_resume(f, PROBE);
	for (int i = 0; i < 2; i++) {
		pause_and_resume(f, WEB);
		(void)sem_wait(&reported);
		(void)sem_wait(&reported);
	}
	assert_int_equal(atomic_load(&others), 0);
}

/* One whose uuid cannot be read does not hide that the others go when they stop. */
static void an_unreadable_uuid_hides_no_other(void **state)
{
	static const char *const uuids[] = {"60000000000000000000000000000000",
					    "70000000000000000000000000000000",
					    "80000000000000000000000000000000"};
	_cleanup_call_ struct hv_call call = {0};
	struct fixture *f = *state;

	assert_int_equal(hv_call_begin(f->hv, HOST, &call, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++) {
		virDomainPtr domain;
		char xml[512];

		(void)snprintf(xml, sizeof(xml), DOMAIN("%s", "%s", ""), uuids[i], uuids[i]);
		domain = virDomainCreateXML(call.conn, xml, 0);
		assert_non_null(domain);
		(void)virDomainFree(domain);
		(void)sem_wait(&reported); /* it runs */
	}
	atomic_store(&unreadable, true);
	assert_int_equal(hv_host_reconnect(f->hv, HOST, NULL), 0);
	(void)sem_wait(&connected);
	assert_false(atomic_load(&unreadable));
	for (size_t i = 0; i < ARRAY_SIZE(uuids); i++) {
		assert_int_equal(hv_domain_destroy(f->hv, HOST, uuids[i], NULL), 0);
		(void)sem_wait(&reported);
	}
	assert_int_equal(atomic_load(&absent), ARRAY_SIZE(uuids) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_disk_is_that_of_its_own_domain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_target_counts_where_no_serial_does, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tools_of_the_pool_are_nobodys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tools_of_the_pool_are_not_told_of, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_unreadable_uuid_hides_no_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_domain_of_another_host_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_adopted_meanwhile_is_listed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_nic_is_that_of_its_own_domain, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("hv_adopted", tests, NULL, NULL);
}
