/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random queries over random pools (random_pool.c) against a reference that shares no
 * code with the query engine (query_reference.c). The tree must give the same, in the
 * file of the query and in `where`.
 */
#include "tests/unit/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions/engine/pool_internal.h"
#include "fs/table.h"
#include "fs/tree/class.h"
#include "fs/tree/by_name.h"
#include "fs/tree/queries.h"
#include "fs/class/scratches.h"
#include "fs/tree/where.h"
#include "fs/tree/where_list.h"
#include "model/query_run.h"
#include "tests/unit/query_reference.h"

enum { POOLS = 8, QUERIES = 500 };

/* --------------------------------------------------------- random conditions */

static const char *const operators[] = {
	"=", "!=", ">", "<", ">=", "<=", "?=", "!?=", "~=", "!~=", " is null", " not null"};

static void random_operand(char type, char *out, size_t size)
{
	static const char *const numbers[] = {"0",
					      "1",
					      "2",
					      "3",
					      "10",
					      "1K",
					      "4k",
					      "1M",
					      "-3",
					      "2.5",
					      "1e1",
					      "12.0",
					      "9223372036854775807",
					      "-9223372036854775808",
					      "1e30",
					      "+3"};
	static const char *const bools[] = {"true", "false", "TRUE", "1", "0"};
	time_t seconds = 1510698050 + (time_t)pick(10);
	struct tm tm;

	if (type == 'n') {
		snprintf(out, size, "%s", pick_of(numbers));
	} else if (type == 'b') {
		snprintf(out, size, "%s", pick_of(bools));
	} else if (type == 'd') {
		gmtime_r(&seconds, &tm);
		strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
	} else if (pick(3) == 0) {
		const struct table *t = &tables[pick(table_count)];

		snprintf(out, size, "%s", uuid_name(t->kind, pick((size_t)t->rows)));
	} else {
		snprintf(out, size, "%s", some_text());
	}
}

static void random_pattern(char *out, size_t size)
{
	static const char *const pieces[] = {"%",   "_",   "a", "b", "W",  "e", "-1", "云",
					     "\\%", "\\_", "1", "5", "20", ":", "ru", " "};
	size_t at = 0;

	out[0] = '\0';
	for (unsigned n = pick(6); n > 0; n--)
		at += (size_t)snprintf(out + at, size - at, "%s", pick_of(pieces));
}

static void random_condition(struct condition *c, enum kind_id kind)
{
	char list[40];
	size_t at = 0;
	char type = 's';

	memset(c, 0, sizeof(*c));
	for (unsigned hops = pick(3) ? pick(2) : pick(5); hops > 0; hops--) {
		const struct join *candidates[16];
		size_t n = 0;

		for (size_t i = 0; i < join_count; i++)
			if (joins[i].a == kind)
				candidates[n++] = &joins[i];
		if (n == 0)
			break;
		c->path[c->depth] = candidates[pick(n)];
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at, "%s.", c->path[c->depth]->name);
		kind = c->path[c->depth++]->b;
	}
	if (pick(6) == 0) {
		c->tag = pick(2) ? KIND_USER_TAG : KIND_SYSTEM_TAG;
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at, "%s",
				       c->tag == KIND_USER_TAG ? "__userTag__" : "__systemTag__");
	} else {
		size_t n = 0;

		while (table_of(kind)->columns[n])
			n++;
		c->column = table_of(kind)->columns[pick(n)];
		type = *c->column;
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at, "%s", c->column + 2);
	}
	c->op = pick_of(operators);
	if (strchr(c->op, '~')) {
		random_pattern(c->value, sizeof(c->value));
	} else if (strchr(c->op, '?')) {
		for (unsigned n = 1 + pick(3), used = 0; n > 0; n--) {
			random_operand(type, list, sizeof(list));
			used += (unsigned)snprintf(c->value + used, sizeof(c->value) - used, "%s%s",
						   used ? "," : "", list);
		}
	} else if (c->op[0] != ' ') {
		random_operand(type, c->value, sizeof(c->value));
		if (pick(12) == 0 && (strcmp(c->op, "=") == 0 || strcmp(c->op, "!=") == 0))
			snprintf(c->value, sizeof(c->value), "null");
	}
	snprintf(c->text + at, sizeof(c->text) - at, "%s%s", c->op, c->value);
}

/* ------------------------------------------------------------------ the test */

/* Encodes what must be encoded, and other characters now and then. */
static size_t encode(char *out, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text; text++) {
		bool plain = isalnum((unsigned char)*text) || strchr("=!<>~?_.-,'", *text);

		if (*text == ' ' && pick(2))
			at += (size_t)snprintf(out + at, size - at, "+");
		else if (plain && pick(10))
			at += (size_t)snprintf(out + at, size - at, "%c", *text);
		else
			at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned char)*text);
	}
	return at;
}

