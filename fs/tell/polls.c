/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See polls.h.
 *
 * A poll compares what its handle has seen with the present view. The thread
 * wakes after each commit and after each new poll, so that a change in between is
 * not missed, and checks all polls. After it has told many, who then all read and
 * poll again, it waits a little: they learn of several commits at once, and leave
 * the processors to those who make them.
 */
#include "fs/tell/polls.h"

#include <poll.h>
#include <time.h>

#include "fs/tell/caches.h"
#include "fs/tree/class.h"
#include "fs/tree/paged.h"
#include "fs/tree/permissions.h"
#include "model/clock.h"

/* How long the thread waits for each poll that it has told of a change, and at most. */
#define PAUSE_EACH_NS (NS_PER_S / 2500)
#define PAUSE_MAX_NS  (NS_PER_S / 25)

#define ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

struct polled {
	struct polled *next;
	struct handle *handle;		/* owned */
	struct fuse_pollhandle *kernel; /* owned */
};

struct polls {
	const struct fs *fs;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct polled *list; /* lock; owned */
	bool look;	     /* lock; something may have changed, look again */
	bool pausing;	     /* lock; the thread looks by itself before long */
	bool stopping;	     /* lock */
};

/* Identifies the content of the place; 0 if poll does not follow it. */
static int64_t version(const struct place *p)
{
	return p->entry->io->version ? p->entry->io->version(p) : 0;
}

void poll_note(const struct place *p, struct handle *h)
{
	atomic_store(&h->seen, p->entry->io->seen ? p->entry->io->seen(h) : version(p));
}

/* Has it changed since it was last read? True if the object is gone. */
static bool has_changed(const struct fs *fs, const struct view *view, struct handle *h)
{
	struct place p;

	return place_find(fs, view, node_pack(h->node), NULL, &p) < 0 || version(&p) != atomic_load(&h->seen);
}

/* The content as it is now, with a reference for the caller, unless that takes long. NULL: the one before stays. */
static struct document *render_again(const struct fs *fs, struct handle *h, int64_t *ret_version)
{
	_cleanup_view_ struct view *view = store_view(fs->store);
	_cleanup_document_ struct document *old = handle_document(h);
	struct caller caller = handle_caller(h, view);
	struct document *d;
	struct place p;

	if (!h->polled || h->requested || !old || place_find(fs, view, node_pack(h->node), &caller, &p) < 0 ||
	    place_check(&p) < 0 || !p.entry->render || place_is_slow(&p))
		return NULL;
	d = p.entry->render(&p);
	*ret_version = version(&p);
	return d;
}

/* @d is taken over. */
static void show(struct handle *h, struct document *d)
{
	struct document *old;

	pthread_mutex_lock(&h->lock);
	old = h->content;
	h->content = d;
	pthread_mutex_unlock(&h->lock);
	document_unref(old);
}

/* What describes the content of a handle that reads through pages. False: it has none. */
static bool describe(const struct fs *fs, struct handle *h, struct stat *ret)
{
	_cleanup_document_ struct document *d = handle_document(h);

	if (d)
		stat_fill(fs, h->node, h->mode, d->len, d->mtime, ret);
	return d;
}

/* May the reader be told of a change? Not while others read the same inode (paged.h), which is to show it then. */
static bool may_be_told(const struct fs *fs, struct handle *h)
{
	struct stat shown;

	return !h->paged || !describe(fs, h, &shown) || paged_may_change(fs->paged, h, &shown);
}

void poll_refresh(const struct fs *fs, struct handle *h)
{
	const struct file_class *io = handle_class(fs, h);
	struct document *d;
	int64_t now;

	if (h->paged) {
		poll_note_read(h);
		return;
	}
	d = h->polled ? render_again(fs, h, &now) : NULL;
	if (!d)
		return;
	show(h, d);
	atomic_store(&h->seen, io->seen ? io->seen(h) : now);
}

