/* SPDX-License-Identifier: Apache-2.0 */
/* See read.h. */
#include "fs/op/read.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/workers.h"
#include "fs/tell/caches.h"
#include "fs/tell/last_error.h"
#include "fs/tell/polls.h"
#include "fs/tell/refusal.h"
#include "fs/tell/wait.h"
#include "fs/tell/watchers.h"
#include "fs/tree/aside.h"
#include "fs/tree/class.h"
#include "fs/tree/paged.h"
#include "fs/tree/permissions.h"
#include "fs/tree/reply.h"

/*
 * Which inode of a file on which one can wait this lookup gets. inotify(7) watches inodes, and who watches a value
 * shall be told of writes to it: so a value, a spec and, with watchers, any file is another inode only while that of
 * the first copy is locked by a wait.
 */
static unsigned choose_copy(const struct place *p)
{
	struct node node = p->node;

	if (!p->fs->watchers && !p->entry->io->amends)
		return handles_choose_copy(p->fs->handles, node);
	while (node.copy < NODE_COPY_MAX && waits_lock(p->fs->waits, node_pack_copy(node)))
		node.copy++;
	return node.copy;
}

/*
 * "." or ".." of a node: the kernel has a file handle (of an NFS server, or open_by_handle_at(2)), but has forgotten the
 * inode, or its path: then it finds the name in the listing of "..". Such a number may be guessed. 0, -ESTALE.
 */
static int lookup_by_number(const struct place *p, const char *name, struct fuse_entry_param *ret)
{
	struct place parent;
	int r;

	if (p->entry->flags & E_SECRET)
		return -ESTALE;
	if (strcmp(name, ".") == 0)
		return entry_fill(p, ret);
	r = S_ISDIR(p->entry->mode) ? place_parent(p, &parent) : -ENOTDIR;
	return r < 0 ? -ESTALE : entry_fill(&parent, ret);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *view = NULL;
	struct fuse_entry_param entry;
	struct place dir, p;
	int r;

	if (watchers_answer_lookup(req, parent, name))
		return;
	/*
	 * The kernel keeps the answer for all users, so it is the same for all, but for names of links and files
	 * that each lookup asks for again. The kernel has checked that the user may search the directory.
	 */
	r = request_find(req, parent, NULL, &view, &dir);
	if (r == 0 && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)) {
		r = lookup_by_number(&dir, name, &entry);
		if (r < 0)
			fuse_reply_err(req, -r);
		else
			fuse_reply_entry(req, &entry);
		return;
	}
	if (r == 0 && dir.entry->io->lookup) {
		r = place_check(&dir);
		if (r < 0)
			fuse_reply_err(req, -r);
		else
			dir.entry->io->lookup(req, &dir, name);
		return;
	}
	if (r == 0)
		r = place_lookup(&dir, name, &p);
	if (r == 0 && p.entry->io->recreate && aside_is(p.fs->aside, p.node, p.caller.uid))
		r = -ENOENT;
	if (r == 0) {
		watchers_note(p.fs->watchers, p.node);
		if (p.entry->io->jobs && place_is_writable(&p))
			p.node.copy = choose_copy(&p);
		r = entry_fill(&p, &entry);
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_view_ struct view *view = NULL;
	char target[PATH_SIZE];
	struct place p;
	int r = request_place(req, ino, &view, &p);

	if (r < 0)
		fuse_reply_err(req, -r);
	else if (!place_readlink(&p, target))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_readlink(req, target);
}

/* --------------------------------------------------------------- attributes */

/* How long the kernel may keep the attributes of an open file, seconds: not at all if its content is from before a change. */
static double timeout_of(const struct place *p, const struct handle *h, const struct stat *st)
{
	struct stat present;

	if (h && h->paged && paged_inode(p->fs->paged, p->node, st, &present) != PAGED_OF_NAME)
		return 0;
	if (h && !place_is_slow(p) &&
	    (place_stat(p, NULL, &present) < 0 || present.st_size != st->st_size ||
	     memcmp(&present.st_mtim, &st->st_mtim, sizeof(st->st_mtim)) != 0))
		return 0;
	return attr_timeout(p);
}

/* @h: the open file; NULL: by path, or without a handle. @d: its content, or NULL. */
static void reply_attr(fuse_req_t req, const struct place *p, const struct handle *h,
		       const struct document *d)
{
	struct stat st;
	int r = place_stat(p, d, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, timeout_of(p, h, &st));
}

/* A getattr that waits for the content of a file. */
struct stat_call {
	fuse_req_t req;
	struct node node;
};

