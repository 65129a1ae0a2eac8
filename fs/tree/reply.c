/* SPDX-License-Identifier: Apache-2.0 */
/* See reply.h. */
#include "fs/tree/reply.h"

#include "fs/tree/class.h"

/* Timeout of what never changes while the program runs, seconds. */
#define FOR_EVER 86400.0

int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret)
{
	const struct fs *fs = fuse_req_userdata(req);
	int r;

	*ret_view = store_view(fs->store);
	r = place_find(fs, *ret_view, ino, fuse_req_ctx(req)->uid, ret);
	if (r < 0) {
		view_unref(*ret_view);
		*ret_view = NULL;
	}
	return r;
}

int request_entry(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
		  struct place *ret_dir, struct place *ret)
{
	int r = request_place(req, parent, ret_view, ret_dir);

	return r < 0 ? r : place_lookup(ret_dir, name, ret);
}

double attr_timeout(const struct place *p)
{
	return p->entry->flags & (E_STAYS | E_TOLD) ? FOR_EVER : 0;
}

int entry_fill(const struct place *p, struct fuse_entry_param *ret)
{
	/*
	 * A file that a tool may move aside is looked up each time: after a rename the kernel would take the
	 * new name for this file, and other users' lookups would bring the old one back too early.
	 */
	bool stays = (p->entry->flags & E_NAME_STAYS) && !(p->entry->io->recreate && place_is_writable(p));

	/* The kernel does not know this node yet, so it cannot be notified; ignore E_TOLD. */
	*ret = (struct fuse_entry_param){.ino = node_pack(p->node),
					 .attr_timeout = p->entry->flags & E_STAYS ? FOR_EVER : 0,
					 .entry_timeout = stays ? FOR_EVER : 0};
	/* The size of a slow file is not known yet. Its timeout is 0, so the kernel will ask. */
	return place_stat(p, NULL, &ret->attr);
}