/* The reader will be told of @d, which is taken over, and then read it. */
static void show_told(struct handle *h, struct document *d, int64_t version)
{
	handle_note_read(h, d, d->len);
	show(h, d);
	pthread_mutex_lock(&h->lock);
	h->told_version = version;
	h->told = true;
	pthread_mutex_unlock(&h->lock);
}

/* Unless others are reading the inode, the content is updated before that is told. False: they are. */
static bool advance_paged(const struct fs *fs, struct handle *h)
{
	struct stat shown;
	struct document *d;
	int64_t now;

	if (!describe(fs, h, &shown))
		return true;
	d = paged_adopt(fs->paged, h, &shown);
	if (d) {
		show_told(h, d, d->mtime);
		return true;
	}
	if (!paged_may_change(fs->paged, h, &shown))
		return false;
	d = render_again(fs, h, &now);
	if (!d)
		return true;
	stat_fill(fs, h->node, h->mode, d->len, d->mtime, &shown);
	paged_change(fs->paged, h, d, &shown);
	show_told(h, d, now);
	/* The kernel does not keep what it is being told of the content before. */
	caches_drop(fs->caches, h->node);
	return true;
}

void poll_note_read(struct handle *h)
{
	scoped_lock(&h->lock);
	if (h->told)
		atomic_store(&h->seen, h->told_version);
	h->told = false;
}

void poll_outdate(const struct fs *fs, struct handle *h)
{
	_cleanup_view_ struct view *view = h->polled ? store_view(fs->store) : NULL;
	struct place p;

	if (!view || place_find(fs, view, node_pack(h->node), NULL, &p) < 0 || !place_has_left(&p) ||
	    version(&p) == atomic_load(&h->seen))
		return;
	scoped_lock(&h->lock);
	document_unref(h->content);
	h->content = NULL;
	atomic_store(&h->lost, true);
}

/* ------------------------------------------------------------------- thread */

static void polled_free(struct polled *polled)
{
	fuse_pollhandle_destroy(polled->kernel);
	handle_unref(polled->handle);
	free(polled);
}

/*
 * Removes and returns the polls whose file has changed or was closed. *@ret_later: some that have changed are to be told later.
 * Call with the lock held.
 */
static struct polled *take_changed(struct polls *polls, bool *ret_later)
{
	_cleanup_view_ struct view *view = store_view(polls->fs->store);
	struct polled *taken = NULL;

	*ret_later = false;
	for (struct polled **p = &polls->list; *p;) {
		struct polled *polled = *p;
		bool closed = atomic_load(&polled->handle->closed);
		bool changed = !closed && has_changed(polls->fs, view, polled->handle);
		bool later = changed && !may_be_told(polls->fs, polled->handle);

		*ret_later |= later;
		if (!closed && (!changed || later)) {
			p = &polled->next;
			continue;
		}
		*p = polled->next;
		polled->next = taken;
		taken = polled;
	}
	return taken;
}

/* Tells the kernel; returns how many there were. */
static int tell(struct polled *list)
{
	int count = 0;

	for (; list; count++) {
		struct polled *polled = list;

		list = polled->next;
		(void)fuse_lowlevel_notify_poll(polled->kernel);
		polled_free(polled);
	}
	return count;
}

/* Lets those who were told read. Call with the lock held, which it is not meanwhile. */
static void wait_for_readers(struct polls *polls, int count)
{
	int64_t pause = count * PAUSE_EACH_NS, end = clock_monotonic();
	struct timespec until;

	end += pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
	until = (struct timespec){.tv_sec = end / NS_PER_S, .tv_nsec = end % NS_PER_S};
	polls->pausing = true;
	while (!polls->stopping && pthread_cond_timedwait(&polls->cond, &polls->lock, &until) == 0)
		;
	polls->pausing = false;
}

