/* SPDX-License-Identifier: Apache-2.0 */
/* See movable.h. */
#include "fs/class/movable.h"

#include "fs/class/scratches.h"
#include "fs/tell/refusal.h"
#include "fs/tree/aside.h"
#include "fs/tree/permissions.h"
#include "fs/tree/reply.h"

void movable_unlink(fuse_req_t req, const struct place *dir, const char *name, const struct place *p)
{
	(void)dir;
	(void)name;
	aside_begin(p->fs->aside, p->node, p->caller.uid);
	fuse_reply_err(req, 0);
}

/* A scratch file with the content of @p under a name that is free, or that of a scratch file. */
static int copy(const struct place *p, const struct place *to_dir, const char *to_name, bool replaces)
{
	struct scratches *s = p->fs->scratches;
	_cleanup_document_ struct document *d = p->entry->render(p);
	int64_t number;
	int r;

	if (!d)
		return -ENOMEM;
	if (replaces)
		(void)scratch_unlink(s, to_dir->node, p->caller.uid, to_name);
	r = scratch_create(s, to_dir->node, p->caller.uid, to_name, S_IFREG | (place_mode(p) & 07777),
			   &number);
	if (r < 0)
		return r;
	r = scratch_write(s, number, d->data, d->len, 0);
	if (r < 0)
		(void)scratch_unlink(s, to_dir->node, p->caller.uid, to_name);
	else
		(void)scratch_set_time(s, number, d->mtime);
	return r;
}

void movable_rename(fuse_req_t req, const struct place *dir, const char *name, const struct place *p,
		    fuse_ino_t to, const char *to_name, unsigned flags)
{
	_cleanup_view_ struct view *view = NULL;
	struct place to_dir, target;
	int found = request_entry(req, to, to_name, &view, &to_dir, &target), r = found;

	(void)dir;
	if (view && found == -ENOENT)
		r = place_has(&to_dir, N_SCRATCH) ? 0 : -EPERM;
	else if (view && found == 0)
		r = flags & RENAME_NOREPLACE ? -EEXIST : target.node.class == N_SCRATCH ? 0 : -EPERM;
	if (r == 0)
		r = copy(p, &to_dir, to_name, found == 0);
	if (r == 0)
		aside_begin(p->fs->aside, p->node, p->caller.uid);
	if (r < 0)
		refusal_reply(req, REFUSED_RENAME, r, p->object, name);
	else
		fuse_reply_err(req, 0);
}

void movable_recreate(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct handle *h = handle_new(p->node, place_mode(p), p->view, &p->caller);
	struct fuse_entry_param entry;
	int r = h ? entry_fill(p, &entry) : -ENOMEM;

	if (h)
		h->gather.anew = true;
	if (r == 0)
		r = handles_add(p->fs->handles, h);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	aside_end(p->fs->aside, p->node, p->caller.uid);
	fi->fh = h->number;
	fi->direct_io = 1;
	if (fuse_reply_create(req, &entry, fi) == -ENOENT)
		handles_remove(p->fs->handles, h->number); /* interrupted: there will be no release */
}
