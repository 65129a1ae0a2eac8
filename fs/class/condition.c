/* SPDX-License-Identifier: Apache-2.0 */
/* See condition.h. */
#include "fs/class/condition.h"

#include "fs/class/ask.h"
#include "fs/tell/last_error.h"
#include "fs/tree/by_name.h"
#include "fs/tree/where.h"

/* stdio of shells and languages writes a long text in pieces of multiples of this many bytes. */
#define BUFFER 4096

static void reply_error(const struct fs *fs, fuse_req_t req, uid_t uid, int result, const struct error *e)
{
	last_error_set(fs->errors, uid, NULL, e);
	fuse_reply_err(req, -result);
}

/* ------------------------------------------------------------------ lookups */

static void reply_node(const struct place *dir, fuse_req_t req, struct node node)
{
	struct fuse_entry_param entry;
	struct place p;
	int r;

	place_init(dir->fs, dir->view, node, &p);
	r = entry_fill(&p, &entry);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

/* Does one object match? */
struct match_ask {
	struct ask ask;
	fuse_req_t req;
	uid_t uid;
	const struct object *o; /* borrowed from the view */
	struct node dir, node;
};

static void match_run(struct ask *ask)
{
	struct match_ask *m = (struct match_ask *)ask;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = query_match(ask->query, ask->view, &ask->scope, m->o, &e);
	struct place dir;

	place_init(ask->fs, ask->view, m->dir, &dir);
	if (r < 0)
		reply_error(ask->fs, m->req, m->uid, r, &e);
	else if (r == 0)
		fuse_reply_err(m->req, ENOENT);
	else
		reply_node(&dir, m->req, m->node);
	ask_done(ask);
	free(m);
}

static int start_match(fuse_req_t req, const struct place *dir, const struct object *o, struct error *e)
{
	_cleanup_free_ char *text = where_text(dir);
	_cleanup_query_ struct query *q = NULL;
	struct match_ask *m;
	int r = text ? ask_parse(dir, text, &q, e) : -ESTALE;

	if (r < 0)
		return r;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct match_ask){
		.req = req, .uid = dir->uid, .o = o, .dir = dir->node, .node = where_match(dir, o)};
	ask_init(&m->ask, dir, steal(&q));
	r = ask_start(&m->ask, dir->uid, match_run);
	if (r < 0) {
		ask_done(&m->ask);
		free(m);
	}
	return r;
}

void where_lookup(fuse_req_t req, const struct place *dir, const char *name)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct object *o;
	struct node node;
	int r = -ENOENT;

	if (name_is_condition(name)) {
		r = where_condition(dir, name, &node, &e);
	} else if (dir->node.class == N_WHERE) {
		r = where_fields_find(dir, name, &node) ? 0 : -ENOENT;
	} else {
		o = where_object(dir, name);
		r = o ? start_match(req, dir, o, &e) : -ENOENT;
		if (r == 0)
			return; /* the worker answers */
	}
	if (r == 0)
		reply_node(dir, req, node);
	else if (error_is_set(&e))
		reply_error(dir->fs, req, dir->uid, r, &e);
	else
		fuse_reply_err(req, -r);
}

/* ----------------------------------------------------------------- listings */

struct list_ask {
	struct ask ask;
	struct node dir;
	uid_t uid;
	struct handle *handle; /* owned */
	where_listed_fn *done;
	void *arg;
};

static void list_run(struct ask *ask)
{
	struct list_ask *l = (struct list_ask *)ask;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct handle *h = l->handle;
	struct where_list *list;
	struct place dir;

	place_init(ask->fs, ask->view, l->dir, &dir);
	list = where_list_new(&dir, ask->query, &ask->scope, &e);
	if (list) {
		handle_set_view(h, view_ref(ask->view), ranks_new(), list);
		l->done(l->arg, 0);
	} else {
		last_error_set(ask->fs->errors, l->uid, NULL, &e);
		l->done(l->arg, -e.errnum);
	}
	handle_unref(h);
	ask_done(ask);
	free(l);
}

void where_list_start(const struct place *dir, struct handle *h, where_listed_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *text = where_text(dir);
	_cleanup_query_ struct query *q = NULL;
	struct list_ask *l;
	int r = text ? ask_parse(dir, text, &q, &e) : -ESTALE;

	if (r < 0) {
		if (error_is_set(&e))
			last_error_set(dir->fs->errors, dir->uid, NULL, &e);
		done(arg, r);
		return;
	}
	query_set_limit(q, INT64_MAX);
	l = malloc(sizeof(*l));
	if (l) {
		*l = (struct list_ask){
			.dir = dir->node, .uid = dir->uid, .handle = h, .done = done, .arg = arg};
		ref_get(&h->ref);
		ask_init(&l->ask, dir, steal(&q));
		if (ask_start(&l->ask, dir->uid, list_run) == 0)
			return;
		ask_done(&l->ask);
		handle_unref(h);
		free(l);
	}
	done(arg, -ENOMEM);
}

/* -------------------------------------------------------------- query files */

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
		handle_set_answer(w->handle, d, NULL);
		fuse_reply_write(w->req, w->len);
	} else {
		reply_error(ask->fs, w->req, w->uid, -e.errnum, &e);
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
	int r = ask_parse(p, text, &q, e);

	if (r < 0)
		return r;
	w = malloc(sizeof(*w));
	if (!w)
		return error_set(e, ENOMEM, "out of memory");
	h->requested = true;
	h->base_set = false;
	handle_set_answer(h, NULL, NULL);
	*w = (struct write_ask){.req = req, .uid = p->uid, .len = len, .handle = h};
	ref_get(&h->ref);
	ask_init(&w->ask, p, steal(&q));
	r = ask_start(&w->ask, p->uid, write_run);
	if (r < 0) {
		error_set(e, ENOMEM, "out of memory");
		handle_unref(h);
		ask_done(&w->ask);
		free(w);
	}
	return r;
}

void ask_write(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct gather *g = &h->gather;
	bool newline = len && data[len - 1] == '\n';
	int r = gather_append(g, data, len, QUERY_LENGTH_MAX + 1);

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
		reply_error(p->fs, req, p->uid, r, &e);
}

int ask_flush(const struct place *p, const struct handle *h)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r;

	if (!h->gather.len)
		return 0;
	r = error_set(&e, EINVAL, "the query did not end: a newline is missing");
	last_error_set(p->fs->errors, p->uid, NULL, &e);
	return r;
}
