/* SPDX-License-Identifier: Apache-2.0 */
/* See stamp.h. */
#include "fs/tell/stamp.h"

#include <inttypes.h>

struct stamp {
	struct store *store;
	struct fuse_session *session;
	atomic_bool known; /* the kernel may have an old number cached */
	pthread_mutex_t lock;
	bool stopped; /* lock */
};

/*
 * In the store's writer thread. A number that is on its way to the kernel meanwhile is not cached there: the
 * kernel drops answers to requests from before the invalidation. Only attributes are invalidated and no
 * pages, so this never blocks.
 */
static void announce(void *ctx)
{
	static const struct node node = {.class = N_STAMP};
	struct stamp *stamp = ctx;

	if (!atomic_exchange(&stamp->known, false))
		return;
	scoped_lock(&stamp->lock);
	if (!stamp->stopped)
		(void)fuse_lowlevel_notify_inval_inode(stamp->session, node_pack(node), -1, 0);
}

struct stamp *stamp_new(struct store *store, struct fuse_session *session)
{
	struct stamp *stamp = calloc(1, sizeof(*stamp));

	if (!stamp)
		return NULL;
	stamp->store = store;
	stamp->session = session;
	pthread_mutex_init(&stamp->lock, NULL);
	if (store_announce(store, announce, stamp) == 0)
		return stamp;
	stamp_free(stamp);
	return NULL;
}

void stamp_stop(struct stamp *stamp)
{
	if (!stamp)
		return;
	scoped_lock(&stamp->lock);
	stamp->stopped = true;
}

void stamp_free(struct stamp *stamp)
{
	if (!stamp)
		return;
	pthread_mutex_destroy(&stamp->lock);
	free(stamp);
}

struct document *render_stamp(const struct place *p)
{
	char text[32];
	int64_t number;
	int len;

	/* In this order, so that any later change of the number is notified. */
	atomic_store(&p->fs->stamp->known, true);
	number = store_newest_stamp(p->fs->store);
	len = snprintf(text, sizeof(text), "%020" PRId64 "\n", number);
	return document_new(text, (size_t)len, number);
}