static void getattr_done(void *arg, int result, struct document *d, const struct error *e)
{
	_cleanup_document_ struct document *content = d;
	_cleanup_free_ struct stat_call *call = arg;
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	int r = request_find(call->req, node_pack_copy(call->node), NULL, &view, &p);

	/* The kernel gets the attributes of a query before it opens it, so a failing one fails here. What is
	 * listed always has attributes, unless it has gone. */
	if (r == 0 && result < 0 && (p.entry->io->is_here || place_has_left(&p))) {
		if (e)
			last_error_set(p.fs->errors, fuse_req_ctx(call->req)->uid, NULL, e);
		r = result;
	}
	if (r < 0)
		fuse_reply_err(call->req, -r);
	else
		reply_attr(call->req, &p, NULL, content);
}

/* What is listed always has attributes: without a size if that is not known. */
static void getattr_measured(void *arg, int result, int64_t size, int64_t changed)
{
	_cleanup_free_ struct stat_call *call = arg;
	_cleanup_view_ struct view *view = NULL;
	struct stat st;
	struct place p;
	int r = request_find(call->req, node_pack_copy(call->node), NULL, &view, &p);

	if (r < 0) {
		fuse_reply_err(call->req, -r);
		return;
	}
	stat_fill(p.fs, p.node, place_mode(&p), result < 0 ? 0 : (size_t)size, result < 0 ? 0 : changed, &st);
	place_owner(&p, &st.st_uid, &st.st_gid);
	fuse_reply_attr(call->req, &st, 0);
}

/* --------------------------------------------------- inodes that are left to readers */

/* A request for an inode that is left to its readers. */
struct left_call {
	fuse_req_t req;
	struct node node;
	struct stat present;
	struct fuse_file_info fi; /* of an open */
	bool opens;
	bool late; /* when it came */
};

/*
 * Nobody has been told of the change yet, so who opens the file meanwhile may read it as it was before. Unless it is late: then
 * who has come by the name looks it up again after ESTALE.
 */
static void open_left(struct left_call *call, enum paged_inode is)
{
	const struct fs *fs = fuse_req_userdata(call->req);
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	const pid_t pid = fuse_req_ctx(call->req)->pid;
	int r = (is == PAGED_UNKNOWN || is == PAGED_LATE) && paged_send_away(fs->paged, call->node, pid, true)
			? -ESTALE
			: 0;

	if (r == 0)
		r = request_place(call->req, node_pack(call->node), &view, &p);
	if (r < 0)
		fuse_reply_err(call->req, -r);
	else
		p.entry->io->open(call->req, &p, &call->fi);
}

/* The same. But who has the inode open has asked for the attributes of what it reads. */
static void getattr_left(struct left_call *call, enum paged_inode is, const struct stat *shown)
{
	const struct fs *fs = fuse_req_userdata(call->req);
	const pid_t pid = fuse_req_ctx(call->req)->pid;

	if (is == PAGED_OF_NAME)
		reply_attributes(call->req, call->node);
	else if (is == PAGED_LATE && paged_may_mean_name(fs->paged, call->node, pid) &&
		 paged_send_away(fs->paged, call->node, pid, false))
		fuse_reply_err(call->req, ESTALE);
	else
		fuse_reply_attr(call->req, shown, 0);
}

static void name_is_forgotten(void *arg)
{
	_cleanup_free_ struct left_call *call = arg;
	const struct fs *fs = fuse_req_userdata(call->req);
	struct stat shown;
	enum paged_inode is = paged_wait(fs->paged, call->node, &call->present, &shown);

	if (is == PAGED_OF_READERS && call->late)
		is = PAGED_LATE;
	if (call->opens)
		open_left(call, is);
	else
		getattr_left(call, is, &shown);
}

/*
 * Is the inode left to readers of a content from before a change? Then this answers, with what they see, or when it is
 * known that the name leads elsewhere. @fi: of an open, NULL for attributes.
 */
