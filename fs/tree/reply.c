/* SPDX-License-Identifier: Apache-2.0 */
/* See reply.h. */
#include "fs/tree/reply.h"

#include "fs/tree/class.h"
#include "fs/tree/permissions.h"

/* Timeout of what never changes while the program runs, seconds. */
#define FOR_EVER 86400.0

/* The place of a node for the user of a handle, or (NULL) for the user who makes the request. */
static int find(fuse_req_t req, fuse_ino_t ino, const struct handle *h, struct view **ret_view,
		struct place *ret)
{
	const struct fs *fs = fuse_req_userdata(req);
	struct caller caller;
	int r;

	*ret_view = store_view(fs->store);
	if (h)
		caller = handle_caller(h, *ret_view);
	else
		caller_find(req, *ret_view, &caller);
	r = place_find(fs, *ret_view, ino, &caller, ret);
	if (r < 0) {
		view_unref(*ret_view);
		*ret_view = NULL;
	}
	return r;
}

int request_find(fuse_req_t req, fuse_ino_t ino, const struct handle *h, struct view **ret_view,
		 struct place *ret)
{
	return find(req, ino, h, ret_view, ret);
}

int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret)
{
	return request_open_place(req, ino, NULL, ret_view, ret);
}

int request_open_place(fuse_req_t req, fuse_ino_t ino, const struct handle *h, struct view **ret_view,
		       struct place *ret)
{
	int r = find(req, ino, h, ret_view, ret);

	if (r == 0)
		r = place_check(ret);
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

	if (r == 0)
		r = place_lookup(ret_dir, name, ret);
	return r < 0 ? r : place_check(ret);
}

/*
 * With other users, mode and owner follow the account of the object and whom it is shared with, and the kernel asks
 * for the attributes again before it checks them.
 */
static bool attributes_stay(const struct place *p)
{
	bool fixed = !p->fs->has_others || !p->entry->kinds || (p->entry->flags & E_ANYBODY);

	return (p->entry->flags & E_STAYS) && fixed;
}

double attr_timeout(const struct place *p)
{
	return attributes_stay(p) || (p->entry->flags & E_TOLD) ? FOR_EVER : 0;
}

void reply_attributes(fuse_req_t req, struct node node)
{
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	struct stat st;
	int r = request_find(req, node_pack(node), NULL, &view, &p);

	if (r == 0)
		r = place_stat(&p, NULL, &st);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, attr_timeout(&p));
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
					 .attr_timeout = attributes_stay(p) ? FOR_EVER : 0,
					 .entry_timeout = stays ? FOR_EVER : 0};
	/* The size of a slow file is not known yet. Its timeout is 0, so the kernel will ask. */
	return place_stat(p, NULL, &ret->attr);
}
