/* SPDX-License-Identifier: Apache-2.0 */
/* See paged.h. */
#include "fs/tree/paged.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "actions/engine/thread_status.h"
#include "model/clock.h"

/* There are only as many files in them as are open. */
#define LISTS 256
/* To forget a name takes microseconds, unless its directory is being changed. Longest wait of a request for it, ns. */
#define WAIT_NS (NS_PER_S / 5)
/* The longest wait of a change for it. */
#define SETTLE_NS (NS_PER_S / 100)
/* Threads that were sent to look the name up again: more than do so at a time. */
#define SENT 64
/* From a lookup to what is asked of the inode takes microseconds, too. */
#define COME_NS (NS_PER_S / 50)
/* So long who is to look up the name again and open it is expected, on a busy machine. */
#define OPEN_NS NS_PER_S
/* Readers of a file whose processes are looked for, and generations of processes that have their descriptors. */
#define OPENERS	    32
#define GENERATIONS 8

/* An inode that is read through pages. */
struct file {
	struct file *next;
	struct node node;
	struct handle *handles; /* not owned; at least one */
	struct document *
		content; /* owned; what its readers show, but for those that have lost theirs; NULL: all have */
	struct stat shown; /* describes it */
	enum paged_inode state;
	uint64_t number;   /* of the names that the kernel is to forget */
	bool late;	   /* the name led to it when others were told of the change */
	bool resumed;	   /* of a process before this one, of which that is not known */
	int64_t forgotten; /* when its names were, clock_monotonic() */
};

struct paged {
	pthread_mutex_t lock;
	pthread_cond_t cond;	   /* what an inode is has changed */
	paged_forget_fn *forget;   /* lock; NULL: not started */
	void *forget_arg;	   /* lock */
	struct file *lists[LISTS]; /* lock; owned */
	uint64_t number;	   /* lock; the last one */
	struct {
		uint64_t node;
		pid_t thread;
		int64_t until; /* clock_monotonic(): it is expected so long */
	} sent[SENT];	       /* lock */
	unsigned last_sent;    /* lock */
	int64_t sent_until;    /* lock; the latest of these */
	size_t unknown;	       /* lock; files whose names are about to be forgotten */
};

struct paged *paged_new(void)
{
	struct paged *paged = calloc(1, sizeof(*paged));

	if (!paged)
		return NULL;
	pthread_mutex_init(&paged->lock, NULL);
	clock_cond_init(&paged->cond);
	return paged;
}

void paged_free(struct paged *paged)
{
	if (!paged)
		return;
	for (size_t i = 0; i < LISTS; i++)
		while (paged->lists[i]) {
			struct file *f = paged->lists[i];

			paged->lists[i] = f->next;
			document_unref(f->content);
			free(f);
		}
	pthread_cond_destroy(&paged->cond);
	pthread_mutex_destroy(&paged->lock);
	free(paged);
}

static struct file **list_of(struct paged *paged, struct node node)
{
	/* Fibonacci hashing */
	return &paged->lists[(node_pack(node) * UINT64_C(0x9E3779B97F4A7C15) >> 32) % LISTS];
}

/* NULL: nobody reads it through pages. Under the lock. */
static struct file *find(struct paged *paged, struct node node)
{
	struct file *f = *list_of(paged, node);

	while (f && node_pack(f->node) != node_pack(node))
		f = f->next;
	return f;
}

/* The same, made if there is none. NULL if out of memory. Under the lock. */
static struct file *get(struct paged *paged, struct node node)
{
	struct file **list = list_of(paged, node), *f = find(paged, node);

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->node = node;
	f->next = *list;
	*list = f;
	return f;
}

/* Is its name about to be forgotten, as far as is known? */
static bool is_awaited(const struct file *f)
{
	return f->state == PAGED_UNKNOWN && !f->late;
}

