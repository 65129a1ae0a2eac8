/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement over many generated pools: the hosts that pass the filters and their order are compared,
 * host by host, with rules written down here from behaviour.md 3.6 and 3.7 and not
 * from the table of filters.
 */
#include "tests/unit/placement_fixture.h"

#include "actions/vm/placement.h"

#define ROUNDS 120

static void stage_place(unsigned zones, unsigned clusters)
{
	for (unsigned i = 0; i < zones; i++) {
		struct object *zone = make(KIND_ZONE, test_uuid(ZONE_1 + i));

		object_set_str(zone, ZONE_STATE, pick(8) ? "Enabled" : "Disabled");
		stage(zone);
	}
	for (unsigned i = 0; i < clusters; i++) {
		struct object *cluster = make(KIND_CLUSTER, test_uuid(CLUSTER_1 + i));

		object_set_str(cluster, CLUSTER_ZONE_UUID, test_uuid(ZONE_1 + i % zones));
		object_set_str(cluster, CLUSTER_STATE, pick(8) ? "Enabled" : "Disabled");
		stage(cluster);
	}
}

/* ------------------------------------------------------------------- oracle */

static bool linked(const struct view *view, enum kind_id kind, int field_a, const char *a, int field_b,
		   const char *b)
{
	view_for_each (o, view, kind)
		if (object_str_is(o, field_a, a) && object_str_is(o, field_b, b))
			return true;
	return false;
}

static bool oracle_has_storage(const struct view *view, const struct placement *want,
			       const struct object *host)
{
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		if (want->primary_storage && strcmp(want->primary_storage, object_uuid(ps)) != 0)
			continue;
		if (object_str_is(ps, PRIMARY_STORAGE_STATE, "Enabled") &&
		    object_str_is(ps, PRIMARY_STORAGE_STATUS, "Connected") &&
		    linked(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID,
			   object_str(host, HOST_CLUSTER_UUID), CLUSTER_PS_PRIMARY_STORAGE_UUID,
			   object_uuid(ps)) &&
		    object_int(ps, PRIMARY_STORAGE_AVAILABLE) - GIB >= want->storage_needed)
			return true;
	}
	return false;
}

static unsigned oracle_vms(const struct view *view, const struct object *host, const char *but,
			   bool members_only)
{
	unsigned n = 0;

	view_for_each (vm, view, KIND_VM) {
		bool member = linked(view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, test_uuid(GROUP_1),
				     AFFINITY_USAGE_RESOURCE_UUID, object_uuid(vm));

		if (object_str_is(vm, VM_HOST_UUID, object_uuid(host)) && strcmp(object_uuid(vm), but) != 0 &&
		    (member || !members_only))
			n++;
	}
	return n;
}

/* Whether another member is on a host that answers. */
static bool oracle_members_answer(const struct view *view, const char *but)
{
	view_for_each (host, view, KIND_HOST)
		if (object_str_is(host, HOST_STATUS, "Connected") && oracle_vms(view, host, but, true))
			return true;
	return false;
}

static bool oracle_allows(const struct view *view, const struct placement *want, const struct object *host,
			  const char *policy)
{
	const char *cluster = object_str(host, HOST_CLUSTER_UUID), *zone = object_str(host, HOST_ZONE_UUID);

	for (size_t i = 0; i < want->l3_count; i++) {
		const struct object *l3 = view_get(view, KIND_L3_NETWORK, want->l3_networks[i]);

		if (!linked(view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster,
			    CLUSTER_L2_L2_NETWORK_UUID, object_str(l3, L3_L2_NETWORK_UUID)))
			return false;
	}
	return object_str_is(host, HOST_STATE, "Enabled") && object_str_is(host, HOST_STATUS, "Connected") &&
	       object_str_is(view_get(view, KIND_CLUSTER, cluster), CLUSTER_STATE, "Enabled") &&
	       object_str_is(view_get(view, KIND_ZONE, zone), ZONE_STATE, "Enabled") &&
	       linked(view, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_ZONE_UUID, zone, ZONE_BS_BACKUP_STORAGE_UUID,
		      test_uuid(BS_1)) &&
	       (!want->zone || strcmp(want->zone, zone) == 0) &&
	       (!want->cluster || strcmp(want->cluster, cluster) == 0) &&
	       object_int(host, HOST_AVAILABLE_CPU) >= want->cpu_num &&
	       object_int(host, HOST_AVAILABLE_MEMORY) - GIB >= want->memory &&
	       oracle_has_storage(view, want, host) &&
	       !(want->avoid_host && strcmp(want->avoid_host, object_uuid(host)) == 0) &&
	       !(strcmp(policy, "ANTIHARD") == 0 && oracle_vms(view, host, want->vm, true)) &&
	       !(strcmp(policy, "PROHARD") == 0 && !oracle_vms(view, host, want->vm, true) &&
		 oracle_members_answer(view, want->vm));
}

static int64_t oracle_cost(const struct view *view, const struct placement *want, const struct object *host)
{
	if (strcmp(want->strategy, "MinimumCPUUsageHostAllocatorStrategy") == 0)
		return object_int(host, HOST_TOTAL_CPU) - object_int(host, HOST_AVAILABLE_CPU);
	if (strcmp(want->strategy, "MinimumMemoryUsageHostAllocatorStrategy") == 0)
		return object_int(host, HOST_TOTAL_MEMORY) - object_int(host, HOST_AVAILABLE_MEMORY);
	if (strcmp(want->strategy, "LeastVmPreferredHostAllocatorStrategy") == 0 ||
	    strcmp(want->strategy, "MigrateVmAllocatorStrategy") == 0 ||
	    strcmp(want->strategy, "MaxInstancePerHostHostAllocatorStrategy") == 0)
		return oracle_vms(view, host, want->vm, false);
	if (strcmp(want->strategy, "LastHostPreferredAllocatorStrategy") == 0 ||
	    strcmp(want->strategy, "DesignatedHostAllocatorStrategy") == 0)
		return want->last_host && strcmp(want->last_host, object_uuid(host)) == 0 ? 0 : 1;
	return 0; /* random */
}

