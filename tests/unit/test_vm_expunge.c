/* SPDX-License-Identifier: Apache-2.0 */
/* A VM whose removal has failed, because its host was silent, is removed when that is back, and not lost before. */
#include "tests/unit/adopt_fixture.h"

#include <stdatomic.h>

#include "actions/vm/remove.h"

/* How often the VM became Destroyed. */
static atomic_int destroyed;

static void count_destroyed(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)ctx, (void)view;
	for (size_t i = 0; i < count; i++) {
		const struct object *before = changes[i].before, *after = changes[i].after;

		if (before && after && after->kind->id == KIND_VM &&
		    object_str_is(after, VM_STATE, "Destroyed") &&
		    !object_str_is(before, VM_STATE, "Destroyed"))
			(void)atomic_fetch_add(&destroyed, 1);
	}
}

static void lose_host(const char *machine, const char *host)
{
	char path[128];

	machine_path(machine, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hv_host_reconnect(pool_hypervisor(pool->pool), host, NULL), 0);
	wait_until(pool, is_disconnected, host);
}

struct in_state {
	const char *state;
	bool deleted; /* the root volume */
};

static int put_state_fn(struct txn *t, void *arg, struct error *e)
{
	const struct in_state *s = arg;
	struct object *vm, *volume;
	char root[UUID_SIZE];
	int r = txn_edit(t, KIND_VM, WEB, &vm, e);

	if (r < 0)
		return r;
	snprintf(root, sizeof(root), "%s", object_text(vm, VM_ROOT_VOLUME_UUID));
	object_set_str(vm, VM_STATE, s->state);
	object_set_null(vm, VM_HOST_UUID);
	object_set_str(vm, VM_LAST_HOST_UUID, host_a);
	r = txn_put(t, vm, NULL, e);
	if (r < 0 || !s->deleted)
		return r;
	r = txn_edit(t, KIND_VOLUME, root, &volume, e);
	if (r < 0)
		return r;
	object_set_str(volume, VOLUME_STATUS, "Deleted");
	return txn_put(t, volume, NULL, e);
}

/* The VM is in this state, on host A, which is silent. */
static void put_state(const char *state, bool deleted)
{
	assert_int_equal(
		store_run(pool_store(pool->pool), put_state_fn, &(struct in_state){state, deleted}, NULL), 0);
	lose_host("a", host_a);
}

static bool web_is_gone(const struct view *view, const void *arg)
{
	(void)arg;
	return !view_get(view, KIND_VM, WEB);
}

/* Another host comes meanwhile, and often. */
static void what_waits_for_its_host_stays_as_it_is(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	put_state("Expunging", false);
	assert_int_equal(store_observe(pool_store(pool->pool), count_destroyed, NULL), 0);
	atomic_store(&destroyed, 0);
	for (int i = 0; i < 2; i++) {
		connect_again(host_b);
		vm_expunge_left_behind(pool->pool);
		assert_int_equal(vm_expunge_due(pool->pool, NULL), 0);
	}
	expect_state(WEB, "Expunging", NULL);
	assert_int_equal(atomic_load(&destroyed), 0);
	write_machine("a", NULL, NULL);
	connect_again(host_a);
	wait_until(pool, web_is_gone, NULL);
	assert_int_equal(atomic_load(&destroyed), 1);
}

/* Its host is lost again during the removal: it must not become one that can be recovered. */
static void what_cannot_be_removed_stays_left_behind(void **state)
{
	(void)state;
	adopt(host_a, "web");
	put_state("Destroyed", false);
	must_fail(pool, "ExpungeVmInstance", WEB, NULL, 0, "not connected");
	expect_state(WEB, "Expunging", NULL);
	must_fail(pool, "RecoverVmInstance", WEB, NULL, 0, "Expunging");
	write_machine("a", NULL, NULL);
	connect_again(host_a);
	wait_until(pool, web_is_gone, NULL);
}

static void what_can_be_recovered_still_can(void **state)
{
	(void)state;
	adopt(host_a, "web");
	put_state("Destroyed", true);
	must_fail(pool, "ExpungeVmInstance", WEB, NULL, 0, "not connected");
	expect_state(WEB, "Destroyed", NULL);
	must(pool, "RecoverVmInstance", WEB, NULL, NULL);
	expect_state(WEB, "Stopped", NULL);
}

#define LOCAL(test) cmocka_unit_test_setup_teardown(test, set_up_local, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL(what_waits_for_its_host_stays_as_it_is),
		LOCAL(what_cannot_be_removed_stays_left_behind),
		LOCAL(what_can_be_recovered_still_can),
	};

	return cmocka_run_group_tests_name("vm_expunge", tests, NULL, NULL);
}
