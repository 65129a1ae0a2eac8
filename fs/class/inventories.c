/* SPDX-License-Identifier: Apache-2.0 */
/* See inventories.h. */
#include "fs/class/inventories.h"

#include "fs/class/document.h"
#include "fs/class/query.h"
#include "model/render.h"

/* Listings of up to this many objects are rendered at once, which is faster than in a worker. */
#define SHORT 64

/* A reader that waits for a listing. */
struct reader {
	struct reader *next;
	content_fn *done;
	void *arg;
	struct view *view; /* owned; the listing must be as of this view or a later one */
};

struct listing {
	struct listings *all;
	enum kind_id kind;
	uint64_t version;	   /* lock; of the view that `document` shows */
	int64_t changed;	   /* lock; the kind's last change in that view */
	struct document *document; /* lock; owned */
	struct reader *readers;	   /* lock; owned; not empty: a worker is rendering */
};

struct listings {
	struct pool *pool;
	pthread_mutex_t lock;
	struct listing of[KIND_COUNT];
};

struct listings *listings_new(struct pool *pool)
{
	struct listings *listings = calloc(1, sizeof(*listings));

	if (!listings)
		return NULL;
	listings->pool = pool;
	pthread_mutex_init(&listings->lock, NULL);
	for (int k = 0; k < KIND_COUNT; k++) {
		listings->of[k].all = listings;
		listings->of[k].kind = (enum kind_id)k;
	}
	return listings;
}

void listings_free(struct listings *listings)
{
	if (!listings)
		return;
	for (int k = 0; k < KIND_COUNT; k++)
		document_unref(listings->of[k].document);
	pthread_mutex_destroy(&listings->lock);
	free(listings);
}

static struct document *render(const struct view *view, enum kind_id kind)
{
	return render_inventories(view, kind);
}

/* Caches a rendering unless there is a newer one. Call with the lock held. */
static void cache(struct listing *l, const struct view *view, struct document *d)
{
	if (!d || (l->document && l->version > view_version(view)))
		return;
	document_unref(l->document);
	l->document = document_ref(d);
	l->version = view_version(view);
	l->changed = view_changed(view, l->kind);
}

/* True if the cached rendering is valid for @view. Call with the lock held. */
static bool is_current(const struct listing *l, const struct view *view)
{
	return l->document && (l->changed == view_changed(view, l->kind) || l->version > view_version(view));
}

static void answer(struct reader *readers, struct document *d)
{
	static const struct error no_memory = {.errnum = ENOMEM, .code = "SYS.1000"};

	while (readers) {
		struct reader *r = readers;

		readers = r->next;
		view_unref(r->view);
		r->done(r->arg, d ? 0 : -ENOMEM, document_ref(d), d ? NULL : &no_memory);
		free(r);
	}
	document_unref(d);
}

/* The reader with the newest view. */
static struct reader *newest(struct reader *readers)
{
	struct reader *found = readers;

	for (struct reader *r = readers; r; r = r->next)
		if (view_version(r->view) > view_version(found->view))
			found = r;
	return found;
}

/* In a worker: renders as of the newest view requested, until no reader waits. */
static void work(void *arg)
{
	struct listing *l = arg;

	for (;;) {
		struct view *view;
		struct reader *served = NULL, **r;
		struct document *d;

		pthread_mutex_lock(&l->all->lock);
		view = view_ref(newest(l->readers)->view);
		pthread_mutex_unlock(&l->all->lock);
		d = render(view, l->kind);
		pthread_mutex_lock(&l->all->lock);
		cache(l, view, d);
		for (r = &l->readers; *r;) {
			struct reader *next = *r;

			if (view_version(next->view) > view_version(view)) {
				r = &next->next;
				continue;
			}
			*r = next->next;
			next->next = served;
			served = next;
		}
		bool more = l->readers != NULL;
		pthread_mutex_unlock(&l->all->lock);
		view_unref(view);
		answer(served, d);
		if (!more)
			return;
	}
}

/* Adds a reader; *ret_first if no worker is rendering yet. False if out of memory. */
static bool add_reader(struct listing *l, const struct view *view, content_fn *done, void *arg,
		       bool *ret_first)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return false;
	*r = (struct reader){.next = l->readers,
			     .done = done,
			     .arg = arg,
			     .view = view_ref((struct view *)(uintptr_t)view)};
	*ret_first = !l->readers;
	l->readers = r;
	return true;
}

/* Passes @done the listing of @kind as of @view or a later one. */
static void listings_start(struct listings *listings, const struct view *view, enum kind_id kind,
			   content_fn *done, void *arg)
{
	struct listing *l = &listings->of[kind];
	struct document *d = NULL;
	bool waits = false, first = false;

	pthread_mutex_lock(&listings->lock);
	if (is_current(l, view))
		d = document_ref(l->document);
	else if (view_count(view, kind) > SHORT)
		waits = add_reader(l, view, done, arg, &first);
	pthread_mutex_unlock(&listings->lock);
	if (first && pool_background(listings->pool, work, l) < 0)
		work(l);
	if (waits)
		return;
	if (!d) {
		d = render(view, kind);
		scoped_lock(&listings->lock);
		cache(l, view, d);
	}
	done(arg, d ? 0 : -ENOMEM, d, NULL);
}

static void inventories_start(const struct place *p, content_fn *done, void *arg)
{
	if (p->caller.limited)
		query_start(p, "", true, done, arg);
	else
		listings_start(p->fs->listings, p->view, p->kind->id, done, arg);
}

const struct file_class class_inventories = {DOCUMENT_FILE, .start = inventories_start};
