/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in blocks: each shows what it showed before, whatever reads it; they take little memory; nothing is lost when there is none. */
#include "tests/unit/test.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/block_draft.h"
#include "model/view_batch.h"
#include "tests/unit/failing_memory.h"

static const char *uuid_text(unsigned long n, char ret[33])
{
	snprintf(ret, 33, "%016lx%016lx", (n + 1) * 0x9E3779B97F4A7C15UL, (n + 7) * 0xBF58476D1CE4E5B9UL);
	return ret;
}

/* A text of any form that a block may take apart, or may not. */
static const char *some_text(unsigned choice)
{
	static char text[2048];
	char uuid[33];

	uuid_text(choice % 16 / 3, uuid);
	switch (choice % 9) {
	case 0:
		snprintf(text, sizeof(text), "vm-instances/%s", uuid);
		return text;
	case 1:
		snprintf(text, sizeof(text), "%s", uuid);
		return text;
	case 2:
		snprintf(text, sizeof(text), "%s.", uuid);
		return text;
	case 3:
		snprintf(text, sizeof(text), "%.31sX", uuid);
		return text;
	case 4:
		snprintf(text, sizeof(text), "%.31s", uuid);
		return text;
	case 5:
		return "";
	case 6:
		snprintf(text, sizeof(text), "%1000s/%s", "far", uuid);
		return text;
	case 7:
		snprintf(text, sizeof(text), "%u", choice);
		return text;
	default:
		return "Done";
	}
}

/* A job that rests, with any other fields. */
static const struct object *random_job(int64_t id)
{
	_cleanup_object_ struct object *o = object_new(kind_get(KIND_JOB));
	const struct object *packed;
	char uuid[33];

	o->id = id;
	o->changed = INT64_C(1700000000000000000) + rand();
	for (int f = 1; f < o->kind->field_count; f++) {
		const struct field *field = &o->kind->fields[f];

		object_set_time(o, f, o->changed - (rand() % 3) * (int64_t)rand());
		if (rand() % 3 == 0)
			continue;
		if (field->type == FIELD_DATE)
			object_set_int(o, f, o->changed + rand() - rand());
		else if (field_is_integer(field))
			object_set_int(o, f, rand() % 2 ? rand() % 100 : -(int64_t)rand() * rand());
		else if (field->flags & F_LEAVES)
			object_leave_str(o, f);
		else
			object_set_str(o, f, some_text((unsigned)rand()));
	}
	object_set_str(o, FIELD_UUID, uuid_text((unsigned long)id + 1000, uuid));
	object_set_int(o, JOB_FINISHED, o->changed);
	packed = object_pack(o);
	assert_non_null(packed);
	assert_true(object_rests(packed));
	return packed;
}

static void assert_object_equal(const struct object *a, const struct object *b)
{
	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_equal(a->kind, b->kind);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->changed, b->changed);
	assert_int_equal(a->nulls & ~OBJECT_FLAGS, b->nulls & ~OBJECT_FLAGS);
	for (int f = 0; f < a->kind->field_count; f++) {
		_cleanup_free_ char *x = NULL, *y = NULL;

		assert_int_equal(object_time(a, f), object_time(b, f));
		if (!field_is_stored(&a->kind->fields[f]))
			continue;
		assert_int_equal(object_text_has_left(a, f), object_text_has_left(b, f));
		if (field_is_integer(&a->kind->fields[f])) {
			assert_int_equal(object_int(a, f), object_int(b, f));
		} else if (!object_is_null(a, f) && !object_text_has_left(a, f)) {
			assert_int_equal(object_read_text(a, f, &x), 0);
			assert_int_equal(object_read_text(b, f, &y), 0);
			assert_string_equal(x, y);
		}
	}
}

/* Some of the row ids of one block, with a job each. */
static size_t random_jobs(int64_t first, unsigned one_in, const struct object *jobs[BLOCK_IDS])
{
	size_t count = 0;

	for (int64_t id = first; block_number(id) == block_number(first); id++)
		if (rand() % (int)one_in == 0)
			jobs[count++] = random_job(id);
	return count;
}

