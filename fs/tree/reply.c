/* SPDX-License-Identifier: Apache-2.0 */
/* See reply.h. */
#include "fs/tree/reply.h"

#include "fs/tree/class.h"
#include "fs/tree/kept.h"
#include "fs/tree/paged.h"
#include "fs/tree/permissions.h"

/* Timeout of what never changes while the program runs, seconds. */
#define FOR_EVER 86400.0
/*
 * Timeout of the attributes that a listing gives of nodes that are told, seconds: long enough for a program that asks
 * for each name it has read. The kernel may not know these nodes yet when it is told that they change.
 */
#define WHILE_LISTED 1.0
/*
 * Timeout of the attributes that come with a name that the kernel looks up each time, seconds: for the call that has looked it
 * up, and open(2) checks them. The next call asks for the name again, and gets new ones. The kernel rounds up to a tick.
 */
#define WHILE_LOOKED_UP 1e-6

/*
 * May the kernel keep the attributes of such a node? With other users, mode and owner follow the account of the object
 * and whom it is shared with, and the kernel asks for the attributes again before it checks them.
 */
static bool may_keep(const struct fs *fs, const struct node_entry *entry)
{
	return !fs->has_others || !entry->kinds || (entry->flags & E_ANYBODY);
}

/* Is the kernel told when the attributes of the node change? Only those of the first inode of a file are. */
static bool is_told(const struct fs *fs, struct node node)
{
	const struct node_entry *entry = &fs->nodes[node.class];

	return (entry->flags & E_TOLD) && !node.copy && may_keep(fs, entry);
}

/*
 * The view to answer from. What the kernel may keep comes from the newest, see kept.h. *ret_told: the kernel will be
 * told when the attributes of the node change.
 */
static struct view *answer_view(const struct fs *fs, fuse_ino_t ino, bool *ret_told)
{
	struct node node;

	*ret_told = node_unpack(ino, &node) && is_told(fs, node) && kept_add(fs->kept, node) == 0;
	return *ret_told ? store_newest_view(fs->store) : store_view(fs->store);
}

/* The place of a node for the user of a handle, or (NULL) for the user who makes the request. */
static int find(fuse_req_t req, fuse_ino_t ino, const struct handle *h, struct view **ret_view,
		struct place *ret)
{
	const struct fs *fs = fuse_req_userdata(req);
	struct caller caller;
	bool told;
	int r;

	*ret_view = answer_view(fs, ino, &told);
	if (h)
		caller = handle_caller(h, *ret_view);
	else
		caller_find(req, *ret_view, &caller);
	r = place_find(fs, *ret_view, ino, &caller, ret);
	if (r < 0) {
		view_unref(*ret_view);
		*ret_view = NULL;
		return r;
	}
	ret->told = told;
	return 0;
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

/* Mode, size and times are always the same. */
static bool attributes_stay(const struct place *p)
{
	return (p->entry->flags & E_STAYS) && may_keep(p->fs, p->entry);
}

double attr_timeout(const struct place *p)
{
	return attributes_stay(p) || p->told ? FOR_EVER : 0;
}

void reply_attributes(fuse_req_t req, struct node node)
{
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	struct stat st;
	int r = request_find(req, node_pack_copy(node), NULL, &view, &p);

	if (r == 0)
		r = place_stat(&p, NULL, &st);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, place_is_slow(&p) ? 0 : attr_timeout(&p));
}

/*
 * A file handle has the number and the generation of its node, and the kernel opens it without a request if it has the
 * inode. So the generation of a node whose name is a secret must be one as well. It is a part of the name, 32 bits long.
 */
static uint64_t generation(const struct place *p)
{
	char part[9];

	if (!(p->entry->flags & E_SECRET) || !p->object)
		return 0;
	snprintf(part, sizeof(part), "%s", object_uuid(p->object));
	return strtoul(part, NULL, 16);
}

/* Is the object the same as in the newest view? So are the attributes of its nodes. */
static bool is_newest(const struct place *p)
{
	_cleanup_view_ struct view *view = store_newest_view(p->fs->store);

	return p->object && view_shows(view, p->object);
}

/*
 * May the attributes be kept that come with the name of a node that is told? The kernel may not know the node yet when it
 * is told that they change, so not for long.
 */
static bool may_come_with_name(const struct place *p)
{
	return is_told(p->fs, p->node) && kept_add(p->fs->kept, p->node) == 0 && is_newest(p);
}

/*
 * May the kernel keep the name? A file that a tool may move aside is looked up each time: after a rename the kernel would
 * take the new name for this file, and other users' lookups would bring the old one back too early.
 */
static bool name_stays(const struct place *p)
{
	return (p->entry->flags & E_NAME_STAYS) && !(p->entry->io->recreate && place_is_writable(p));
}

/* Without what may come with the name. The inode is that to which the name leads now. */
static int fill(const struct place *p, struct fuse_entry_param *ret)
{
	struct node node = p->node;
	int r;

	*ret = (struct fuse_entry_param){.generation = generation(p),
					 .attr_timeout = attributes_stay(p) ? FOR_EVER : 0};
	/* The size of a slow file is not known yet. Its timeout is 0, so the kernel will ask. */
	r = place_stat(p, NULL, &ret->attr);
	if (r == 0 && p->entry->io->is_paged && !node.copy)
		node.copy = paged_copy(p->fs->paged, node, &ret->attr);
	ret->ino = node_pack_copy(node);
	ret->entry_timeout = name_stays(p) && !node.copy ? FOR_EVER : 0;
	return r;
}

int entry_fill(const struct place *p, struct fuse_entry_param *ret)
{
	int r = fill(p, ret);

	if (r == 0 && ret->ino == node_pack(p->node) && !name_stays(p) && !place_is_slow(p) &&
	    may_come_with_name(p))
		ret->attr_timeout = WHILE_LOOKED_UP;
	return r;
}

int entry_fill_listed(const struct place *p, struct fuse_entry_param *ret)
{
	int r = p->entry->io->is_paged && !is_newest(p) ? -EAGAIN : 0;

	if (r == 0)
		r = fill(p, ret);
	if (r == 0 && ret->ino == node_pack(p->node) && may_come_with_name(p))
		ret->attr_timeout = WHILE_LISTED;
	return r;
}
