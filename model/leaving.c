/* SPDX-License-Identifier: Apache-2.0 */
/* See leaving.h. */
#include "model/leaving.h"

#include <stdlib.h>

#include "model/txn.h"

/* How many blocks are looked at after each commit. */
#define LEAVING_BLOCKS 8

/* A ring. An object that was changed again is in it more than once, and leaves with the first. */
struct leaving {
	struct {
		enum kind_id kind;
		int64_t id; /* 0: none */
	} latest[LEAVING_LATEST];
	size_t next; /* the oldest, which is replaced next */
	struct {
		enum kind_id kind;
		int64_t number; /* of the block that was looked at last */
	} rested;
};

struct leaving *leaving_new(void)
{
	return calloc(1, sizeof(struct leaving));
}

/*
 * One whose memory is short keeps its texts. One that has been removed may have been what its neighbours
 * waited for.
 */
static void leave(struct view *view, enum kind_id kind, int64_t id)
{
	const struct object *o = view_get_id(view, kind, id);
	_cleanup_object_ const struct object *left = o ? object_leave(o) : NULL;

	if (left && left != o)
		(void)view_put(view, left);
	if (kind_get(kind)->end_field >= 0)
		view_rest(view, kind, id);
}

/* What a few blocks have made for who looked at it: with each commit those of others, until all had their turn. */
static void rest_again(struct leaving *leaving, struct view *view)
{
	for (int i = 0; i < LEAVING_BLOCKS; i++) {
		leaving->rested.number = view_rest_again(view, leaving->rested.kind, leaving->rested.number);
		if (leaving->rested.number)
			continue;
		leaving->rested.kind = (leaving->rested.kind + 1) % KIND_COUNT;
	}
}

void leaving_commit(struct leaving *leaving, struct view *view, const struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after;

		if (o && o->kind->end_field < 0)
			leave(view, o->kind->id, o->id);
		if (!o || !object_has_ended(o))
			continue;
		if (leaving->latest[leaving->next].id)
			leave(view, leaving->latest[leaving->next].kind, leaving->latest[leaving->next].id);
		leaving->latest[leaving->next].kind = o->kind->id;
		leaving->latest[leaving->next].id = o->id;
		leaving->next = (leaving->next + 1) % LEAVING_LATEST;
	}
	rest_again(leaving, view);
}
