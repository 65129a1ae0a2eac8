/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in the commit in which the creation of a VM begins, all that it shall have or nothing; and its result. */
#include "tests/unit/pool_fixture.h"

#include <stdatomic.h>
#include <string.h>

/* The kinds of which a row was made in the commit in which a job began, a bit each; and what VMs there were at all. */
static atomic_uint_fast64_t made_at_begin;
static atomic_int begun, vm_changes;
static char state_at_begin[16]; /* of the new VM; read when the job has ended */

static bool begins(const struct change *c)
{
	return c->before && c->after && c->after->kind->id == KIND_JOB &&
	       object_str_is(c->before, JOB_STATE, "Queued") &&
	       object_str_is(c->after, JOB_STATE, "Processing");
}

static void see(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	uint64_t made = 0;
	bool begin = false;

	(void)ctx;
	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after ? changes[i].after : changes[i].before;

		begin = begin || begins(&changes[i]);
		made |= changes[i].before ? 0 : UINT64_C(1) << o->kind->id;
		if (o->kind->id != KIND_VM)
			continue;
		(void)atomic_fetch_add(&vm_changes, 1);
		if (begin)
			snprintf(state_at_begin, sizeof(state_at_begin), "%s",
				 object_text(view_get_id(view, KIND_VM, o->id), VM_STATE));
	}
	if (!begin)
		return;
	(void)atomic_fetch_add(&begun, 1);
	atomic_store(&made_at_begin, made);
}

static bool was_made(enum kind_id kind)
{
	return atomic_load(&made_at_begin) >> kind & 1;
}

static void prepare(struct pool_fixture *f, char ret_image[UUID_SIZE])
{
	add_image(f, "image", "raw", NULL, ret_image);
	atomic_store(&begun, 0);
	atomic_store(&vm_changes, 0);
	atomic_store(&made_at_begin, 0);
	assert_int_equal(store_observe(pool_store(f->pool), see, NULL), 0);
}

static void test_started(void **state)
{
	char image[UUID_SIZE], vm[UUID_SIZE];
	struct pool_fixture *f = *state;

	prepare(f, image);
	create_vm(f, "vm", image, NULL, vm);
	assert_int_equal(atomic_load(&begun), 1);
	assert_true(was_made(KIND_VM) && was_made(KIND_VOLUME) && was_made(KIND_NIC));
	assert_string_equal(state_at_begin, "Starting");
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Running"));
}

/* The result is written as text, and is what a tree of it would be. */
static void test_result(void **state)
{
	char image[UUID_SIZE], vm[UUID_SIZE];
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *wanted = NULL, *text = NULL;
	_cleanup_view_ struct view *view = NULL;
	struct pool_fixture *f = *state;
	json_t *result = NULL;

	prepare(f, image);
	create_vm(f, "vm \"1\"", image, NULL, vm);
	view = view_now(f);
	assert_int_equal(result_inventory(view, KIND_VM, vm, &result, &e), 0);
	wanted = json_dumps(result, JSON_COMPACT);
	json_decref(result);
	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, vm)
		assert_int_equal(object_read_text(job, JOB_RESULT, &text), 0);
	assert_non_null(text);
	assert_string_equal(text, wanted);
}

static void test_just_created(void **state)
{
	char image[UUID_SIZE], vm[UUID_SIZE];
	struct pool_fixture *f = *state;

	prepare(f, image);
	create_vm(f, "vm", image, json_pack("{s:s}", "strategy", "JustCreate"), vm);
	assert_true(was_made(KIND_VM));
	assert_false(was_made(KIND_VOLUME) || was_made(KIND_NIC));
	assert_string_equal(state_at_begin, "Created");
}

/* Where the load of hosts decides they are asked first: the job has begun then. */
static void test_by_load(void **state)
{
	char image[UUID_SIZE], offering[UUID_SIZE], vm[UUID_SIZE];
	struct pool_fixture *f = *state;

	must(f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:I, s:s}", "name", "by load", "cpuNum", 1, "memorySize",
		       (json_int_t)128 << 20, "allocatorStrategy", "MinimumCPUUsageHostAllocatorStrategy"),
	     offering);
	prepare(f, image);
	create_vm(f, "vm", image, json_pack("{s:s}", "instanceOfferingUuid", offering), vm);
	assert_true(was_made(KIND_VM));
	assert_false(was_made(KIND_VOLUME) || was_made(KIND_NIC));
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Running"));
}

/* A VM for which there is no place is never seen, and its job has not begun. */
static void test_no_place(void **state)
{
	char image[UUID_SIZE], l3[UUID_SIZE];
	struct pool_fixture *f = *state;

	prepare(f, image);
	first_uuid(f, KIND_L3_NETWORK, l3);
	must_fail(f, "CreateVmInstance", NULL,
		  json_pack("{s:s, s:s, s:[s], s:i, s:I}", "name", "vm", "imageUuid", image, "l3NetworkUuids",
			    l3, "cpuNum", 1, "memorySize", (json_int_t)1 << 50),
		  0, "host");
	assert_int_equal(atomic_load(&begun), 0);
	assert_int_equal(atomic_load(&vm_changes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_started, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_result, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_just_created, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_by_load, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_no_place, pool_fixture_setup, pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
