/* SPDX-License-Identifier: Apache-2.0 */
/* See condition.h. */
#include "fs/class/condition.h"

#include "fs/class/ask.h"
#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tree/by_name.h"
#include "fs/tree/collection.h"
#include "fs/tree/queries.h"
#include "fs/tree/reply.h"
#include "fs/tree/where.h"
#include "fs/tree/where_list.h"
#include "model/query_eval.h"

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

/* A lookup that checks whether one object matches. */
struct match_ask {
	struct ask ask;
	fuse_req_t req;
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
		refusal_reply_error(m->req, r, &e);
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
	int r = text ? collection_parse_query(dir, text, &q, e) : -ESTALE;

	if (r < 0)
		return r;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct match_ask){.req = req, .o = o, .dir = dir->node, .node = where_match(dir, o)};
	ask_init(&m->ask, dir, steal(&q));
	r = ask_start(&m->ask, dir->caller.uid, match_run);
	if (r < 0) {
		ask_done(&m->ask);
		free(m);
	}
	return r;
}

static void where_lookup(fuse_req_t req, const struct place *dir, const char *name)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct object *o;
	struct node node;
	int r = -ENOENT;

	if (name_is_condition(name)) {
		r = where_condition(dir, name, &node, &e);
	} else if (dir->node.class != N_WHERE) {
		r = where_object(dir, name, &o);
		r = r < 0 ? r : start_match(req, dir, o, &e);
		if (r == 0)
			return; /* the worker answers */
	}
	if (r == 0)
		reply_node(dir, req, node);
	else if (error_is_set(&e))
		refusal_reply_error(req, r, &e);
	else
		fuse_reply_err(req, -r);
}

/* ----------------------------------------------------------------- listings */

struct list_ask {
	struct ask ask;
	struct node dir;
	uid_t uid;
	struct handle *handle; /* owned */
	walk_fn *done;
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

/* The kernel sends one readdir of an open directory at a time, so nothing else uses the handle meanwhile. */
static void where_walk(const struct place *dir, struct handle *h, walk_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *text = where_text(dir);
	_cleanup_query_ struct query *q = NULL;
	struct list_ask *l;
	int r = text ? collection_parse_query(dir, text, &q, &e) : -ESTALE;

	if (r < 0) {
		if (error_is_set(&e))
			last_error_set(dir->fs->errors, dir->caller.uid, NULL, &e);
		done(arg, r);
		return;
	}
	query_set_limit(q, INT64_MAX);
	l = malloc(sizeof(*l));
	if (l) {
		*l = (struct list_ask){
			.dir = dir->node, .uid = dir->caller.uid, .handle = h, .done = done, .arg = arg};
		ref_get(&h->ref);
		ask_init(&l->ask, dir, steal(&q));
		if (ask_start(&l->ask, dir->caller.uid, list_run) == 0)
			return;
		ask_done(&l->ask);
		handle_unref(h);
		free(l);
	}
	done(arg, -ENOMEM);
}

static int condition_is_here(const struct fs *fs, struct node node, struct node *ret_base)
{
	struct node base;

	(void)ret_base;
	if (!queries_get(fs->queries, node.row, &base, NULL) || base.class != N_CONDITION ||
	    base.index != node.index)
		return -ESTALE;
	return 0;
}

const struct file_class class_where = {.lookup = where_lookup, .walk = where_walk};
const struct file_class class_condition = {
	.is_here = condition_is_here, .lookup = where_lookup, .walk = where_walk};
