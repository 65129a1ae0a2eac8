/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool that closes while requests arrive, or whose jobs are held back: accepted requests are in the database,
 * including the last change of the store, and are done after the next opening.
 */
#include "tests/unit/pool_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "actions/account/quota.h"

#define REQUESTS 200
#define ROUNDS	 5

static atomic_int answered;
static char accepted[ROUNDS * REQUESTS][UUID_SIZE]; /* the writer thread's until the pool is closed */
static size_t accepted_count;

static void on_accepted(void *arg, int result, const char *job_uuid, const json_t *answer,
			const struct error *e)
{
	(void)arg, (void)answer, (void)e;
	if (result == 0)
		memcpy(accepted[accepted_count++], job_uuid, UUID_SIZE);
	atomic_fetch_add(&answered, 1);
}

static void submit_reconnect(struct pool_fixture *f, const char *storage)
{
	const struct actor actor = {.source = "fs"};
	struct request *req;

	assert_int_equal(
		request_new(operation_by_name("ReconnectPrimaryStorage"), storage, NULL, &actor, &req, NULL),
		0);
	pool_submit(f->pool, req, on_accepted, NULL);
}

static bool all_have_ended(const struct view *view, const void *arg)
{
	(void)arg;
	for (size_t i = 0; i < accepted_count; i++)
		if (!job_has_ended(view, accepted[i]))
			return false;
	return true;
}

static void accepted_requests_are_done_eventually(void **state)
{
	struct pool_fixture *f = *state;
	char storage[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, storage);
	for (int round = 1; round <= ROUNDS; round++) {
		for (int i = 0; i < REQUESTS; i++)
			submit_reconnect(f, storage);
		pool_fixture_reopen(f);
		assert_int_equal(atomic_load(&answered), round * REQUESTS);
	}
	assert_true(accepted_count > 0);
	wait_until(f, all_have_ended, NULL);
}

/* ------------------------------------------------------------- jobs held back */

static struct {
	sem_t entered;
	atomic_bool left;
} idle;

static void on_idle(void *arg)
{
	assert_ptr_equal(arg, &idle);
	sem_post(&idle.entered);
	(void)usleep(100000); /* longer than a release takes that does not wait */
	atomic_store(&idle.left, true);
}

static void *hold(void *f)
{
	pool_hold_jobs(((struct pool_fixture *)f)->pool, on_idle, &idle);
	return NULL;
}

/* Who has released the jobs is not told any more that none runs, which may be untrue by then. */
static void nobody_is_called_after_the_release(void **state)
{
	struct pool_fixture *f = *state;
	pthread_t thread;

	wait_until(f, no_job_runs, NULL);
	sem_init(&idle.entered, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold, f), 0);
	sem_wait(&idle.entered);
	pool_release_jobs(f->pool);
	assert_true(atomic_load(&idle.left));
	assert_int_equal(pthread_join(thread, NULL), 0);
	sem_destroy(&idle.entered);
}

/* ------------------------------------------------------- a change that must be made */

struct attempts {
	int failures, result; /* so many, with this result */
	int made;
	sem_t failed;
};

static int attempt_fn(struct txn *t, void *arg, struct error *e)
{
	struct attempts *a = arg;

	(void)t;
	a->made++;
	if (a->failures-- == 0)
		return 0;
	sem_post(&a->failed);
	return error_set(e, -a->result, "attempt %d fails", a->made);
}

/* It is made when the database works again; what it says itself is not tried again. */
static void what_must_be_written_is_tried_again(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct attempts a = {.failures = 3, .result = -ENOSPC};
	struct attempts refused = {.failures = 1, .result = -EINVAL};
	struct pool_fixture *f = *state;

	sem_init(&a.failed, 0, 0);
	sem_init(&refused.failed, 0, 0);
	assert_int_equal(pool_insist(f->pool, "test", "it", attempt_fn, &a, &e), 0);
	assert_int_equal(a.made, 4);
	assert_false(error_is_set(&e));
	assert_int_equal(pool_insist(f->pool, "test", "it", attempt_fn, &refused, &e), -EINVAL);
	assert_string_equal(error_sentence(&e), "attempt 1 fails");
}

struct insisting {
	struct pool *pool;
	struct attempts attempts;
	int result;
};

