/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See screenshot.h. Each host is asked in a thread of its own, without a lock, for who finds that there is no young
 * picture; others who want the same wait for it, too. While a host does not answer, each VM takes one thread at most.
 */
#include "actions/vm/screenshot.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/workers.h"
#include "hypervisor/domain/screenshot.h"
#include "model/clock.h"
#include "model/ref.h"

/* Hosts that are asked at a time. */
#define ASKERS_MAX 16
/* How long to wait for one. */
#define WAIT_MS	  5000
#define NS_PER_MS (NS_PER_S / 1000)

struct screenshot {
	struct ref ref;
	int64_t time, made; /* ns since 1970; of CLOCK_MONOTONIC */
	char *png;	    /* owned; NULL: there is none, and `why` says why */
	size_t len;
	struct error why;
};

static void screenshot_destroy(struct ref *self)
{
	struct screenshot *shot = (struct screenshot *)self;

	error_done(&shot->why);
	free(shot->png);
	free(shot);
}

void screenshot_unref(struct screenshot *shot)
{
	ref_put((struct ref *)shot);
}

const char *screenshot_png(const struct screenshot *shot, size_t *ret_len)
{
	*ret_len = shot->len;
	return shot->png;
}

int64_t screenshot_time(const struct screenshot *shot)
{
	return shot->time;
}

/* The host that shows the screen of the VM, borrowed from @view. NULL with an error. */
static const char *find_host(const struct view *view, const char *uuid, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *state = vm ? object_text(vm, VM_STATE) : NULL;

	if (!vm)
		(void)error_set(e, ENOENT, "there is no VM '%s'", uuid);
	else if (!vm_state_is_in(state, S_RUNNING | S_PAUSED) || object_is_null(vm, VM_HOST_UUID))
		(void)error_set(
			e, EBUSY,
			"the VM '%s' is %s: only the screen of one that is Running or Paused shows something",
			object_name(vm), state);
	else
		return object_str(vm, VM_HOST_UUID);
	return NULL;
}

/* NULL without memory. */
static struct screenshot *take(struct pool *pool, const char *vm)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	struct screenshot *shot = calloc(1, sizeof(*shot));
	const char *host;

	if (!shot)
		return NULL;
	ref_init(&shot->ref, screenshot_destroy);
	host = find_host(view, vm, &shot->why);
	if (host)
		(void)hv_domain_screenshot(pool_hypervisor(pool), host, vm, &shot->png, &shot->len,
					   &shot->why);
	shot->time = store_now();
	shot->made = clock_monotonic();
	return shot;
}

/* -------------------------------------------------------------- the cache */

struct entry {
	struct entry *next;
	char vm[UUID_SIZE];
	struct screenshot *shot; /* the last; NULL before the first */
	bool asking;		 /* a thread asks the host, or will */
	int waiting;		 /* for its answer */
};

struct screenshots {
	struct workers *askers; /* immutable */
	pthread_mutex_t lock;	/* a leaf */
	pthread_cond_t taken;
	struct entry *entries; /* lock */
};

