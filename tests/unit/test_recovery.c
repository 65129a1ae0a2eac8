/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recover functions of operations, called as after the end of a daemon on states in which a kill is hard to place: what
 * they leave, and whether the job may begin anew.
 */
#include "tests/unit/pool_fixture.h"

#include <errno.h>
#include <stdatomic.h>

#include "hypervisor/domain/disk_copy.h"
#include "hypervisor/domain/domain.h"
#include "model/json.h"
#include "model/states.h"

/* Set: the host of the guest is not reached by these calls. */
static atomic_bool silent;

#define SILENT(name, parameters, arguments)                                                                  \
	int __real_##name parameters;                                                                        \
	int __wrap_##name parameters;                                                                        \
	int __wrap_##name parameters                                                                         \
	{                                                                                                    \
		return atomic_load(&silent) ? error_set_code(e, ENOTCONN, "HOST.1010",                       \
							     "the connection to the host was lost")          \
					    : __real_##name arguments;                                       \
	}

SILENT(hv_domain_state,
       (struct hypervisor * hv, const char *host, const char *uuid, enum hv_domain_state *ret,
	enum hv_domain_reason *ret_reason, struct error *e),
       (hv, host, uuid, ret, ret_reason, e))
SILENT(hv_disk_copy_abort,
       (struct hypervisor * hv, const char *host, const char *domain, const char *volume, struct error *e),
       (hv, host, domain, volume, e))

/* A VM that runs, and a job of it whose daemon has ended. */
struct world {
	struct pool_fixture *f;
	char vm[UUID_SIZE], host[UUID_SIZE];
	struct job job;
};

static int put_job_fn(struct txn *t, void *arg, struct error *e)
{
	const struct job *job = arg;
	struct object *row = make(KIND_JOB, job->uuid);

	object_set_str(row, JOB_STATE, JOB_STATE_PROCESSING);
	object_set_str(row, JOB_OPERATION, job->req->op->name);
	object_set_int(row, JOB_PROGRESS, 0);
	object_set_int(row, JOB_STARTED, txn_now(t));
	object_set_int(row, JOB_DEADLINE, job->deadline);
	return txn_put(t, row, NULL, e);
}

static void change(struct world *w, txn_fn *fn, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (store_run(pool_store(w->f->pool), fn, arg, &e) < 0)
		fail_msg("%s", error_sentence(&e));
}

