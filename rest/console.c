/* SPDX-License-Identifier: Apache-2.0 */
/* See console.h. */
#include "rest/console.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "rest/login.h"
#include "rest/relay.h"

#define CONSOLES_MAX	    256
#define CONSOLES_OF_ACCOUNT 128
#define CONSOLES_OF_ONE	    8	 /* token */
#define CONNECT_MS	    5000 /* for each address of a host */

static const char path_console[] = "/websockify";

struct consoles {
	struct mount *mount;
	pthread_mutex_t lock;
	struct place {
		char token[MOUNT_UUID_SIZE]; /* "": it is free */
		char account[MOUNT_UUID_SIZE];
	} places[CONSOLES_MAX]; /* the lock: of those that are connected */
};

/* A console that a client is connected to. */
struct console {
	struct takeover takeover;
	struct consoles *consoles;
	struct call_file *file; /* borrowed; while it serves */
	char token[MOUNT_UUID_SIZE], client[INET6_ADDRSTRLEN];
	struct place *place; /* NULL: none */
	int fd;		     /* owned: the connection to the VM */
	int64_t stamp;	     /* of the state of the pool in which it was last allowed; 0: not asked yet */
};

struct consoles *consoles_new(struct mount *mount)
{
	struct consoles *consoles = calloc(1, sizeof(*consoles));

	if (!consoles)
		return NULL;
	consoles->mount = mount;
	pthread_mutex_init(&consoles->lock, NULL);
	return consoles;
}

void consoles_free(struct consoles *consoles)
{
	if (!consoles)
		return;
	pthread_mutex_destroy(&consoles->lock);
	free(consoles);
}

/* --------------------------------------------------------------------- places */

/* Takes a place for a console of the account. False when there are too many. */
static bool take_place(struct console *console, const char *account)
{
	struct consoles *all = console->consoles;
	struct place *free_place = NULL;
	int of_token = 0, of_account = 0;

	scoped_lock(&all->lock);
	for (struct place *place = all->places; place < all->places + CONSOLES_MAX; place++) {
		if (!*place->token) {
			free_place = place;
			continue;
		}
		of_token += strcmp(place->token, console->token) == 0;
		of_account += strcmp(place->account, account) == 0;
	}
	if (!free_place || of_token >= CONSOLES_OF_ONE || of_account >= CONSOLES_OF_ACCOUNT)
		return false;
	memcpy(free_place->token, console->token, sizeof(free_place->token));
	snprintf(free_place->account, sizeof(free_place->account), "%s", account);
	console->place = free_place;
	return true;
}

static void console_free(struct takeover *takeover)
{
	struct console *console = (struct console *)takeover;

	if (console->fd >= 0)
		(void)close(console->fd);
	if (console->place) {
		scoped_lock(&console->consoles->lock);
		*console->place = (struct place){0};
	}
	free(console);
}

/* ------------------------------------------------------------ what the pool says */

/* Calls an operation on the token; *ret is its result, owned. The error of the pool, or of the way there. */
static int ask(struct console *console, struct call_file *file, const char *operation, json_t **ret,
	       struct error *e)
{
	_cleanup_(answer_done) struct answer answer = {0};
	json_t *params = json_pack("{s:s}", "token", console->token);
	int r = login_call(console->consoles->mount, file, "", operation, console->client, params, &answer,
			   e);

	if (r < 0)
		return r;
	if (answer.word != ANSWER_OK)
		return login_error(&answer, e);
	*ret = json_loadb(answer.body, answer.len, 0, NULL);
	return *ret ? 0 : error_oom(e);
}

/*
 * While the pool cannot be asked, nothing changes. What counts is the state that the answer is from: it can be the one before
 * that whose stamp is seen already.
 */
static bool is_allowed(void *arg)
{
	struct console *console = arg;
	int64_t stamp = mount_stamp(console->consoles->mount);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	json_auto_t *json = NULL;
	int r;

	if (!stamp || stamp == console->stamp)
		return true;
	r = ask(console, console->file, "GetConsoleAccess", &json, &e);
	if (r == 0)
		console->stamp = json_integer_value(json_object_get(json, "stamp"));
	return r != -EACCES;
}

/* ------------------------------------------------------------------ connecting */