static void drop(const struct object **jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		object_unref(jobs[i]);
}

static struct block *make_block(const struct object **jobs, size_t count)
{
	_cleanup_block_draft_ struct block_draft *draft = block_draft_new(kind_get(KIND_JOB));

	for (size_t i = 0; draft && i < count; i++)
		if (!block_draft_add(draft, jobs[i]))
			return NULL;
	return draft ? block_draft_end(draft) : NULL;
}

static void put_back(struct block *block)
{
	ref_put((struct ref *)block);
}

static void each_object_is_as_it_was(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		const struct object *jobs[BLOCK_IDS];
		const int64_t first = 1 + rand() % 100 * BLOCK_IDS;
		size_t count = random_jobs(first, 1 + round % 5, jobs), i = 0;
		struct block *b = make_block(jobs, count);
		struct block_row room;

		if (!count)
			continue;
		assert_non_null(b);
		assert_int_equal(block_count(b), count);
		for (int64_t id = first - 1; block_number(id) <= block_number(first); id++) {
			if (i == count || jobs[i]->id != id) {
				assert_false(block_has(b, id));
				assert_null(block_get(b, id));
				continue;
			}
			assert_true(block_has(b, id));
			assert_object_equal(block_get(b, id), jobs[i]);
			assert_ptr_equal(block_get(b, id), block_get(b, id));
			assert_object_equal(block_look(b, id, &room), jobs[i]);
			assert_int_equal(block_next(b, i ? jobs[i - 1]->id : 0), id);
			i++;
		}
		assert_int_equal(i, count);
		assert_int_equal(block_next(b, jobs[count - 1]->id), 0);
		drop(jobs, count);
		put_back(b);
	}
}

static void objects_can_be_removed(void **state)
{
	const struct object *jobs[BLOCK_IDS], *kept;
	size_t count = random_jobs(BLOCK_IDS, 1, jobs);
	struct block *b = make_block(jobs, count), *without, *rested;

	(void)state;
	kept = block_get(b, jobs[3]->id);
	without = block_without(b, jobs[5]->id);
	assert_int_equal(block_count(without), count - 1);
	assert_false(block_has(without, jobs[5]->id));
	assert_null(block_get(without, jobs[5]->id));
	assert_int_equal(block_next(without, jobs[4]->id), jobs[6]->id);
	assert_object_equal(block_get(b, jobs[5]->id), jobs[5]);
	assert_ptr_equal(block_get(without, jobs[3]->id), kept);
	rested = block_rested(without);
	assert_non_null(rested);
	assert_null(block_rested(rested));
	put_back(without);
	assert_int_equal(block_count(rested), count - 1);
	assert_false(block_has(rested, jobs[5]->id));
	assert_ptr_not_equal(block_get(rested, jobs[3]->id), kept);
	assert_object_equal(block_get(rested, jobs[3]->id), jobs[3]);
	put_back(b);
	for (size_t i = 0; i < count; i++) {
		if (i == 5)
			continue;
		without = block_without(rested, jobs[i]->id);
		put_back(rested);
		rested = without;
	}
	assert_int_equal(block_count(rested), 0);
	assert_int_equal(block_next(rested, 0), 0);
	put_back(rested);
	drop(jobs, count);
}

static const struct object *changed_job(const struct object *from, int field, const char *text)
{
	_cleanup_object_ struct object *o = object_copy(from);

	if (field_is_integer(&o->kind->fields[field]))
		object_set_null(o, field);
	else
		object_set_str(o, field, text);
	return object_pack(o);
}

