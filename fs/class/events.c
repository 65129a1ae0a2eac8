/* SPDX-License-Identifier: Apache-2.0 */
/* See events.h. */
#include "fs/class/events.h"

#include <string.h>

#include "actions/engine/params.h"
#include "fs/class/document.h"
#include "fs/tell/refusal.h"
#include "fs/tree/permissions.h"

static const char file_name[] = "events";
static const char since[] = "events?since=";

/* As whom the caller reads: EVENT_READER_ALL, or an account. -1: a stranger, or an account that no node has room for. */
static int64_t reader_of(const struct caller *caller, const struct view *view)
{
	const struct object *account;

	if (!caller->limited)
		return EVENT_READER_ALL;
	account = view_get(view, KIND_ACCOUNT, caller->account);
	return account && account->id <= NODE_READER_MAX ? account->id : -1;
}

/* The file that begins after event number @sequence, for the caller of the directory. */
static struct node events_node(const struct place *dir, int64_t sequence)
{
	int64_t reader = reader_of(&dir->caller, dir->view);

	/* A stranger is told of the file that it may not use. */
	return (struct node){.class = N_EVENTS,
			     .row = sequence,
			     .index = reader < 0 ? EVENT_READER_ALL : (unsigned)reader};
}

bool events_find(const struct place *dir, const char *name, struct node *ret)
{
	int64_t sequence;

	if (strcmp(name, file_name) == 0) {
		*ret = events_node(dir, event_log_first(dir->fs->events));
		return true;
	}
	if (strncmp(name, since, strlen(since)) != 0 ||
	    params_parse_number(name + strlen(since), &sequence) < 0 || sequence < 0 ||
	    sequence > event_log_last(dir->fs->events))
		return false;
	*ret = events_node(dir, sequence);
	return true;
}

int64_t events_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	if (after)
		return 0;
	snprintf(ret_name, NAME_SIZE, "%s", file_name);
	*ret = events_node(dir, event_log_first(dir->fs->events));
	return 1;
}

mode_t permissions_events(const struct place *p)
{
	return p->fs->has_others && p->node.index == EVENT_READER_ALL ? 0400 : 0444;
}

static int events_check(const struct place *p)
{
	return reader_of(&p->caller, p->view) == (int64_t)p->node.index ? 0 : -EACCES;
}

/* An account that is gone reads nothing more, and nothing of it stays in the log. */
static bool has_reader(const struct place *p)
{
	return p->node.index == EVENT_READER_ALL || view_get_id(p->view, KIND_ACCOUNT, p->node.index);
}

/* The position at which the file begins in what its reader sees; for old numbers it is known while it is open. */
static int find_start(const struct place *p, int64_t *ret)
{
	_cleanup_handle_ struct handle *h = NULL;
	int r = event_log_find(p->fs->events, p->node.index, p->node.row, ret);

	if (r != -ESTALE)
		return r;
	h = handles_find(p->fs->handles, p->node);
	if (!h)
		return -ESTALE;
	*ret = h->start;
	return 0;
}

static int events_stat(const struct place *p, struct stat *ret)
{
	int64_t start;
	int r = has_reader(p) ? find_start(p, &start) : -ESTALE;

	if (r < 0)
		return r;
	stat_fill(p->fs, p->node, place_mode(p),
		  (size_t)(event_log_end(p->fs->events, p->node.index) - start),
		  event_log_changed(p->fs->events, p->node.index), ret);
	return 0;
}

static int events_is_here(const struct fs *fs, struct node node, struct node *ret_base)
{
	(void)fs;
	(void)ret_base;
	return node.kind != KIND_NONE ? -ENOENT : 0;
}

static void events_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct handle *h = NULL;
	int r = place_check_open(p, fi->flags);

	if (r == 0) {
		h = handle_new(p->node, place_mode(p), p->view, &p->caller);
		r = h ? find_start(p, &h->start) : -ENOMEM;
	}
	if (r < 0) {
		refusal_reply(req, REFUSED_OPEN, r, p->object, place_name(p));
		return;
	}
	atomic_store(&h->seen, h->start);
	document_reply_open(req, h, fi);
}

/* Who has lost the account reads no more of what happens to it. */
static bool may_go_on(const struct fs *fs, const struct handle *h)
{
	_cleanup_view_ struct view *view = store_view(fs->store);
	const struct caller caller = handle_caller(h, view);

	return reader_of(&caller, view) == (int64_t)h->node.index;
}

static void events_read(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_free_ char *data = NULL;
	int64_t end = 0, left;
	ssize_t len = -EACCES;

	if (may_go_on(fs, h)) {
		end = event_log_end(fs->events, h->node.index);
		left = end - h->start - offset;
		size = left < (int64_t)size ? (size_t)(left > 0 ? left : 0) : size;
		data = malloc(size + 1);
		len = data ? event_log_read(fs->events, h->node.index, h->start + offset, data, size)
			   : -ENOMEM;
	}
	/* Who finds nothing more has seen all up to the end, wherever the reading began. */
	if (len >= 0)
		atomic_store(&h->seen, len ? h->start + offset + len : end);
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_buf(req, data, (size_t)len);
}

/* Counts what the reader sees from where the process before this one did, before lines are dropped. */
static void events_revive(const struct fs *fs, struct handle *h)
{
	if (may_go_on(fs, h))
		(void)event_log_end(fs->events, h->node.index);
}

/* A log without holes, which grows. */
static void events_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence)
{
	const struct fs *fs = fuse_req_userdata(req);
	off_t end = may_go_on(fs, h) ? event_log_end(fs->events, h->node.index) - h->start : 0;

	if (offset < 0 || offset >= end)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, whence == SEEK_HOLE ? end : offset);
}

static int64_t events_version(const struct place *p)
{
	return has_reader(p) ? event_log_end(p->fs->events, p->node.index)
			     : -1; /* a change, for those who wait */
}

const struct file_class class_events = {
	.is_here = events_is_here,
	.check = events_check,
	.revive = events_revive,
	.stat = events_stat,
	.open = events_open,
	.read = events_read,
	.lseek = events_lseek,
	.version = events_version,
	.grows = true,
};