static void *thread_main(void *arg)
{
	struct polls *polls = arg;

	pthread_setname_np(pthread_self(), "poll");
	pthread_mutex_lock(&polls->lock);
	while (!polls->stopping) {
		struct polled *taken;
		bool later;
		int count;

		if (!polls->look || !polls->list) {
			polls->look = false;
			pthread_cond_wait(&polls->cond, &polls->lock);
			continue;
		}
		polls->look = false;
		taken = take_changed(polls, &later);
		pthread_mutex_unlock(&polls->lock);
		count = tell(taken);
		pthread_mutex_lock(&polls->lock);
		if (later)
			count = (int)(PAUSE_MAX_NS / PAUSE_EACH_NS);
		if (count)
			wait_for_readers(polls, count);
		polls->look |= later;
	}
	pthread_mutex_unlock(&polls->lock);
	return NULL;
}

struct polls *polls_new(const struct fs *fs)
{
	struct polls *polls = calloc(1, sizeof(*polls));

	if (!polls)
		return NULL;
	polls->fs = fs;
	pthread_mutex_init(&polls->lock, NULL);
	clock_cond_init(&polls->cond);
	if (pthread_create(&polls->thread, NULL, thread_main, polls) == 0)
		return polls;
	pthread_cond_destroy(&polls->cond);
	pthread_mutex_destroy(&polls->lock);
	free(polls);
	return NULL;
}

static void wake(struct polls *polls)
{
	polls->look = true;
	if (!polls->pausing || polls->stopping)
		pthread_cond_signal(&polls->cond);
}

void polls_free(struct polls *polls)
{
	if (!polls)
		return;
	pthread_mutex_lock(&polls->lock);
	polls->stopping = true;
	wake(polls);
	pthread_mutex_unlock(&polls->lock);
	pthread_join(polls->thread, NULL);
	while (polls->list) {
		struct polled *polled = polls->list;

		polls->list = polled->next;
		polled_free(polled);
	}
	pthread_cond_destroy(&polls->cond);
	pthread_mutex_destroy(&polls->lock);
	free(polls);
}

void polls_observe(struct polls *polls)
{
	scoped_lock(&polls->lock);
	if (polls->list)
		wake(polls);
}

/* -------------------------------------------------------------------- polls */

/* Registers a poll (@kernel is taken over); one per handle is enough. */
static int add(struct polls *polls, struct handle *h, struct fuse_pollhandle *kernel)
{
	struct polled *polled = malloc(sizeof(*polled)), **p;

	if (!polled) {
		fuse_pollhandle_destroy(kernel);
		return -ENOMEM;
	}
	ref_get(&h->ref);
	*polled = (struct polled){.handle = h, .kernel = kernel};
	scoped_lock(&polls->lock);
	for (p = &polls->list; *p && (*p)->handle != h; p = &(*p)->next)
		;
	if (*p) {
		struct polled *old = *p;

		*p = old->next;
		polled_free(old);
	}
	polled->next = polls->list;
	polls->list = polled;
	wake(polls);
	return 0;
}

int poll_start(const struct fs *fs, struct handle *h, struct fuse_pollhandle *kernel, unsigned *ret_events)
{
	const struct file_class *io = handle_class(fs, h);
	_cleanup_view_ struct view *view = store_view(fs->store);
	bool more;

	if (io->seen && !h->polled && h->content)
		atomic_store(&h->seen, io->seen(h)); /* the open came before the content */
	if (h->paged && !h->polled)
		(void)paged_leave(fs->paged, h->node);
	h->polled = true;
	if (h->paged)
		paged_note_poll(fs->paged, h);
	more = io->version && has_changed(fs, view, h) && (!h->paged || advance_paged(fs, h));
	if (kernel && (!io->version || more))
		fuse_pollhandle_destroy(kernel);
	else if (kernel && add(fs->polls, h, kernel) < 0)
		return -ENOMEM;
	if (io->grows)
		*ret_events = more ? POLLIN | POLLRDNORM : 0;
	else
		*ret_events = more ? ALWAYS | POLLPRI | POLLERR : ALWAYS;
	return 0;
}
