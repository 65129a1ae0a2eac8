/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See event_loop.h. What libvirt asks for is in two lists, from which only the thread takes out what was removed, so
 * that it may walk them while callbacks of libvirt, and other threads, add to them and remove.
 *
 * It is a loop of our own for one reason. When a server falls silent while several threads call it, libvirt (9.0) has
 * one of them wait for the server's socket without a time limit, although the connection is known to be dead: that
 * thread, all others that call, and the report that the connection is closed come when the kernel gives up the socket,
 * after a quarter of an hour. libvirt's own loop tells nobody which socket that is. This one knows it, and hears when
 * the connection is to be closed, since libvirt then removes the socket from the loop.
 */
#include "hypervisor/event_loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "hypervisor/errors.h"
#include "model/clock.h"

/* How long to wait for memory at most. */
#define SHORT_OF_MEMORY_MS 100

/* A file descriptor or a timer that libvirt wants to hear of. */
struct source {
	struct source *next;
	int id;
	bool removed;
	void *opaque;
	virFreeCallback free_opaque;
	union {
		struct {
			virEventHandleCallback ready;
			int fd;
			short events; /* of poll(); 0: none at present */
		};
		struct {
			virEventTimeoutCallback expired;
			int interval; /* ms; < 0: it does not run */
			int64_t due;  /* ms of CLOCK_MONOTONIC */
		};
	};
};

static struct {
	pthread_mutex_t lock;		 /* a leaf: never held while a function of libvirt's runs */
	struct source *handles, *timers; /* lock */
	int last_id;			 /* lock; they are never used again */
	int wake;			 /* an eventfd, immutable once there is a thread */
} loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1};

/* Held over starting and ending the thread, never while the loop runs a callback of ours. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int users; /* under lock */
static bool registered;	   /* under lock: it cannot be unregistered */
static pthread_t thread;   /* under lock */
static bool stopping;	   /* under loop.lock */

/* ------------------------------------------------------- what libvirt calls */

static void wake(void)
{
	(void)eventfd_write(loop.wake, 1);
}

/* Under loop.lock. NULL for one that was removed. */
static struct source *find(struct source *list, int id)
{
	while (list && (list->id != id || list->removed))
		list = list->next;
	return list;
}

/* Takes @source over. Its id; -1 without one. */
static int add(struct source **list, struct source *source)
{
	if (!source)
		return -1;
	scoped_lock(&loop.lock);
	source->id = ++loop.last_id;
	source->next = *list;
	*list = source;
	wake();
	return source->id;
}

/* Under loop.lock. The thread frees it, since libvirt may hold locks that its function for that takes, too. */
static void remove_source(struct source *source)
{
	source->removed = true;
	wake();
}

static short events_of_virt(int events)
{
	return (short)((events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0) |
		       (events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0) |
		       (events & VIR_EVENT_HANDLE_ERROR ? POLLERR : 0) |
		       (events & VIR_EVENT_HANDLE_HANGUP ? POLLHUP : 0));
}

static int events_to_virt(short events)
{
	return (events & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0) |
	       (events & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
	       (events & (POLLERR | POLLNVAL) ? VIR_EVENT_HANDLE_ERROR : 0) |
	       (events & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

static int add_handle(int fd, int events, virEventHandleCallback ready, void *opaque, virFreeCallback ff)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source)
		*source = (struct source){.opaque = opaque,
					  .free_opaque = ff,
					  .ready = ready,
					  .fd = fd,
					  .events = events_of_virt(events)};
	return add(&loop.handles, source);
}

static void update_handle(int id, int events)
{
	struct source *source;

	scoped_lock(&loop.lock);
	source = find(loop.handles, id);
	if (!source || source->events == events_of_virt(events))
		return;
	source->events = events_of_virt(events);
	wake();
}

static int remove_handle(int id)
{
	struct source *source;

	scoped_lock(&loop.lock);
	source = find(loop.handles, id);
	if (!source)
		return -1;
	/* The connection is to be closed: whoever waits for its socket, see above, must not wait any longer. */
	(void)shutdown(source->fd, SHUT_RDWR);
	remove_source(source);
	return 0;
}

static void set_interval(struct source *timer, int interval)
{
	timer->interval = interval;
	timer->due = clock_monotonic_ms() + interval;
}

static int add_timeout(int interval, virEventTimeoutCallback expired, void *opaque, virFreeCallback ff)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source) {
		*source = (struct source){.opaque = opaque, .free_opaque = ff, .expired = expired};
		set_interval(source, interval);
	}
	return add(&loop.timers, source);
}

static void update_timeout(int id, int interval)
{
	struct source *source;

	scoped_lock(&loop.lock);
	source = find(loop.timers, id);
	if (!source || (interval < 0 && source->interval < 0))
		return;
	set_interval(source, interval);
	wake();
}

static int remove_timeout(int id)
{
	struct source *source;

	scoped_lock(&loop.lock);
	source = find(loop.timers, id);
	if (!source)
		return -1;
	remove_source(source);
	return 0;
}

/* ------------------------------------------------------------------ the loop */

