/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of placement by example: affinity groups, tags, machines, volumes, load. */
#include "tests/unit/placement_fixture.h"

#include "actions/engine/tags.h"
#include "actions/storage/storage_choice.h"
#include "actions/vm/placement.h"
#include "actions/vm/placement_filters.h"

/* A plain pool: every host reaches every network and storage. */
static void plain_pool(struct fixture *f, unsigned hosts)
{
	struct object *zone = make(KIND_ZONE, test_uuid(ZONE_1)),
		      *cluster = make(KIND_CLUSTER, test_uuid(CLUSTER_1));

	link_number = 0;
	object_set_str(zone, ZONE_STATE, "Enabled");
	stage(zone);
	object_set_str(cluster, CLUSTER_ZONE_UUID, test_uuid(ZONE_1));
	object_set_str(cluster, CLUSTER_STATE, "Enabled");
	stage(cluster);
	stage_hosts(hosts, 1, 1, true);
	stage_networks_and_storage(1, 1, 0);
	commit(f);
}

static int place(struct fixture *f, unsigned vm, const char *strategy, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	char uuid[UUID_SIZE];
	struct placement want = {.vm = uuid, .strategy = strategy, .cpu_num = 1, .memory = GIB};
	const struct object *host;
	int r;

	snprintf(uuid, sizeof(uuid), "%s", test_uuid(VM_1 + vm));
	r = placement_choose(view, &want, &host, NULL, e);
	if (r == 0)
		put_vm(f, vm, object_uuid(host), strategy);
	return r;
}

static size_t most_on_one_host(struct fixture *f)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	size_t most = 0;

	view_for_each (host, view, KIND_HOST) {
		size_t n = view_count_where(view, KIND_VM, VM_HOST_UUID, object_uuid(host));

		most = n > most ? n : most;
	}
	return most;
}

static void a_hard_group_takes_as_many_hosts_as_members(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	plain_pool(f, 4);
	for (unsigned i = 0; i < 5; i++)
		put_vm(f, i, NULL, NULL);
	put_group(f, "ANTIHARD", "Enabled", 5);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(place(f, i, "DefaultHostAllocatorStrategy", NULL), 0);
	assert_int_equal(most_on_one_host(f), 1);
	assert_int_equal(place(f, 4, "DefaultHostAllocatorStrategy", &e), -ENOSPC);
	assert_string_equal(e.code, "HOST_ALLOCATION.1000");
	assert_non_null(strstr(error_sentence(&e), "affinityGroup [uuid:"));
	/* a stopped member frees its host for the others; a member that starts again does not exclude
	 * its own host */
	put_vm(f, 2, NULL, NULL);
	assert_int_equal(place(f, 4, "DefaultHostAllocatorStrategy", NULL), 0);
	assert_int_equal(place(f, 0, "DefaultHostAllocatorStrategy", NULL), 0);
	assert_int_equal(most_on_one_host(f), 1);
}

static void a_soft_group_spreads_as_far_as_possible(void **state)
{
	struct fixture *f = *state;

	plain_pool(f, 3);
	for (unsigned i = 0; i < 5; i++)
		put_vm(f, i, NULL, NULL);
	put_group(f, "ANTISOFT", "Enabled", 5);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(place(f, i, "DefaultHostAllocatorStrategy", NULL), 0);
	assert_int_equal(most_on_one_host(f), 1);
	for (unsigned i = 3; i < 5; i++)
		assert_int_equal(place(f, i, "DefaultHostAllocatorStrategy", NULL), 0);
}

static void a_disabled_group_is_not_considered(void **state)
{
	struct fixture *f = *state;

	plain_pool(f, 1);
	put_vm(f, 0, NULL, NULL);
	put_vm(f, 1, NULL, NULL);
	put_group(f, "ANTIHARD", "Disabled", 2);
	assert_int_equal(place(f, 0, NULL, NULL), 0);
	assert_int_equal(place(f, 1, NULL, NULL), 0);
}

