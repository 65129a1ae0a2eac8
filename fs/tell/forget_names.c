/* SPDX-License-Identifier: Apache-2.0 */
/* See forget_names.h. */
#include "fs/tell/forget_names.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/tree/paged.h"
#include "model/cleanup.h"

/* What the kernel is told, struct fuse_out_header and fuse_notify_inval_entry_out of <linux/fuse.h>; the name follows. */
#define NOTIFY_INVAL_ENTRY 3
struct notice_head {
	uint32_t len, code;
	uint64_t unique; /* 0 */
	uint64_t parent;
	uint32_t name_len, flags;
};

/* A file whose names are to be forgotten. */
struct forgotten {
	struct forgotten *next;
	struct node node;
	uint64_t number;
};

struct forget_names {
	const struct fs *fs;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct forgotten *first, **end; /* lock; owned */
	int device;			/* the thread's, once it is separate */
	int result;			/* lock; of the start */
	bool ready, stopping;		/* lock */
	bool started;
	atomic_bool has_ended;
};

/* Tells the kernel. That it does not know the name is as well. */
static void forget(const struct forget_names *names, struct node parent, const char *name)
{
	const size_t len = strlen(name);
	const struct notice_head head = {.len = (uint32_t)(sizeof(head) + len + 1),
					 .code = NOTIFY_INVAL_ENTRY,
					 .parent = node_pack(parent),
					 .name_len = (uint32_t)len};
	const struct iovec parts[] = {{(void *)(uintptr_t)&head, sizeof(head)},
				      {(void *)(uintptr_t)name, len + 1}};

	(void)!writev(names->device, parts, 2);
}

/* In all directories where it is. */
static void forget_node(const struct forget_names *names, struct node node)
{
	_cleanup_view_ struct view *view = store_view(names->fs->store);
	struct place p;

	place_init(names->fs, view, node, &p);
	for (int class = 0; class < NODE_CLASS_COUNT; class ++)
		if ((p.entry->in & IN(class)) && (names->fs->nodes[class].kinds & OF(node.kind)))
			forget(names,
			       (struct node){
				       .kind = node.kind, .row = node.row, .class = (enum node_class) class},
			       place_name(&p));
}

/* The next one, for the caller; NULL at the end. */
static struct forgotten *take(struct forget_names *names)
{
	struct forgotten *r;

	scoped_lock(&names->lock);
	while (!names->first && !names->stopping)
		pthread_cond_wait(&names->cond, &names->lock);
	r = names->stopping ? NULL : names->first;
	if (r && !(names->first = r->next))
		names->end = &names->first;
	return r;
}

/* Keeps only this descriptor. Those of the other threads, and their file locks, are not affected. */
static int separate(int device)
{
	if (unshare(CLONE_FILES) < 0)
		return -errno;
	if (device > STDERR_FILENO + 1 && close_range(STDERR_FILENO + 1, (unsigned)device - 1, 0) < 0)
		return -errno;
	return close_range((unsigned)device + 1, ~0U, 0) < 0 ? -errno : 0;
}

static void *thread_main(void *arg)
{
	struct forget_names *names = arg;
	struct forgotten *r;
	int result;

	pthread_setname_np(pthread_self(), "forget-names");
	result = separate(names->device);
	pthread_mutex_lock(&names->lock);
	names->result = result;
	names->ready = true;
	pthread_cond_broadcast(&names->cond);
	pthread_mutex_unlock(&names->lock);
	while (result == 0 && (r = take(names))) {
		forget_node(names, r->node);
		paged_forgotten(names->fs->paged, r->node, r->number);
		free(r);
	}
	if (result == 0) {
		/* the thread sanitizer takes close(2) for that of the others' descriptor */
		(void)close_range((unsigned)names->device, (unsigned)names->device, 0);
	}
	atomic_store(&names->has_ended, true);
	return NULL;
}

static bool ask(void *arg, struct node node, uint64_t number)
{
	struct forget_names *names = arg;
	struct forgotten *r = malloc(sizeof(*r));

	if (!r)
		return false;
	*r = (struct forgotten){.node = node, .number = number};
	scoped_lock(&names->lock);
	*names->end = r;
	names->end = &r->next;
	pthread_cond_broadcast(&names->cond);
	return true;
}

struct forget_names *forget_names_new(const struct fs *fs)
{
	struct forget_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->fs = fs;
	names->end = &names->first;
	pthread_mutex_init(&names->lock, NULL);
	pthread_cond_init(&names->cond, NULL);
	return names;
}

int forget_names_start(struct forget_names *names, int device)
{
	int r;

	names->device = device;
	r = pthread_create(&names->thread, NULL, thread_main, names);
	if (r) {
		paged_start(names->fs->paged, NULL, NULL);
		return -r;
	}
	names->started = true;
	pthread_mutex_lock(&names->lock);
	while (!names->ready)
		pthread_cond_wait(&names->cond, &names->lock);
	r = names->result;
	pthread_mutex_unlock(&names->lock);
	paged_start(names->fs->paged, r == 0 ? ask : NULL, names);
	return r;
}

bool forget_names_has_ended(struct forget_names *names)
{
	return !names->started || atomic_load(&names->has_ended);
}

void forget_names_stop(struct forget_names *names)
{
	if (!names)
		return;
	scoped_lock(&names->lock);
	names->stopping = true;
	pthread_cond_broadcast(&names->cond);
}

void forget_names_join(struct forget_names *names)
{
	if (names && names->started)
		(void)pthread_join(names->thread, NULL);
}

void forget_names_free(struct forget_names *names)
{
	if (!names)
		return;
	while (names->first) {
		struct forgotten *r = names->first;

		names->first = r->next;
		free(r);
	}
	pthread_cond_destroy(&names->cond);
	pthread_mutex_destroy(&names->lock);
	free(names);
}