static bool answer_for_readers(fuse_req_t req, const struct place *p, const struct fuse_file_info *fi)
{
	struct left_call *call;
	struct stat present, shown;
	enum paged_inode is = PAGED_OF_NAME;

	if (!p->entry->io->is_paged)
		return false;
	if (!p->node.copy && paged_has_readers(p->fs->paged, p->node) && place_stat(p, NULL, &present) == 0)
		is = paged_inode(p->fs->paged, p->node, &present, &shown);
	if (is == PAGED_OF_NAME || (is == PAGED_OF_READERS && fi)) {
		if (fi)
			paged_has_come(p->fs->paged, p->node, fuse_req_ctx(req)->pid);
		return false;
	}
	if (is == PAGED_OF_READERS) {
		fuse_reply_attr(req, &shown, 0);
		return true;
	}
	call = malloc(sizeof(*call));
	if (call) {
		*call = (struct left_call){.req = req,
					   .node = p->node,
					   .present = present,
					   .opens = fi,
					   .late = is == PAGED_LATE};
		if (fi)
			call->fi = *fi;
	}
	if (!call || workers_run(p->fs->readers, name_is_forgotten, call) < 0) {
		free(call);
		fuse_reply_err(req, ENOMEM);
	}
	return true;
}

/* fstat(2) of an open file whose object is gone; the kernel passes the handle (@of) before a read only. */
static void reply_attr_of_gone(fuse_req_t req, fuse_ino_t ino, struct handle *of)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = NULL;
	_cleanup_document_ struct document *d = NULL;
	struct node node;
	struct stat st;

	if (of) {
		h = of;
		ref_get(&h->ref);
	} else if (node_unpack(ino, &node)) {
		if (!node.copy && paged_inode(fs->paged, node, &(struct stat){0}, &st) != PAGED_OF_NAME) {
			fuse_reply_attr(req, &st, 0);
			return;
		}
		h = handles_find(fs->handles, node);
	}
	if (!h) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	d = handle_document(h);
	stat_fill(fs, h->node, h->mode, d ? d->len : 0, d ? d->mtime : 0, &st);
	fuse_reply_attr(req, &st, 0);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = fi ? handles_get(fs->handles, fi->fh) : NULL;
	_cleanup_view_ struct view *view = NULL;
	_cleanup_document_ struct document *content = NULL;
	struct stat_call *call;
	struct place p;
	int r = request_find(req, ino, h, &view, &p);

	if (r == 0)
		r = place_check_attributes(&p);
	if (r == -ESTALE) {
		if (!watchers_answer_gone(req, ino))
			reply_attr_of_gone(req, ino, h);
		return;
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (h && h->paged) {
		/* before it is read */
		poll_note_read(h);
		if (!paged_note(fs->paged, h)) {
			fuse_reply_err(req, ESTALE);
			return;
		}
	} else if (answer_for_readers(req, &p, NULL)) {
		return;
	}
	if (h)
		content = handle_document(h);
	if (content || !place_is_slow(&p)) {
		reply_attr(req, &p, h, content);
		return;
	}
	call = malloc(sizeof(*call));
	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct stat_call){.req = req, .node = p.node};
	if (p.entry->io->measure)
		p.entry->io->measure(&p, getattr_measured, call);
	else
		content_start(&p, getattr_done, call);
}

/* --------------------------------------------------------------- open, read */

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	int r = request_place(req, ino, &view, &p);

	if (r == 0 && !p.entry->io->open)
		r = -EISDIR; /* or a link; the kernel never opens these */
	if (r == 0 && answer_for_readers(req, &p, fi))
		return;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		p.entry->io->open(req, &p, fi);
}

/* A read or a seek of an open file whose content has to be made again. */
struct again_call {
	fuse_req_t req;
	struct handle *handle; /* owned */
	size_t size;
	off_t offset;
	int whence; /* -1: a read */
};

/* Does it with the content that there is: it may be another one than what a process before this one has shown. */
static void read_on(fuse_req_t req, struct handle *h, const struct again_call *how)
{
	const struct file_class *class = handle_class(fuse_req_userdata(req), h);
	int r = handle_check_content(h, how->whence < 0 ? how->offset : 0);

	if (r < 0)
		fuse_reply_err(req, -r);
	else if (r > 0)
		fuse_reply_buf(req, NULL, 0);
	else if (how->whence < 0)
		class->read(req, h, how->size, how->offset);
	else
		class->lseek(req, h, how->offset, how->whence);
}

static void again_done(void *arg, int result, struct document *d, const struct error *e)
{
	_cleanup_free_ struct again_call *call = arg;
	_cleanup_handle_ struct handle *h = call->handle;

	if (result < 0) {
		refusal_reply_error(call->req, result, e);
		return;
	}
	handle_set_content(h, d);
	read_on(call->req, h, call);
}

