/* SPDX-License-Identifier: Apache-2.0 */
/* See class.h. */
#include "fs/tree/class.h"

#include "actions/engine/pool.h"

/* A content with texts that have left memory. */
struct later {
	const struct fs *fs;
	struct view *view; /* owned */
	struct node node;
	content_fn *done;
	void *arg;
};

static void make(const struct place *p, content_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct document *d = p->entry->render(p);
	int r = d || !place_has_left(p) ? 0 : object_check_texts(p->object, &e);

	if (!d && r == 0)
		r = error_oom(&e);
	done(arg, r, d, d ? NULL : &e);
}

static void make_later(void *arg)
{
	_cleanup_free_ struct later *l = arg;
	_cleanup_view_ struct view *view = l->view;
	struct place p;

	place_init(l->fs, view, l->node, &p);
	make(&p, l->done, l->arg);
}

/* In a thread that may wait for the database, where the users take turns. */
static int start_later(const struct place *p, content_fn *done, void *arg)
{
	struct later *l = malloc(sizeof(*l));
	char client[32];
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct later){.fs = p->fs,
			    .view = view_ref((struct view *)(uintptr_t)p->view),
			    .node = p->node,
			    .done = done,
			    .arg = arg};
	snprintf(client, sizeof(client), "texts uid %u",
		 (unsigned)p->caller.uid); /* a query does not delay it */
	r = pool_take_turn(p->fs->pool, client, make_later, l);
	if (r < 0) {
		view_unref(l->view);
		free(l);
	}
	return r;
}

void content_start(const struct place *p, content_fn *done, void *arg)
{
	if (p->entry->io->start) {
		p->entry->io->start(p, done, arg);
	} else if (!place_has_left(p)) {
		make(p, done, arg);
	} else {
		int r = start_later(p, done, arg);

		if (r < 0)
			done(arg, r, NULL, NULL);
	}
}