/* A connection that does not block; -1: none within the time. */
static int connect_to(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0, on = 1;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 &&
	    (errno != EINPROGRESS || poll(&p, 1, CONNECT_MS) != 1 ||
	     getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int connect_console(struct console *console, const json_t *target, struct error *e)
{
	const char *host = json_string_value(json_object_get(target, "hostIp"));
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char port[16];

	snprintf(port, sizeof(port), "%d", (int)json_integer_value(json_object_get(target, "port")));
	if (host && getaddrinfo(host, port, &hints, &list) != 0)
		list = NULL;
	for (const struct addrinfo *a = list; a && console->fd < 0; a = a->ai_next)
		console->fd = connect_to(a);
	if (list)
		freeaddrinfo(list);
	return console->fd >= 0 ? 0 : error_set(e, EIO, "the console cannot be reached");
}

/* ----------------------------------------------------------------------- answer */

/* The console is the client's until one of them ends. */
static void serve(struct takeover *takeover, struct stream *stream, struct seat *seat, const char *data,
		  size_t len, struct call_file *file)
{
	struct console *console = (struct console *)takeover;
	const struct relay relay = {
		.stream = stream, .seat = seat, .fd = console->fd, .is_allowed = is_allowed, .arg = console};

	console->file = file;
	relay_run(&relay, data, len);
}

/* The length of the path of the target. */
static size_t path_len(const struct http_head *head)
{
	return strcspn(head->target, "?");
}

bool console_is_asked(const struct http_head *head)
{
	size_t len = path_len(head);

	if (len == strlen(path_console) && strncmp(head->target, path_console, len) == 0)
		return true;
	return len == 1 && *head->target == '/' && websocket_is_asked(head);
}

/* The token in the query; "" when there is none. */
static void find_token(const struct http_head *head, char ret[MOUNT_UUID_SIZE])
{
	const char *at = head->target + path_len(head);

	*ret = '\0';
	while (*at) {
		size_t len = strcspn(++at, "&");

		if (len == strlen("token=") + MOUNT_UUID_SIZE - 1 &&
		    strncmp(at, "token=", strlen("token=")) == 0) {
			snprintf(ret, MOUNT_UUID_SIZE, "%.*s", MOUNT_UUID_SIZE - 1, at + strlen("token="));
			break;
		}
		at += len;
	}
	if (!mount_uuid_is_valid(ret))
		*ret = '\0';
}

static struct response *refuse(const struct websocket_handshake *shake)
{
	struct response *response = response_text(shake->status, shake->text);

	if (shake->status == 426) {
		response_add_field(response, "Upgrade", "websocket");
		response_add_field(response, "Sec-WebSocket-Version", "13");
	}
	return response;
}

/* While that was connected to, another VM may have got the port. What is connected stays with its VM. */
static int check_target(struct console *console, struct call_file *file, const json_t *target,
			struct error *e)
{
	json_auto_t *now = NULL;
	int r = ask(console, file, "GetConsoleTarget", &now, e);

	if (r < 0 || json_equal(now, target))
		return r;
	return error_set(e, EIO, "the console has moved meanwhile, connect again");
}

static struct response *open_console(struct console *console, struct call_file *file)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	json_auto_t *target = NULL;
	const char *account;
	struct response *response;
	int r;

	r = ask(console, file, "GetConsoleTarget", &target, &e);
	if (r < 0)
		return response_error(&e);
	account = json_string_value(json_object_get(target, "accountUuid"));
	if (!take_place(console, account ? account : "")) {
		response = response_text(429, "too many consoles at a time");
		response_add_field(response, "Retry-After", RESPONSE_RETRY);
		return response;
	}
	r = connect_console(console, target, &e);
	if (r == 0)
		r = check_target(console, file, target, &e);
	return r < 0 ? response_error(&e) : NULL;
}

struct response *console_answer(struct consoles *consoles, struct call_file *file, const struct exchange *x)
{
	struct websocket_handshake shake = websocket_is_asked(x->head)
						   ? websocket_shake_hands(x->head)
						   : (struct websocket_handshake){426, "this is a websocket"};
	struct console *console;
	struct response *response;

	if (shake.status != 101)
		return refuse(&shake);
	console = calloc(1, sizeof(*console));
	if (!console)
		return NULL;
	*console = (struct console){.takeover = {serve, console_free}, .consoles = consoles, .fd = -1};
	snprintf(console->client, sizeof(console->client), "%s", x->client);
	find_token(x->head, console->token);
	response = *console->token ? open_console(console, file)
				   : response_text(403, "the token gives no access to a console");
	if (response) {
		console_free(&console->takeover);
		return response;
	}
	response = response_switch(&console->takeover);
	response_add_field(response, "Upgrade", "websocket");
	response_add_field(response, "Sec-WebSocket-Accept", "%s", shake.accept);
	if (shake.is_binary)
		response_add_field(response, "Sec-WebSocket-Protocol", "binary");
	return response;
}
