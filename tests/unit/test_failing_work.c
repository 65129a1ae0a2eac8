/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool does when a part of its work fails: a copy of an image, and the preparation of a host. */
#include "tests/unit/pool_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "hypervisor/storage/volume.h"

/* How many of the next calls fail. */
static atomic_int failing_copies, failing_preparations;
/* How often the database fails after a copy has failed, in the thread that has made it. */
static atomic_int failures_after_copy;
static _Thread_local int failures;

int __real_store_run(struct store *store, txn_fn *fn, void *arg, struct error *e);
int __wrap_store_run(struct store *store, txn_fn *fn, void *arg, struct error *e);
int __wrap_store_run(struct store *store, txn_fn *fn, void *arg, struct error *e)
{
	if (failures > 0) {
		failures--;
		return error_set(e, EIO, "database: disk I/O error");
	}
	return __real_store_run(store, fn, arg, e);
}

int __real_hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool, const char *name,
			    const char *format, const char *file, hv_progress *progress, void *ctx,
			    char **ret_path, struct error *e);
int __wrap_hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool, const char *name,
			    const char *format, const char *file, hv_progress *progress, void *ctx,
			    char **ret_path, struct error *e);
int __wrap_hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool, const char *name,
			    const char *format, const char *file, hv_progress *progress, void *ctx,
			    char **ret_path, struct error *e)
{
	if (atomic_load(&failing_copies) > 0) {
		atomic_fetch_sub(&failing_copies, 1);
		failures = atomic_load(&failures_after_copy);
		return error_set(e, EIO, "cannot write '%s'", name);
	}
	return __real_hv_volume_upload(hv, host, pool, name, format, file, progress, ctx, ret_path, e);
}

int __real_pool_background(struct pool *pool, void (*fn)(void *arg), void *arg);
int __wrap_pool_background(struct pool *pool, void (*fn)(void *arg), void *arg);
int __wrap_pool_background(struct pool *pool, void (*fn)(void *arg), void *arg)
{
	char thread[16] = "";

	(void)pthread_getname_np(pthread_self(), thread, sizeof(thread));
	if (strcmp(thread, "hv-host") == 0 && atomic_load(&failing_preparations) > 0) {
		atomic_fetch_sub(&failing_preparations, 1);
		return -ENOMEM;
	}
	return __real_pool_background(pool, fn, arg);
}

/* The row says that a worker makes the copy, so others would wait for it: it must go, however often the database fails. */
static void a_copy_that_failed_is_given_up_when_the_database_works(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], vm[UUID_SIZE], offering[UUID_SIZE], l3[UUID_SIZE];

	add_image(f, "image.raw", "raw", NULL, image);
	first_uuid(f, KIND_INSTANCE_OFFERING, offering);
	first_uuid(f, KIND_L3_NETWORK, l3);
	atomic_store(&failures_after_copy, 3);
	atomic_store(&failing_copies, 1);
	must_fail(f, "CreateVmInstance", NULL,
		  json_pack("{s:s, s:s, s:s, s:[s]}", "name", "first", "imageUuid", image,
			    "instanceOfferingUuid", offering, "l3NetworkUuids", l3),
		  EIO, "cannot write");
	{
		_cleanup_view_ struct view *view = view_now(f);

		assert_int_equal(view_count(view, KIND_IMAGE_CACHE), 0);
	}
	create_vm(f, "second", image, NULL, vm);
}

static int set_up_unprepared(void **state)
{
	atomic_store(&failing_preparations, 1);
	return pool_fixture_setup(state); /* waits for the storage of the host */
}

static void a_host_whose_preparation_cannot_begin_is_connected_again(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], vm[UUID_SIZE];

	assert_int_equal(atomic_load(&failing_preparations), 0);
	add_image(f, "image.raw", "raw", NULL, image);
	create_vm(f, "vm", image, NULL, vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_copy_that_failed_is_given_up_when_the_database_works,
						pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_host_whose_preparation_cannot_begin_is_connected_again,
						set_up_unprepared, pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