/* Makes the content that a process before this one has shown; true if the request will be answered then. */
static bool make_again(fuse_req_t req, fuse_ino_t ino, struct handle *h, const struct again_call *how)
{
	_cleanup_view_ struct view *view = NULL;
	struct again_call *call;
	struct place p;
	int r;

	if (how->offset == 0 && how->whence < 0)
		poll_outdate(fuse_req_userdata(req), h);
	if (!atomic_load(&h->lost) || h->requested)
		return false;
	r = request_open_place(req, ino, h, &view, &p);
	call = r == 0 ? malloc(sizeof(*call)) : NULL;
	if (!call) {
		fuse_reply_err(req, r < 0 ? -r : ENOMEM);
		return true;
	}
	*call = *how;
	call->req = req;
	call->handle = h;
	ref_get(&h->ref);
	if (h->polled && how->offset == 0)
		poll_note(&p, h);
	content_start(&p, again_done, call);
	return true;
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	const struct again_call how = {.size = size, .offset = offset, .whence = -1};

	if (!h || !handle_class(fs, h)->read)
		fuse_reply_err(req, EBADF);
	else if (!fi->lock_owner && fs->has_others && (fs->nodes[h->node.class].flags & E_PRIVATE))
		/*
		 * The kernel reads into its page cache, for mmap(2) or sendfile(2): only these requests have no
		 * lock owner. The pages would be shown to other users whose content is another.
		 */
		fuse_reply_err(req, EOPNOTSUPP);
	else if (!make_again(req, ino, h, &how))
		read_on(req, h, &how);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	const struct again_call how = {.offset = offset, .whence = whence};

	if (!h)
		fuse_reply_err(req, EBADF);
	else if (!handle_class(fs, h)->lseek)
		fuse_reply_err(req, ENXIO);
	else if (!make_again(req, ino, h, &how))
		read_on(req, h, &how);
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *kernel)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	unsigned events = 0;
	int r;

	(void)ino;
	if (h) {
		r = poll_start(fs, h, kernel, &events);
	} else {
		if (kernel)
			fuse_pollhandle_destroy(kernel);
		r = -EBADF;
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_poll(req, events);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);

	(void)ino;
	if (h && handle_class(fs, h)->release_later && handle_class(fs, h)->release_later(req, h))
		return;
	handles_remove(fs->handles, fi->fh);
	if (h && paged_end(fs->paged, h))
		caches_drop(fs->caches, h->node);
	if (h && handle_class(fs, h)->release)
		handle_class(fs, h)->release(fs, h);
	fuse_reply_err(req, 0);
}

/* What the storages have, bytes. */
struct space {
	int64_t total, available;
};

/* Adds a storage. What may still be promised is of no use without the disk space for it. */
static void space_add(struct space *space, const struct object *storage)
{
	bool is_primary = storage->kind->id == KIND_PRIMARY_STORAGE;
	int64_t available =
		object_int(storage, is_primary ? PRIMARY_STORAGE_AVAILABLE : BACKUP_STORAGE_AVAILABLE);

	if (is_primary && !object_is_null(storage, PRIMARY_STORAGE_AVAILABLE_PHYSICAL) &&
	    object_int(storage, PRIMARY_STORAGE_AVAILABLE_PHYSICAL) < available)
		available = object_int(storage, PRIMARY_STORAGE_AVAILABLE_PHYSICAL);
	space->total += object_int(storage, is_primary ? PRIMARY_STORAGE_TOTAL : BACKUP_STORAGE_TOTAL);
	space->available += available > 0 ? available : 0;
}

static size_t count_objects(const struct view *view)
{
	size_t count = 0;

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (kind_get((enum kind_id)k)->directory)
			count += view_count(view, (enum kind_id)k);
	return count;
}

/*
 * In the directory of a storage what that storage has, elsewhere the sum of the primary storages: df(1) of the mount
 * shows how full the pool is. The inodes are objects, of which there can be as many as there are row ids.
 */
void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_view_ struct view *view = NULL;
	struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};
	struct space space = {0};
	struct place p;
	int r = request_find(req, ino, NULL, &view, &p);

	kill_point("request-statfs");
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (p.object &&
	    (p.object->kind->id == KIND_PRIMARY_STORAGE || p.object->kind->id == KIND_BACKUP_STORAGE)) {
		space_add(&space, p.object);
	} else {
		view_for_each (storage, view, KIND_PRIMARY_STORAGE)
			space_add(&space, storage);
	}
	st.f_blocks = (fsblkcnt_t)(space.total / 4096);
	st.f_bfree = st.f_bavail = (fsblkcnt_t)(space.available / 4096);
	st.f_files = NODE_ROW_MAX;
	st.f_ffree = st.f_favail = NODE_ROW_MAX - count_objects(view);
	fuse_reply_statfs(req, &st);
}