static void set_status(struct fixture *f, unsigned host, const char *status, const char *parts)
{
	_cleanup_object_ const struct object *before = get(f, KIND_HOST, test_uuid(HOST_1 + host));
	struct object *o = object_copy(before);

	object_set_str(o, HOST_STATUS, status);
	object_set_str(o, HOST_MACHINE_PARTS, parts);
	put(f, o);
}

/* The host of a VM that was placed. */
static unsigned where(struct fixture *f, unsigned vm)
{
	_cleanup_object_ const struct object *o = get(f, KIND_VM, test_uuid(VM_1 + vm));

	for (unsigned i = 0; i < 16; i++)
		if (object_str_is(o, VM_HOST_UUID, test_uuid(HOST_1 + i)))
			return i;
	fail_msg("VM %u is nowhere", vm);
	return 0;
}

static void members_of_a_pro_group_are_together(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	plain_pool(f, 4);
	for (unsigned i = 0; i < 4; i++)
		put_vm(f, i, NULL, NULL);
	put_group(f, "PROHARD", "Enabled", 4);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(place(f, i, NULL, NULL), 0); /* by itself, the strategy would spread them */
	assert_int_equal(where(f, 1), where(f, 0));
	assert_int_equal(where(f, 2), where(f, 0));
	/* with the host dead, the first one is free to go, and the others follow */
	set_status(f, where(f, 0), "Disconnected", NULL);
	assert_int_equal(place(f, 0, NULL, NULL), 0);
	assert_int_not_equal(where(f, 0), where(f, 1));
	assert_int_equal(place(f, 1, NULL, NULL), 0);
	assert_int_equal(where(f, 1), where(f, 0));
	/* a host that has no room for one more is no reason to separate them */
	_cleanup_object_ const struct object *host = get(f, KIND_HOST, test_uuid(HOST_1 + where(f, 0)));
	struct object *full = object_copy(host);

	object_set_int(full, HOST_AVAILABLE_CPU, 0);
	put(f, full);
	assert_int_equal(place(f, 3, NULL, &e), -ENOSPC);
	assert_non_null(strstr(error_sentence(&e), "affinityGroup [uuid:"));
}

static void members_of_a_soft_pro_group_are_together_where_they_can(void **state)
{
	struct fixture *f = *state;

	plain_pool(f, 3);
	for (unsigned i = 0; i < 3; i++)
		put_vm(f, i, NULL, NULL);
	put_group(f, "PROSOFT", "Enabled", 3);
	assert_int_equal(place(f, 0, NULL, NULL), 0);
	assert_int_equal(place(f, 1, NULL, NULL), 0);
	assert_int_equal(where(f, 1), where(f, 0));
	set_status(f, where(f, 0), "Disconnected", NULL);
	assert_int_equal(place(f, 2, NULL, NULL), 0);
}

struct vm_tag {
	const char *vm, *text;
};

static int tag_fn(struct txn *t, void *arg, struct error *e)
{
	const struct vm_tag *tag = arg;

	return object_add_system_tag(t, KIND_VM, tag->vm, tag->text, false, e);
}

static void put_tag(struct fixture *f, unsigned vm, const char *prefix, const char *value)
{
	char uuid[UUID_SIZE], text[128];
	struct vm_tag tag = {uuid, text};

	snprintf(uuid, sizeof(uuid), "%s", test_uuid(VM_1 + vm));
	snprintf(text, sizeof(text), "%s::%s", prefix, value);
	assert_int_equal(store_run(f->store, tag_fn, &tag, NULL), 0);
}