/* Takes over @params. */
static void begin(void **state, struct world *w, const char *operation, json_t *params)
{
	const struct actor actor = {.source = "fs"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char image[UUID_SIZE], offering[UUID_SIZE];

	*w = (struct world){.f = *state, .job = {.deadline = store_now() + 600 * NS_PER_S}};
	atomic_store(&silent, false);
	add_image(w->f, "system.raw", "raw", json_pack("{s:[s]}", "systemTags", "ephemeral::forceRaw"),
		  image);
	must(w->f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i}", "name", "small", "cpuNum", 1, "memorySize", 1 << 27), offering);
	create_vm(w->f, "vm", image, json_pack("{s:s}", "instanceOfferingUuid", offering), w->vm);
	first_uuid(w->f, KIND_HOST, w->host);
	w->job.pool = w->f->pool;
	if (request_new(operation_by_name(operation), w->vm, params, &actor, &w->job.req, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	json_decref(params);
	memcpy(w->job.uuid, w->job.req->job, UUID_SIZE);
	w->job.req->due = true;
	change(w, put_job_fn, &w->job);
}

static void end(struct world *w)
{
	request_free(w->job.req);
	free(w->job.inventory);
}

static int recover(struct world *w, struct error *e)
{
	_cleanup_json_ json_t *result = NULL;

	return w->job.req->op->recover(&w->job, &result, e);
}

static int set_state_fn(struct txn *t, void *arg, struct error *e)
{
	struct world *w = arg;
	struct object *vm;
	int r = txn_edit(t, KIND_VM, w->vm, &vm, e);

	if (r < 0)
		return r;
	object_set_str(vm, VM_STATE, "Rebooting");
	return txn_put(t, vm, NULL, e);
}

static int64_t progress_of(struct world *w)
{
	_cleanup_view_ struct view *view = view_now(w->f);

	return object_int(view_get(view, KIND_JOB, w->job.uuid), JOB_PROGRESS);
}

static bool runs(struct world *w)
{
	enum hv_domain_state state;
	enum hv_domain_reason reason;

	return hv_domain_state(pool_hypervisor(w->f->pool), w->host, w->vm, &state, &reason, NULL) == 0 &&
	       state == HV_DOMAIN_RUNNING && field_is(w->f, KIND_VM, w->vm, VM_STATE, "Running");
}

/* The guest has been asked to shut down, and may be off at any moment: a job that begins anew would find it so. */
static void a_reboot_is_finished_whatever_the_guest_does(void **state)
{
	for (int off = 0; off < 2; off++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		struct world w;

		begin(state, &w, "RebootVmInstance", NULL);
		change(&w, set_state_fn, &w);
		if (off)
			assert_int_equal(hv_domain_destroy(pool_hypervisor(w.f->pool), w.host, w.vm, NULL),
					 0);
		if (recover(&w, &e) < 0)
			fail_msg("%s", error_sentence(&e));
		assert_true(runs(&w));
		assert_true(progress_of(&w) >= 50); /* it was off in between */
		assert_true(field_is(w.f, KIND_VM, w.vm, VM_HOST_UUID, w.host));
		end(&w);
	}
}

static int nothing_fn(struct txn *t, void *arg, struct error *e)
{
	(void)t, (void)arg, (void)e;
	return 0;
}

static void progress_never_goes_back(void **state)
{
	static const int told[] = {10, 50, 3, 49, 60}, shown[] = {10, 50, 50, 50, 60};
	struct world w;

	begin(state, &w, "RebootVmInstance", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		w.job.last_progress = 0; /* not too soon after the last */
		job_progress(&w.job, told[i]);
		change(&w, nothing_fn, NULL); /* it is posted */
		assert_int_equal(progress_of(&w), shown[i]);
	}
	end(&w);
}

/* What a migration writes whose target is silent when the source says that the guest is not there any more. */
static int lose_moved_fn(struct txn *t, void *arg, struct error *e)
{
	struct world *w = arg;
	struct object *vm;
	int r = txn_edit(t, KIND_VM, w->vm, &vm, e);

	if (r < 0)
		return r;
	object_set_str(vm, VM_STATE, "Unknown");
	object_set_str(vm, VM_UNKNOWN_FROM, "Migrating");
	object_set_null(vm, VM_HOST_UUID); /* so that it is another one now */
	r = txn_put(t, vm, NULL, e);
	if (r == 0)
		r = txn_edit(t, KIND_VM, w->vm, &vm, e);
	if (r < 0)
		return r;
	object_set_str(vm, VM_HOST_UUID, w->host);
	return txn_put(t, vm, NULL, e);
}

static void a_guest_that_may_have_moved_does_not_move_twice(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct world w;

	begin(state, &w, "MigrateVm", NULL);
	change(&w, lose_moved_fn, &w);
	atomic_store(&silent, true);
	assert_int_equal(recover(&w, &e), -EINTR);
	assert_false(e.undone);
	assert_true(field_is(w.f, KIND_VM, w.vm, VM_STATE, "Unknown"));
	assert_true(field_is(w.f, KIND_VM, w.vm, VM_UNKNOWN_FROM, "Migrating"));
	/* its host says that it is there */
	atomic_store(&silent, false);
	error_done(&e);
	if (recover(&w, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	assert_true(runs(&w));
	end(&w);
}

static void a_clone_does_not_begin_anew_below_a_copy_that_goes_on(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct world w;

	begin(state, &w, "CloneVmInstance", json_pack("{s:[s]}", "names", "copy"));
	atomic_store(&silent, true);
	assert_int_equal(recover(&w, &e), -ENOTCONN);
	assert_false(e.undone);
	atomic_store(&silent, false);
	error_done(&e);
	assert_int_equal(recover(&w, &e), -EINTR);
	assert_true(e.undone);
	end(&w);
}

/* The first run made all of them; then one is missing, and the second cannot make it. */
static void clones_of_a_run_before_are_named(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	char missing[UUID_SIZE];
	const char *error = NULL;
	int cloned = 0;
	struct world w;

	begin(state, &w, "CloneVmInstance", json_pack("{s:[s,s]}", "names", "one", "two"));
	if (w.job.req->op->run(&w.job, &first, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	uuid_derive(w.job.uuid, 1, missing);
	must(w.f, "DestroyVmInstance", missing, NULL, NULL);
	if (exists(w.f, KIND_VM, missing))
		must(w.f, "ExpungeVmInstance", missing, NULL, NULL);
	atomic_store(&silent, true);
	if (w.job.req->op->run(&w.job, &second, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	assert_int_equal(json_unpack(second, "{s:{s:i, s:[{s:{s:s}}, {s:{s:s}}]}}", "result",
				     "numberOfClonedVm", &cloned, "inventories", "inventory", "name", &error,
				     "error", "details", &error),
			 0);
	assert_int_equal(cloned, 1);
	assert_non_null(strstr(error, "connection to the host was lost"));
	assert_false(exists(w.f, KIND_VM, missing));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_reboot_is_finished_whatever_the_guest_does,
						pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(progress_never_goes_back, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_guest_that_may_have_moved_does_not_move_twice,
						pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_clone_does_not_begin_anew_below_a_copy_that_goes_on,
						pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(clones_of_a_run_before_are_named, pool_fixture_setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