struct screenshots *screenshots_new(void)
{
	struct screenshots *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->askers = workers_new("screenshot", ASKERS_MAX);
	if (!s->askers) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->taken, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

void screenshots_stop(struct screenshots *s)
{
	if (s)
		workers_stop(s->askers);
}

static void entry_free(struct entry *entry)
{
	if (entry->shot)
		screenshot_unref(entry->shot);
	free(entry);
}

void screenshots_free(struct screenshots *s)
{
	if (!s)
		return;
	while (s->entries) {
		struct entry *entry = s->entries;

		s->entries = entry->next;
		entry_free(entry);
	}
	workers_free(s->askers);
	pthread_cond_destroy(&s->taken);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static bool is_young(const struct entry *entry, int64_t now)
{
	return entry->shot && now - entry->shot->made < SCREENSHOT_AGE_MS * NS_PER_MS;
}

/* Under lock. Forgets what nobody gets any more, so that there are no more pictures than are taken in that time. */
static void forget(struct screenshots *s, int64_t now)
{
	for (struct entry **at = &s->entries; *at;) {
		struct entry *entry = *at;

		if (entry->asking || entry->waiting || is_young(entry, now)) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		entry_free(entry);
	}
}

/* Under lock. NULL without memory. */
static struct entry *find(struct screenshots *s, const char *vm)
{
	struct entry *entry = s->entries;

	while (entry && strcmp(entry->vm, vm) != 0)
		entry = entry->next;
	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	snprintf(entry->vm, sizeof(entry->vm), "%s", vm);
	entry->next = s->entries;
	s->entries = entry;
	return entry;
}

/* A VM whose picture is to be taken, in a thread of its own. */
struct question {
	struct pool *pool;
	struct entry *entry; /* it is asking, and so not forgotten */
};

static void ask(void *arg)
{
	struct question *q = arg;
	struct screenshots *s = q->pool->screenshots;
	struct screenshot *shot = take(q->pool, q->entry->vm);

	pthread_mutex_lock(&s->lock);
	if (q->entry->shot)
		screenshot_unref(q->entry->shot);
	q->entry->shot = shot;
	q->entry->asking = false;
	pthread_cond_broadcast(&s->taken);
	pthread_mutex_unlock(&s->lock);
	free(q);
}

/* Has the host asked, for @entry that is asking. -ENOMEM, -ESHUTDOWN. */
static int begin(struct pool *pool, struct entry *entry)
{
	struct question *q = calloc(1, sizeof(*q));
	int r = -ENOMEM;

	if (!q)
		return r;
	*q = (struct question){pool, entry};
	r = workers_run(pool->screenshots->askers, ask, q);
	if (r < 0)
		free(q);
	return r;
}

/* Begins to wait for a young picture. *ret_needed: the caller has to have the host asked. NULL without memory. */
static struct entry *enter(struct screenshots *s, const char *vm, bool *ret_needed)
{
	const int64_t now = clock_monotonic();
	struct entry *entry;

	scoped_lock(&s->lock);
	forget(s, now);
	entry = find(s, vm);
	if (!entry)
		return NULL;
	entry->waiting++;
	*ret_needed = !entry->asking && !is_young(entry, now);
	if (*ret_needed)
		entry->asking = true;
	return entry;
}

/* Waits for the answer of the host, or (@result < 0) does not. */
static int leave(struct screenshots *s, struct entry *entry, int result, struct screenshot **ret)
{
	const int64_t until_ns = clock_monotonic() + WAIT_MS * NS_PER_MS;
	const struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
	int r = result;

	scoped_lock(&s->lock);
	if (result < 0) {
		entry->asking = false;
		pthread_cond_broadcast(&s->taken);
	}
	while (r == 0 && entry->asking)
		r = -pthread_cond_timedwait(&s->taken, &s->lock, &until);
	entry->waiting--;
	if (entry->asking || result < 0)
		return r;
	if (!entry->shot)
		return -ENOMEM;
	*ret = entry->shot;
	ref_get(&entry->shot->ref);
	return 0;
}

static int get(struct pool *pool, const char *vm, struct screenshot **ret)
{
	bool needed;
	struct entry *entry = enter(pool->screenshots, vm, &needed);

	if (!entry)
		return -ENOMEM;
	return leave(pool->screenshots, entry, needed ? begin(pool, entry) : 0, ret);
}

int screenshot_get(struct pool *pool, const char *vm, struct screenshot **ret, struct error *e)
{
	struct screenshot *shot;
	int r = get(pool, vm, &shot);

	if (r == -ETIMEDOUT)
		return error_set(e, ETIMEDOUT,
				 "the host has shown no picture of the screen for %d seconds: ask again",
				 WAIT_MS / 1000);
	if (r < 0)
		return error_set(e, -r, "cannot take a picture of the screen: %s", strerror(-r));
	if (!shot->png) {
		r = error_set_code(e, shot->why.errnum, shot->why.code, "%s", error_sentence(&shot->why));
		screenshot_unref(shot);
		return r;
	}
	*ret = shot;
	return 0;
}
