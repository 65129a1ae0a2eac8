/* SPDX-License-Identifier: Apache-2.0 */
/* See query.h. */
#include "fs/class/query.h"

#include <string.h>

#include "fs/class/ask.h"
#include "fs/class/document.h"
#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tree/collection.h"
#include "fs/tree/queries.h"
#include "model/query_run.h"
#include "model/render.h"

/* The stdio of shells and languages writes long texts in pieces of a multiple of this size, bytes. */
#define BUFFER 4096

/* ---------------------------------------------------------- collection?query */

struct content_ask {
	struct ask ask;
	content_fn *done;
	void *arg;
};

static void content_run(struct ask *ask)
{
	struct content_ask *c = (struct content_ask *)ask;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct document *d = ask_answer(ask, &e);

	c->done(c->arg, d ? 0 : -e.errnum, d, d ? NULL : &e);
	ask_done(ask);
	free(c);
}

void query_start(const struct place *p, const char *text, bool all, content_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	struct content_ask *c;
	int r = collection_parse_query(p, text, &q, &e);

	if (r == 0 && all)
		query_set_limit(q, INT64_MAX);
	c = r < 0 ? NULL : malloc(sizeof(*c));
	if (c) {
		*c = (struct content_ask){.done = done, .arg = arg};
		ask_init(&c->ask, p, steal(&q));
		if (ask_start(&c->ask, p->caller.uid, content_run) == 0)
			return;
		ask_done(&c->ask);
		free(c);
	}
	if (r == 0)
		r = error_set(&e, ENOMEM, "out of memory");
	done(arg, r, NULL, &e);
}

static void answer_start(const struct place *p, content_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *text = NULL;
	struct node base;

	if (!queries_get(p->fs->queries, p->node.row, &base, &text))
		done(arg, error_set(&e, ESTALE, "the file name has expired, look it up again"), NULL, &e);
	else if (!text)
		done(arg, error_oom(&e), NULL, &e);
	else
		query_start(p, text, false, done, arg);
}

const struct file_class class_collection_query = {DOCUMENT_FILE, .is_here = queries_is_here,
						  .start = answer_start};

/* --------------------------------------------------------------- file `query` */

struct write_ask {
	struct ask ask;
	fuse_req_t req;
	uid_t uid;
	size_t len;	       /* bytes written */
	struct handle *handle; /* owned */
};

static void write_run(struct ask *ask)
{
	struct write_ask *w = (struct write_ask *)ask;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct document *d = ask_answer(ask, &e);

	if (d) {
		last_error_set(ask->fs->errors, w->uid, NULL, NULL);
		handle_set_answer(w->handle, d);
		fuse_reply_write(w->req, w->len);
	} else {
		refusal_reply_error(w->req, -e.errnum, &e);
	}
	handle_unref(w->handle);
	ask_done(ask);
	free(w);
}

static int start_write(const struct place *p, struct handle *h, fuse_req_t req, const char *text, size_t len,
		       struct error *e)
{
	_cleanup_query_ struct query *q = NULL;
	struct write_ask *w;
	int r = collection_parse_query(p, text, &q, e);

	if (r < 0)
		return r;
	w = malloc(sizeof(*w));
	if (!w)
		return error_set(e, ENOMEM, "out of memory");
	handle_begin_answer(h);
	*w = (struct write_ask){.req = req, .uid = p->caller.uid, .len = len, .handle = h};
	ref_get(&h->ref);
	ask_init(&w->ask, p, steal(&q));
	r = ask_start(&w->ask, p->caller.uid, write_run);
	if (r < 0) {
		error_set(e, ENOMEM, "out of memory");
		handle_unref(h);
		ask_done(&w->ask);
		free(w);
	}
	return r;
}

/* A piece of a query: it ends with a newline or with a write that no buffer filled. One follows another,
 * wherever reading the answer has moved the descriptor. */
static void query_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t len,
			off_t offset, int flags)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct gather *g = &h->gather;
	bool newline = len && data[len - 1] == '\n';
	int r;

	(void)offset;
	(void)flags;
	if (!g->len && h->requested && newline && len == 1) {
		fuse_reply_write(req, len); /* the line end of a query that was taken without it */
		return;
	}
	r = gather_append(g, data, len, QUERY_LENGTH_MAX + 1);
	if (r < 0)
		error_set(&e, -r, "a query has at most %d bytes", QUERY_LENGTH_MAX);
	if (r == 0 && !newline && len % BUFFER == 0) {
		fuse_reply_write(req, len);
		return;
	}
	if (r == 0 && memchr(g->data, '\0', g->len))
		r = error_set(&e, EINVAL, "a query must not contain a NUL character");
	if (r == 0) {
		_cleanup_free_ char *text = strndup(g->data, g->len - newline);

		r = text ? start_write(p, h, req, text, len, &e) : error_set(&e, ENOMEM, "out of memory");
	}
	gather_reset(g);
	if (r < 0)
		refusal_reply_error(req, r, &e);
}

static void query_flush(fuse_req_t req, const struct place *p, struct handle *h)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = 0;

	if (h->gather.len) {
		r = error_set(&e, EINVAL, "incomplete query: the final newline is missing");
		last_error_set(p->fs->errors, p->caller.uid, NULL, &e);
	}
	fuse_reply_err(req, -r);
}

const struct file_class class_query = {DOCUMENT_FILE, .write = query_write, .flush = query_flush};

mode_t permissions_ask(const struct place *p)
{
	return p->fs->has_others ? 0666 : 0644;
}

struct document *render_ask(const struct place *p)
{
	static const char text[] =
		"# write a query string, read the answer on the same descriptor, for example\n"
		"# exec 3<>query; echo 'q=name~=web%&sort=-createDate&limit=10&fields=uuid,name' >&3; cat <&3\n"
		"# see schema for the fields and relations\n";

	return document_new(text, strlen(text), p->fs->born);
}

struct document *render_schema(const struct place *p)
{
	return render_json(query_schema_json(p->kind), p->fs->born);
}
