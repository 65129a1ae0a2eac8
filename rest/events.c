/* SPDX-License-Identifier: Apache-2.0 */
/* See events.h. Whether the pool has changed costs one system call, so each connection looks itself. */
#include "rest/events.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "model/clock.h"
#include "model/json.h"
#include "rest/login.h"

#define HEARTBEAT_MS 15000
/* Accounts whose clients are told at a time; those of further ones have to wait. */
#define ACCOUNTS 256

static const char path_events[] = "/events";

struct events {
	pthread_mutex_t lock; /* a leaf */
	struct account {
		char uuid[MOUNT_UUID_SIZE];
		int clients;  /* 0: the place is free */
	} accounts[ACCOUNTS]; /* lock */
};

/* A client that is told. */
struct listener {
	struct events *events;
	struct mount *mount;
	struct account *account; /* NULL before it is counted */
	char session[MOUNT_UUID_SIZE], client[INET6_ADDRSTRLEN];
	int64_t next; /* number of the last event that it knows; -1: it knows none, and wants none of the former */
	int64_t stamp; /* of the pool, when it was asked */
	int64_t asked; /* ms: when it was */
	int again;     /* times to ask it still */
};

struct events *events_new(void)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events)
		pthread_mutex_init(&events->lock, NULL);
	return events;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	pthread_mutex_destroy(&events->lock);
	free(events);
}

bool events_is_target(const char *target)
{
	size_t len = strlen(path_events);

	return strncmp(target, path_events, len) == 0 && (!target[len] || target[len] == '?');
}

/* ------------------------------------------------------------------- counting */

/* False: the account has too many, or there are too many accounts. */
static bool enter(struct listener *l, const char *uuid)
{
	struct account *account = NULL;

	scoped_lock(&l->events->lock);
	for (size_t i = 0; i < ACCOUNTS; i++) {
		struct account *a = &l->events->accounts[i];

		if (a->clients && strcmp(a->uuid, uuid) == 0) {
			account = a;
			break;
		}
		if (!a->clients && !account)
			account = a;
	}
	if (!account || account->clients >= EVENTS_OF_ONE)
		return false;
	snprintf(account->uuid, sizeof(account->uuid), "%s", uuid);
	account->clients++;
	l->account = account;
	return true;
}

static void listener_free(void *state)
{
	struct listener *l = state;

	if (l->account) {
		scoped_lock(&l->events->lock);
		l->account->clients--;
	}
	free(l);
}

/* ---------------------------------------------------------------------- asking */

/* What the pool tells of its changes; *ret is owned. -ESRCH: there is no such session, or no more; else @e says why not. */
static int ask(struct listener *l, struct call_file *file, json_t **ret, struct error *e)
{
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	json_t *params = l->next < 0 ? json_object() : json_pack("{s:I}", "since", (json_int_t)l->next);
	int r;

	l->stamp = mount_stamp(l->mount);
	l->asked = clock_monotonic_ms();
	r = login_call(l->mount, file, l->session, "GetEvents", l->client, params, &answer, e);
	if (r < 0)
		return r;
	if (answer.word == ANSWER_SESSION)
		return -ESRCH;
	if (answer.word != ANSWER_OK)
		return login_error(&answer, e);
	*ret = json_loadb(answer.body, answer.len, 0, NULL);
	if (!*ret)
		return error_oom(e);
	l->next = json_integer_value(json_object_get(*ret, "next"));
	return 0;
}

static int write_event(FILE *out, const json_t *event)
{
	_cleanup_free_ char *text = json_text(event, JSON_COMPACT);

	if (!text)
		return -ENOMEM;
	return fprintf(out, "id: %" JSON_INTEGER_FORMAT "\ndata: %s\n\n",
		       json_integer_value(json_object_get(event, "sequence")), text) < 0
		       ? -ENOMEM
		       : 0;
}

/* How many events there are; -ENOMEM. @answer: of ask(). */
static int write_events(FILE *out, const struct listener *l, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "events"), *event;
	size_t i;

	if (json_is_true(json_object_get(answer, "lost")) &&
	    fprintf(out, "event: lost\nid: %" PRId64 "\ndata: {}\n\n", l->next) < 0)
		return -ENOMEM;
	json_array_foreach (list, i, event)
		if (write_event(out, event) < 0)
			return -ENOMEM;
	return (int)json_array_size(list);
}

static void write_number(FILE *out, const struct listener *l)
{
	fprintf(out, ":\nid: %" PRId64 "\n\n", l->next);
}

/* ------------------------------------------------------------------ going on */

/*
 * Asks when the pool has changed, once more at the next time, since its newest state can be seen a moment before its
 * events, and in each heartbeat, which thus finds out that the session has ended.
 */
