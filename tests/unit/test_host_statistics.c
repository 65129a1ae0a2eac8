/* SPDX-License-Identifier: Apache-2.0 */
/* All hosts are asked for their statistics: what they answer, and when, is up to the tests. */
#include "tests/unit/pool_fixture.h"

#include <limits.h>
#include <pthread.h>

#include "actions/host/statistics.h"
#include "model/json.h"
#include "hypervisor/host_load.h"
#include "hypervisor/statistics.h"

/* Besides the host of the fixture. */
#define MORE 3

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked, answer_at; /* lock: hosts that were asked; a host answers when so many were */
static int answered;	     /* lock: questions after so many are not answered */
static const char *silent;   /* lock: this one does not answer */
static int silent_was_asked; /* lock */

int __wrap_hv_host_statistics(struct hypervisor *hv, const char *host, struct hv_domain_statistics **ret,
			      size_t *ret_count, struct error *e);
int __wrap_hv_host_load(struct hypervisor *hv, const char *host, struct hv_host_load *ret, struct error *e);

static struct timespec patience(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += POOL_PATIENCE_MS / 1000;
	return until;
}

int __wrap_hv_host_statistics(struct hypervisor *hv, const char *host, struct hv_domain_statistics **ret,
			      size_t *ret_count, struct error *e)
{
	const struct timespec until = patience();
	int r = 0, number;

	(void)hv, (void)e;
	pthread_mutex_lock(&lock);
	number = ++asked;
	if (silent && strcmp(silent, host) == 0)
		silent_was_asked++;
	pthread_cond_broadcast(&changed);
	while (r == 0 && (asked < answer_at || number > answered || (silent && strcmp(silent, host) == 0)))
		r = pthread_cond_timedwait(&changed, &lock, &until);
	pthread_mutex_unlock(&lock);
	*ret = NULL;
	*ret_count = 0;
	return -r;
}

int __wrap_hv_host_load(struct hypervisor *hv, const char *host, struct hv_host_load *ret, struct error *e)
{
	(void)hv, (void)host, (void)ret, (void)e;
	return -ENOTCONN;
}