/* Under loop.lock, which is released meanwhile. */
static void free_removed(struct source **list)
{
	struct source *removed = NULL, *source;

	while ((source = *list)) {
		if (!source->removed) {
			list = &source->next;
			continue;
		}
		*list = source->next;
		source->next = removed;
		removed = source;
	}
	pthread_mutex_unlock(&loop.lock);
	while ((source = removed)) {
		removed = source->next;
		if (source->free_opaque)
			source->free_opaque(source->opaque);
		free(source);
	}
	pthread_mutex_lock(&loop.lock);
}

/* What is polled: the eventfd, and the handles. */
struct polled {
	struct pollfd *fds;	 /* owned */
	struct source **sources; /* owned; NULL for the eventfd */
	size_t count, room;
};

static int polled_add(struct polled *p, int fd, short events, struct source *source)
{
	if (p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 16;
		struct pollfd *fds = reallocarray(p->fds, room, sizeof(*fds));
		struct source **sources;

		if (!fds)
			return -ENOMEM;
		p->fds = fds;
		sources = reallocarray(p->sources, room, sizeof(struct source *));
		if (!sources)
			return -ENOMEM;
		p->sources = sources;
		p->room = room;
	}
	p->fds[p->count] = (struct pollfd){.fd = fd, .events = events};
	p->sources[p->count++] = source;
	return 0;
}

/* Under loop.lock. False when memory is short, and some have to wait for the next time. */
static bool collect(struct polled *p)
{
	p->count = 0;
	if (polled_add(p, loop.wake, POLLIN, NULL) < 0)
		return false;
	for (struct source *source = loop.handles; source; source = source->next)
		if (source->events && polled_add(p, source->fd, source->events, source) < 0)
			return false;
	return true;
}

/* Under loop.lock. ms until the next timer; -1 without one. */
static int time_left(void)
{
	int64_t now = clock_monotonic_ms(), left = INT_MAX;
	bool runs = false;

	for (const struct source *timer = loop.timers; timer; timer = timer->next) {
		if (timer->interval < 0)
			continue;
		runs = true;
		if (timer->due - now < left)
			left = timer->due - now;
	}
	return !runs ? -1 : left > 0 ? (int)left : 0;
}

/* Under loop.lock, which is released for each callback. */
static void run_timers(void)
{
	int64_t now = clock_monotonic_ms();

	for (struct source *timer = loop.timers; timer; timer = timer->next) {
		if (timer->removed || timer->interval < 0 || timer->due > now)
			continue;
		timer->due = now + timer->interval;
		pthread_mutex_unlock(&loop.lock);
		timer->expired(timer->id, timer->opaque);
		pthread_mutex_lock(&loop.lock);
	}
}

/* Ditto. */
static void run_handles(const struct polled *p)
{
	for (size_t i = 1; i < p->count; i++) {
		struct source *source = p->sources[i];
		int events = events_to_virt(p->fds[i].revents);

		if (source->removed || !source->events || !events)
			continue;
		pthread_mutex_unlock(&loop.lock);
		source->ready(source->id, source->fd, events, source->opaque);
		pthread_mutex_lock(&loop.lock);
	}
}

static void *run(void *arg)
{
	struct polled p = {0};
	eventfd_t count;
	int left;

	(void)arg;
	pthread_mutex_lock(&loop.lock);
	while (!stopping) {
		free_removed(&loop.handles);
		free_removed(&loop.timers);
		left = collect(&p) ? time_left() : SHORT_OF_MEMORY_MS;
		pthread_mutex_unlock(&loop.lock);
		if (poll(p.fds, p.count, left) < 0)
			p.count = 0;
		(void)eventfd_read(loop.wake, &count);
		pthread_mutex_lock(&loop.lock);
		run_timers();
		run_handles(&p);
	}
	free_removed(&loop.handles);
	free_removed(&loop.timers);
	pthread_mutex_unlock(&loop.lock);
	free(p.fds);
	free(p.sources);
	return NULL;
}

/* ------------------------------------------------------------------ its users */

static void set_stopping(bool value)
{
	scoped_lock(&loop.lock);
	stopping = value;
}

static int prepare(struct error *e)
{
	if (registered)
		return 0;
	loop.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop.wake < 0)
		return error_set(e, errno, "cannot start libvirt's event loop: %s", strerror(errno));
	virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout,
			     remove_timeout);
	registered = true;
	return 0;
}

int event_loop_get(struct error *e)
{
	int r;

	scoped_lock(&lock);
	if (users > 0) {
		users++;
		return 0;
	}
	virt_errors_silence();
	if (virInitialize() < 0)
		return error_set_virt(e, NULL, "cannot start libvirt's event loop");
	r = prepare(e);
	if (r < 0)
		return r;
	set_stopping(false);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return error_set(e, EAGAIN, "cannot start a thread for libvirt's events");
	(void)pthread_setname_np(thread, "hv-events");
	users = 1;
	return 0;
}

void event_loop_put(void)
{
	scoped_lock(&lock);

	if (--users > 0)
		return;
	set_stopping(true);
	wake();
	(void)pthread_join(thread, NULL);
}
