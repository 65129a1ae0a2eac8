/* SPDX-License-Identifier: Apache-2.0 */
/* See writing.h. */
#include "fs/class/writing.h"

#include <ctype.h>
#include <string.h>

#include "actions/engine/job.h"
#include "actions/engine/request_check.h"
#include "actions/engine/request_names.h"
#include "actions/image/writer.h"
#include "fs/class/value_text.h"
#include "fs/tell/last_error.h"

/* A longer text is not checked at each piece, but when the pool is asked. */
#define CHECK_LENGTH 16384

/* --------------------------------------------------------------------- text */

static bool is_blank(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isspace((unsigned char)data[i]))
			return false;
	return true;
}

static int text_append(struct gather *g, const char *data, size_t len, struct error *e)
{
	int r = gather_append(g, data, len, REQUEST_LENGTH);

	if (r == -EFBIG)
		return error_set(e, EFBIG, "the text is longer than %d bytes", REQUEST_LENGTH);
	if (r < 0)
		return error_set(e, -r, "out of memory");
	json_gather_feed(&g->scan, data, len);
	return 0;
}

/* A new text, which begins with nothing. */
static void text_begin(struct handle *h)
{
	gather_reset(&h->gather);
	json_gather_init(&h->gather.scan, REQUEST_LENGTH);
	atomic_store(&h->refused, 0);
	atomic_store(&h->close_refused, 0);
}

/* A new text, which begins with what is in the file now. */
static int text_begin_with_content(const struct place *p, struct handle *h, struct error *e)
{
	_cleanup_document_ struct document *d = NULL;
	int r;

	if (view_next_where(p->view, KIND_JOB, JOB_QUEUE, object_uuid(p->object), 0))
		return error_set(e, EBUSY,
				 "a change of %s '%s' is in progress; append to its value when it is done",
				 p->kind->noun, object_name(p->object));
	d = p->entry->render(p);
	if (!d)
		return error_set(e, ENOMEM, "out of memory");
	text_begin(h);
	/* An empty value is shown as an empty line, but has none. */
	r = is_blank(d->data, d->len) ? 0 : text_append(&h->gather, d->data, d->len, e);
	h->gather.kept = h->gather.len;
	h->gather.appends = true;
	return r;
}

/* Appended pieces go to the end of what is in the file when the pool is asked. */
static int text_rebase(const struct place *p, struct handle *h, struct error *e)
{
	struct gather pieces = h->gather;
	int r;

	if (!pieces.appends)
		return 0;
	h->gather = (struct gather){0};
	r = text_begin_with_content(p, h, e);
	if (r == 0)
		r = text_append(&h->gather, pieces.data + pieces.kept, pieces.len - pieces.kept, e);
	if (r < 0) {
		gather_reset(&h->gather);
		h->gather = pieces;
		return r;
	}
	h->gather.held = true;
	free(pieces.data);
	return 0;
}

int writing_part_of_json(const struct gather *g, struct error *e)
{
	int r = json_gather_check(&g->scan, e);

	if (r < 0)
		return r;
	return g->scan.state == JSON_GATHER_COMPLETE ? TEXT_WHOLE : TEXT_PART;
}

/* ----------------------------------------------------------------- refusals */

static void reply_refusal(fuse_req_t req, const struct place *p, int result, const struct error *e)
{
	last_error_set(p->fs->errors, p->caller.uid, p->object, e);
	fuse_reply_err(req, -result);
}

/* A piece is refused, and the text with it. */
static void refuse_piece(fuse_req_t req, const struct place *p, struct handle *h, int result,
			 const struct error *e)
{
	bool begun = h->gather.held || h->gather.taken;

	/* What is appended cannot begin anew, so the first piece can be tried again. */
	atomic_store(&h->refused, p->entry->io->amends && (begun || !h->gather.appends) ? -result : 0);
	gather_reset(&h->gather);
	reply_refusal(req, p, result, e);
}

/*
 * Would the pool refuse the text? Errors that further pieces may change do not count. The view is that of now,
 * so the pool checks once more when it is asked. *ret_made (if not NULL) is the request, if the text is one, for
 * text_take().
 */
static int check_held(const struct place *p, const struct gather *g, struct request **ret_made,
		      struct error *e)
{
	const struct file_class *io = p->entry->io;
	size_t len = text_whole_characters(g->data, g->len);
	struct request *req = NULL;
	bool busy;
	int r;

	if (!io->request || g->len > CHECK_LENGTH)
		return 0;
	r = io->request(p, g->data, len, &req, e);
	if (r == 0 && req)
		r = request_names_resolve(p->view, req, e);
	if (r == 0 && req) {
		busy = req->op->target && job_is_pending_for(p->view, request_queue(p->view, req));
		r = request_check(p->view, req, busy, e);
	}
	if (r >= 0 && ret_made && len == g->len)
		*ret_made = steal(&req);
	request_free(req);
	if ((r == -EINVAL || r == -ERANGE || r == -ENOENT) && io->may_grow && io->may_grow(p, g->data, len)) {
		error_done(e);
		return 0;
	}
	return r < 0 ? r : 0;
}