static void what_does_not_rest_is_refused(void **state)
{
	_cleanup_block_draft_ struct block_draft *draft = block_draft_new(kind_get(KIND_JOB));
	_cleanup_object_ const struct object *job = random_job(1),
					     *runs = changed_job(job, JOB_FINISHED, NULL),
					     *has_text = changed_job(job, JOB_RESULT, "{}"),
					     *other = changed_job(job, FIELD_UUID,
								  "not a uuid, but as long as one is");
	struct block *b;

	(void)state;
	assert_null(block_draft_end(draft));
	assert_false(block_draft_add(draft, runs));
	assert_false(block_draft_add(draft, has_text));
	assert_false(block_draft_add(draft, other));
	assert_int_equal(block_draft_count(draft), 0);
	assert_true(block_draft_add(draft, job));
	b = block_draft_end(draft);
	assert_object_equal(block_get(b, 1), job);
	put_back(b);
}

static void nothing_is_wrong_when_memory_is_short(void **state)
{
	const struct object *jobs[BLOCK_IDS];
	size_t count = random_jobs(BLOCK_IDS, 1, jobs);
	struct block *b = NULL, *without = NULL;
	const struct object *o = NULL;

	(void)state;
	for (int n = 0; !b; n++) {
		fail_after = n;
		b = make_block(jobs, count);
		fail_after = -1;
	}
	for (int n = 0; !o; n++) {
		fail_after = n;
		o = block_get(b, jobs[7]->id);
		fail_after = -1;
	}
	assert_object_equal(o, jobs[7]);
	fail_after = 0;
	assert_null(block_without(b, jobs[7]->id));
	assert_null(block_rested(b));
	assert_null(block_get(b, jobs[8]->id));
	assert_true(block_has(b, jobs[8]->id));
	fail_after = -1;
	without = block_without(b, jobs[7]->id);
	assert_int_equal(block_count(without), count - 1);
	put_back(without);
	put_back(b);
	drop(jobs, count);
}

struct reading {
	struct block *block;
	const struct object *found[BLOCK_IDS];
};

static void *read_all(void *arg)
{
	struct reading *r = arg;

	for (int64_t id = BLOCK_IDS; id < 2 * BLOCK_IDS; id++)
		r->found[id - BLOCK_IDS] = block_get(r->block, id);
	return NULL;
}

static void threads_get_the_same_object(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		const struct object *jobs[BLOCK_IDS];
		size_t count = random_jobs(BLOCK_IDS, 1, jobs);
		struct reading readings[4];
		pthread_t threads[4];
		struct block *b = make_block(jobs, count), *without;

		for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
			readings[i].block = b;
			assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
		}
		without = block_without(b, BLOCK_IDS + 3);
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			pthread_join(threads[i], NULL);
		for (size_t i = 1; i < ARRAY_SIZE(threads); i++)
			assert_memory_equal(readings[0].found, readings[i].found, sizeof(readings[0].found));
		for (size_t i = 0; i < count; i++)
			assert_object_equal(readings[0].found[i], jobs[i]);
		put_back(without);
		put_back(b);
		drop(jobs, count);
	}
}

/* --------------------------------------------------------------- in a view */

/* Walks over those that have a text come across the same, in the same order. */
static void assert_having_equal(const struct view *a, const struct view *b)
{
	struct view_having in_a, in_b;
	const struct object *x, *y;
	size_t count = 0, having = 0;

	view_having_init(&in_a, a, KIND_JOB, JOB_WEB_HOOK);
	view_having_init(&in_b, b, KIND_JOB, JOB_WEB_HOOK);
	do {
		x = view_having_next(&in_a);
		y = view_having_next(&in_b);
		if (x && y)
			assert_object_equal(x, y);
		having += x != NULL;
	} while (x && y);
	assert_true(!x && !y);
	view_for_each (o, a, KIND_JOB)
		count += !object_is_null(o, JOB_WEB_HOOK);
	assert_int_equal(having, count);
}