/* Under the lock. */
static void remove_file(struct paged *paged, struct file *f)
{
	struct file **at = list_of(paged, f->node);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	paged->unknown -= is_awaited(f);
	document_unref(f->content);
	free(f);
}

static bool shows(const struct file *f, const struct stat *st)
{
	return f->shown.st_size == st->st_size && f->shown.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	       f->shown.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

static bool is_later(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
						      : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* Under the lock. */
static void add(struct file *f, struct handle *h)
{
	h->pages.read = clock_monotonic();
	h->pages.next = f->handles;
	f->handles = h;
}

static void set_content(struct file *f, struct document *d, const struct stat *shown)
{
	document_unref(f->content);
	f->content = document_ref(d);
	f->shown = *shown;
}

/* Under the lock. */
static void set_state(struct paged *paged, struct file *f, enum paged_inode state, bool late)
{
	paged->unknown -= is_awaited(f);
	f->state = state;
	f->late |= late;
	paged->unknown += is_awaited(f);
	pthread_cond_broadcast(&paged->cond);
}

/* Under the lock. */
static void forget(struct paged *paged, struct file *f)
{
	f->number = ++paged->number;
	set_state(paged, f, PAGED_UNKNOWN,
		  !paged->forget || !paged->forget(paged->forget_arg, f->node, f->number));
}

void paged_start(struct paged *paged, paged_forget_fn *fn, void *arg)
{
	if (!paged)
		return;
	scoped_lock(&paged->lock);
	paged->forget = fn;
	paged->forget_arg = arg;
	for (size_t i = 0; i < LISTS; i++)
		for (struct file *f = paged->lists[i]; f; f = f->next)
			forget(paged, f);
}

bool paged_begin(struct paged *paged, struct handle *h, const struct stat *shown)
{
	struct file *f;

	if (!paged)
		return false;
	scoped_lock(&paged->lock);
	f = paged->forget ? get(paged, h->node) : NULL;
	if (!f || f->state != PAGED_OF_NAME || (f->handles && !shows(f, shown)))
		return false;
	if (!f->handles)
		set_content(f, h->content, shown);
	add(f, h);
	return true;
}

bool paged_join(struct paged *paged, struct handle *h)
{
	struct file *f;

	if (!paged)
		return false;
	scoped_lock(&paged->lock);
	f = find(paged, h->node);
	if (!f || f->state == PAGED_OF_NAME || !f->content)
		return false;
	h->content = document_ref(f->content);
	add(f, h);
	return true;
}

int paged_resume(struct paged *paged, struct handle *h, const struct stat *shown)
{
	struct file *f;

	if (!paged)
		return 0;
	scoped_lock(&paged->lock);
	f = get(paged, h->node);
	if (!f)
		return -ENOMEM;
	set_state(paged, f, PAGED_UNKNOWN, false); /* paged_start() follows */
	f->resumed = true;
	/* Of several contents the last one that a reader was told of by poll(2) is that of the inode, see paged_change(). */
	if (!f->handles || (h->polled && is_later(shown, &f->shown))) {
		for (struct handle *other = f->handles; other; other = other->pages.next)
			other->pages.lost = true;
		set_content(f, h->content, shown);
	} else if (!f->content && shows(f, shown)) {
		set_content(f, h->content, shown);
	}
	h->pages.lost = !h->content || !shows(f, shown);
	add(f, h);
	return 0;
}

bool paged_end(struct paged *paged, struct handle *h)
{
	struct file *f;
	bool was_left;

	if (!paged || !h->paged)
		return false;
	scoped_lock(&paged->lock);
	f = find(paged, h->node);
	for (struct handle **at = f ? &f->handles : NULL; at && *at; at = &(*at)->pages.next)
		if (*at == h) {
			*at = h->pages.next;
			break;
		}
	if (!f || f->handles)
		return false;
	was_left = f->state != PAGED_OF_NAME;
	remove_file(paged, f);
	pthread_cond_broadcast(&paged->cond);
	return was_left;
}

bool paged_note(struct paged *paged, struct handle *h)
{
	if (!paged || !h->paged)
		return true;
	scoped_lock(&paged->lock);
	h->pages.read = clock_monotonic();
	return !h->pages.lost;
}

bool paged_leave(struct paged *paged, struct node node)
{
	struct file *f;

	if (!paged)
		return false;
	scoped_lock(&paged->lock);
	f = find(paged, node);
	if (f && f->state == PAGED_OF_NAME)
		forget(paged, f);
	return f;
}

void paged_forgotten(struct paged *paged, struct node node, uint64_t number)
{
	struct file *f;

	scoped_lock(&paged->lock);
	f = find(paged, node);
	if (!f || f->number != number)
		return;
	f->forgotten = clock_monotonic();
	set_state(paged, f, PAGED_OF_READERS, false);
}

/* May somebody ask for it who has come by its name, after others were told of the change? */
static bool is_late(const struct file *f)
{
	return (f->late || f->resumed) &&
	       (f->state == PAGED_UNKNOWN || clock_monotonic() < f->forgotten + COME_NS);
}

/* Under the lock. */
static enum paged_inode state(struct paged *paged, struct node node, const struct stat *present,
			      struct stat *ret)
{
	const struct file *f = find(paged, node);

	if (!f)
		return PAGED_OF_NAME;
	*ret = f->shown;
	/* paged_leave() follows at once */
	if (f->state == PAGED_OF_NAME)
		return shows(f, present) ? PAGED_OF_NAME : PAGED_UNKNOWN;
	return is_late(f) ? PAGED_LATE : f->state;
}

/* Will it be known before long? Under the lock. */
static bool is_about_to_change(struct paged *paged, struct node node)
{
	const struct file *f = find(paged, node);

	return f && (f->state == PAGED_OF_NAME || is_awaited(f));
}

unsigned paged_copy(struct paged *paged, struct node node, const struct stat *present)
{
	struct stat shown;

	return paged_inode(paged, node, present, &shown) == PAGED_OF_NAME ? 0 : PAGED_BESIDE;
}

bool paged_has_readers(struct paged *paged, struct node node)
{
	if (!paged)
		return false;
	scoped_lock(&paged->lock);
	return find(paged, node);
}

enum paged_inode paged_inode(struct paged *paged, struct node node, const struct stat *present,
			     struct stat *ret)
{
	if (!paged)
		return PAGED_OF_NAME;
	scoped_lock(&paged->lock);
	return state(paged, node, present, ret);
}

/* Under the lock, which it is not meanwhile. False: the time has come. */
static bool wait_until(struct paged *paged, int64_t time)
{
	const struct timespec until = {.tv_sec = time / NS_PER_S, .tv_nsec = time % NS_PER_S};

	return pthread_cond_timedwait(&paged->cond, &paged->lock, &until) == 0;
}

enum paged_inode paged_wait(struct paged *paged, struct node node, const struct stat *present,
			    struct stat *ret)
{
	const int64_t end = clock_monotonic() + WAIT_NS;
	enum paged_inode is;

	scoped_lock(&paged->lock);
	while ((is = state(paged, node, present, ret)) == PAGED_UNKNOWN && is_about_to_change(paged, node) &&
	       wait_until(paged, end))
		;
	return is;
}

void paged_settle(struct paged *paged, paged_drop_fn *drop, void *arg)
{
	const int64_t end = clock_monotonic() + SETTLE_NS;

	if (!paged)
		return;
	scoped_lock(&paged->lock);
	while (paged->unknown && wait_until(paged, end))
		;
	for (size_t i = 0; paged->unknown && i < LISTS; i++)
		for (struct file *f = paged->lists[i]; f; f = f->next)
			if (is_awaited(f)) {
				set_state(paged, f, PAGED_UNKNOWN, true);
				drop(arg, f->node);
			}
}

/* The process of a thread; 0: unknown. */
static pid_t process_of(pid_t thread)
{
	return thread ? (pid_t)thread_status_number(thread, "\nTgid:", 10) : 0;
}

/* Who has opened the handles of a file. */
static size_t list_openers(struct paged *paged, struct node node, pid_t ret[OPENERS])
{
	const struct file *f;
	size_t count = 0;

	scoped_lock(&paged->lock);
	f = find(paged, node);
	for (const struct handle *h = f ? f->handles : NULL; h && count < OPENERS; h = h->pages.next)
		ret[count++] = h->opener;
	return count;
}

bool paged_may_mean_name(struct paged *paged, struct node node, pid_t pid)
{
	pid_t openers[OPENERS];
	size_t count = list_openers(paged, node, openers);

	for (size_t i = 0; i < count; i++) {
		pid_t opener = process_of(openers[i]), process = process_of(pid);

		if (!openers[i] || openers[i] == pid)
			return false;
		for (int g = 0; opener && process && g < GENERATIONS; g++) {
			if (process == opener)
				return false;
			process = (pid_t)thread_status_number(process, "\nPPid:", 10);
		}
	}
	return count;
}

/* The thread is no longer expected. True: it was. Under the lock. */
static bool has_come(struct paged *paged, struct node node, pid_t thread)
{
	const int64_t now = clock_monotonic();
	bool was = false;

	for (size_t i = 0; thread && now < paged->sent_until && i < SENT; i++)
		if (paged->sent[i].thread == thread && paged->sent[i].node == node_pack(node)) {
			was = was || now < paged->sent[i].until;
			paged->sent[i].thread = 0;
		}
	return was;
}

bool paged_send_away(struct paged *paged, struct node node, pid_t thread, bool opens)
{
	const int64_t now = clock_monotonic();

	scoped_lock(&paged->lock);
	if (has_come(paged, node, thread))
		return false;
	if (!thread)
		return true;
	paged->last_sent = (paged->last_sent + 1) % SENT;
	paged->sent[paged->last_sent].node = node_pack(node);
	paged->sent[paged->last_sent].thread = thread;
	paged->sent[paged->last_sent].until = now + (opens ? OPEN_NS : COME_NS);
	paged->sent_until = now + OPEN_NS;
	return true;
}

void paged_has_come(struct paged *paged, struct node node, pid_t thread)
{
	if (!paged)
		return;
	scoped_lock(&paged->lock);
	(void)has_come(paged, node, thread);
}

/* --------------------------------------------------------------------- poll(2) */

void paged_note_poll(struct paged *paged, struct handle *h)
{
	scoped_lock(&paged->lock);
	h->pages.read = 0;
}

struct document *paged_adopt(struct paged *paged, struct handle *h, const struct stat *shown)
{
	struct file *f;

	scoped_lock(&paged->lock);
	f = find(paged, h->node);
	if (!f || !f->content || shows(f, shown))
		return NULL;
	h->pages.lost = false;
	h->pages.read = clock_monotonic();
	return document_ref(f->content);
}

bool paged_may_change(struct paged *paged, const struct handle *h, const struct stat *shown)
{
	const int64_t now = clock_monotonic();
	const struct file *f;

	scoped_lock(&paged->lock);
	f = find(paged, h->node);
	if (!f || (f->content && !shows(f, shown)))
		return true;
	for (const struct handle *other = f->handles; other; other = other->pages.next)
		if (other != h && !other->pages.lost && now - other->pages.read < PAGED_READ_NS)
			return false;
	return true;
}

void paged_change(struct paged *paged, struct handle *h, struct document *d, const struct stat *shown)
{
	struct file *f;

	scoped_lock(&paged->lock);
	h->pages.lost = false;
	h->pages.read = clock_monotonic(); /* it will be */
	f = find(paged, h->node);
	if (!f)
		return;
	for (struct handle *other = f->handles; other && !shows(f, shown); other = other->pages.next)
		other->pages.lost = other != h;
	set_content(f, d, shown);
}