/* -------------------------------------------------------------------- asking */

/* @made (taken over): the request that the text is, if it was made already. */
static void text_take(const struct place *p, struct handle *h, struct request *made, struct answer answer)
{
	struct gather *g = &h->gather;
	struct gather whole = *g;

	if (p->entry->io->amends && !g->appends) {
		g->held = false;
		g->taken = true;
		p->entry->io->take(p, h, &(struct text){g->data, g->len, made}, answer);
		return;
	}
	/* The next piece begins a new text, or with what this one has made of the file. */
	*g = (struct gather){.taken = g->appends, .appends = g->appends};
	p->entry->io->take(p, h, &(struct text){whole.data, whole.len, made}, answer);
	gather_reset(&whole);
}

static void writer_free(void *state)
{
	writer_done(state);
	free(state);
}

/* Notes who writes a text that is held: what a killed program leaves is not taken. */
static void note_writer(fuse_req_t req, struct handle *h)
{
	struct writer *w = h->state;

	if (!w) {
		w = malloc(sizeof(*w));
		if (!w)
			return; /* taken to have ended normally */
		*w = WRITER_INIT;
		h->state = w;
		h->state_free = writer_free;
	}
	writer_note(w, fuse_req_ctx(req)->pid);
	h->writer = fuse_req_ctx(req)->pid;
}

void writing_revive(const struct fs *fs, struct handle *h)
{
	struct writer *w = h->writer ? malloc(sizeof(*w)) : NULL;

	(void)fs;
	if (!w)
		return;
	*w = WRITER_INIT;
	h->state = w;
	h->state_free = writer_free;
	writer_note(w, h->writer);
}

/* ------------------------------------------------------------------- pieces */

enum position { AT_START, AT_END, AT_HOLE };

/* Where a write goes. What was read comes before what is written, as in any file. */
static enum position find_position(const struct place *p, const struct handle *h, off_t offset, int flags)
{
	const struct gather *g = &h->gather;
	bool begun = g->len || g->taken || !p->entry->io->amends;
	bool fresh = !(g->len || g->taken || g->anew) || !p->entry->io->amends;

	if (flags & O_APPEND)
		return AT_END;
	if (offset == 0)
		return AT_START;
	if (offset == h->end && begun)
		return AT_END;
	return h->content && offset == (off_t)h->content->len && fresh ? AT_END : AT_HOLE;
}

/* Makes the text ready for a piece. */
static int prepare(const struct place *p, struct handle *h, off_t offset, int flags, struct error *e)
{
	struct gather *g = &h->gather;
	bool taken = g->taken;
	int r;

	switch (find_position(p, h, offset, flags)) {
	case AT_HOLE:
		return error_set(e, EINVAL,
				 "a text must be written from the start of the file or appended, not at %lld",
				 (long long)offset);
	case AT_START:
		text_begin(h);
		return 0;
	case AT_END:
		break;
	}
	if (g->held || g->len)
		return 0;
	if (!p->entry->io->amends || g->anew) {
		text_begin(h);
		return 0;
	}
	r = text_begin_with_content(p, h, e);
	g->taken = taken;
	return r;
}

void writing_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t len,
		   off_t offset, int flags)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct gather *g = &h->gather;
	bool amends = p->entry->io->amends;
	struct request *made = NULL;
	int r;

	if (atomic_load(&h->refused) && (flags & O_APPEND || offset != 0)) {
		fuse_reply_err(req, atomic_load(&h->refused));
		return;
	}
	r = prepare(p, h, offset, flags, &e);
	if (r < 0) {
		reply_refusal(req, p, r, &e);
		return;
	}
	if (!amends && !g->len && h->requested && is_blank(data, len)) {
		h->end = offset + (off_t)len;
		fuse_reply_write(req, len);
		return;
	}
	atomic_store(&h->close_refused, 0);
	r = text_append(g, data, len, &e);
	if (r == 0)
		r = p->entry->io->part(p, g, &e);
	/* Refused as a piece is, so that earlier pieces are not lost without a word at the close. */
	if (r == TEXT_WHOLE && amends && !g->taken) {
		int refusal = check_held(p, g, &made, &e);

		r = refusal < 0 ? refusal : r;
	}
	if (r == TEXT_WHOLE && !(amends && g->taken)) {
		h->end = offset + (off_t)len;
		text_take(p, h, made, (struct answer){ANSWER_WRITE, req, len});
		return;
	}
	if (r > TEXT_PART)
		r = check_held(p, g, NULL, &e);
	if (r < 0) {
		refuse_piece(req, p, h, r, &e);
		return;
	}
	g->held = true;
	h->end = offset + (off_t)len;
	note_writer(req, h);
	fuse_reply_write(req, len);
}