/* The views show the same. */
static void assert_views_equal(const struct view *a, const struct view *b, int64_t last)
{
	static const char *const words[] = {"Done", "", "3", "nowhere"};
	struct view_walk walk;
	int64_t at = 0;
	const struct object *o;

	assert_int_equal(view_count(a, KIND_JOB), view_count(b, KIND_JOB));
	view_walk_init(&walk, b, KIND_JOB, JOB_STATE);
	view_for_each (x, a, KIND_JOB) {
		o = view_next(b, KIND_JOB, at);
		assert_object_equal(x, o);
		assert_ptr_equal(o, view_get(b, KIND_JOB, object_uuid(x)));
		o = view_walk_next(&walk);
		assert_object_equal(x, o);
		assert_ptr_equal(view_keep(b, o), view_get_id(b, KIND_JOB, x->id));
		assert_true(view_has(b, KIND_JOB, object_uuid(x)));
		at = x->id;
	}
	assert_null(view_next(b, KIND_JOB, at));
	assert_null(view_walk_next(&walk));
	assert_having_equal(a, b);
	for (int64_t id = -1; id <= last + 1; id++)
		assert_true(!view_get_id(a, KIND_JOB, id) == !view_get_id(b, KIND_JOB, id));
	assert_false(view_has(b, KIND_JOB, "nowhere"));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		const struct object *y;
		struct view_candidates candidates;

		at = 0;
		view_for_each_where (x, a, KIND_JOB, JOB_STATE, words[i]) {
			y = view_next_where(b, KIND_JOB, JOB_STATE, words[i], at);
			assert_object_equal(x, y);
			at = x->id;
		}
		assert_null(view_next_where(b, KIND_JOB, JOB_STATE, words[i], at));
		assert_int_equal(view_count_where(a, KIND_JOB, JOB_STATE, words[i]),
				 view_count_where(b, KIND_JOB, JOB_STATE, words[i]));
		o = view_newest_where(a, KIND_JOB, JOB_STATE, words[i]);
		y = view_newest_where(b, KIND_JOB, JOB_STATE, words[i]);
		assert_int_equal(o ? o->id : 0, y ? y->id : 0);
		view_candidates_init(&candidates, a, KIND_JOB, JOB_STATE, words[i]);
		o = view_candidates_next(&candidates, 0);
		view_candidates_init(&candidates, b, KIND_JOB, JOB_STATE, words[i]);
		at = o ? o->id : 0;
		y = view_candidates_next(&candidates, 0);
		assert_int_equal(at, y ? y->id : 0);
	}
}

/* How many objects are in blocks. */
static size_t resting(const struct view *view)
{
	size_t count = 0;
	struct view_walk walk;
	const struct object *o;

	view_walk_init(&walk, view, KIND_JOB, -1);
	while ((o = view_walk_next(&walk)))
		count += !(o->nulls & OBJECT_PACKED);
	return count;
}

/* A change of both. */
static void change(struct view *a, struct view *b, int64_t last)
{
	const int64_t id = 1 + rand() % last;
	const struct object *old = view_get_id(a, KIND_JOB, id);
	_cleanup_object_ const struct object *o = rand() % 2 ? random_job(id) : NULL;

	if (o && old && rand() % 2) {
		object_unref(o);
		o = changed_job(old, JOB_FINISHED, NULL);
	}
	if (o) {
		assert_int_equal(view_put(a, o), 0);
		assert_int_equal(view_put(b, o), 0);
	} else if (old) {
		assert_int_equal(view_remove(b, view_get_id(b, KIND_JOB, id)), 0);
		assert_int_equal(view_remove(a, old), 0);
	}
	view_rest(b, KIND_JOB, id);
	view_rest(b, KIND_JOB, 1 + rand() % last);
	(void)view_rest_again(b, KIND_JOB, rand() % 10);
}

