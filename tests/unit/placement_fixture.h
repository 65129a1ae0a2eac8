/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of any size for tests of placement: zones, clusters, hosts, networks and storage that are written in one
 * commit, then VMs and affinity groups one by one.
 */
#ifndef POOLFS_PLACEMENT_FIXTURE_H
#define POOLFS_PLACEMENT_FIXTURE_H

#include "tests/unit/fixture.h"

#include "actions/vm/affinity.h"

#define GIB (INT64_C(1) << 30)

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

static inline unsigned pick(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static unsigned link_number;

/* The rows of a pool are written in one commit. */
static struct object *staged[512];
static size_t staged_count;

static inline void stage(struct object *o)
{
	assert_true(staged_count < ARRAY_SIZE(staged));
	staged[staged_count++] = o;
}

static inline int commit_fn(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	(void)arg;
	for (size_t i = 0; i < staged_count && r == 0; i++)
		r = txn_put(t, staged[i], NULL, e);
	staged_count = 0;
	return r;
}

static inline void commit(struct fixture *f)
{
	assert_int_equal(store_run(f->store, commit_fn, NULL, NULL), 0);
}

static inline void stage_link(enum kind_id kind, int field_a, const char *a, int field_b, const char *b)
{
	struct object *o = make(kind, test_uuid(LINK_1 + link_number++));

	object_set_str(o, field_a, a);
	object_set_str(o, field_b, b);
	stage(o);
}

static inline void stage_hosts(unsigned hosts, unsigned clusters, unsigned zones, bool usable)
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

static inline void stage_networks_and_storage(unsigned clusters, unsigned zones, unsigned sparse)
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

static inline void put_vm(struct fixture *f, unsigned n, const char *host, const char *strategy)
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

static inline int join_fn(struct txn *t, void *arg, struct error *e)
{
	struct membership *m = arg;

	return affinity_join(t, m->group, m->vm, e);
}

static inline void put_group(struct fixture *f, const char *policy, const char *group_state, unsigned members)
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

#endif
