/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that others have made, on a host of libvirt's test driver: adopted, followed, let go, counted. */
#include "tests/unit/adopt_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "actions/engine/tags.h"
#include "actions/vm/removed_device.h"
#include "hypervisor/adopted.h"
#include "hypervisor/domain/nic.h"
#include "hypervisor/domain/survey.h"

/* ----------------------------------------------------- the lists of a host's domains */

/*
 * While `held` is set, the next list is held back until it is released. Lists are counted; during the next `restless`
 * ones, domains change.
 */
static struct {
	atomic_bool held;
	atomic_int count, restless;
	pthread_t who; /* whose lists are counted in `of_one` */
	atomic_int of_one;
	sem_t made, released;
} lists;

int __real_hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
			   struct error *e);
int __wrap_hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
			   struct error *e);
int __wrap_hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
			   struct error *e)
{
	int r = __real_hv_host_domains(hv, host, ret, ret_count, e);

	(void)atomic_fetch_add(&lists.count, 1);
	(void)atomic_fetch_add(&lists.of_one, pthread_equal(pthread_self(), lists.who) ? 1 : 0);
	if (atomic_fetch_sub(&lists.restless, 1) > 0)
		foreign_domains_changed(pool->pool, host);
	if (atomic_exchange(&lists.held, false)) {
		(void)sem_post(&lists.made);
		(void)sem_wait(&lists.released);
	}
	return r;
}

/* ----------------------------------------------------------------------- tests */