static void a_view_with_blocks_shows_the_same(void **state)
{
	enum { LAST = 6 * BLOCK_IDS + 20 };

	(void)state;
	for (int round = 0; round < 3; round++) {
		_cleanup_view_ struct view *a = view_new(), *b = view_new(), *old = NULL,
					   *loaded = view_new();
		_cleanup_view_batch_ struct view_batch *batch = view_batch_new(loaded, kind_get(KIND_JOB));

		for (int64_t id = 1; id <= LAST; id++) {
			_cleanup_object_ const struct object *o = random_job(id);

			if (round && rand() % 10 == 0)
				continue;
			assert_int_equal(view_put(a, o), 0);
			assert_int_equal(view_put(b, o), 0);
			assert_int_equal(view_batch_add(batch, o), 0);
		}
		assert_int_equal(view_batch_put(batch), 0);
		assert_int_equal(resting(loaded), view_count(a, KIND_JOB));
		assert_views_equal(a, loaded, LAST);
		assert_int_equal(resting(b), 0);
		for (int64_t id = 1; id <= LAST; id++)
			view_rest(b, KIND_JOB, id);
		assert_true(resting(b) >= view_count(a, KIND_JOB) - BLOCK_IDS);
		assert_views_equal(a, b, LAST);
		for (int n = 0; n < 12; n++) {
			_cleanup_view_ struct view *before = view_copy(a, 1);

			view_unref(old);
			old = view_copy(b, 1);
			change(a, b, LAST);
			assert_views_equal(before, old, LAST);
			assert_views_equal(a, b, LAST);
		}
	}
}

/* Even then it is known that it is there: a request that is repeated is not done twice. */
static void an_object_is_known_to_be_there_when_memory_is_short(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_JOB));
	_cleanup_object_ const struct object *job = random_job(5);

	(void)state;
	assert_int_equal(view_batch_add(batch, job), 0);
	assert_int_equal(view_batch_put(batch), 0);
	fail_after = 0;
	assert_null(view_get(view, KIND_JOB, object_uuid(job)));
	assert_true(view_has(view, KIND_JOB, object_uuid(job)));
	assert_false(view_has(view, KIND_JOB, "a56ceb9516134fcf809d113179490891"));
	assert_true(view_has_id(view, KIND_JOB, 5));
	assert_false(view_has_id(view, KIND_JOB, 6));
	assert_true(view_shows(view, job));
	fail_after = -1;
	assert_non_null(view_get(view, KIND_JOB, object_uuid(job)));
}

/* Those that rest hide nothing behind them: neither the others of a VM, nor one with the same hash. */
static void walks_come_across_all_when_memory_is_short(void **state)
{
	enum { RESTING = 1000 };
	_cleanup_view_ struct view *view = view_new();
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_JOB));
	_cleanup_object_ struct object *queued = object_new(kind_get(KIND_JOB));
	const char *vm = "0af5c3d1b1e74b7e8f1de3b1a1f0e9d2";
	struct view_candidates candidates;
	size_t count = 0, candidate_count = 0;

	(void)state;
	for (int64_t id = 1; id <= RESTING; id++) {
		_cleanup_object_ const struct object *o = random_job(id);
		_cleanup_object_ const struct object *of_vm = changed_job(o, JOB_RESOURCE_UUID, vm);

		assert_int_equal(view_batch_add(batch, of_vm), 0);
	}
	assert_int_equal(view_batch_put(batch), 0);
	assert_int_equal(resting(view), RESTING);
	queued->id = RESTING + 1;
	object_set_str(queued, FIELD_UUID, "b56ceb9516134fcf809d113179490892");
	object_set_str(queued, JOB_STATE, "Queued");
	object_set_str(queued, JOB_RESOURCE_UUID, vm);
	assert_int_equal(view_put(view, queued), 0);

	fail_after = 0;
	view_for_each_where (o, view, KIND_JOB, JOB_RESOURCE_UUID, vm) {
		count++;
		assert_int_equal(o->id, count);
		assert_true(object_str_is(o, JOB_RESOURCE_UUID, vm));
		assert_int_equal(object_str_is(o, JOB_STATE, "Queued"), count > RESTING);
		if (count == RESTING + 1)
			break;
	}
	view_candidates_init(&candidates, view, KIND_JOB, JOB_RESOURCE_UUID, vm);
	for (const struct object *o = view_candidates_next(&candidates, 0); o;
	     o = view_candidates_next(&candidates, o->id))
		candidate_count++;
	assert_int_equal(view_count_where(view, KIND_JOB, JOB_RESOURCE_UUID, vm), RESTING + 1);
	assert_true(view_has_where(view, KIND_JOB, JOB_RESOURCE_UUID, vm));
	assert_int_equal(view_next_where(view, KIND_JOB, JOB_STATE, "Queued", 0)->id, RESTING + 1);
	assert_null(view_next_where(view, KIND_JOB, JOB_RESOURCE_UUID, vm, 0));
	fail_after = -1;
	assert_int_equal(count, RESTING + 1);
	assert_int_equal(candidate_count, RESTING + 1);
}

