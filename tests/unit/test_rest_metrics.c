/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions that poolfs-rest keeps for the clients of /metrics. The pool, which gives and ends them, is the test. */
#include "tests/unit/test.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "rest/login.h"
#include "rest/metrics.h"

#define PATIENCE_S 60
#define SESSIONS   32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* All under the lock. A session's uuid is its number, the first is 1. */
static struct {
	bool open, was_cut; /* it ended while a call was being answered */
	int calls;
} sessions[SESSIONS];
static int opened, closed, calls;
static int held; /* calls of so many sessions are not answered for now */

/* ---------------------------------------------------------------- the pool */

int __wrap_login_open(struct mount *mount, struct call_file *file, const char *address, const char *name,
		      const char *password, char ret[MOUNT_UUID_SIZE], struct error *e);
void __wrap_login_close(struct mount *mount, struct call_file *file, const char *session);
int __wrap_login_call(struct mount *mount, struct call_file *file, const char *session, const char *operation,
		      const char *address, json_t *params, struct answer *ret, struct error *e);

int __wrap_login_open(struct mount *mount, struct call_file *file, const char *address, const char *name,
		      const char *password, char ret[MOUNT_UUID_SIZE], struct error *e)
{
	(void)mount, (void)file, (void)address, (void)name, (void)password;
	scoped_lock(&lock);
	if (opened + 1 == SESSIONS)
		return error_set(e, EIO, "there are too many sessions");
	sessions[++opened].open = true;
	snprintf(ret, MOUNT_UUID_SIZE, "%032d", opened);
	return 0;
}

/* Under lock. */
static void end_session(int number)
{
	sessions[number].open = false;
	sessions[number].was_cut = sessions[number].calls > 0;
}

void __wrap_login_close(struct mount *mount, struct call_file *file, const char *session)
{
	(void)mount, (void)file;
	scoped_lock(&lock);
	closed++;
	end_session((int)strtol(session, NULL, 10));
}

/* Under lock. */
static int wait_for_change(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	return pthread_cond_timedwait(&changed, &lock, &until);
}

int __wrap_login_call(struct mount *mount, struct call_file *file, const char *session, const char *operation,
		      const char *address, json_t *params, struct answer *ret, struct error *e)
{
	static const char body[] = "{\"metrics\":\"x 1\\n\"}";
	int number = (int)strtol(session, NULL, 10);

	(void)mount, (void)file, (void)operation, (void)address, (void)e;
	json_decref(params);
	scoped_lock(&lock);
	sessions[number].calls++;
	calls++;
	pthread_cond_broadcast(&changed);
	while (number <= held)
		if (wait_for_change() != 0)
			break;
	calls--;
	sessions[number].calls--;
	if (!sessions[number].open)
		return 0;
	*ret = (struct answer){.word = ANSWER_OK, .text = strdup(body), .len = sizeof(body) - 1};
	ret->body = ret->text;
	return 0;
}

/* ------------------------------------------------------------- the clients */

struct client {
	struct metrics *metrics;
	int number, status;
	pthread_t thread;
};

/* Client number N, who is called so, asks for the metrics. */
static int ask(struct metrics *metrics, int number)
{
	char name[32], value[64] = "Basic ";
	struct http_head head = {
		.method = "GET", .target = "/metrics", .count = 1, .fields = {{"Authorization", value}}};
	const struct exchange x = {.head = &head, .method = "GET", .client = "127.0.0.1"};
	struct call_file file = CALL_FILE_INIT;
	int len = snprintf(name, sizeof(name), "client%d:password", number), status;
	struct response *response;

	EVP_EncodeBlock((unsigned char *)value + strlen(value), (const unsigned char *)name, len);
	response = metrics_answer(metrics, NULL, &file, &x);
	status = response ? response->status : 0;
	response_unref(response);
	return status;
}

static void *ask_in_thread(void *arg)
{
	struct client *client = arg;

	client->status = ask(client->metrics, client->number);
	return NULL;
}

static int setup(void **state)
{
	memset(sessions, 0, sizeof(sessions));
	opened = closed = calls = held = 0;
	*state = metrics_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	metrics_free(*state, NULL);
	return closed == opened ? 0 : -1;
}

/* ------------------------------------------------------------------- tests */

/* As many as are kept are in use: one more client is served beside them, and none of theirs ends. */
static void a_session_in_use_is_not_ended(void **state)
{
	struct client clients[METRICS_LOGINS];
	const int beside = METRICS_LOGINS + 1;
	int r = 0;

	held = METRICS_LOGINS;
	for (int i = 0; i < METRICS_LOGINS; i++) {
		clients[i] = (struct client){.metrics = *state, .number = i + 1};
		assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_in_thread, &clients[i]), 0);
	}
	pthread_mutex_lock(&lock);
	while (r == 0 && calls < METRICS_LOGINS)
		r = wait_for_change();
	pthread_mutex_unlock(&lock);
	assert_int_equal(r, 0);
	assert_int_equal(ask(*state, beside), 200);
	assert_int_equal(opened, beside);
	assert_int_equal(closed, 1);
	assert_false(sessions[beside].open);
	pthread_mutex_lock(&lock);
	held = 0;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < METRICS_LOGINS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		assert_int_equal(clients[i].status, 200);
		assert_true(sessions[i + 1].open);
		assert_false(sessions[i + 1].was_cut);
	}
	/* now there is a place */
	assert_int_equal(ask(*state, beside), 200);
	assert_true(sessions[beside + 1].open);
	assert_int_equal(closed, 2);
}

/* A client whose session the pool has ended logs in anew, at nobody's expense. */
static void an_empty_place_is_taken_first(void **state)
{
	for (int i = 1; i <= METRICS_LOGINS; i++)
		assert_int_equal(ask(*state, i), 200);
	end_session(3);
	for (int i = METRICS_LOGINS; i > 0; i--)
		assert_int_equal(ask(*state, i), 200);
	assert_int_equal(opened, METRICS_LOGINS + 1);
	assert_int_equal(closed, 0);
	closed++; /* by the pool */
}

static void the_least_recently_used_makes_room(void **state)
{
	for (int i = 1; i <= METRICS_LOGINS; i++)
		assert_int_equal(ask(*state, i), 200);
	assert_int_equal(ask(*state, 1), 200);
	assert_int_equal(ask(*state, METRICS_LOGINS + 1), 200);
	assert_int_equal(opened, METRICS_LOGINS + 1);
	assert_int_equal(closed, 1);
	assert_true(sessions[1].open);
	assert_false(sessions[2].open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_session_in_use_is_not_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_place_is_taken_first, setup, teardown),
		cmocka_unit_test_setup_teardown(the_least_recently_used_makes_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
