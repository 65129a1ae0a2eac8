/* SPDX-License-Identifier: Apache-2.0 */
/* What the file `events` shows, as an answer to a call: for programs that tell others of it. */
#include <string.h>

#include "actions/engine/pool.h"
#include "actions/operations/table.h"
#include "model/access.h"
#include "model/event.h"

/* Bytes of events in an answer: at least one event. */
#define ANSWER_BYTES (128 << 10)

/* Who reads, as in event_line.h. -EACCES: an account that is gone. */
static int find_reader(const struct view *view, const struct request *req, int64_t *ret, struct error *e)
{
	const char *uuid = req->actor.account;
	const struct object *account;

	*ret = EVENT_READER_ALL;
	if (!*uuid || access_is_admin(view, uuid))
		return 0;
	account = view_get(view, KIND_ACCOUNT, uuid);
	if (!account)
		return error_set(e, EACCES, "there is no account '%s' any more", uuid);
	*ret = account->id;
	return 0;
}

/*
 * Reads whole lines from @position on: as many as fit into @room bytes, but one in any case. *ret_text is owned; NULL for
 * none. *ret_all: there are no more. -ESTALE, -ENOMEM.
 */
static int read_lines(struct event_log *log, int64_t reader, int64_t position, size_t room, char **ret_text,
		      bool *ret_all)
{
	_cleanup_free_ char *text = malloc(room + 1);
	ssize_t n = text ? event_log_read(log, reader, position, text, room) : -ENOMEM;
	char *end = n > 0 ? memrchr(text, '\n', (size_t)n) : NULL;

	*ret_all = n >= 0 && (size_t)n < room;
	if (n <= 0)
		return (int)n;
	if (!end)
		return read_lines(log, reader, position, 2 * room, ret_text, ret_all);
	end[1] = '\0';
	*ret_text = steal(&text);
	return 0;
}

/* A list of the lines; *last becomes the number of the newest one. NULL without memory. */
static json_t *make_list(char *text, int64_t *last)
{
	json_t *list = json_array();
	char *rest = text, *line;

	while (rest && list && (line = strsep(&rest, "\n")) && *line) {
		json_t *event = json_loads(line, 0, NULL);

		*last = json_integer_value(json_object_get(event, "sequence"));
		if (json_array_append_new(list, event) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Events after number @since, with *ret_next, the number after which to go on. */
static int read_events(struct event_log *log, int64_t reader, int64_t since, json_t **ret_list,
		       int64_t *ret_next)
{
	_cleanup_free_ char *text = NULL;
	int64_t newest = event_log_last(log),
		position; /* before reading: what is newer may not have been read */
	int r = event_log_find(log, reader, since, &position);
	bool all = false;

	if (r == 0)
		r = read_lines(log, reader, position, ANSWER_BYTES, &text, &all);
	if (r < 0)
		return r;
	*ret_next = since;
	*ret_list = make_list(text, ret_next);
	if (!*ret_list)
		return -ENOMEM;
	/* events for others have been passed over */
	if (all && *ret_next < newest)
		*ret_next = newest;
	return 0;
}

/* The events that somebody wants are not there: those of others, or none. They go on with the next one. */
static int begin_anew(struct event_log *log, json_t **ret_list, int64_t *ret_next)
{
	*ret_next = event_log_last(log);
	*ret_list = json_array();
	return *ret_list ? 0 : -ENOMEM;
}

static int events_get(struct pool *pool, const struct view *view, const struct request *req,
		      json_t **ret_result, struct error *e)
{
	struct event_log *log = store_events(pool_store(pool));
	bool lost = false;
	int64_t reader, next = 0;
	json_t *list = NULL;
	int r = find_reader(view, req, &reader, e);

	if (r < 0)
		return r;
	r = request_has(req, "since") ? read_events(log, reader, request_int(req, "since", 0), &list, &next)
				      : begin_anew(log, &list, &next);
	if (r == -ESTALE || r == -ENOENT) {
		lost = true;
		r = begin_anew(log, &list, &next);
	}
	if (r < 0)
		return error_oom(e);
	*ret_result = json_pack("{s:o, s:I, s:b, s:s}", "events", list, "next", (json_int_t)next, "lost",
				lost, "accountUuid", req->actor.account);
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation get_events = {
	.section = "tree",
	.name = "GetEvents",
	.message = "org.zstack.header.managementnode.APIGetEventsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/events", NULL},
	.params =
		(const struct param[]){
			{.name = "since", .type = PARAM_LONG, .in = IN_QUERY, .min = 0, .max = INT64_MAX},
			{0}},
	.own_results = (const char *const[]){"events:[map]", "next:long", "lost:boolean",
					     "accountUuid:String", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_TURNS,
	.help = "the changes after event number since, as in the file events, none without it; next is the number "
		"after which it goes on, lost is true when some that were wanted are not in the log any more",
	.get = events_get,
};

const struct operation *const operations_event[] = {&get_events, NULL};
