/* SPDX-License-Identifier: Apache-2.0 */
/* See inventories.h. */
#include "fs/class/inventories.h"

#include "fs/class/document.h"
#include "fs/class/query.h"
#include "model/clock.h"
#include "model/listing.h"

/* Listings of up to this many objects, all in memory, are rendered at once, which is faster than in a worker. */
#define SHORT 64

/*
 * What takes more than STAYS bytes is forgotten when nobody has opened it for FORGET_S: programs that look again and again
 * do so more often, and what they look at is nearly the same each time. Who reads it still has it.
 */
#define STAYS	 (256 << 10)
#define FORGET_S 10

/* A reader that waits for a listing. */
struct reader {
	struct reader *next;
	content_fn *done;
	void *arg;
	struct view *view; /* owned; the listing must be as of this view or a later one */
};

struct cached {
	struct listings *all;
	enum kind_id kind;
	uint64_t version;	 /* lock; of the view that `listing` shows */
	int64_t changed;	 /* lock; the kind's last change in that view */
	struct listing *listing; /* lock; owned; or NULL */
	int64_t used;		 /* lock; ns: when it was last asked for */
	struct reader *readers;	 /* lock; owned; not empty: a worker is rendering */
};

struct listings {
	struct pool *pool;
	struct keep *keep; /* or NULL */
	pthread_mutex_t lock;
	pthread_cond_t ends;
	pthread_t thread;	       /* lock; `listings`, if `started` */
	bool started, running, ending; /* lock */
	struct cached of[KIND_COUNT];
};

struct listings *listings_new(struct pool *pool, struct keep *keep)
{
	struct listings *listings = calloc(1, sizeof(*listings));

	if (!listings)
		return NULL;
	listings->pool = pool;
	listings->keep = keep;
	pthread_mutex_init(&listings->lock, NULL);
	clock_cond_init(&listings->ends);
	for (int k = 0; k < KIND_COUNT; k++) {
		listings->of[k].all = listings;
		listings->of[k].kind = (enum kind_id)k;
	}
	return listings;
}

void listings_free(struct listings *listings)
{
	bool started;

	if (!listings)
		return;
	pthread_mutex_lock(&listings->lock);
	listings->ending = true;
	started = listings->started;
	pthread_cond_signal(&listings->ends);
	pthread_mutex_unlock(&listings->lock);
	if (started)
		pthread_join(listings->thread, NULL);
	for (int k = 0; k < KIND_COUNT; k++)
		listing_unref(listings->of[k].listing);
	pthread_cond_destroy(&listings->ends);
	pthread_mutex_destroy(&listings->lock);
	free(listings);
}

/* ------------------------------------------------------------------- forgetting */

/* Takes out a listing that nobody has asked for; *ret_next: when the next one is due, if any is. Call with the lock held. */
static struct listing *take_unused(struct listings *listings, int64_t now, int64_t *ret_next)
{
	*ret_next = 0;
	for (int k = 0; k < KIND_COUNT; k++) {
		struct cached *f = &listings->of[k];
		int64_t due = f->used + FORGET_S * NS_PER_S;

		if (!f->listing || listing_document(f->listing)->len <= STAYS)
			continue;
		if (due <= now && !f->readers)
			return steal(&f->listing);
		if (!*ret_next || due < *ret_next)
			*ret_next = due > now ? due : now + NS_PER_S;
	}
	return NULL;
}

/* The thread `listings`, as long as there are any to forget. */
static void *forget(void *arg)
{
	struct listings *listings = arg;
	int64_t next = 1;

	pthread_setname_np(pthread_self(), "listings");
	pthread_mutex_lock(&listings->lock);
	while (!listings->ending && next) {
		struct listing *unused = take_unused(listings, clock_monotonic(), &next);

		if (unused) {
			pthread_mutex_unlock(&listings->lock);
			listing_unref(unused);
			pthread_mutex_lock(&listings->lock);
			next = 1;
		} else if (next) {
			struct timespec until = {.tv_sec = next / NS_PER_S, .tv_nsec = next % NS_PER_S};

			(void)pthread_cond_timedwait(&listings->ends, &listings->lock, &until);
		}
	}
	listings->running = false;
	pthread_mutex_unlock(&listings->lock);
	return NULL;
}

/* There is something to forget later. Without the thread, it stays. Call with the lock held. */
static void forget_later(struct listings *listings)
{
	if (listings->running || listings->ending)
		return;
	if (listings->started)
		pthread_join(listings->thread, NULL); /* it has left the lock for the last time */
	listings->running = listings->started =
		pthread_create(&listings->thread, NULL, forget, listings) == 0;
}

