/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is killed while it creates a VM, or starts it for the first time: the next one finds a whole VM, or
 * undoes what there is and makes it anew, whatever the strategy. tests/tree/07-create-killed.sh has the same on a mount.
 */
#include "tests/unit/pool_fixture.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *program;

/* A job as arguments of the process that is to die of it. */
struct deadly {
	const char *point;
	const char *operation;
	const char *target; /* "" for a creation */
	const char *params; /* JSON */
};

/* The process that dies. */
static int die(char **argv)
{
	const struct deadly d = {argv[2], argv[3], argv[4], argv[5]};
	struct pool_fixture f = {0};
	char job[UUID_SIZE], target[UUID_SIZE];

	snprintf(f.state, sizeof(f.state), "%s", argv[1]);
	(void)setenv("POOLFS_TEST_KILL_AT", d.point, true);
	pool_fixture_open(&f);
	wait_until(&f, host_is_there, NULL);
	if (submit(&f, d.operation, *d.target ? d.target : NULL, json_loads(d.params, 0, NULL), job, target,
		   NULL) == 0)
		wait_until(&f, job_has_ended, job);
	return EXIT_FAILURE;
}

static void last_job(struct pool_fixture *f, char ret[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(f);

	view_for_each (job, view, KIND_JOB)
		memcpy(ret, object_uuid(job), UUID_SIZE);
}

/* Lets another process die of the job, opens the pool again, and returns how the job ends. */
static int killed(struct pool_fixture *f, const struct deadly *d, char ret_target[UUID_SIZE], struct error *e)
{
	char job[UUID_SIZE] = "";
	int status = 0;
	pid_t pid;

	pool_close(f->pool);
	f->pool = NULL;
	pid = fork();
	if (pid == 0) {
		(void)execl(program, program, f->state, d->point, d->operation, d->target, d->params, NULL);
		_exit(EXIT_FAILURE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	pool_fixture_open(f);
	last_job(f, job);
	wait_until(f, job_has_ended, job);
	{
		_cleanup_view_ struct view *view = view_now(f);

		snprintf(ret_target, UUID_SIZE, "%s",
			 object_text(view_get(view, KIND_JOB, job), JOB_RESOURCE_UUID));
	}
	return job_end(f, job, e);
}

static int creation_killed(struct pool_fixture *f, const char *point, const char *image, const char *strategy,
			   const char *host, char ret_vm[UUID_SIZE])
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char offering[UUID_SIZE], l3[UUID_SIZE], params[512], more[64] = "";
	struct deadly d = {point, "CreateVmInstance", "", params};

	first_uuid(f, KIND_INSTANCE_OFFERING, offering);
	first_uuid(f, KIND_L3_NETWORK, l3);
	if (host)
		snprintf(more, sizeof(more), ", \"hostUuid\": \"%s\"", host);
	snprintf(params, sizeof(params),
		 "{\"name\": \"web\", \"imageUuid\": \"%s\", \"instanceOfferingUuid\": \"%s\", "
		 "\"l3NetworkUuids\": [\"%s\"], \"strategy\": \"%s\"%s}",
		 image, offering, l3, strategy, more);
	return killed(f, &d, ret_vm, &e);
}

static size_t count(struct pool_fixture *f, enum kind_id kind)
{
	_cleanup_view_ struct view *view = view_now(f);
	size_t n = 0;

	view_for_each (o, view, kind)
		n += o != NULL;
	return n;
}

static void a_vm_that_was_to_start_is_made_anew(void **state)
{
	static const struct {
		const char *strategy, *state;
	} creations[] = {{"InstantStart", "Running"}, {"CreateStopped", "Stopped"}};
	static const char *const points[] = {"vm-laid-out", "volume-made"};
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], vm[UUID_SIZE];
	size_t made = 0;

	add_image(f, "disk", "raw", NULL, image);
	for (size_t i = 0; i < ARRAY_SIZE(creations); i++)
		for (size_t k = 0; k < ARRAY_SIZE(points); k++) {
			assert_int_equal(
				creation_killed(f, points[k], image, creations[i].strategy, NULL, vm), 0);
			assert_true(field_is(f, KIND_VM, vm, VM_STATE, creations[i].state));
			made++;
			assert_int_equal(count(f, KIND_VM), made);
			assert_int_equal(count(f, KIND_VOLUME), made);
			assert_int_equal(count(f, KIND_NIC), made);
		}
}

static void a_vm_that_was_stopped_stays(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE], vm[UUID_SIZE];

	add_image(f, "disk", "raw", NULL, image);
	assert_int_equal(creation_killed(f, "vm-created", image, "CreateStopped", NULL, vm), 0);
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Stopped"));
	must(f, "StartVmInstance", vm, NULL, NULL);
}

static void a_row_is_all_of_just_create(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct pool_fixture *f = *state;
	char host[UUID_SIZE], image[UUID_SIZE], vm[UUID_SIZE], same[UUID_SIZE];

	first_uuid(f, KIND_HOST, host);
	add_image(f, "disk", "raw", NULL, image);
	assert_int_equal(creation_killed(f, "vm-laid-out", image, "JustCreate", NULL, vm), 0);
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Created"));
	assert_int_equal(creation_killed(f, "vm-laid-out", image, "JustCreate", host, vm), 0);
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Created"));
	assert_true(field_is(f, KIND_VM, vm, VM_HOST_UUID, host));

	assert_int_equal(killed(f, &(struct deadly){"volume-made", "StartVmInstance", vm, "{}"}, same, &e),
			 0);
	assert_string_equal(same, vm);
	assert_true(field_is(f, KIND_VM, vm, VM_HOST_UUID, host));
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Running"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_vm_that_was_to_start_is_made_anew, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_vm_that_was_stopped_stays, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_row_is_all_of_just_create, pool_fixture_setup,
						pool_fixture_teardown),
	};

	if (argc == 6)
		return die(argv);
#ifndef POOLFS_TESTS
	return 77; /* this build has no kill points */
#endif
	program = argv[0];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
