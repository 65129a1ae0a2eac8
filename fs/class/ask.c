/* SPDX-License-Identifier: Apache-2.0 */
/* See ask.h. */
#include "fs/class/ask.h"

#include <string.h>

#include "fs/tree/links.h"
#include "fs/tree/queries.h"
#include "model/render.h"

/* The relation from the objects of a sub-collection back to its owner, when rows of another kind link them.
 */
static const struct relation *way_back(const struct place *p)
{
	const struct relation *r = NULL;

	while ((r = relation_next(field_sub_kind(p->field), r)))
		if (r->type == RELATION_LINK && r->link == p->field->target && r->target == p->kind->id)
			return r;
	return NULL;
}

/* The condition that lets only the members of a sub-collection through. False when there is none. */
static bool membership(const struct place *p, char ret_text[NAME_SIZE])
{
	const struct field *back = &kind_get(p->field->target)->fields[p->field->target_field];
	const struct relation *r = way_back(p);

	if (p->field->type == FIELD_VALUES && r)
		snprintf(ret_text, NAME_SIZE, "%s.uuid=%s", r->name, object_uuid(p->object));
	else if (p->field->type == FIELD_CHILDREN && query_may_name(back))
		snprintf(ret_text, NAME_SIZE, "%s=%s", back->name, object_uuid(p->object));
	else
		return false;
	return true;
}

bool ask_is_possible(const struct place *p)
{
	char text[NAME_SIZE];

	if (p->node.class == N_SUB)
		return p->object && membership(p, text);
	return p->node.class == N_FOLDER && p->kind;
}

/* The kind of what a query gives. */
static const struct kind *asked_kind(const struct place *p)
{
	return p->field ? field_sub_kind(p->field) : p->kind;
}

int ask_parse(const struct place *p, const char *text, struct query **ret_query, struct error *e)
{
	_cleanup_query_ struct query *q = NULL;
	char condition[NAME_SIZE];
	int r = query_parse(asked_kind(p), text, &q, e);

	if (r == 0 && p->field && membership(p, condition))
		r = query_add_condition(q, condition, e);
	if (r < 0)
		return r;
	*ret_query = steal(&q);
	return 0;
}

/* ------------------------------------------------------------------- asking */

void ask_init(struct ask *ask, const struct place *p, struct query *query)
{
	*ask = (struct ask){.fs = p->fs,
			    .view = view_ref((struct view *)(uintptr_t)p->view),
			    .query = query,
			    .scope.deadline = pool_query_deadline(p->view)};
	if (p->account) {
		snprintf(ask->account, sizeof(ask->account), "%s", p->account);
		ask->scope.account = ask->account;
	}
}

void ask_done(struct ask *ask)
{
	query_free(ask->query);
	view_unref(ask->view);
}

static void run(void *arg)
{
	struct ask *ask = arg;

	ask->run(ask);
}

int ask_start(struct ask *ask, uid_t uid, void (*fn)(struct ask *ask))
{
	char client[32];

	ask->run = fn;
	snprintf(client, sizeof(client), "uid %u", (unsigned)uid);
	return pool_take_turn(ask->fs->pool, client, run, ask);
}

/* When what the answer may depend on changed last. */
static int64_t answer_time(const struct ask *ask)
{
	int64_t changed = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		if (query_reads(ask->query, (enum kind_id)k) &&
		    view_changed(ask->view, (enum kind_id)k) > changed)
			changed = view_changed(ask->view, (enum kind_id)k);
	return changed ? changed : ask->fs->born;
}

struct document *ask_answer(const struct ask *ask, struct error *e)
{
	struct document *d = NULL;
	json_t *json;

	if (query_run(ask->query, ask->view, &ask->scope, &json, e) == 0) {
		d = render_json(json, answer_time(ask));
		if (!d)
			error_set(e, ENOMEM, "out of memory");
	}
	return d;
}

/* ----------------------------------------------------------------- contents */

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

void ask_content_start(const struct place *p, content_fn *done, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	_cleanup_free_ char *text = NULL;
	struct content_ask *c;
	struct node base;
	int r;

	if (!queries_get(p->fs->queries, p->node.row, &base, &text))
		r = error_set(&e, ESTALE, "the name is too old, look it up again");
	else
		r = text ? ask_parse(p, text, &q, &e) : error_set(&e, ENOMEM, "out of memory");
	c = r < 0 ? NULL : malloc(sizeof(*c));
	if (c) {
		*c = (struct content_ask){.done = done, .arg = arg};
		ask_init(&c->ask, p, steal(&q));
		if (ask_start(&c->ask, p->uid, content_run) == 0)
			return;
		ask_done(&c->ask);
		free(c);
	}
	if (r == 0)
		r = error_set(&e, ENOMEM, "out of memory");
	done(arg, r, NULL, &e);
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
