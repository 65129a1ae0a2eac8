/* SPDX-License-Identifier: Apache-2.0 */
/* Consoles that clients connect to. The pool, which says where they are, and the VMs are the test. */
#include "tests/unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/json.h"
#include "rest/clients.h"
#include "rest/console.h"
#include "rest/login.h"

#define OF_ONE	   8
#define OF_ACCOUNT 128

static int vm = -1, port; /* the socket on which the VM listens */
/* What the pool says to the questions for the target after the first one. */
static enum { SAME, ANOTHER_PORT, NO_ACCESS } later;
static int asked, access_asked;

int __wrap_login_call(struct mount *mount, struct call_file *file, const char *session, const char *operation,
		      const char *address, json_t *params, struct answer *ret, struct error *e);
int64_t __wrap_mount_stamp(const struct mount *mount);

int64_t __wrap_mount_stamp(const struct mount *mount)
{
	(void)mount;
	return 2;
}

/* The right to the console is lost in the state that is seen; the first answer is from the one before that. */
static int answer_access(struct answer *ret, struct error *e)
{
	static const char body[] = "{\"stamp\":1}";

	if (access_asked++)
		return error_set_code(e, EACCES, "ID.1002", "the token gives no access to a console");
	*ret = (struct answer){.word = ANSWER_OK, .text = strdup(body), .len = sizeof(body) - 1};
	ret->body = ret->text;
	return 0;
}

/* The account of a token is its first letter. */
int __wrap_login_call(struct mount *mount, struct call_file *file, const char *session, const char *operation,
		      const char *address, json_t *params, struct answer *ret, struct error *e)
{
	const char *token = json_string_value(json_object_get(params, "token"));
	bool first = asked++ == 0;
	json_t *target;

	(void)mount, (void)file, (void)session, (void)address;
	if (strcmp(operation, "GetConsoleAccess") == 0) {
		json_decref(params);
		return answer_access(ret, e);
	}
	assert_string_equal(operation, "GetConsoleTarget");
	target = json_pack("{s:s, s:i, s:s, s:s%}", "hostIp", "127.0.0.1", "port",
			   port + (!first && later == ANOTHER_PORT), "protocol", "vnc", "accountUuid", token,
			   (size_t)1);
	json_decref(params);
	if (!first && later == NO_ACCESS) {
		json_decref(target);
		return error_set_code(e, EACCES, "ID.1002", "the token gives no access to a console");
	}
	*ret = (struct answer){.word = ANSWER_OK, .text = json_dumps(target, JSON_COMPACT)};
	json_decref(target);
	ret->body = ret->text;
	ret->len = strlen(ret->text);
	return 0;
}

static int setup(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	vm = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(vm, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(vm, 2 * OF_ACCOUNT), 0);
	assert_int_equal(getsockname(vm, (struct sockaddr *)&at, &len), 0);
	port = ntohs(at.sin_port);
	*state = consoles_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	consoles_free(*state);
	return close(vm);
}

/* Somebody connects with the token number @number of the account @account. A reference. */
static struct response *connect_as(struct consoles *consoles, char account, int number)
{
	char target[80];
	struct http_head head = {.method = "GET",
				 .target = target,
				 .count = 4,
				 .fields = {{"Upgrade", "websocket"},
					    {"Connection", "Upgrade"},
					    {"Sec-WebSocket-Version", "13"},
					    {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}};
	const struct exchange x = {.head = &head, .method = "GET", .client = "127.0.0.1"};
	struct call_file file = CALL_FILE_INIT;

	asked = 0;
	snprintf(target, sizeof(target), "/websockify?token=%c%031d", account, number);
	return console_answer(consoles, &file, &x);
}

static void is_refused_when_its_place_is_anothers_by_now(void **state)
{
	static const struct {
		int later, status;
	} rows[] = {{SAME, 101}, {ANOTHER_PORT, 503}, {NO_ACCESS, 403}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct response *response;
		char byte;
		int fd;

		later = rows[i].later;
		response = connect_as(*state, 'a', 1);
		assert_non_null(response);
		assert_int_equal(response->status, rows[i].status);
		fd = accept(vm, NULL, NULL);
		/* of one that is refused nothing stays */
		assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), rows[i].status == 101 ? -1 : 0);
		response_unref(response);
		(void)close(fd);
	}
	later = SAME;
}

/* With all of its VMs an account leaves places to others. */
static void an_account_has_so_many_at_a_time(void **state)
{
	struct response *held[OF_ACCOUNT], *response;

	for (int i = 0; i < OF_ACCOUNT; i++) {
		held[i] = connect_as(*state, 'a', i / OF_ONE);
		assert_int_equal(held[i]->status, 101);
	}
	response = connect_as(*state, 'a', OF_ACCOUNT);
	assert_int_equal(response->status, 429);
	response_unref(response);
	response = connect_as(*state, 'b', 0);
	assert_int_equal(response->status, 101);
	response_unref(response);
	response_unref(held[0]);
	held[0] = connect_as(*state, 'a', OF_ACCOUNT);
	assert_int_equal(held[0]->status, 101);
	for (int i = 0; i < OF_ACCOUNT; i++)
		response_unref(held[i]);
}

struct served {
	struct response *response;
	struct stream *stream;
};

static void *serve(void *arg)
{
	struct served *s = arg;
	struct call_file file = CALL_FILE_INIT;
	struct seat seat = {.stream = s->stream};

	atomic_init(&seat.since, 1);
	s->response->takeover->serve(s->response->takeover, s->stream, &seat, "", 0, &file);
	stream_free(s->stream);
	return NULL;
}

/* Nothing more has to happen in the pool. */
static void ends_when_the_right_to_it_is_lost(void **state)
{
	static const unsigned char policy[] = {0x88, 2, 1008 >> 8, 1008 & 0xff};
	const struct timeval patience = {.tv_sec = 60};
	unsigned char bytes[sizeof(policy)];
	struct served s = {.response = connect_as(*state, 'a', 1)};
	pthread_t thread;
	int ends[2];

	assert_int_equal(s.response->status, 101);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	s.stream = stream_new(ends[1], NULL);
	access_asked = 0;
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	assert_int_equal(recv(ends[0], bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
	assert_memory_equal(bytes, policy, sizeof(policy));
	(void)pthread_join(thread, NULL);
	response_unref(s.response);
	(void)close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_refused_when_its_place_is_anothers_by_now, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_account_has_so_many_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_when_the_right_to_it_is_lost, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