/* -------------------------------------------------------------------- rendering */

/*
 * Renders the objects in @view with what has not changed since the last time, which is kept for the next. *@ret is the
 * text, for the caller; NULL on an error.
 */
static int render(struct cached *f, const struct view *view, struct document **ret, struct error *e)
{
	struct listing *former, *made;
	struct document *d;
	int r;

	pthread_mutex_lock(&f->all->lock);
	former = f->listing ? listing_ref(f->listing) : NULL;
	pthread_mutex_unlock(&f->all->lock);
	r = listing_new(view, f->kind, former, f->all->keep, &made, e);
	listing_unref(former);
	*ret = d = made ? document_ref(listing_document(made)) : NULL;
	if (r < 0)
		return r;
	pthread_mutex_lock(&f->all->lock);
	former = made;
	if (!f->listing || f->version <= view_version(view)) {
		former = f->listing;
		f->listing = made;
		f->version = view_version(view);
		f->changed = view_changed(view, f->kind);
		f->used = clock_monotonic();
		if (d->len > STAYS)
			forget_later(f->all);
	}
	pthread_mutex_unlock(&f->all->lock);
	listing_unref(former);
	return 0;
}

/* The cached text, for the caller, if it is valid for @view; else NULL. Call with the lock held. */
static struct document *current(struct cached *f, const struct view *view)
{
	if (!f->listing || (f->changed != view_changed(view, f->kind) && f->version <= view_version(view)))
		return NULL;
	f->used = clock_monotonic();
	return document_ref(listing_document(f->listing));
}

/* ---------------------------------------------------------------------- readers */

/* @d, which is handed over, or the error. */
static void answer(struct reader *readers, struct document *d, const struct error *e)
{
	while (readers) {
		struct reader *r = readers;

		readers = r->next;
		view_unref(r->view);
		r->done(r->arg, d ? 0 : -e->errnum, d ? document_ref(d) : NULL, d ? NULL : e);
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
	struct cached *f = arg;

	for (;;) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		struct view *view;
		struct reader *served = NULL, **r;
		struct document *d;

		pthread_mutex_lock(&f->all->lock);
		view = view_ref(newest(f->readers)->view);
		pthread_mutex_unlock(&f->all->lock);
		(void)render(f, view, &d, &e);
		pthread_mutex_lock(&f->all->lock);
		for (r = &f->readers; *r;) {
			struct reader *next = *r;

			if (view_version(next->view) > view_version(view)) {
				r = &next->next;
				continue;
			}
			*r = next->next;
			next->next = served;
			served = next;
		}
		bool more = f->readers != NULL;
		pthread_mutex_unlock(&f->all->lock);
		view_unref(view);
		answer(served, d, &e);
		if (!more)
			return;
	}
}

/* Adds a reader; *ret_first if no worker is rendering yet. False if out of memory. */
static bool add_reader(struct cached *f, const struct view *view, content_fn *done, void *arg,
		       bool *ret_first)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return false;
	*r = (struct reader){.next = f->readers,
			     .done = done,
			     .arg = arg,
			     .view = view_ref((struct view *)(uintptr_t)view)};
	*ret_first = !f->readers;
	f->readers = r;
	return true;
}

/* Passes @done the listing of @kind as of @view or a later one. */
static void listings_start(struct listings *listings, const struct view *view, enum kind_id kind,
			   content_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct cached *f = &listings->of[kind];
	bool at_once = view_count(view, kind) <= SHORT && kind_get(kind)->end_field < 0;
	bool waits = false, first = false;
	struct document *d = NULL;
	int r = 0;

	pthread_mutex_lock(&listings->lock);
	d = current(f, view);
	if (!d && !at_once)
		waits = add_reader(f, view, done, arg, &first);
	pthread_mutex_unlock(&listings->lock);
	if (first && pool_background(listings->pool, work, f) < 0)
		work(f);
	if (waits)
		return;
	if (!d && !at_once) /* this thread must not wait for texts in the database */
		r = error_oom(&e);
	else if (!d)
		r = render(f, view, &d, &e);
	done(arg, r, d, r < 0 ? &e : NULL);
}

static void inventories_start(const struct place *p, content_fn *done, void *arg)
{
	if (p->caller.limited)
		query_start(p, "", true, done, arg);
	else
		listings_start(p->fs->listings, p->view, p->kind->id, done, arg);
}

const struct file_class class_inventories = {DOCUMENT_FILE, .start = inventories_start};