/* Whether it was made, and where, says nothing. */
static void a_view_shows_an_object_until_it_changes(void **state)
{
	_cleanup_view_ struct view *view = view_new(), *later = NULL;
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_JOB));
	_cleanup_object_ const struct object *job = random_job(5), *other = random_job(6);
	_cleanup_object_ struct object *edited = NULL;
	const struct object *made;
	struct view_walk walk;

	(void)state;
	assert_int_equal(view_batch_add(batch, job), 0);
	assert_int_equal(view_batch_add(batch, other), 0);
	assert_int_equal(view_batch_put(batch), 0);
	made = view_get_id(view, KIND_JOB, 5);
	later = view_copy(view, 1);
	assert_int_equal(view_rest_again(later, KIND_JOB, 0), 1);
	assert_ptr_not_equal(view_get_id(later, KIND_JOB, 5), made);
	assert_true(view_shows(later, made));
	view_walk_init(&walk, view, KIND_JOB, -1);
	assert_true(view_shows(later, view_walk_next(&walk)));

	edited = object_copy(made);
	edited->changed++;
	assert_int_equal(view_put(later, edited), 0);
	assert_false(view_shows(later, made));
	assert_true(view_shows(later, view_get_id(later, KIND_JOB, 5)));
	assert_true(view_shows(view, made));
	assert_true(view_shows(later, other));
	assert_int_equal(view_remove(later, other), 0);
	assert_false(view_shows(later, other));
}

/* A few may have been in a block at a start, and one may have been edited since. */
static void those_that_come_to_rest_later_join_their_block(void **state)
{
	_cleanup_view_ struct view *view = view_new(), *same = view_new();
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_JOB));
	const struct object *jobs[2 * BLOCK_IDS];

	(void)state;
	for (int64_t id = 1; id < 2 * BLOCK_IDS; id++) {
		jobs[id] = random_job(id);
		assert_int_equal(view_put(same, jobs[id]), 0);
		if (id < BLOCK_IDS + 20)
			assert_int_equal(view_batch_add(batch, jobs[id]), 0);
	}
	assert_int_equal(view_batch_put(batch), 0);
	for (int64_t id = BLOCK_IDS + 20; id < 2 * BLOCK_IDS; id++)
		assert_int_equal(view_put(view, jobs[id]), 0);
	assert_int_equal(view_put(view, jobs[BLOCK_IDS + 3]), 0);
	assert_int_equal(resting(view), BLOCK_IDS + 20 - 1 - 1);
	fail_after = 0;
	view_rest(view, KIND_JOB, BLOCK_IDS);
	fail_after = -1;
	assert_int_equal(resting(view), BLOCK_IDS + 20 - 1 - 1);
	view_rest(view, KIND_JOB, BLOCK_IDS);
	assert_int_equal(resting(view), 2 * BLOCK_IDS - 1);
	assert_views_equal(same, view, 2 * BLOCK_IDS);
	for (int64_t id = 1; id < 2 * BLOCK_IDS; id++)
		object_unref(jobs[id]);
}

