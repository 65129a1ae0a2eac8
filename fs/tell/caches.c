/* SPDX-License-Identifier: Apache-2.0 */
/* See caches.h. */
#include "fs/tell/caches.h"

#include <stdatomic.h>

#include "fs/tree/folder.h"
#include "fs/tree/kept.h"
#include "fs/tree/paged.h"
#include "model/render.h"

struct caches {
	const struct fs *fs;
	struct fuse_session *session;
	pthread_mutex_t lock;
	bool runs; /* lock */
	_Atomic int64_t
		told; /* the stamp of the view of whose changes the kernel was told last; 0: of none */
};

/*
 * An answer that is on its way to the kernel meanwhile is not kept there: the kernel drops answers to requests from
 * before the notice. Only attributes are dropped and no pages, so this never blocks.
 */
void caches_drop(const struct caches *caches, struct node node)
{
	(void)fuse_lowlevel_notify_inval_inode(caches->session, node_pack(node), -1, 0);
}

/* What the kernel has of an inode that is left to readers is theirs. */
static void drop_unless_left(const struct caches *caches, struct node node)
{
	if (!paged_leave(caches->fs->paged, node))
		caches_drop(caches, node);
}

static void drop_late(void *caches, struct node node)
{
	caches_drop(caches, node);
}

/* The bits of the files that the change of an object alters. */
static uint64_t altered(const struct change *change, struct node node)
{
	const struct object *before = change->before, *after = change->after;
	uint64_t bits;

	if (!after)
		return ~UINT64_C(0);
	node.class = N_INVENTORY;
	bits = kept_bit(node);
	node.class = N_VALUE;
	for (int i = 0; i < after->kind->field_count; i++) {
		node.index = (unsigned)i;
		if (render_value_mtime(before, i) != render_value_mtime(after, i))
			bits |= kept_bit(node);
	}
	return bits;
}

/* Of an object, or of a node without object, those files whose bits are in @bits. */
static void drop_files(const struct caches *caches, struct node node, uint64_t bits)
{
	static const enum node_class single[] = {N_OBJECT, N_JOB, N_INVENTORY};
	const struct kind *kind = kind_get(node.kind);
	uint64_t taken = kept_take(caches->fs->kept, node, bits);

	if (taken && !node.row) {
		caches_drop(caches, node);
		return;
	}
	for (size_t i = 0; taken && i < ARRAY_SIZE(single); i++) {
		node.class = single[i];
		if (taken & kept_bit(node))
			drop_unless_left(caches, node);
	}
	node.class = N_VALUE;
	for (int i = 0; taken && i < kind->field_count; i++) {
		node.index = (unsigned)i;
		if (taken & kept_bit(node))
			drop_unless_left(caches, node);
	}
}

static void drop_object(const struct caches *caches, const struct change *change)
{
	const struct object *o = change->before;
	const struct node node = {.kind = o->kind->id, .row = o->id, .class = N_OBJECT};

	drop_files(caches, node, altered(change, node));
	if (!change->after)
		kept_forget(caches->fs->kept, node);
}

static void drop_single(const struct caches *caches, struct node node)
{
	drop_files(caches, node, kept_bit(node));
}

static void note_told(struct caches *caches)
{
	_cleanup_view_ struct view *view = store_newest_view(caches->fs->store);

	atomic_store(&caches->told, store_stamp(caches->fs->store, view));
}

bool caches_have_told(const struct caches *caches, const struct view *view)
{
	return atomic_load(&caches->told) == store_stamp(caches->fs->store, view);
}

/* In the store's writer thread. */
static void announce(void *ctx, const struct change *changes, size_t count)
{
	struct caches *caches = ctx;
	bool seen[KIND_COUNT] = {false};
	const struct folder *folder;

	scoped_lock(&caches->lock);
	if (!caches->runs)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].before ? changes[i].before : changes[i].after;

		seen[o->kind->id] = true;
		if (changes[i].before)
			drop_object(caches, &changes[i]);
	}
	paged_settle(caches->fs->paged, drop_late, caches);
	for (unsigned i = 1; (folder = folder_get(i)); i++)
		if (folder->kind && seen[folder->kind->id]) {
			drop_single(caches, (struct node){.class = N_FOLDER, .index = i});
			drop_single(caches, (struct node){.class = N_BY_NAME, .index = i});
		}
	drop_single(caches, (struct node){.class = N_STAMP});
	note_told(caches);
}

struct caches *caches_new(const struct fs *fs, struct fuse_session *session)
{
	struct caches *caches = calloc(1, sizeof(*caches));

	if (!caches)
		return NULL;
	caches->fs = fs;
	caches->session = session;
	pthread_mutex_init(&caches->lock, NULL);
	if (store_announce(fs->store, announce, caches) == 0)
		return caches;
	caches_free(caches);
	return NULL;
}

void caches_start(struct caches *caches)
{
	_cleanup_free_ uint64_t *list = NULL;
	_cleanup_view_ struct view *view = NULL;
	size_t count;

	scoped_lock(&caches->lock);
	caches->runs = true;
	view = store_newest_view(caches->fs->store);
	list = kept_list(caches->fs->kept, &count);
	for (size_t i = 0; i < count; i++) {
		struct node node;

		if (!node_unpack(list[i], &node))
			continue;
		drop_files(caches, node, ~UINT64_C(0));
		if (node.row && !view_has_id(view, node.kind, node.row))
			kept_forget(caches->fs->kept, node);
	}
	atomic_store(&caches->told, store_stamp(caches->fs->store, view));
}

void caches_stop(struct caches *caches)
{
	if (!caches)
		return;
	scoped_lock(&caches->lock);
	caches->runs = false;
}

void caches_free(struct caches *caches)
{
	if (!caches)
		return;
	pthread_mutex_destroy(&caches->lock);
	free(caches);
}