static void insist(void *arg)
{
	struct insisting *i = arg;

	i->result = pool_insist(i->pool, "test", "it", attempt_fn, &i->attempts, NULL);
}

/* It ends with the pool. */
static void it_is_left_to_the_next_start(void **state)
{
	struct pool_fixture *f = *state;
	static struct insisting i;

	i = (struct insisting){.pool = f->pool, .attempts = {.failures = INT_MAX, .result = -EIO}};
	sem_init(&i.attempts.failed, 0, 0);
	assert_int_equal(pool_background(f->pool, insist, &i), 0);
	sem_wait(&i.attempts.failed);
	sem_wait(&i.attempts.failed);
	pool_fixture_reopen(f);
	assert_int_equal(i.result, -EIO);
	assert_true(i.attempts.made >= 2);
}

/* ------------------------------------------------------------- ends of jobs */

static atomic_int refusals;

static int refuse_ends(const struct txn *t, const struct object *before, const struct object *after,
		       struct error *e)
{
	(void)t, (void)before;
	if (after->kind->id != KIND_JOB || !job_state_is_final(object_text(after, JOB_STATE)) ||
	    atomic_fetch_sub(&refusals, 1) <= 0)
		return 0;
	return error_set(e, EINVAL, "this end is refused");
}

/* Also when neither its result can be written, nor why not. */
static void every_job_has_an_end(void **state)
{
	struct pool_fixture *f = *state;
	char storage[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, storage);
	wait_until(f, no_job_runs, NULL);
	assert_int_equal(store_guard(pool_store(f->pool), refuse_ends), 0);
	atomic_store(&refusals, 1);
	must_fail(f, "ReconnectPrimaryStorage", storage, NULL, EINVAL, "this end is refused");
	atomic_store(&refusals, 2);
	must_fail(f, "ReconnectPrimaryStorage", storage, NULL, 0, "the end of the job cannot be written");
}

/* ------------------------------------------------ a pool that ends before its hosts are connected */

/* A socket that takes connections and says nothing, and the URI of such a host. */
static int listen_deaf(char ret_uri[64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(ret_uri, 64, "qemu+tcp://127.0.0.1:%d/system", ntohs(address.sin_port));
	return fd;
}

struct new_uri {
	const char *host, *uri;
};

static int set_uri_fn(struct txn *t, void *arg, struct error *e)
{
	const struct new_uri *n = arg;
	struct object *host;
	int r = txn_edit(t, KIND_HOST, n->host, &host, e);

	if (r < 0)
		return r;
	object_set_str(host, HOST_URI, n->uri);
	return txn_put(t, host, NULL, e);
}

static void set_uri(struct pool_fixture *f, const char *host, const char *uri)
{
	struct new_uri n = {host, uri};

	assert_int_equal(store_run(pool_store(f->pool), set_uri_fn, &n, NULL), 0);
}

/* A job that waits for hosts is not tried without them because the pool ends: the next start does it. */
static void jobs_of_a_short_mount_wait_for_the_next(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct pool_fixture *f = *state;
	char deaf[64], host[UUID_SIZE], image[UUID_SIZE], vm[UUID_SIZE], job[UUID_SIZE], target[UUID_SIZE];
	int fd = listen_deaf(deaf);

	first_uuid(f, KIND_HOST, host);
	add_image(f, "disk", "raw", NULL, image);
	create_vm(f, "later", image, json_pack("{s:s}", "strategy", "JustCreate"), vm);
	set_uri(f, host, deaf);
	pool_fixture_reopen(f);
	assert_int_equal(
		submit(f, "StartVmInstance", vm, json_pack("{s:s}", "hostUuid", host), job, target, &e), 0);
	assert_true(field_is(f, KIND_JOB, job, JOB_STATE, "Queued"));
	pool_fixture_reopen(f);
	assert_true(field_is(f, KIND_JOB, job, JOB_STATE, "Queued"));
	set_uri(f, host, "test:///default");
	pool_fixture_reopen(f);
	if (job_end(f, job, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	assert_true(field_is(f, KIND_VM, vm, VM_STATE, "Running"));
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accepted_requests_are_done_eventually, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(nobody_is_called_after_the_release, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(what_must_be_written_is_tried_again, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(it_is_left_to_the_next_start, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(every_job_has_an_end, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(jobs_of_a_short_mount_wait_for_the_next, pool_fixture_setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
