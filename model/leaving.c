/* SPDX-License-Identifier: Apache-2.0 */
/* See leaving.h. */
#include "model/leaving.h"

#include <stdlib.h>

#include "model/txn.h"

/* A ring. An object that was changed again is in it more than once, and leaves with the first. */
struct leaving {
	struct {
		enum kind_id kind;
		int64_t id; /* 0: none */
	} latest[LEAVING_LATEST];
	size_t next; /* the oldest, which is replaced next */
};

struct leaving *leaving_new(void)
{
	return calloc(1, sizeof(struct leaving));
}

/* One whose memory is short keeps its texts. */
static void leave(struct view *view, enum kind_id kind, int64_t id)
{
	const struct object *o = view_get_id(view, kind, id);
	_cleanup_object_ const struct object *left = o ? object_leave(o) : NULL;

	if (left && left != o)
		(void)view_put(view, left);
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
}