/* preferredHostUuid, requiredHostUuid */
static void tags_name_hosts(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	plain_pool(f, 5);
	put_vm(f, 0, NULL, NULL);
	put_tag(f, 0, PREFERRED_HOST_TAG, test_uuid(HOST_1 + 3));
	for (int i = 0; i < 10; i++) {
		assert_int_equal(place(f, 0, "DefaultHostAllocatorStrategy", NULL), 0);
		assert_int_equal(where(f, 0), 3);
	}
	set_status(f, 3, "Disconnected", NULL);
	assert_int_equal(place(f, 0, NULL, NULL), 0);

	put_tag(f, 0, REQUIRED_HOST_TAG, test_uuid(HOST_1 + 2));
	put_tag(f, 0, REQUIRED_HOST_TAG, test_uuid(HOST_1 + 4));
	for (int i = 0; i < 10; i++) {
		assert_int_equal(place(f, 0, "DefaultHostAllocatorStrategy", NULL), 0);
		assert_true(where(f, 0) == 2 || where(f, 0) == 4);
	}
	set_status(f, 2, "Disconnected", NULL);
	assert_int_equal(place(f, 0, "DefaultHostAllocatorStrategy", NULL), 0);
	assert_int_equal(where(f, 0), 4);
	set_status(f, 4, "Disconnected", NULL);
	assert_int_equal(place(f, 0, NULL, &e), -ENOSPC);
	assert_non_null(strstr(error_sentence(&e), "system tags requiredHostUuid only"));
}

/* tpm: the state of the TPM is on the last host, which counts more than its load. */
static void a_tpm_is_a_reason_to_come_back(void **state)
{
	struct fixture *f = *state;
	const char *networks[VM_NICS_MAX];
	struct placement want;
	const struct object *host;

	plain_pool(f, 4);
	for (unsigned i = 0; i < 4; i++)
		put_vm(f, i, i ? test_uuid(HOST_1 + 2) : NULL, NULL);
	put_tag(f, 0, "tpm", "2.0");
	_cleanup_object_ const struct object *before = get(f, KIND_VM, test_uuid(VM_1));
	struct object *vm = object_copy(before);

	object_set_str(vm, VM_LAST_HOST_UUID, test_uuid(HOST_1 + 2));
	put(f, vm);
	for (unsigned round = 0; round < 2; round++) {
		_cleanup_view_ struct view *view = store_view(f->store);

		placement_for_vm(view, view_get(view, KIND_VM, test_uuid(VM_1)), &want, networks);
		assert_int_equal(placement_choose(view, &want, &host, NULL, NULL), 0);
		assert_int_equal(strcmp(object_uuid(host), test_uuid(HOST_1 + 2)) == 0, round == 0);
		set_status(f, 2, "Disconnected", NULL);
	}
}

/* Hosts that have said that they lack something are left out; of the others nothing is known. */
static void machines_need_their_parts(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	plain_pool(f, 3);
	set_status(f, 0, "Connected", "none");
	set_status(f, 1, "Connected", "uefi");
	set_status(f, 2, "Connected", "uefi secureBoot tpm");
	for (unsigned i = 0; i < 3; i++)
		put_vm(f, i, NULL, NULL);
	put_tag(f, 1, "bootMode", "UEFI");
	put_tag(f, 2, "secureBoot", "true");
	put_tag(f, 2, "tpm", "2.0");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(place(f, i, NULL, NULL), 0);
		assert_int_equal(where(f, i), i);
	}
	set_status(f, 2, "Connected", "uefi tpm");
	assert_int_equal(place(f, 2, NULL, &e), -ENOSPC);
	assert_non_null(strstr(error_sentence(&e), "needs: uefi, secureBoot, tpm."));
	set_status(f, 2, "Connected", NULL);
	assert_int_equal(place(f, 2, NULL, NULL), 0);
}

