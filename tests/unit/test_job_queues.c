/* SPDX-License-Identifier: Apache-2.0 */
/* The queues of jobs: order, jobs of several objects, and what many jobs of one object cost. */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/engine/job_queues.h"

static size_t comparisons; /* of names, by whoever searches */

int __real_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b)
{
	comparisons++;
	return __real_strcmp(a, b);
}

static void entry_free(struct job_entry *entry)
{
	free(entry);
}

/* A job of the object @queue, and of others: second (or NULL), and references. */
static struct job_entry *enter(struct job_queues *q, const struct view *view, const char *uuid,
			       const char *queue, const char *second)
{
	struct object *job = object_new(kind_get(KIND_JOB));
	struct job_entry *entry = calloc(1, sizeof(*entry));

	assert_non_null(job);
	assert_non_null(entry);
	object_set_str(job, JOB_UUID, uuid);
	object_set_str(job, JOB_QUEUE, queue);
	object_set_str(job, JOB_QUEUE2, second);
	assert_int_equal(job_queues_enter(q, view, job, entry), 0);
	object_unref(job);
	return entry;
}

static void put_ref(struct view *view, int64_t row, const char *job, const char *object)
{
	struct object *ref = object_new(kind_get(KIND_QUEUE_REF));
	char uuid[UUID_SIZE];

	assert_non_null(ref);
	snprintf(uuid, sizeof(uuid), "%032d", (int)row);
	ref->id = row;
	object_set_str(ref, QUEUE_REF_UUID, uuid);
	object_set_str(ref, QUEUE_REF_JOB_UUID, job);
	object_set_str(ref, QUEUE_REF_OBJECT_UUID, object);
	assert_int_equal(view_put(view, ref), 0);
	object_unref(ref);
}

/* A job is ready when it is the first in the queues of all its objects. */
static void test_order(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	struct job_queues *q = job_queues_new();
	struct job_entry *a, *b, *c, *d, *ready;

	(void)state;
	assert_non_null(view);
	assert_non_null(q);
	put_ref(view, 1, "d", "object3");
	put_ref(view, 2, "d", "object4");
	a = enter(q, view, "a", "object1", NULL);
	b = enter(q, view, "b", "object2", "object2"); /* the same twice counts once */
	c = enter(q, view, "c", "object1", "object3");
	d = enter(q, view, "d", "object1", "object2");
	assert_int_equal(a->blocked, 0);
	assert_int_equal(b->blocked, 0);
	assert_int_equal(c->blocked, 1);
	assert_int_equal(d->count, 4);
	assert_int_equal(d->blocked, 3);
	assert_ptr_equal(job_queues_find(q, "c"), c);
	assert_null(job_queues_find(q, "e"));

	assert_null(job_queues_leave(q, b));
	ready = job_queues_leave(q, a);
	assert_ptr_equal(ready, c);
	assert_null(ready->next_ready);
	assert_null(job_queues_find(q, "a"));
	ready = job_queues_leave(q, c);
	assert_ptr_equal(ready, d);
	assert_null(ready->next_ready);
	free(a);
	free(b);
	free(c);
	/* one that makes several ready */
	a = enter(q, view, "x", "object3", NULL);
	b = enter(q, view, "y", "object4", NULL);
	ready = job_queues_leave(q, d);
	assert_true(ready == a || ready == b);
	assert_true(ready->next_ready == a || ready->next_ready == b);
	assert_ptr_not_equal(ready, ready->next_ready);
	assert_null(ready->next_ready->next_ready);
	free(d);
	job_queues_free(q, entry_free); /* with those that are left */
}

/* Many jobs of one object: each is found and queued without looking at all the others. */
static void test_many_jobs_of_an_object(void **state)
{
	enum { COUNT = 100000, EACH = 60 }; /* more than two searches in a balanced tree of so many */
	_cleanup_view_ struct view *view = view_new();
	_cleanup_free_ struct job_entry **entries = calloc(COUNT, sizeof(struct job_entry *));
	struct job_queues *q = job_queues_new();
	char uuid[UUID_SIZE];

	(void)state;
	assert_non_null(entries);
	comparisons = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(uuid, sizeof(uuid), "%032x", i * 2654435761u);
		assert_null(job_queues_find(q, uuid)); /* as at the start of the executor */
		entries[i] = enter(q, view, uuid, "object", NULL);
		assert_int_equal(entries[i]->blocked, i != 0);
	}
	assert_in_range(comparisons, COUNT, (size_t)COUNT * 2 * EACH);
	comparisons = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		struct job_entry *ready;

		assert_ptr_equal(job_queues_find(q, entries[i]->job), entries[i]);
		ready = job_queues_leave(q, entries[i]);
		assert_ptr_equal(ready, i + 1 < COUNT ? entries[i + 1] : NULL);
		free(entries[i]);
	}
	assert_in_range(comparisons, COUNT, (size_t)COUNT * 2 * EACH);
	job_queues_free(q, entry_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many_jobs_of_an_object),
	};

	return cmocka_run_group_tests_name("job_queues", tests, NULL, NULL);
}