int writing_cut(const struct place *p, struct handle *h, off_t size, struct error *e)
{
	struct gather *g = h ? &h->gather : NULL;
	_cleanup_document_ struct document *d = NULL;

	if (size == 0) {
		if (h) {
			text_begin(h);
			h->gather.anew = true;
		}
		return 0;
	}
	if (h && atomic_load(&h->refused))
		return error_set(e, atomic_load(&h->refused), "what was written before this was refused");
	if (g && (g->len || g->taken) && !g->appends && p->entry->io->amends) {
		if (size > (off_t)g->len)
			return error_set(e, EINVAL,
					 "a text cannot be extended to %lld bytes: it has no holes",
					 (long long)size);
		if (size == (off_t)g->len)
			return 0;
		g->len = (size_t)size;
		g->held = true;
		h->end = size;
		json_gather_init(&g->scan, REQUEST_LENGTH);
		json_gather_feed(&g->scan, g->data, g->len);
		return 0;
	}
	d = p->entry->render(p);
	if (d && size == (off_t)d->len)
		return 0;
	return error_set(e, EINVAL,
			 "this file cannot be truncated to %lld bytes: write what it shall contain instead",
			 (long long)size);
}

/* ------------------------------------------------------------ close and fsync */

/* True if a text is held that the pool must be asked for now; else @ret is the result of the close. */
static bool text_is_due(const struct place *p, struct handle *h, int *ret, struct error *e)
{
	struct gather *g = &h->gather;
	int r = p->entry->io->part(p, g, e);

	*ret = 0;
	if (h->state && writer_was_killed(h->state)) {
		text_begin(h);
		return false;
	}
	if (r == TEXT_PART)
		r = json_gather_finish(&g->scan, e);
	if (r >= 0)
		r = text_rebase(p, h, e);
	*ret = r < 0 ? r : 0;
	return r >= 0;
}

/* The errno with which what was written through the handle, and is not held, was refused; 0 = none. */
static int find_refusal(const struct handle *h)
{
	int refused = atomic_load(&h->refused);

	return refused ? refused : atomic_load(&h->close_refused);
}

/* Nothing is held, and the pool is asked nothing: answers a close or an fsync with @refusal, an errno or 0. */
static void end_settled(const struct place *p, struct answer answer, int refusal)
{
	if (!refusal && answer.to == ANSWER_FSYNC)
		p->entry->io->settle(p, answer.req);
	else
		fuse_reply_err(answer.req, refusal);
}

/* A close or an fsync of one process while the pool is asked for the text that a close of another one has ended. */
struct end_wait {
	struct handle_wait wait; /* must be the first member */
	struct handle *handle;	 /* owned */
	struct node node;
	struct caller caller; /* `account` is not valid */
	struct answer answer;
};

/* In the thread that has the answer. */
static void end_answered(struct handle_wait *wait)
{
	_cleanup_free_ struct end_wait *w = (struct end_wait *)wait;
	_cleanup_handle_ struct handle *h = w->handle;
	const struct fs *fs = fuse_req_userdata(w->answer.req);
	_cleanup_view_ struct view *view = store_view(fs->store);
	struct place p;

	place_init(fs, view, w->node, &p);
	p.object = h->object; /* which the request may have removed */
	p.caller = w->caller;
	caller_renew(&p.caller, view);
	end_settled(&p, w->answer, find_refusal(h));
}

/* True if the request will be answered when the pool has answered what it is asked now. */
static bool end_later(const struct place *p, struct handle *h, struct answer answer)
{
	struct end_wait *w = malloc(sizeof(*w));

	if (!w) {
		fuse_reply_err(answer.req, ENOMEM);
		return true;
	}
	*w = (struct end_wait){.wait.answered = end_answered,
			       .handle = h,
			       .node = p->node,
			       .caller = p->caller,
			       .answer = answer};
	ref_get(&h->ref);
	if (handle_wait(h, &w->wait))
		return true;
	handle_unref(h);
	free(w);
	return false;
}

static void text_end(const struct place *p, struct handle *h, struct answer answer)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool due = !atomic_load(&h->refused) && h->gather.held;
	int r = 0;

	if (due && text_is_due(p, h, &r, &e))
		text_take(p, h, NULL, answer);
	else if (!due && end_later(p, h, answer))
		return;
	else
		end_settled(p, answer, r < 0 ? -r : find_refusal(h));
	if (error_is_set(&e))
		last_error_set(p->fs->errors, p->caller.uid, p->object, &e);
}

void writing_flush(fuse_req_t req, const struct place *p, struct handle *h)
{
	text_end(p, h, (struct answer){ANSWER_FLUSH, req, 0});
}

void writing_fsync(fuse_req_t req, const struct place *p, struct handle *h)
{
	if (h)
		text_end(p, h, (struct answer){ANSWER_FSYNC, req, 0});
	else
		p->entry->io->settle(p, req);
}