static void random_query(struct random_query *q)
{
	static const enum kind_id kinds[] = {KIND_VM,	      KIND_VM,	      KIND_VM,	 KIND_NIC,
					     KIND_VOLUME,     KIND_HOST,      KIND_ZONE, KIND_CLUSTER,
					     KIND_L2_NETWORK, KIND_L3_NETWORK};
	size_t at = 0, columns = 0;

	memset(q, 0, sizeof(*q));
	q->kind = pick_of(kinds);
	q->limit = pick(3) ? -1 : (long)pick(20);
	q->start = pick(3) ? -1 : (long)pick(20);
	while (table_of(q->kind)->columns[columns])
		columns++;
	q->sort = pick(2) ? table_of(q->kind)->columns[pick(columns)] : NULL;
	q->group = pick(4) ? NULL : table_of(q->kind)->columns[pick(columns)];
	q->descending = pick(2);
	q->count = pick(10) == 0;
	q->with_total = pick(3) == 0;
	q->condition_count = (int)pick(4);
	for (int i = 0; i < q->condition_count; i++) {
		random_condition(&q->conditions[i], q->kind);
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at,
				       "%s=", pick(4) ? "q" : "condition");
		at += encode(q->text + at, sizeof(q->text) - at, q->conditions[i].text);
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "&");
	}
	if (q->limit >= 0)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "limit=%ld&", q->limit);
	if (q->start >= 0)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "start=%ld&", q->start);
	if (q->sort)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "sort=%s%s&",
				       q->descending ? "-"
				       : pick(2)     ? "+"
						     : "%2B",
				       q->sort + 2);
	if (q->group)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "groupBy=%s&", q->group + 2);
	if (q->count)
		at += (size_t)snprintf(q->text + at, sizeof(q->text) - at, "count=true&");
	snprintf(q->text + at, sizeof(q->text) - at, "fields=uuid%s",
		 q->with_total ? "&replyWithCount=true" : "");
}

/* ------------------------------------------------------------------ the tree */

static struct pool pool;
static struct fs fs = {.nodes = node_table, .pool = &pool};

/* The result of a worker for a file. */
struct made {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	struct document *d;
};

static void content_made(void *arg, int result, struct document *d, const struct error *e)
{
	struct made *made = arg;

	if (result < 0)
		fail_msg("%s", error_sentence(e));
	pthread_mutex_lock(&made->lock);
	made->d = d;
	made->done = true;
	pthread_cond_signal(&made->cond);
	pthread_mutex_unlock(&made->lock);
}

static json_t *read_file(const struct place *p)
{
	struct made made = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	json_t *json;

	content_start(p, content_made, &made);
	pthread_mutex_lock(&made.lock);
	while (!made.done)
		pthread_cond_wait(&made.cond, &made.lock);
	pthread_mutex_unlock(&made.lock);
	json = json_loadb(made.d->data, made.d->len, 0, NULL);
	assert_non_null(json);
	assert_true(made.d->mtime > 0);
	document_unref(made.d);
	return json;
}

/* The directory that the collection of @kind is in, and the last part of its name. */
static const char *find_parent(const struct kind *kind, struct place *ret)
{
	const char *name = kind->directory, *slash;
	char part[NAME_SIZE];

	place_init(&fs, view, NODE_ROOT, ret);
	while ((slash = strchr(name, '/'))) {
		struct place dir = *ret;

		snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
		assert_int_equal(place_lookup(&dir, part, ret), 0);
		name = slash + 1;
	}
	return name;
}

static void check_file(const struct random_query *rq, const json_t *answer)
{
	struct place dir, p, again;
	const char *name = find_parent(kind_get(rq->kind), &dir);
	char file[sizeof(rq->text) + NAME_SIZE];
	json_t *json;

	if (strlen(rq->text) > QUERIES_TEXT)
		return;
	snprintf(file, sizeof(file), "%s?%s", name, rq->text);
	assert_int_equal(place_lookup(&dir, file, &p), 0);
	assert_int_equal(place_find(&fs, view, node_pack(p.node), 0, &again), 0);
	json = read_file(&again);
	if (!json_equal(json, answer))
		fail_msg("the file '%s' has another answer", file);
	json_decref(json);
}