/* As those of a real pool: two in a row of each VM. */
static const struct object *usual_job(int64_t id)
{
	_cleanup_object_ struct object *o = object_new(kind_get(KIND_JOB));
	char uuid[33], path[64];

	o->id = id;
	object_set_str(o, FIELD_UUID, uuid_text((unsigned long)id, uuid));
	object_set_str(o, JOB_STATE, "Done");
	object_set_int(o, JOB_PROGRESS, 100);
	object_set_str(o, JOB_OPERATION, id % 2 ? "StartVmInstance" : "CreateVmInstance");
	uuid_text(1000000 + (unsigned long)id / 2, uuid);
	snprintf(path, sizeof(path), "vm-instances/%s", uuid);
	object_set_str(o, JOB_RESOURCE, path);
	object_set_str(o, JOB_RESOURCE_UUID, uuid);
	object_leave_str(o, JOB_REQUEST);
	object_leave_str(o, JOB_RESULT);
	object_leave_str(o, JOB_DIGEST);
	object_set_int(o, JOB_CREATED, INT64_C(1700000000000000000) + id * 1000000 + rand() % 100000);
	object_set_int(o, JOB_STARTED, object_int(o, JOB_CREATED) + 100000 + rand() % 100000);
	object_set_int(o, JOB_FINISHED, object_int(o, JOB_STARTED) + 1000000 + rand() % 1000000);
	object_set_int(o, JOB_DEADLINE, object_int(o, JOB_CREATED) + INT64_C(3600000000000));
	object_set_str(o, JOB_SOURCE, "fs");
	object_set_int(o, JOB_UID, 1000);
	o->changed = object_int(o, JOB_FINISHED);
	for (int f = 0; f < o->kind->field_count; f++)
		object_set_time(o, f, object_int(o, JOB_CREATED));
	object_set_time(o, JOB_STATE, o->changed);
	object_set_time(o, JOB_RESULT, o->changed);
	object_set_time(o, JOB_FINISHED, o->changed);
	object_set_time(o, JOB_STARTED, object_int(o, JOB_STARTED));
	return object_pack(o);
}

static void one_takes_64_bytes_at_most(void **state)
{
	enum { COUNT = 200 * BLOCK_IDS };
	size_t before = mallinfo2().uordblks, after;
	_cleanup_view_ struct view *view = view_new();
	struct view_batch *batch = view_batch_new(view, kind_get(KIND_JOB));
	size_t seen = 0;

	(void)state;
	for (int64_t id = 1; id <= COUNT; id++) {
		_cleanup_object_ const struct object *o = usual_job(id);

		assert_int_equal(view_batch_add(batch, o), 0);
	}
	assert_int_equal(view_batch_put(batch), 0);
	view_batch_free(batch);
	after = mallinfo2().uordblks;
	if (after == 0)
		return; /* a sanitizer's malloc() does not tell */
	print_message("%.1f bytes each\n", (double)(after - before) / COUNT);
	assert_true(after - before <= (size_t)64 * COUNT);
	/* and what was made of them goes */
	view_for_each (o, view, KIND_JOB)
		seen += object_is_null(o, JOB_ERROR);
	assert_int_equal(seen, COUNT);
	assert_true(mallinfo2().uordblks - before > (size_t)128 * COUNT);
	for (int64_t number = 0; (number = view_rest_again(view, KIND_JOB, number));)
		;
	after = mallinfo2().uordblks;
	assert_true(after - before <= (size_t)64 * COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_object_is_as_it_was),
		cmocka_unit_test(objects_can_be_removed),
		cmocka_unit_test(what_does_not_rest_is_refused),
		cmocka_unit_test(nothing_is_wrong_when_memory_is_short),
		cmocka_unit_test(threads_get_the_same_object),
		cmocka_unit_test(a_view_with_blocks_shows_the_same),
		cmocka_unit_test(an_object_is_known_to_be_there_when_memory_is_short),
		cmocka_unit_test(walks_come_across_all_when_memory_is_short),
		cmocka_unit_test(a_view_shows_an_object_until_it_changes),
		cmocka_unit_test(those_that_come_to_rest_later_join_their_block),
		cmocka_unit_test(one_takes_64_bytes_at_most),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
