/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluates conditions on objects, and chooses between an index and a scan. See
 * query_parse.h.
 *
 * Where it is cheaper, a query starts at the end of one condition's path: an
 * index or a scan finds the objects there for which the condition holds, and the
 * inverse relations lead from them to candidates, a superset of the answer, on
 * which all conditions are tested. Otherwise every object of the kind is tested.
 *
 * Time: an object that several paths lead to is tested once per condition and
 * step (struct memo), so cycles of relations cost steps times objects, not
 * objects to the power of steps. The clock is read every thousand objects.
 */
#include "model/query_eval.h"

#include <string.h>

#include "model/access.h"
#include "model/query_condition.h"
#include "model/query_internal.h"
#include "model/query_value.h"
#include "model/uuid.h"

/* Objects tested between two readings of the clock: some hundred microseconds. */
#define CLOCK_EVERY 1024

/* Known results for the objects of one step, by row id. When memory is short it just holds fewer. */
enum answer { UNKNOWN, NO, YES };

struct memo {
	unsigned char *answers; /* owned; enum answer each */
	size_t room;
};

struct run {
	const struct query *q;
	const struct view *view;
	const struct query_scope *scope;
	bool all; /* the account may see everything */
	bool late;
	int failed; /* memory was short, or a text could not be read: nothing that was found counts; 0 or the error */
	unsigned work;
	struct memo memos[QUERY_CONDITIONS_MAX][QUERY_DEPTH_MAX + 1];
};

/* --------------------------------------------------------------- conditions */

int query_check_time(const struct query_scope *scope, struct error *e)
{
	if (!scope->deadline || clock_monotonic() < scope->deadline)
		return 0;
	return error_set(e, ETIMEDOUT,
			 "the query took longer than its time limit; a condition with '=' on uuid or name"
			 " lets it use an index");
}

static bool goes_on(const struct run *run)
{
	return !run->late && !run->failed;
}

/* False when the deadline has passed, or memory was short. */
static bool have_time(struct run *run)
{
	if (++run->work % CLOCK_EVERY == 0 && query_check_time(run->scope, NULL) < 0)
		run->late = true;
	return goes_on(run);
}

/* False also when that cannot be told. */
static bool test(struct run *run, const struct condition *c, const struct object *o)
{
	int r = condition_test(c, o);

	if (r < 0)
		run->failed = r;
	return r > 0;
}

static bool is_visible(const struct run *run, const struct object *o)
{
	return run->all || access_may_see(run->view, o, run->scope->account);
}

/* Where the result for @o is stored; NULL when memory is short. */
static unsigned char *memo_place(struct memo *memo, const struct object *o)
{
	size_t id = (size_t)o->id;

	if (id >= memo->room) {
		size_t room = id + id / 2 + 64;
		unsigned char *grown = realloc(memo->answers, room);

		if (!grown)
			return NULL;
		memo->answers = grown;
		memset(grown + memo->room, UNKNOWN, room - memo->room);
		memo->room = room;
	}
	return &memo->answers[id];
}

static bool holds(struct run *run, int number, int level, const struct object *o)
{
	const struct condition *c = run->q->conditions[number];
	const struct relation *r = &c->steps[level];
	const struct object *target;
	int64_t cursor = 0;
	bool found = false;

	if (level == c->depth)
		return test(run, c, o);
	while (!found && have_time(run) && (target = relation_walk(r, run->view, o, &cursor))) {
		/* Through a reverse relation each object is met only once. */
		unsigned char *memo =
			r->type == RELATION_REVERSE ? NULL : memo_place(&run->memos[number][level], target);

		if (!is_visible(run, target))
			continue;
		if (memo && *memo != UNKNOWN) {
			found = *memo == YES;
			continue;
		}
		found = holds(run, number, level + 1, target);
		if (memo && goes_on(run))
			*memo = found ? YES : NO;
	}
	return level == c->depth - 1 && c->none ? !found : found;
}

static bool all_hold(struct run *run, const struct object *o)
{
	if (!have_time(run) || !is_visible(run, o))
		return false;
	for (int i = 0; i < run->q->condition_count; i++)
		if (run->q->conditions[i]->never || !have_time(run) || !holds(run, i, 0, o))
			return false;
	return goes_on(run);
}

/* --------------------------------------------------------------- candidates */

/* -ENOMEM. */
static int matches_add(struct run *run, struct matches *m, const struct object *o)
{
	o = view_keep(run->view, o);
	if (!o)
		return -ENOMEM;
	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 64;
		const struct object **grown = reallocarray(m->objects, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		m->objects = grown;
		m->room = room;
	}
	m->objects[m->count++] = o;
	return 0;
}

