/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See list.h.
 *
 * A walk keeps the view in which it began, so it sees each entry once however
 * long it takes; rewinding takes a new view.
 */
#include "fs/op/list.h"

#include "fs/tell/watchers.h"
#include "fs/tree/class.h"
#include "fs/tree/permissions.h"
#include "fs/tree/reply.h"

/* The positions of the first two entries; the others have those of place_next(), shifted by these. */
#define POSITION_DOT	1
#define POSITION_DOTDOT 2

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_view_ struct view *view = NULL;
	_cleanup_handle_ struct handle *h = NULL;
	struct place dir;
	int r = request_place(req, ino, &view, &dir);

	if (r == 0) {
		h = handle_new(dir.node, place_mode(&dir), dir.view, &dir.caller);
		r = h ? handles_add(fs->handles, h) : -ENOMEM;
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = h->number;
	if (fuse_reply_open(req, fi) == -ENOENT)
		handles_remove(fs->handles, h->number);
}

/* A directory being written into the buffer of a reply. */
struct listing {
	fuse_req_t req;
	char *data; /* owned */
	size_t len, size;
	bool plus;
};

static void listing_done(struct listing *l)
{
	free(l->data);
}

/* Adds an entry; false if it does not fit. */
static bool add(struct listing *l, const char *name, const struct fuse_entry_param *entry, off_t position)
{
	size_t room = l->size - l->len;
	size_t used =
		l->plus ? fuse_add_direntry_plus(l->req, l->data + l->len, room, name, entry, position)
			: fuse_add_direntry(l->req, l->data + l->len, room, name, &entry->attr, position);

	if (used > room)
		return false;
	l->len += used;
	return true;
}

/* `.` and `..`; without a node number the kernel treats them as mere names. */
static bool add_dots(struct listing *l, fuse_ino_t ino, off_t offset)
{
	struct fuse_entry_param entry = {.attr = {.st_ino = ino, .st_mode = S_IFDIR}};

	if (offset < POSITION_DOT && !add(l, ".", &entry, POSITION_DOT))
		return false;
	entry.attr.st_ino = FUSE_ROOT_ID;
	return offset >= POSITION_DOTDOT || add(l, "..", &entry, POSITION_DOTDOT);
}

/* Fills in what add() needs: for plain listings only number and type. */
static void fill(const struct listing *l, const struct place *p, struct fuse_entry_param *ret)
{
	/* No attributes for slow files; the kernel asks for them when they are needed. */
	if (l->plus && !place_is_slow(p) && !(p->entry->flags & E_BARE)) {
		watchers_note(p->fs->watchers, p->node);
		if (entry_fill_listed(p, ret) == 0)
			return;
	}
	*ret = (struct fuse_entry_param){.attr = {.st_ino = node_pack(p->node), .st_mode = p->entry->mode}};
}

/* Answers from the handle's view. */
static void list(fuse_req_t req, struct handle *h, size_t size, off_t offset, bool plus)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_(listing_done) struct listing l = {.req = req, .size = size, .plus = plus};
	fuse_ino_t ino = node_pack(h->node);
	struct place_walk walk = {.last = NULL};
	struct place dir, p;
	char name[NAME_SIZE];
	int64_t position;
	struct caller caller = handle_caller(h, h->view);
	int r = place_find(fs, h->view, ino, &caller, &dir);

	if (r == 0) {
		l.data = malloc(size);
		r = l.data ? 0 : -ENOMEM;
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	dir.walk = &walk;
	dir.ranks = h->ranks;
	dir.list = h->list;
	if (add_dots(&l, ino, offset)) {
		position = offset > POSITION_DOTDOT ? offset - POSITION_DOTDOT : 0;
		while (place_next(&dir, position, &position, name, &p)) {
			struct fuse_entry_param entry;

			if (!place_is_listed(&p))
				continue;
			fill(&l, &p, &entry);
			if (!add(&l, name, &entry, position + POSITION_DOTDOT))
				break;
		}
	}
	fuse_reply_buf(req, l.data, l.len);
}

/* A listing that waits for a worker. */
struct parked_list {
	fuse_req_t req;
	struct handle *handle; /* owned */
	size_t size;
	off_t offset;
	bool plus;
};

static void list_found(void *arg, int result)
{
	struct parked_list *parked = arg;

	if (result < 0)
		fuse_reply_err(parked->req, -result);
	else
		list(parked->req, parked->handle, parked->size, parked->offset, parked->plus);
	handle_unref(parked->handle);
	free(parked);
}

static void park_list(fuse_req_t req, struct handle *h, size_t size, off_t offset, bool plus)
{
	_cleanup_view_ struct view *view = NULL;
	struct parked_list *parked;
	struct place dir;
	int r = request_open_place(req, node_pack(h->node), h, &view, &dir);

	parked = r == 0 ? malloc(sizeof(*parked)) : NULL;
	if (!parked) {
		fuse_reply_err(req, r < 0 ? -r : ENOMEM);
		return;
	}
	*parked = (struct parked_list){.req = req, .handle = h, .size = size, .offset = offset, .plus = plus};
	ref_get(&h->ref);
	dir.entry->io->walk(&dir, h, list_found, parked);
}

static void start_list(fuse_req_t req, size_t size, off_t offset, const struct fuse_file_info *fi, bool plus)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	/* a walk that another process has begun goes on in the present view */
	bool rewinds = h && (!h->view || offset == 0);
	int r = h ? 0 : -EBADF;

	if (rewinds && handle_class(fs, h)->walk) {
		park_list(req, h, size, offset, plus);
		return;
	}
	if (rewinds)
		r = handle_class(fs, h)->rewind ? handle_class(fs, h)->rewind(fs, h) : -ENOTDIR;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		list(req, h, size, offset, plus);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	start_list(req, size, offset, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	start_list(req, size, offset, fi, true);
}