static int listener_next(void *state, struct call_file *file, char **ret_text, size_t *ret_len)
{
	struct listener *l = state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool beats = clock_monotonic_ms() - l->asked >= HEARTBEAT_MS;
	json_t *answer = NULL;
	int r, count = 0;
	FILE *out;

	if (mount_stamp(l->mount) != l->stamp)
		l->again = 2;
	if (!l->again && !beats)
		return 0;
	l->again -= l->again > 0;
	r = ask(l, file, &answer, &e);
	if (r < 0 && r != -ESRCH)
		return r;
	out = open_memstream(ret_text, ret_len);
	if (!out) {
		json_decref(answer);
		return -ENOMEM;
	}
	if (r == -ESRCH)
		fputs("event: end\ndata: {\"reason\":\"the session has ended\"}\n\n", out);
	else
		count = write_events(out, l, answer);
	if (count > 0)
		l->again = 2; /* there may be more than fit into an answer */
	else if (r == 0 && beats)
		write_number(out, l);
	json_decref(answer);
	/* the client comes again, and says what it has got */
	if (fclose(out) != 0 || count < 0)
		return -ENOMEM;
	return r == -ESRCH ? FOLLOW_LAST : 0;
}

/* ------------------------------------------------------------------ beginning */

static struct response *refuse(int status, const char *text)
{
	struct response *response = response_text(status, text);

	if (status == 401)
		response_add_field(response, "WWW-Authenticate", "Bearer realm=\"poolfs\"");
	if (status == 429)
		response_add_field(response, "Retry-After", RESPONSE_RETRY);
	return response;
}

/* The session in a header field "OAuth <uuid>", as for the other interface, or "Bearer <uuid>". */
static bool read_session(const struct exchange *x, char ret[MOUNT_UUID_SIZE])
{
	const char *value = http_head_field(x->head, "Authorization");

	if (!value || (strncasecmp(value, "OAuth ", 6) != 0 && strncasecmp(value, "Bearer ", 7) != 0))
		return false;
	value = strchr(value, ' ');
	value += strspn(value, " ");
	if (!mount_uuid_is_valid(value))
		return false;
	snprintf(ret, MOUNT_UUID_SIZE, "%s", value);
	return true;
}

/* The number after which the client wants to be told; -1: it does not say. False: it is none. */
static bool read_since(const struct exchange *x, int64_t *ret)
{
	const char *value = http_head_field(x->head, "Last-Event-ID"), *query = strchr(x->head->target, '?');
	char *end;

	*ret = -1;
	if (!value && query) {
		if (strncmp(query, "?since=", 7) != 0)
			return false;
		value = query + 7;
	}
	if (!value)
		return true;
	if (*value < '0' || *value > '9' || strlen(value) > 18)
		return false;
	*ret = strtoll(value, &end, 10);
	return !*end;
}

/* The response that goes on with @l, which it takes over, and begins with what is told already. */
static struct response *begin(struct listener *l, const json_t *answer)
{
	_cleanup_free_ char *text = NULL;
	struct response *response;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int count;

	if (!out) {
		listener_free(l);
		return NULL;
	}
	fputs("retry: 2000\n\n", out);
	count = write_events(out, l, answer);
	if (count > 0)
		l->again = 2;
	else
		write_number(out, l);
	response = fclose(out) == 0 && count >= 0
			   ? response_new(200, "text/event-stream;charset=UTF-8", text, len)
			   : NULL;
	if (!response) {
		listener_free(l);
		return NULL;
	}
	response->follow = (struct follow){listener_next, listener_free, l};
	/* nginx would keep back what is less than a page */
	response_add_field(response, "X-Accel-Buffering", "no");
	response->cause = CAUSE_SESSION;
	return response;
}

struct response *events_answer(struct events *events, struct mount *mount, struct call_file *file,
			       const struct exchange *x)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct listener *l = calloc(1, sizeof(*l));
	struct response *response = NULL;
	json_t *answer = NULL;
	int r;

	if (!l)
		return NULL;
	*l = (struct listener){.events = events, .mount = mount};
	snprintf(l->client, sizeof(l->client), "%s", x->client);
	if (!read_session(x, l->session))
		response = refuse(401, "the events need a session: Authorization: Bearer <its uuid>");
	else if (!read_since(x, &l->next))
		response = refuse(400, "Last-Event-ID, or ?since=, must be the number of an event");
	if (response) {
		listener_free(l);
		return response;
	}
	r = ask(l, file, &answer, &e);
	if (r == -ESRCH)
		response = refuse(401, "this is no session, or one that has ended");
	else if (r < 0)
		response = response_error(&e);
	else if (!enter(l, json_string_value(json_object_get(answer, "accountUuid"))))
		response =
			refuse(429, "too many clients of this account are told of events: end one of them");
	if (response)
		listener_free(l);
	else
		response = begin(l, answer);
	json_decref(answer);
	return response;
}