static void a_volume_that_moves_takes_no_target_along(void **state)
{
	char volume[UUID_SIZE], other[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	volume_of(WEB, "Data", volume);
	volume_of(DB, "Data", other);
	must(pool, "DetachDataVolumeFromVm", volume, NULL, NULL);
	expect_disk(host_a, WEB, volume, NULL);
	must(pool, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", DB), NULL);
	expect_disk(host_a, DB, volume, "web-data");
	expect_disk(host_a, DB, other, "db-data");
	must(pool, "DetachDataVolumeFromVm", volume, NULL, NULL);
	expect_disk(host_a, DB, volume, NULL);
	expect_disk(host_a, DB, other, "db-data");
	must(pool, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", DB), NULL);
	/* the machines of the test driver are as at first again: without this disk */
	pool_fixture_reopen(pool);
	wait_until(pool, is_connected, host_a);
	expect_disk(host_a, DB, volume, NULL);
	expect_disk(host_a, DB, other, "db-data");
	must(pool, "DetachDataVolumeFromVm", volume, NULL, NULL);
	expect_disk(host_a, DB, other, "db-data");
}

static void a_domain_of_the_pool_is_known_by_nothing_else(void **state)
{
	char volume[UUID_SIZE], network[UUID_SIZE];

	(void)state;
	first_uuid(pool, KIND_L3_NETWORK, network);
	adopt(host_a, "web");
	must(pool, "AttachL3NetworkToVm", WEB, json_pack("{s:s}", "l3NetworkUuid", network), NULL);
	volume_of(WEB, "Data", volume);
	assert_true(field_is(pool, KIND_VM, WEB, VM_DOMAIN_NAME, "web"));
	must(pool, "RebootVmInstance", WEB, NULL, NULL);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
	assert_true(is_null(KIND_VOLUME, volume, VOLUME_DOMAIN_TARGET));
	adopt(host_a, "db");
	must(pool, "StopVmInstance", DB, NULL, NULL);
	assert_true(field_is(pool, KIND_VM, DB, VM_DOMAIN_NAME, "db"));
	must(pool, "DestroyVmInstance", DB, NULL, NULL);
	assert_true(is_null(KIND_VM, DB, VM_DOMAIN_NAME));
}

#define ISO_TAG "iso::a0000000000000000000000000000000::0"

static int put_iso_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return object_add_system_tag(t, KIND_VM, WEB, ISO_TAG, true, e);
}

static int eject_iso_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return txn_remove(t, object_find_tag(txn_view(t), KIND_SYSTEM_TAG, WEB, ISO_TAG), e);
}

static void a_vm_with_an_iso_is_not_released(void **state)
{
	(void)state;
	adopt(host_a, "web");
	assert_int_equal(store_run(pool_store(pool->pool), put_iso_fn, NULL, NULL), 0);
	must_fail(pool, "ReleaseVmInstance", WEB, NULL, EBUSY, "detach it first");
	assert_true(exists(pool, KIND_VM, WEB));
	assert_int_equal(store_run(pool_store(pool->pool), eject_iso_fn, NULL, NULL), 0);
	must(pool, "ReleaseVmInstance", WEB, NULL, NULL);
	assert_false(exists(pool, KIND_VM, WEB));
}

static void settle_gone(const char *alias)
{
	assert_true(vm_settle_removed_device(pool->pool, host_a, WEB, alias));
}

/* The second disk goes, of the domain as the pool's test driver shows it: of its definition. */
static void unplug_data_disk(void)
{
	static const struct their_domain web = {"web", WEB, "web", RUNS};
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_free_ char *xml = NULL;
	virDomainPtr domain;
	size_t size;
	FILE *out = open_memstream(&xml, &size);
	char *disk, *end;

	write_domain(out, &web);
	assert_int_equal(fclose(out), 0);
	for (disk = strstr(xml, "<disk") + 1; strstr(disk, "<disk"); disk = strstr(disk, "<disk") + 1)
		;
	disk--;
	end = strstr(disk, "</disk>") + strlen("</disk>");
	memmove(disk, end, strlen(end) + 1);
	assert_int_equal(hv_call_begin(pool_hypervisor(pool->pool), host_a, &call, NULL), 0);
	domain = virDomainDefineXML(call.conn, xml);
	assert_non_null(domain);
	assert_int_equal(virDomainFree(domain), 0);
}

/* Its alias is libvirt's, and says nothing: the guest is asked which one it is. */
static void a_device_that_goes_late_is_missed(void **state)
{
	char data[UUID_SIZE], root[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	volume_of(WEB, "Data", data);
	volume_of(WEB, "Root", root);
	settle_gone("virtio-disk1");
	assert_true(field_is(pool, KIND_VOLUME, data, VOLUME_VM_UUID, WEB));
	unplug_data_disk();
	settle_gone("virtio-disk1");
	assert_true(is_null(KIND_VOLUME, data, VOLUME_VM_UUID));
	assert_true(field_is(pool, KIND_VOLUME, root, VOLUME_VM_UUID, WEB));
}

/* Whether WEB has a NIC of this address, by the definition, to which the test driver attaches devices. */
static bool has_mac(const char *mac)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_free_ char *xml = NULL;
	virDomainPtr domain;

	begin_call(host_a, &call);
	domain = virDomainLookupByUUIDString(call.conn, WEB);
	assert_non_null(domain);
	xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
	assert_non_null(xml);
	assert_int_equal(virDomainFree(domain), 0);
	return strstr(xml, mac);
}

static bool nic_is_gone(int device_id)
{
	bool gone;

	assert_int_equal(hv_nic_is_gone(pool_hypervisor(pool->pool), host_a, WEB, device_id, &gone, NULL), 0);
	return gone;
}

static void nic_of(int device_id, char ret_uuid[UUID_SIZE], char ret_mac[ADOPTED_MAC_SIZE])
{
	_cleanup_view_ struct view *view = view_now(pool);

	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, WEB)
		if (object_int(nic, NIC_DEVICE_ID) == device_id) {
			memcpy(ret_uuid, object_uuid(nic), UUID_SIZE);
			memcpy(ret_mac, object_text(nic, NIC_MAC), ADOPTED_MAC_SIZE);
			return;
		}
	fail_msg("no NIC %d", device_id);
}

/* Another NIC gets the number of one that went late, and must be found when it is to go itself. */
static void the_number_of_a_nic_that_went_late_is_free(void **state)
{
	char nic[UUID_SIZE], mac[ADOPTED_MAC_SIZE], first[ADOPTED_MAC_SIZE];

	(void)state;
	adopt(host_a, "web");
	attach_nic(WEB);
	nic_of(0, nic, first);
	assert_false(nic_is_gone(0));
	/* the machines of the test driver are as at first again: without this NIC */
	pool_fixture_reopen(pool);
	wait_until(pool, is_connected, host_a);
	settle_gone("net0");
	attach_nic(WEB);
	nic_of(0, nic, mac);
	assert_string_not_equal(mac, first);
	assert_false(nic_is_gone(0));
	must(pool, "DetachL3NetworkFromVm", nic, NULL, NULL);
	assert_false(has_mac(mac));
}