static int id_compare(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a, *y = *(const struct object *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Sorts by creation and removes duplicates. */
static void sort_and_deduplicate(struct matches *m)
{
	size_t kept = 0;

	if (m->count)
		qsort(m->objects, m->count, sizeof(*m->objects), id_compare);
	for (size_t i = 0; i < m->count; i++)
		if (kept == 0 || m->objects[kept - 1] != m->objects[i])
			m->objects[kept++] = m->objects[i];
	m->count = kept;
}

static const struct kind *kind_at_end(const struct query *q, const struct condition *c)
{
	return c->depth ? kind_get(c->steps[c->depth - 1].target) : q->kind;
}

/* True when an index finds the objects at the end of the condition's path. */
static bool is_indexed(const struct query *q, const struct condition *c)
{
	return (c->op == OP_EQ || c->op == OP_IN) && (kind_at_end(q, c)->fields[c->field].flags & F_INDEX);
}

/* True when indexes lead from the end of the path back to the objects of the query. */
static bool is_reversible(const struct condition *c)
{
	for (int i = 0; i < c->depth; i++) {
		struct relation back = relation_inverse(&c->steps[i]);

		if (!relation_is_indexed(&back))
			return false;
	}
	return !c->none;
}

/* The cost of starting at the end of the path, in steps from object to object; SIZE_MAX when that is
 * impossible. */
static size_t cost(const struct run *run, const struct condition *c)
{
	const struct kind *end = kind_at_end(run->q, c);
	size_t n = 0;

	if (!is_reversible(c))
		return SIZE_MAX;
	if (is_indexed(run->q, c)) {
		for (size_t i = 0; i < c->operand_count; i++)
			n += view_count_candidates(run->view, end->id, c->field, c->operands[i].text);
		return n;
	}
	/* Testing an object is about that much cheaper than following a relation. */
	return c->depth ? view_count(run->view, end->id) / 8 : SIZE_MAX;
}

/* The cost that is acceptable to avoid a scan: a fraction of the relations that the scan would follow. */
static size_t budget(const struct query *q, const struct view *view)
{
	size_t followed = view_count(view, q->kind->id);

	for (int i = 0; i < q->condition_count; i++)
		for (int j = 0; j < q->conditions[i]->depth; j++) {
			const struct relation *r = &q->conditions[i]->steps[j];

			followed += view_count(view, r->type == RELATION_FORWARD ? r->kind : r->target);
		}
	return followed / 4 + 16;
}

/* The cheapest condition to start with; NULL when none costs less than @most. */
static const struct condition *choose(const struct run *run, size_t most)
{
	const struct condition *best = NULL;

	for (int i = 0; i < run->q->condition_count; i++) {
		size_t n = cost(run, run->q->conditions[i]);

		if (n < most) {
			most = n;
			best = run->q->conditions[i];
		}
	}
	return best;
}

/* The field of @kind that the condition reads if it is a text, else -1. */
static int text_field(const struct kind *kind, const struct condition *c)
{
	return kind->fields[c->field].type == FIELD_STRING ? c->field : -1;
}

/* Adds the objects at the end of the path for which the condition holds. */
static int gather_end(struct run *run, const struct condition *c, size_t most, struct matches *m)
{
	enum kind_id end = kind_at_end(run->q, c)->id;
	const struct object *o;
	struct view_candidates candidates;
	struct view_walk walk;

	if (is_indexed(run->q, c)) {
		for (size_t i = 0; i < c->operand_count; i++) {
			view_candidates_init(&candidates, run->view, end, c->field, c->operands[i].text);
			for (o = view_candidates_next(&candidates, 0); o;
			     o = view_candidates_next(&candidates, o->id))
				if (test(run, c, o) && matches_add(run, m, o) < 0)
					return -ENOMEM;
		}
		return 0;
	}
	view_walk_init(&walk, run->view, end, text_field(kind_get(end), c));
	while (have_time(run) && (o = view_walk_next(&walk))) {
		if (!test(run, c, o))
			continue;
		if (m->count > most)
			return -E2BIG;
		if (matches_add(run, m, o) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Adds the objects that @back leads to from those in @before. */
static int gather_step(struct run *run, const struct relation *back, const struct matches *before,
		       size_t most, struct matches *m)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct object *o;
		int64_t cursor = 0;

		while (have_time(run) && (o = relation_walk(back, run->view, before->objects[i], &cursor))) {
			if (m->count > most)
				return -E2BIG;
			if (matches_add(run, m, o) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Collects the candidates of @c. -E2BIG when there are more than @most. */
static int gather(struct run *run, const struct condition *c, size_t most, struct matches *m)
{
	int r = gather_end(run, c, most, m);

	for (int step = c->depth - 1; step >= 0 && r == 0; step--) {
		struct relation back = relation_inverse(&c->steps[step]);
		struct matches before = *m;

		sort_and_deduplicate(&before);
		*m = (struct matches){0};
		r = gather_step(run, &back, &before, most, m);
		free(before.objects);
	}
	sort_and_deduplicate(m);
	return r;
}

const char *query_uuid(const struct query *q)
{
	for (int i = 0; i < q->condition_count; i++) {
		const struct condition *c = q->conditions[i];

		if (c->op == OP_EQ && c->field == FIELD_UUID && !c->depth && !c->none && !c->never &&
		    uuid_is_hex(c->operands->text))
			return c->operands->text;
	}
	return NULL;
}

bool query_is_quick(const struct query *q)
{
	for (int i = 0; i < q->condition_count; i++)
		if (q->conditions[i]->depth || q->conditions[i]->like)
			return false;
	return true;
}

bool query_reads(const struct query *q, enum kind_id kind)
{
	if (q->kind->id == kind)
		return true;
	for (int i = 0; i < q->condition_count; i++)
		for (int j = 0; j < q->conditions[i]->depth; j++) {
			const struct relation *r = &q->conditions[i]->steps[j];

			if (r->target == kind || (r->type == RELATION_LINK && r->link == kind))
				return true;
		}
	return false;
}

/* --------------------------------------------------------------------- runs */

static struct run *run_new(const struct query *q, const struct view *view, const struct query_scope *scope)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run) {
		run->q = q;
		run->view = view;
		run->scope = scope;
		run->all = access_is_admin(view, scope->account);
	}
	return run;
}

static void run_free(struct run *run)
{
	if (!run)
		return;
	for (int i = 0; i < run->q->condition_count; i++)
		for (int j = 0; j < run->q->conditions[i]->depth; j++)
			free(run->memos[i][j].answers);
	free(run);
}
DEFINE_CLEANUP(struct run *, run_free)

/* The text field that a scan reads first in every object; -1 when there is none. */
static int first_text_field(const struct query *q)
{
	const struct condition *c = q->condition_count ? q->conditions[0] : NULL;

	return c && !c->depth ? text_field(q->kind, c) : -1;
}

/* Adds the candidates for which all conditions hold. */
static int test_candidates(struct run *run, const struct matches *candidates, size_t enough,
			   struct matches *m)
{
	for (size_t i = 0; i < candidates->count && m->count < enough && goes_on(run); i++)
		if (all_hold(run, candidates->objects[i]) && matches_add(run, m, candidates->objects[i]) < 0)
			return -ENOMEM;
	return 0;
}

/* Adds the objects of the kind for which all conditions hold. */
static int scan(struct run *run, size_t enough, struct matches *m)
{
	const struct object *o;
	struct view_walk walk;

	view_walk_init(&walk, run->view, run->q->kind->id, first_text_field(run->q));
	while (m->count < enough && goes_on(run) && (o = view_walk_next(&walk)))
		if (all_hold(run, o) && matches_add(run, m, o) < 0)
			return -ENOMEM;
	return 0;
}

static int explain_failure(int result, struct error *e)
{
	return result == -ENOMEM ? error_oom(e)
				 : error_set(e, -result, "a text in the database cannot be read");
}

int query_find(const struct query *q, const struct view *view, const struct query_scope *scope, size_t enough,
	       struct matches *m, struct error *e)
{
	_cleanup_(run_free_p) struct run *run = run_new(q, view, scope);
	size_t most = budget(q, view);
	struct matches candidates = {0};
	const struct condition *c;
	int r;

	if (!run)
		return error_oom(e);
	c = choose(run, most);
	r = c ? gather(run, c, most, &candidates) : -E2BIG;
	if (r == 0)
		r = test_candidates(run, &candidates, enough, m);
	else if (r == -E2BIG)
		r = scan(run, enough, m);
	free(candidates.objects);
	if (r < 0 || run->failed)
		return explain_failure(r < 0 ? r : run->failed, e);
	return run->late ? query_check_time(scope, e) : 0;
}

int query_match(const struct query *q, const struct view *view, const struct query_scope *scope,
		const struct object *o, struct error *e)
{
	_cleanup_(run_free_p) struct run *run = run_new(q, view, scope);
	bool matches;

	if (!run)
		return error_oom(e);
	matches = o->kind == q->kind && all_hold(run, o);
	if (run->failed)
		return explain_failure(run->failed, e);
	return run->late ? query_check_time(scope, e) : matches;
}
