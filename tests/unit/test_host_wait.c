/* SPDX-License-Identifier: Apache-2.0 */
/* Which jobs wait for hosts that are Connecting: on rows, without any host. */
#include "tests/unit/fixture.h"

#include "actions/host/wait.h"

#define FAR	test_uuid(1) /* Connecting */
#define NEAR	test_uuid(2) /* Connected, in the same cluster */
#define LONE	test_uuid(3) /* Connecting, alone in its cluster */
#define CLUSTER test_uuid(4)
#define OTHER	test_uuid(5)
#define PS	test_uuid(6) /* of both hosts of the cluster */
#define LONE_PS test_uuid(7)
#define ZONE	test_uuid(8)
#define L3	test_uuid(9)
#define IMAGE	test_uuid(10)

static void put_host(struct fixture *f, const char *uuid, const char *cluster, const char *status)
{
	struct object *o = make(KIND_HOST, uuid);

	object_set_str(o, HOST_CLUSTER_UUID, cluster);
	object_set_str(o, HOST_STATUS, status);
	put(f, o);
}

static void put_link(struct fixture *f, unsigned uuid, const char *cluster, const char *ps)
{
	struct object *o = make(KIND_CLUSTER_PRIMARY_STORAGE, test_uuid(uuid));

	object_set_str(o, CLUSTER_PS_CLUSTER_UUID, cluster);
	object_set_str(o, CLUSTER_PS_PRIMARY_STORAGE_UUID, ps);
	put(f, o);
}

static const char *put_vm(struct fixture *f, unsigned uuid, const char *host, const char *last)
{
	struct object *o = make(KIND_VM, test_uuid(uuid));

	object_set_str(o, VM_STATE, host ? "Running" : "Stopped");
	object_set_str(o, VM_HOST_UUID, host);
	object_set_str(o, VM_LAST_HOST_UUID, last);
	put(f, o);
	return test_uuid(uuid);
}

static const char *put_volume(struct fixture *f, unsigned uuid, const char *vm, const char *ps,
			      const char *host)
{
	struct object *o = make(KIND_VOLUME, test_uuid(uuid));

	object_set_str(o, VOLUME_VM_UUID, vm);
	object_set_str(o, VOLUME_PRIMARY_STORAGE_UUID, ps);
	object_set_str(o, VOLUME_HOST_UUID, host);
	put(f, o);
	return test_uuid(uuid);
}

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	put(f, make(KIND_ZONE, ZONE));
	put(f, make(KIND_CLUSTER, CLUSTER));
	put(f, make(KIND_CLUSTER, OTHER));
	put_host(f, FAR, CLUSTER, "Connecting");
	put_host(f, NEAR, CLUSTER, "Connected");
	put_host(f, LONE, OTHER, "Connecting");
	put(f, make(KIND_PRIMARY_STORAGE, PS));
	put(f, make(KIND_PRIMARY_STORAGE, LONE_PS));
	put_link(f, 20, CLUSTER, PS);
	put_link(f, 21, OTHER, LONE_PS);
	put(f, make(KIND_L3_NETWORK, L3));
	put(f, make(KIND_IMAGE, IMAGE));
	return 0;
}

static bool waits(struct fixture *f, const char *queue, const char *queue2)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	struct object *job = make(KIND_JOB, test_uuid(99));
	bool waits;

	object_set_str(job, JOB_QUEUE, queue);
	object_set_str(job, JOB_QUEUE2, queue2);
	waits = host_is_coming_for(view, job, false);
	object_unref(job);
	return waits;
}

static void a_volume_is_where_its_file_can_be_reached(void **state)
{
	struct fixture *f = *state;

	assert_true(waits(f, put_volume(f, 30, NULL, PS, FAR), NULL));
	assert_false(waits(f, put_volume(f, 31, NULL, PS, NEAR), NULL));
	assert_false(waits(f, put_volume(f, 32, NULL, PS, NULL), NULL));
	assert_true(waits(f, put_volume(f, 33, NULL, LONE_PS, NULL), NULL));
	assert_false(waits(f, put_volume(f, 34, NULL, NULL, NULL), NULL));
}

static void a_vm_is_where_it_was_and_where_its_volumes_are(void **state)
{
	struct fixture *f = *state;
	const char *vm;

	assert_true(waits(f, put_vm(f, 30, FAR, NULL), NULL));
	assert_true(waits(f, put_vm(f, 31, NULL, FAR), NULL));
	assert_false(waits(f, put_vm(f, 32, NEAR, FAR), NULL));
	vm = put_vm(f, 33, NEAR, NULL);
	put_volume(f, 40, vm, PS, NEAR);
	assert_false(waits(f, vm, NULL));
	put_volume(f, 41, vm, LONE_PS, NULL);
	assert_true(waits(f, vm, NULL));
	/* of a volume, its VM is the second */
	assert_true(waits(f, put_volume(f, 42, NULL, PS, NEAR), test_uuid(30)));
	assert_false(waits(f, test_uuid(42), test_uuid(32)));
}

static void what_may_concern_all_hosts_waits_for_all(void **state)
{
	struct fixture *f = *state;
	const char *const all[] = {ZONE, CLUSTER, PS, L3};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_true(waits(f, all[i], NULL));
	assert_true(waits(f, FAR, NULL));
	assert_false(waits(f, NEAR, NULL));
	assert_false(waits(f, IMAGE, NULL));
	assert_false(waits(f, test_uuid(98), NULL)); /* new, or gone */
	put_host(f, test_uuid(50), CLUSTER, "Connecting");
	assert_false(waits(f, NEAR, NULL));
}

static void nothing_waits_when_all_have_come_or_not(void **state)
{
	struct fixture *f = *state;
	const char *const hosts[] = {FAR, LONE};

	put_vm(f, 30, FAR, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		_cleanup_view_ struct view *view = store_view(f->store);
		struct object *host = object_copy(view_get(view, KIND_HOST, hosts[i]));

		object_set_str(host, HOST_STATUS, "Disconnected");
		put(f, host);
	}
	assert_false(waits(f, test_uuid(30), NULL));
	assert_false(waits(f, ZONE, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_volume_is_where_its_file_can_be_reached, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_vm_is_where_it_was_and_where_its_volumes_are, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(what_may_concern_all_hosts_waits_for_all, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(nothing_waits_when_all_have_come_or_not, setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