/* All conditions as directories: no paging, no grouping, in order of creation. */
static void check_where(const struct random_query *rq)
{
	struct random_query all = {
		.kind = rq->kind, .condition_count = rq->condition_count, .limit = INT32_MAX};
	_cleanup_query_ struct query *q = NULL;
	_cleanup_free_ char *text = NULL;
	struct place dir, below;
	const char *name = find_parent(kind_get(rq->kind), &dir);
	struct where_list *list;
	json_int_t total;
	json_t *expected;

	memcpy(all.conditions, rq->conditions, sizeof(all.conditions));
	assert_int_equal(place_lookup(&dir, name, &below), 0);
	assert_int_equal(place_lookup(&below, "where", &dir), 0);
	for (int i = 0; i < rq->condition_count; i++) {
		char component[sizeof(rq->conditions[0].text) * 3] = "";
		size_t at = 0;

		for (const char *c = rq->conditions[i].text; *c; c++)
			at += (size_t)snprintf(component + at, sizeof(component) - at, "%c%s", *c,
					       *c == '%' ? "25" : "");
		if (at > NAME_SIZE - 1)
			return;
		if (place_lookup(&dir, component, &below) != 0)
			fail_msg("no directory '%s'", component);
		assert_int_equal(below.node.class, N_CONDITION);
		assert_int_equal(place_find(&fs, view, node_pack(below.node), 0, &dir), 0);
	}
	if (!rq->condition_count)
		return;
	text = where_text(&dir);
	assert_int_equal(query_parse(kind_get(rq->kind), text, &q, NULL), 0);
	query_set_limit(q, INT64_MAX);
	list = where_list_new(&dir, q, &(struct query_scope){0}, NULL);
	expected = reference_run(&all, &total);
	assert_int_equal(list->result.count, total);
	dir.list = list;
	for (int64_t at = 0, i = 0; i < total; i++) {
		char entry[NAME_SIZE];
		struct place p, found;

		assert_true(place_next(&dir, at, &at, entry, &p));
		assert_string_equal(object_uuid(p.object),
				    json_string_value(json_array_get(expected, (size_t)i)));
		assert_int_equal(place_lookup(&dir, entry, &found), 0);
		assert_int_equal(node_pack(found.node), node_pack(p.node));
		/* Some NICs of this pool have no VM, in whose directory theirs would be. */
		assert_true(place_readlink(&p, (char[PATH_SIZE]){0}) || rq->kind == KIND_NIC);
	}
	json_decref(expected);
	where_list_free(list);
}

static void check_query(const struct random_query *rq, size_t *ret_hits)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	json_t *json = NULL, *uuids = json_array(), *expected, *item, *total;
	json_int_t expected_total;
	size_t i;

	if (query_parse(kind_get(rq->kind), rq->text, &q, &e) < 0 ||
	    query_run(q, view, &(struct query_scope){0}, &json, &e) < 0)
		fail_msg("%s ? %s: %s", kind_get(rq->kind)->name, rq->text, error_sentence(&e));
	json_array_foreach (json_object_get(json, "inventories"), i, item)
		json_array_append(uuids, json_object_get(item, "uuid"));
	expected = reference_run(rq, &expected_total);
	if (rq->count)
		json_array_clear(expected);
	total = json_object_get(json, "total");
	if (!json_equal(uuids, expected) || (rq->count || rq->with_total) != (total != NULL) ||
	    (total && json_integer_value(total) != expected_total)) {
		char *is = json_dumps(json, 0), *should_be = json_dumps(expected, 0);

		fail_msg("%s ? %s\nconditions: %s | %s | %s\ngave %s\nnot  %s, total %ld",
			 kind_get(rq->kind)->name, rq->text, rq->conditions[0].text, rq->conditions[1].text,
			 rq->conditions[2].text, is, should_be, (long)expected_total);
	}
	*ret_hits += json_array_size(uuids) != 0;
	/* One object at a time: the same conditions, without paging. */
	for (unsigned n = 0; n < 3; n++) {
		json_t *row = json_array_get(rows_of[rq->kind], pick(json_array_size(rows_of[rq->kind])));
		const struct object *o =
			view_get(view, rq->kind, json_string_value(json_object_get(row, "uuid")));
		bool holds = true;

		for (int c = 0; c < rq->condition_count; c++)
			holds = holds && reference_holds(&rq->conditions[c], 0, row);
		assert_int_equal(query_match(q, view, &(struct query_scope){0}, o, NULL), holds);
	}
	check_file(rq, json);
	check_where(rq);
	json_decref(json);
	json_decref(uuids);
	json_decref(expected);
}

static void random_queries_agree_with_the_reference(void **state)
{
	static struct random_query q;
	size_t hits = 0;
	(void)state;

	setenv("TZ", "UTC", 1);
	tzset();
	for (int round = 0; round < POOLS; round++) {
		srand((unsigned)round + 1);
		make_pool();
		fs.ranks = ranks_new(); /* of one view; all of these have the same number */
		assert_non_null(fs.ranks);
		for (int i = 0; i < QUERIES; i++) {
			random_query(&q);
			check_query(&q, &hits);
		}
		ranks_free(fs.ranks);
		free_pool();
	}
	print_message("%d queries, %zu of them with matches\n", POOLS * QUERIES, hits);
	assert_true(hits > POOLS * QUERIES / 4); /* or the generator tests nothing */
}

static int set_up(void **state)
{
	(void)state;
	pool.background = workers_new("background", 4);
	pool.turns = turns_new(pool.background, 2);
	fs.queries = queries_new(NULL);
	fs.scratches = scratches_new(NULL);
	fs.born = 1;
	return pool.background && pool.turns && fs.queries && fs.scratches ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	workers_free(pool.background);
	turns_free(pool.turns);
	queries_free(fs.queries);
	scratches_free(fs.scratches);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_queries_agree_with_the_reference)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