static int add_hosts_fn(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	(void)arg;
	for (unsigned i = 0; r >= 0 && i < MORE; i++) {
		struct object *o = make(KIND_HOST, test_uuid(0x1000 + i));

		object_set_str(o, HOST_STATUS, "Connected");
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

static int setup(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = pool_fixture_setup(state);
	struct pool_fixture *f = *state;

	asked = 0;
	answer_at = 0;
	answered = INT_MAX;
	silent = NULL;
	silent_was_asked = 0;
	if (r == 0 && store_run(pool_store(f->pool), add_hosts_fn, NULL, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	return r;
}

/* How many hosts have told. */
static size_t take(struct pool_fixture *f, int wait_ms)
{
	_cleanup_samples_ struct statistics_samples samples = {0};
	_cleanup_view_ struct view *view = view_now(f);
	size_t told = 0;

	assert_int_equal(statistics_take(f->pool, view, wait_ms, &samples), 0);
	assert_int_equal(samples.count, MORE + 1);
	for (size_t i = 0; i < samples.count; i++)
		told += samples.list[i] != NULL;
	return told;
}

/* None answers before all are asked. */
static void hosts_are_asked_side_by_side(void **state)
{
	answer_at = MORE + 1;
	assert_int_equal(take(*state, POOL_PATIENCE_MS), MORE + 1);
}

static void a_silent_host_delays_no_other(void **state)
{
	static char host[UUID_SIZE];
	size_t told = 0;

	snprintf(host, sizeof(host), "%s", test_uuid(0x1000));
	silent = host;
	for (int tries = 0; told < MORE && tries < POOL_PATIENCE_MS / 100; tries++)
		told = take(*state, 100);
	assert_int_equal(told, MORE);
	(void)take(*state, 100);
	pthread_mutex_lock(&lock);
	assert_int_equal(silent_was_asked, 1);
	silent = NULL;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	assert_int_equal(take(*state, POOL_PATIENCE_MS), MORE + 1);
}

/* A setting that nobody can make: what a host has told is never used again. */
static int set_no_age_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	view_for_each (o, txn_view(t), KIND_GLOBAL_CONFIG)
		if (object_str_is(o, GLOBAL_CONFIG_CATEGORY, "statistics") &&
		    object_str_is(o, GLOBAL_CONFIG_NAME, "maxAge")) {
			struct object *copy = object_copy(o);

			object_set_str(copy, GLOBAL_CONFIG_VALUE, "0");
			return txn_put(t, copy, NULL, e);
		}
	fail_msg("there is no such setting");
	return -ENOENT;
}

/* The first @count questions are answered, those after them are not. */
static void answer_first(int count)
{
	pthread_mutex_lock(&lock);
	answered = count;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static int asked_now(void)
{
	scoped_lock(&lock);
	return asked;
}

/* Who asks again and again, and never waits long enough, gets what has been told meanwhile, but nothing that was given already. */
static void a_slow_host_is_told_of_late(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const int hosts = MORE + 1;

	assert_int_equal(store_run(pool_store(f->pool), set_no_age_fn, NULL, &e), 0);
	answer_first(hosts);
	assert_int_equal(take(f, POOL_PATIENCE_MS), hosts);
	assert_int_equal(take(f, 10), 0);
	answer_first(2 * hosts);
	/* when all are asked once more, all have answered */
	for (int tries = 0; asked_now() < 3 * hosts && tries < POOL_PATIENCE_MS / 10; tries++)
		(void)take(f, 10);
	assert_int_equal(asked_now(), 3 * hosts);
	assert_int_equal(take(f, 10), hosts);
	assert_int_equal(asked_now(), 3 * hosts);
	answer_first(INT_MAX);
	assert_int_equal(take(f, POOL_PATIENCE_MS), hosts);
}

/* ------------------------------------------------------ who waits for hosts */

#define CLIENTS 8

static int given;	      /* lock: answers */
static int given_before = -1; /* lock: before the pool did something else */

static void count_answer(void *arg, int result, json_t *json, const struct error *e)
{
	(void)arg, (void)result, (void)e;
	json_decref(json);
	scoped_lock(&lock);
	given++;
	pthread_cond_broadcast(&changed);
}

static void do_something_else(void *arg)
{
	(void)arg;
	scoped_lock(&lock);
	given_before = given;
	pthread_cond_broadcast(&changed);
}

static void wait_for(const int *number, int least)
{
	scoped_lock(&lock);
	while (*number < least)
		(void)pthread_cond_wait(&changed, &lock);
}

/* The threads that serve everybody stay free while an account waits for silent hosts, however often it asks. */
static void whoever_asks_often_keeps_no_thread_from_others(void **state)
{
	static const char *const operations[] = {"GetVmStatistics", "GetMetricData", "GetMetricLabelValue"};
	struct pool_fixture *f = *state;
	const struct actor actor = {.source = "rest"};
	_cleanup_(error_done) struct error none = ERROR_INIT;

	assert_int_equal(store_run(pool_store(f->pool), set_no_age_fn, NULL, &none), 0);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		answer_first(asked_now());
		pthread_mutex_lock(&lock);
		given = 0;
		given_before = -1;
		pthread_mutex_unlock(&lock);
		for (int j = 0; j < CLIENTS; j++) {
			_cleanup_(error_done) struct error e = ERROR_INIT;
			_cleanup_json_ json_t *params =
				i ? json_pack("{s:s, s:s, s:[s]}", "namespace", "ZStack/VM", "metricName",
					      "MemoryUsedBytes", i == 1 ? "labels" : "labelNames",
					      i == 1 ? "VMUuid!=x" : "VMUuid")
				  : json_object();
			struct request *req;

			if (request_new(operation_by_name(operations[i]), NULL, params, &actor, &req, &e) < 0)
				fail_msg("%s", error_sentence(&e));
			pool_get(f->pool, req, count_answer, NULL);
		}
		assert_int_equal(pool_background(f->pool, do_something_else, NULL), 0);
		wait_for(&given_before, 0);
		assert_true(given_before < CLIENTS / 2);
		answer_first(INT_MAX);
		wait_for(&given, CLIENTS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts_are_asked_side_by_side, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_silent_host_delays_no_other, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_slow_host_is_told_of_late, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(whoever_asks_often_keeps_no_thread_from_others, setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