static void max_instances_are_counted(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	plain_pool(f, 2);
	for (unsigned i = 0; i < 5; i++) {
		put_vm(f, i, NULL, "MaxInstancePerHostHostAllocatorStrategy");
		put_tag(f, i, "maxInstancePerHost", "2");
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(place(f, i, "MaxInstancePerHostHostAllocatorStrategy", NULL), 0);
	assert_int_equal(most_on_one_host(f), 2);
	assert_int_equal(place(f, 4, "MaxInstancePerHostHostAllocatorStrategy", &e), -ENOSPC);
	assert_string_equal(e.code, "HOST_ALLOCATION.1000");
}

/* A volume of the first VM, on a storage and, for a folder of one host, that host. */
static void put_volume(struct fixture *f, unsigned n, unsigned storage, const char *host)
{
	struct object *volume = make(KIND_VOLUME, test_uuid(0x2000 + n));

	object_set_str(volume, VOLUME_VM_UUID, test_uuid(VM_1));
	object_set_str(volume, VOLUME_PRIMARY_STORAGE_UUID, test_uuid(PS_1 + storage));
	object_set_str(volume, VOLUME_INSTALL_PATH, "/file");
	object_set_str(volume, VOLUME_HOST_UUID, host);
	put(f, volume);
}

static void a_vm_starts_where_all_its_volumes_are(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const char *networks[VM_NICS_MAX];
	struct placement want;
	const struct object *host;

	plain_pool(f, 4);
	put_vm(f, 0, NULL, NULL);
	put_volume(f, 0, 0, NULL);
	put_volume(f, 1, 1, test_uuid(HOST_1 + 2));
	for (int i = 0; i < 20; i++) {
		_cleanup_view_ struct view *view = store_view(f->store);

		placement_for_vm(view, view_get(view, KIND_VM, test_uuid(VM_1)), &want, networks);
		want.strategy = "DefaultHostAllocatorStrategy";
		assert_int_equal(placement_choose(view, &want, &host, NULL, NULL), 0);
		assert_string_equal(object_uuid(host), test_uuid(HOST_1 + 2));
	}
	/* on a storage that is not attached to the hosts' cluster */
	put_volume(f, 2, 7, NULL);
	_cleanup_view_ struct view *view = store_view(f->store);

	placement_for_vm(view, view_get(view, KIND_VM, test_uuid(VM_1)), &want, networks);
	assert_int_equal(placement_choose(view, &want, &host, NULL, &e), -ENOSPC);
	assert_string_equal(e.code, "HOST_ALLOCATION.1000");
	assert_non_null(strstr(error_sentence(&e), "where vm[uuid:"));
}

/* Where the data volumes are to be decides on the host, too: only the second cluster has that storage. */
static void data_volumes_choose_the_host(void **state)
{
	struct fixture *f = *state;
	struct object *cluster = make(KIND_CLUSTER, test_uuid(CLUSTER_1 + 1)),
		      *host = make(KIND_HOST, test_uuid(HOST_1 + 9)),
		      *ps = make(KIND_PRIMARY_STORAGE, test_uuid(PS_1 + 9));
	struct new_disk disks[] = {{.size = GIB}, {.size = GIB, .strategy = STORAGE_STRATEGY_DEFAULT}};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct object *chosen, *root;
	struct placement want = {.vm = "",
				 .cpu_num = 1,
				 .memory = GIB,
				 .storage_needed = GIB,
				 .data = disks,
				 .data_count = ARRAY_SIZE(disks)};

	plain_pool(f, 1);
	object_set_str(cluster, CLUSTER_ZONE_UUID, test_uuid(ZONE_1));
	object_set_str(cluster, CLUSTER_STATE, "Enabled");
	stage(cluster);
	object_set_str(host, HOST_ZONE_UUID, test_uuid(ZONE_1));
	object_set_str(host, HOST_CLUSTER_UUID, test_uuid(CLUSTER_1 + 1));
	object_set_str(host, HOST_STATE, "Enabled");
	object_set_str(host, HOST_STATUS, "Connected");
	object_set_int(host, HOST_AVAILABLE_CPU, 64);
	object_set_int(host, HOST_AVAILABLE_MEMORY, 64 * GIB);
	stage(host);
	object_set_str(ps, PRIMARY_STORAGE_STATE, "Enabled");
	object_set_str(ps, PRIMARY_STORAGE_STATUS, "Connected");
	object_set_str(ps, PRIMARY_STORAGE_TYPE, "SharedMountPoint");
	object_set_int(ps, PRIMARY_STORAGE_AVAILABLE, 3 * GIB + GIB / 2);
	stage(ps);
	stage_link(KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, test_uuid(CLUSTER_1 + 1),
		   CLUSTER_PS_PRIMARY_STORAGE_UUID, test_uuid(PS_1 + 9));
	commit(f);
	_cleanup_view_ struct view *view = store_view(f->store);

	assert_int_equal(placement_choose(view, &want, &chosen, &root, NULL), 0);
	assert_string_equal(object_uuid(chosen), test_uuid(HOST_1));
	want.data_storage = "00000000000000000000000000000609";
	want.primary_storage = want.data_storage;
	/* it has 2.5 GiB beside what is reserved, and three volumes need 3 */
	assert_int_equal(placement_choose(view, &want, &chosen, &root, &e), -ENOSPC);
	assert_string_equal(e.code, "PS.1000");
	want.data_count = 1;
	assert_int_equal(placement_choose(view, &want, &chosen, &root, NULL), 0);
	assert_string_equal(object_uuid(chosen), test_uuid(HOST_1 + 9));
	/* no storage there is local to hosts */
	disks[0].strategy = STORAGE_STRATEGY_LOCAL;
	assert_int_equal(placement_choose(view, &want, &chosen, &root, NULL), -ENOSPC);
}

/* LastHostPreferred, MinimumCPUUsage and MinimumMemoryUsage: measured load counts, not what is promised. */
static void load_decides_where_it_is_measured(void **state)
{
	static const char *const names[] = {"MinimumCPUUsageHostAllocatorStrategy",
					    "MinimumMemoryUsageHostAllocatorStrategy",
					    "LastHostPreferredAllocatorStrategy"};
	struct fixture *f = *state;
	struct host_load list[3] = {{.cpu = 900000, .memory = 100000},
				    {.cpu = 100000, .memory = 900000},
				    {.cpu = 500000, .memory = 500000}};
	const struct host_loads loads = {list, ARRAY_SIZE(list)};
	static const unsigned best[] = {1, 0, 2};

	plain_pool(f, 3);
	for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
		snprintf(list[i].uuid, sizeof(list[i].uuid), "%s", test_uuid(HOST_1 + i));
	_cleanup_view_ struct view *view = store_view(f->store);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct placement want = {.vm = "",
					 .strategy = names[i],
					 .cpu_num = 1,
					 .last_host = "00000000000000000000000000000302",
					 .loads = &loads};
		const struct object *host;

		assert_int_equal(placement_goes_by_load(names[i]), i < 2);
		assert_int_equal(placement_choose(view, &want, &host, NULL, NULL), 0);
		assert_string_equal(object_uuid(host), test_uuid(HOST_1 + best[i]));
	}
}

static void strategies_are_known(void **state)
{
	size_t n = 0;

	(void)state;
	for (; placement_strategy(n); n++)
		assert_true(placement_strategy_is_known(placement_strategy(n)));
	assert_int_equal(n, 6);
	assert_true(placement_strategy_is_known("MigrateVmAllocatorStrategy"));
	assert_false(placement_strategy_is_known("Whatever"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_hard_group_takes_as_many_hosts_as_members, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_soft_group_spreads_as_far_as_possible, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_disabled_group_is_not_considered, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(members_of_a_pro_group_are_together, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(members_of_a_soft_pro_group_are_together_where_they_can,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(tags_name_hosts, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_tpm_is_a_reason_to_come_back, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(machines_need_their_parts, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(max_instances_are_counted, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_vm_starts_where_all_its_volumes_are, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(data_volumes_choose_the_host, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(load_decides_where_it_is_measured, fixture_setup,
						fixture_teardown),
		cmocka_unit_test(strategies_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