/* -------------------------------------------------------------------- tests */

static size_t ruled_out_count(const json_t *report)
{
	const char *key;
	json_t *list;
	size_t n = 0;

	json_object_foreach (json_object_get(report, "ruledOut"), key, list)
		n += json_array_size(list);
	return n;
}

static void compare_with_oracle(const struct view *view, struct placement *want, const char *policy)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ const struct object **hosts = NULL;
	const struct object *chosen = NULL, *ps = NULL;
	size_t count = 0, allowed = 0;
	json_t *report = NULL;
	bool soft = strcmp(policy, "ANTISOFT") == 0 || strcmp(policy, "PROSOFT") == 0;
	int r;

	view_for_each (host, view, KIND_HOST)
		allowed += oracle_allows(view, want, host, policy);
	r = placement_list(view, want, &hosts, &count, &e);
	assert_int_equal(r, allowed ? 0 : -ENOSPC);
	assert_int_equal(count, allowed);
	for (size_t i = 0; i < count; i++) {
		assert_true(oracle_allows(view, want, hosts[i], policy));
		if (i && soft)
			assert_true(strcmp(policy, "PROSOFT") == 0
					    ? !!oracle_vms(view, hosts[i - 1], want->vm, true) >=
						      !!oracle_vms(view, hosts[i], want->vm, true)
					    : !!oracle_vms(view, hosts[i - 1], want->vm, true) <=
						      !!oracle_vms(view, hosts[i], want->vm, true));
		if (i && (!soft || !!oracle_vms(view, hosts[i - 1], want->vm, true) ==
					   !!oracle_vms(view, hosts[i], want->vm, true)))
			assert_true(oracle_cost(view, want, hosts[i - 1]) <=
				    oracle_cost(view, want, hosts[i]));
	}
	error_done(&e);
	want->ret_report = &report;
	assert_int_equal(placement_choose(view, want, &chosen, &ps, &e), r);
	want->ret_report = NULL;
	assert_int_equal(ruled_out_count(report), view_count(view, KIND_HOST) - allowed);
	if (allowed) {
		assert_true(oracle_allows(view, want, chosen, policy));
		assert_non_null(ps);
		assert_int_equal(json_integer_value(json_object_get(report, "host")), chosen->id);
	} else {
		assert_true(strcmp(e.code, "HOST_ALLOCATION.1000") == 0 || strcmp(e.code, "PS.1000") == 0);
		assert_string_equal(json_string_value(json_object_get(report, "error")), error_sentence(&e));
	}
	json_decref(report);
}

static void filters_and_order_equal_the_oracle(void **state)
{
	static const char *const policies[] = {"none", "ANTISOFT", "ANTIHARD", "PROSOFT", "PROHARD"};
	static const char *const strategies[] = {
		"LeastVmPreferredHostAllocatorStrategy",   "DefaultHostAllocatorStrategy",
		"LastHostPreferredAllocatorStrategy",	   "DesignatedHostAllocatorStrategy",
		"MinimumCPUUsageHostAllocatorStrategy",	   "MinimumMemoryUsageHostAllocatorStrategy",
		"MaxInstancePerHostHostAllocatorStrategy", "MigrateVmAllocatorStrategy",
	};

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *policy = policies[round % ARRAY_SIZE(policies)];
		unsigned zones = 1 + round % 2, clusters = zones + round % 3, hosts = 1 + round % 11,
			 vms = 1 + round % 9;
		const char *l3[] = {"00000000000000000000000000000500", "00000000000000000000000000000501"};
		char last[UUID_SIZE], zone[UUID_SIZE];
		void *own = NULL;

		seed = round;
		link_number = 0;
		assert_int_equal(fixture_setup(&own), 0);
		stage_place(zones, clusters);
		stage_hosts(hosts, clusters, zones, false);
		stage_networks_and_storage(clusters, zones, 2 + round % 8);
		commit(own);
		for (unsigned i = 0; i < vms; i++)
			put_vm(own, i, i && pick(4) ? test_uuid(HOST_1 + pick(hosts)) : NULL, NULL);
		if (strcmp(policy, "none") != 0)
			put_group(own, policy, "Enabled", 1 + pick(vms));
		snprintf(last, sizeof(last), "%s", test_uuid(HOST_1 + pick(hosts)));
		snprintf(zone, sizeof(zone), "%s", test_uuid(ZONE_1 + pick(zones)));
		for (size_t s = 0; s < ARRAY_SIZE(strategies); s++) {
			char uuid[UUID_SIZE];
			_cleanup_view_ struct view *view = store_view(((struct fixture *)own)->store);
			struct placement want = {
				.vm = uuid,
				.zone = pick(2) ? zone : NULL,
				.strategy = strategies[s],
				.cpu_num = 1 + (int)pick(4),
				.memory = (int64_t)pick(4) * GIB,
				.l3_networks = l3,
				.l3_count = pick(3),
				.image = "00000000000000000000000000000800",
				.storage_needed = (int64_t)(1 + pick(8)) * GIB,
				.last_host = last,
				.avoid_host = pick(3) ? NULL : last,
			};

			snprintf(uuid, sizeof(uuid), "%s", test_uuid(VM_1));
			compare_with_oracle(view, &want, policy);
		}
		fixture_teardown(&own);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_and_order_equal_the_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