/* With the uuid as its name, as one that the pool has made and let go, but with disks and NICs of other names. */
static void a_domain_that_is_named_by_its_uuid_keeps_its_devices(void **state)
{
	char data[UUID_SIZE];

	(void)state;
	by_hand(host_a, WEB, virDomainDestroy);
	by_hand(host_a, WEB, take_uuid_as_name);
	by_hand(host_a, WEB, virDomainCreate);
	adopt(host_a, WEB);
	volume_of(WEB, "Data", data);
	expect_disk(host_a, WEB, data, "web-data");
	connect_again(host_a);
	expect_disk(host_a, WEB, data, "web-data");
	must(pool, "DetachDataVolumeFromVm", data, NULL, NULL);
	/* until the pool starts it */
	attach_nic(WEB);
	must(pool, "RebootVmInstance", WEB, NULL, NULL);
	wait_for_row(WEB, NULL);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
}

/* ------------------------------------------------------------------- counting */

#define MANY 100

static int64_t foreign_cpus(void)
{
	_cleanup_view_ struct view *view = view_now(pool);

	return object_int(view_get(view, KIND_HOST, host_a), HOST_FOREIGN_CPU);
}

static bool sees_web_gone(const struct view *view, const void *arg)
{
	(void)arg;
	return object_int(view_get(view, KIND_HOST, host_a), HOST_FOREIGN_CPU) == 2;
}

/* Who counts makes one list, however often domains change meanwhile. */
static void a_restless_host_holds_nobody(void **state)
{
	(void)state;
	wait_until(pool, is_counted, host_a);
	lists.who = pthread_self();
	atomic_store(&lists.of_one, 0);
	atomic_store(&lists.restless, 20);
	foreign_domains_count(pool->pool, host_a);
	assert_int_equal(foreign_cpus(), 4);
	assert_int_equal(atomic_load(&lists.of_one), 1);
}

static void *count_in_thread(void *arg)
{
	foreign_domains_count(arg, host_a);
	return NULL;
}

static void an_older_list_is_not_the_last_word(void **state)
{
	pthread_t thread;
	int before;

	(void)state;
	wait_until(pool, is_counted, host_a);
	foreign_domains_count(pool->pool, host_a);
	assert_int_equal(foreign_cpus(), 4);
	atomic_store(&lists.held, true);
	assert_int_equal(pthread_create(&thread, NULL, count_in_thread, pool->pool), 0);
	(void)sem_wait(&lists.made); /* it has a list with both domains */
	before = atomic_load(&lists.count);
	by_hand(host_a, WEB, virDomainDestroy);
	for (int i = 0; i < MANY; i++)
		foreign_domains_changed(pool->pool, host_a);
	assert_int_equal(atomic_load(&lists.count), before);
	(void)sem_post(&lists.released);
	assert_int_equal(pthread_join(thread, NULL), 0);
	wait_until(pool, sees_web_gone, NULL);
	/* one for all of them, and one if the event came later */
	assert_in_range(atomic_load(&lists.count), before + 1, before + 2);
}

/* Whoever waits sees what was true when it asked. */
static void who_waits_sees_what_was_true_before(void **state)
{
	pthread_t first, second;

	(void)state;
	wait_until(pool, is_counted, host_a);
	atomic_store(&lists.held, true);
	assert_int_equal(pthread_create(&first, NULL, count_in_thread, pool->pool), 0);
	(void)sem_wait(&lists.made);
	by_hand(host_a, WEB, virDomainDestroy);
	assert_int_equal(pthread_create(&second, NULL, count_in_thread, pool->pool), 0);
	(void)sem_post(&lists.released);
	assert_int_equal(pthread_join(second, NULL), 0);
	assert_int_equal(foreign_cpus(), 2);
	assert_int_equal(pthread_join(first, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_volume_that_moves_takes_no_target_along, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_domain_of_the_pool_is_known_by_nothing_else, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_vm_with_an_iso_is_not_released, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_restless_host_holds_nobody, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_device_that_goes_late_is_missed, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(the_number_of_a_nic_that_went_late_is_free, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_domain_that_is_named_by_its_uuid_keeps_its_devices,
						set_up_local, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(an_older_list_is_not_the_last_word, set_up_local,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(who_waits_sees_what_was_true_before, set_up_local,
						pool_fixture_teardown),
	};

	(void)sem_init(&lists.made, 0, 0);
	(void)sem_init(&lists.released, 0, 0);

	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
