/* SPDX-License-Identifier: Apache-2.0 */
/* See event_places.h. */
#include "fs/tell/event_places.h"

#include <stdbool.h>
#include <stdlib.h>

#include "model/cleanup.h"
#include "model/event.h"

struct places {
	struct keep *keep;
	struct event_log *events;
	const struct view *view;
};

static bool has_account(const struct view *view, int64_t reader)
{
	return reader == EVENT_READER_ALL || view_get_id(view, KIND_ACCOUNT, reader);
}

static void forget(struct keep *keep, struct event_log *events, int64_t reader)
{
	event_log_forget(events, reader);
	keep_remove(keep, KEEP_EVENTS, (uint64_t)reader);
}

static void keep_place(void *arg, int64_t reader, int64_t sequence, int64_t position)
{
	const int64_t place[] = {sequence, position};
	const struct places *p = arg;

	/* who has looked with the view before, when the account was there, is known again */
	if (has_account(p->view, reader))
		(void)keep_set(p->keep, KEEP_EVENTS, (uint64_t)reader, place, sizeof(place));
	else
		forget(p->keep, p->events, reader);
}

static void keep_places(struct keep *keep, struct event_log *events, const struct view *view)
{
	event_log_take_places(events, keep_place,
			      &(struct places){.keep = keep, .events = events, .view = view});
}

int event_places_load(struct keep *keep, struct event_log *events, const struct view *view)
{
	int r = 0;
	size_t count;
	_cleanup_free_ uint64_t *readers = keep_list(keep, KEEP_EVENTS, &count);
	int64_t place[2];

	for (size_t i = 0; i < count && r == 0; i++)
		if (keep_read(keep, KEEP_EVENTS, readers[i], place, sizeof(place)))
			r = event_log_move(events, (int64_t)readers[i], place[0], place[1]);
	if (r == 0)
		keep_places(keep, events, view);
	return r;
}

void event_places_observe(struct keep *keep, struct event_log *events, const struct view *view,
			  const struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct object *before = changes[i].before;

		if (!changes[i].after && before->kind->id == KIND_ACCOUNT)
			forget(keep, events, before->id);
	}
	keep_places(keep, events, view);
}
