/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement over many generated pools: the hosts that pass the filters are compared,
 * host by host, with rules written down here from behaviour.md 3.6 and 3.7 and not
 * from the table of filters; then the order, affinity groups and the report.
 */
#include "tests/unit/fixture.h"

#include "actions/engine/tags.h"
#include "actions/storage/storage_choice.h"
#include "actions/vm/affinity.h"
#include "actions/vm/placement.h"
#include "actions/vm/placement_filters.h"

#define ROUNDS 120
#define GIB    (INT64_C(1) << 30)

enum {
	ZONE_1 = 0x100,
	CLUSTER_1 = 0x200,
	HOST_1 = 0x300,
	L2_1 = 0x400,
	L3_1 = 0x500,
	PS_1 = 0x600,
	BS_1 = 0x700,
	IMAGE_1 = 0x800,
	VM_1 = 0x1000,
	GROUP_1 = 0x900,
	LINK_1 = 0x10000
};

/* A random number generator of the test, so that a failure can be repeated from its round. */
static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static unsigned link_number;

/* The rows of a pool are written in one commit. */
static struct object *staged[512];
static size_t staged_count;

static void stage(struct object *o)
{
	assert_true(staged_count < ARRAY_SIZE(staged));
	staged[staged_count++] = o;
}

static int commit_fn(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	(void)arg;
	for (size_t i = 0; i < staged_count && r == 0; i++)
		r = txn_put(t, staged[i], NULL, e);
	staged_count = 0;
	return r;
}

static void commit(struct fixture *f)
{
	assert_int_equal(store_run(f->store, commit_fn, NULL, NULL), 0);
}

static void stage_link(enum kind_id kind, int field_a, const char *a, int field_b, const char *b)
{
	struct object *o = make(kind, test_uuid(LINK_1 + link_number++));

	object_set_str(o, field_a, a);
	object_set_str(o, field_b, b);
	stage(o);
}

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

static void stage_hosts(unsigned hosts, unsigned clusters, unsigned zones, bool usable)
{
	for (unsigned i = 0; i < hosts; i++) {
		struct object *host = make(KIND_HOST, test_uuid(HOST_1 + i));
		unsigned cluster = pick(clusters);

		object_set_str(host, HOST_ZONE_UUID, test_uuid(ZONE_1 + cluster % zones));
		object_set_str(host, HOST_CLUSTER_UUID, test_uuid(CLUSTER_1 + cluster));
		object_set_str(host, HOST_STATE, usable || pick(5) ? "Enabled" : "Disabled");
		object_set_str(host, HOST_STATUS, usable || pick(5) ? "Connected" : "Disconnected");
		object_set_int(host, HOST_TOTAL_CPU, 64);
		object_set_int(host, HOST_AVAILABLE_CPU, usable ? 64 : (int64_t)pick(9));
		object_set_int(host, HOST_TOTAL_MEMORY, 64 * GIB);
		object_set_int(host, HOST_AVAILABLE_MEMORY, usable ? 64 * GIB : (int64_t)pick(9) * GIB);
		stage(host);
	}
}

static void stage_networks_and_storage(unsigned clusters, unsigned zones, unsigned sparse)
{
	struct object *image = make(KIND_IMAGE, test_uuid(IMAGE_1)),
		      *bs = make(KIND_BACKUP_STORAGE, test_uuid(BS_1));
	struct object *ref = make(KIND_IMAGE_REF, test_uuid(LINK_1 + link_number++));

	stage(bs);
	stage(image);
	object_set_str(ref, IMAGE_REF_IMAGE_UUID, test_uuid(IMAGE_1));
	object_set_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID, test_uuid(BS_1));
	object_set_str(ref, IMAGE_REF_STATUS, "Ready");
	stage(ref);
	for (unsigned i = 0; i < zones; i++)
		if (!sparse || pick(sparse))
			stage_link(KIND_ZONE_BACKUP_STORAGE, ZONE_BS_ZONE_UUID, test_uuid(ZONE_1 + i),
				   ZONE_BS_BACKUP_STORAGE_UUID, test_uuid(BS_1));
	for (unsigned n = 0; n < 2; n++) {
		struct object *l2 = make(KIND_L2_NETWORK, test_uuid(L2_1 + n)),
			      *l3 = make(KIND_L3_NETWORK, test_uuid(L3_1 + n));
		struct object *ps = make(KIND_PRIMARY_STORAGE, test_uuid(PS_1 + n));

		object_set_str(l2, L2_ZONE_UUID, test_uuid(ZONE_1));
		stage(l2);
		object_set_str(l3, L3_ZONE_UUID, test_uuid(ZONE_1));
		object_set_str(l3, L3_L2_NETWORK_UUID, test_uuid(L2_1 + n));
		stage(l3);
		object_set_str(ps, PRIMARY_STORAGE_ZONE_UUID, test_uuid(ZONE_1));
		object_set_str(ps, PRIMARY_STORAGE_STATE, !sparse || pick(6) ? "Enabled" : "Disabled");
		object_set_str(ps, PRIMARY_STORAGE_STATUS, !sparse || pick(6) ? "Connected" : "Disconnected");
		object_set_int(ps, PRIMARY_STORAGE_AVAILABLE, sparse ? (int64_t)pick(20) * GIB : 1000 * GIB);
		stage(ps);
		for (unsigned i = 0; i < clusters; i++) {
			if (!sparse || pick(sparse))
				stage_link(KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID,
					   test_uuid(CLUSTER_1 + i), CLUSTER_L2_L2_NETWORK_UUID,
					   test_uuid(L2_1 + n));
			if (!sparse || pick(sparse))
				stage_link(KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID,
					   test_uuid(CLUSTER_1 + i), CLUSTER_PS_PRIMARY_STORAGE_UUID,
					   test_uuid(PS_1 + n));
		}
	}
}

static void put_vm(struct fixture *f, unsigned n, const char *host, const char *strategy)
{
	_cleanup_object_ const struct object *before = get(f, KIND_VM, test_uuid(VM_1 + n));
	struct object *vm = before ? object_copy(before) : make(KIND_VM, test_uuid(VM_1 + n));

	object_set_str(vm, VM_STATE, host ? "Running" : "Stopped");
	object_set_str(vm, VM_HOST_UUID, host);
	object_set_str(vm, VM_ALLOCATOR_STRATEGY, strategy);
	put(f, vm);
}

struct membership {
	const char *group, *vm;
};

static int join_fn(struct txn *t, void *arg, struct error *e)
{
	struct membership *m = arg;

	return affinity_join(t, m->group, m->vm, e);
}

static void put_group(struct fixture *f, const char *policy, const char *group_state, unsigned members)
{
	struct object *group = make(KIND_AFFINITY_GROUP, test_uuid(GROUP_1));

	object_set_str(group, AFFINITY_GROUP_POLICY, policy);
	object_set_str(group, AFFINITY_GROUP_STATE, group_state);
	put(f, group);
	for (unsigned i = 0; i < members; i++) {
		struct membership m = {test_uuid(GROUP_1), test_uuid(VM_1 + i)};

		assert_int_equal(store_run(f->store, join_fn, &m, NULL), 0);
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
		cmocka_unit_test(filters_and_order_equal_the_oracle),
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
