/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of objects that have ended leave memory, and nobody notices but who would have to wait for them. */
#include "tests/unit/fixture.h"

#include <jansson.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "model/leaving.h"
#include "model/left_text.h"
#include "model/query_parse.h"
#include "model/query_run.h"
#include "model/render.h"
#include "model/states.h"

#define REQUEST "{\"operation\":\"StartVmInstance\",\"target\":\"a56ceb9516134fcf809d113179490891\"}"

#define DIGEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

/* A job whose result names it. */
static struct object *job(unsigned n, bool ended)
{
	struct object *o = make(KIND_JOB, test_uuid(n));
	char result[64];

	snprintf(result, sizeof(result), "{\"job\":%u}", n);
	object_set_str(o, JOB_STATE, ended ? JOB_STATE_DONE : JOB_STATE_QUEUED);
	object_set_str(o, JOB_REQUEST, REQUEST);
	object_set_str(o, JOB_DIGEST, DIGEST);
	if (ended) {
		object_set_str(o, JOB_RESULT, result);
		object_set_int(o, JOB_FINISHED, 1);
	}
	return o;
}

static int put_many(struct txn *t, void *arg, struct error *e)
{
	unsigned *next = arg;
	int r = 0;

	for (unsigned i = 0; i < LEAVING_LATEST / 2 && r == 0; i++)
		r = txn_put(t, job((*next)++, true), NULL, e);
	return r;
}

/* As many ended jobs as are latest, from the number @first on. */
static void put_latest(struct fixture *f, unsigned first)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(store_run(f->store, put_many, &first, NULL), 0);
}

static void assert_text(struct fixture *f, unsigned n, int field, bool left, const char *expected)
{
	_cleanup_object_ const struct object *o = get(f, KIND_JOB, test_uuid(n));
	_cleanup_free_ char *text = NULL;

	assert_int_equal(object_text_has_left(o, field), left);
	assert_int_equal(object_read_text(o, field, &text), 0);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
	assert_true(object_str_is(o, field, expected));
	assert_int_equal(object_check_texts(o, NULL), 0);
}

static char *inventory(struct fixture *f, unsigned n)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	_cleanup_document_ struct document *d =
		render_inventory(view, view_get(view, KIND_JOB, test_uuid(n)));

	assert_non_null(d);
	return strndup(d->data, d->len);
}

static void texts_leave_when_many_others_have_ended_later(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	put(f, job(1, true));
	put(f, job(2, false));
	before = inventory(f, 1);
	assert_text(f, 1, JOB_RESULT, false, "{\"job\":1}");
	put_latest(f, 100);
	assert_text(f, 1, JOB_RESULT, true, "{\"job\":1}");
	assert_text(f, 1, JOB_REQUEST, true, REQUEST);
	assert_text(f, 1, JOB_DIGEST, true, DIGEST);
	assert_text(f, 1, JOB_LONG_JOB, false, NULL);
	assert_text(f, 2, JOB_REQUEST, false, REQUEST);
	assert_text(f, 2, JOB_DIGEST, false, DIGEST);
	assert_text(f, 2, JOB_RESULT, false, NULL);
	assert_text(f, 100, JOB_RESULT, false, "{\"job\":100}");
	after = inventory(f, 1);
	assert_string_equal(after, before);
	put(f, job(3, true));
	assert_text(f, 100, JOB_RESULT, true, "{\"job\":100}");
	assert_text(f, 101, JOB_RESULT, false, "{\"job\":101}");
}

/* How many of the jobs of a block rest in it. */
static int count_resting(struct fixture *f, int64_t number)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	const struct object *o;
	struct view_walk walk;
	int count = 0;

	view_walk_init(&walk, view, KIND_JOB, -1);
	while ((o = view_walk_next(&walk)))
		count += block_number(o->id) == number && !(o->nulls & OBJECT_PACKED);
	return count;
}

/* One that is removed before its texts have left is nothing that the others of its block wait for. */
static void neighbours_of_a_removed_object_rest(void **state)
{
	struct fixture *f = *state;
	const unsigned last = 2 * BLOCK_IDS - 1;
	_cleanup_object_ const struct object *o = NULL;

	put_latest(f, 1);
	o = get(f, KIND_JOB, test_uuid(last));
	assert_int_equal(o->id, last);
	for (unsigned i = 1; i < last; i++)
		put(f, job(5000 + i, true));
	assert_int_equal(count_resting(f, 1), BLOCK_IDS - 1);
	assert_int_equal(count_resting(f, 2), 0);
	assert_int_equal(try_remove(f, test_uuid(last), NULL), 0);
	put(f, job(6000, true));
	assert_int_equal(count_resting(f, 2), BLOCK_IDS - 1);
}

static void it_is_no_change_of_the_object(void **state)
{
	struct fixture *f = *state;
	_cleanup_object_ const struct object *before = NULL, *after = NULL;

	put(f, job(1, true));
	before = get(f, KIND_JOB, test_uuid(1));
	put_latest(f, 100);
	after = get(f, KIND_JOB, test_uuid(1));
	assert_int_equal(after->changed, before->changed);
	assert_int_equal(after->id, before->id);
	for (int i = 0; i < before->kind->field_count; i++) {
		assert_int_equal(object_time(after, i), object_time(before, i));
		assert_true(object_field_equal(after, before, i));
	}
	assert_true(object_equal(before, after));
	assert_true(object_equal(after, before));
}

static void what_had_ended_is_not_loaded(void **state)
{
	struct fixture *f = *state;
	struct object *empty = job(3, true);

	object_set_str(empty, JOB_REQUEST, NULL);
	object_set_str(empty, JOB_RESULT, "");
	put(f, job(1, true));
	put(f, job(2, false));
	put(f, empty);
	fixture_reopen(f);
	assert_text(f, 1, JOB_REQUEST, true, REQUEST);
	assert_text(f, 1, JOB_RESULT, true, "{\"job\":1}");
	assert_text(f, 2, JOB_REQUEST, false, REQUEST);
	assert_text(f, 2, JOB_RESULT, false, NULL);
	assert_text(f, 3, JOB_REQUEST, false, NULL);
	assert_text(f, 3, JOB_RESULT, true, "");
}

static int take_web_hook(struct txn *t, void *arg, struct error *e)
{
	struct object *o;
	int r = txn_edit(t, KIND_JOB, arg, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, JOB_WEB_HOOK, "http://localhost/");
	return txn_put(t, o, NULL, e);
}

static void the_rest_of_the_object_can_be_changed(void **state)
{
	struct fixture *f = *state;
	_cleanup_object_ const struct object *before = NULL, *after = NULL;

	put(f, job(1, true));
	fixture_reopen(f);
	before = get(f, KIND_JOB, test_uuid(1));
	assert_int_equal(store_run(f->store, take_web_hook, (void *)(uintptr_t)test_uuid(1), NULL), 0);
	after = get(f, KIND_JOB, test_uuid(1));
	assert_string_equal(object_text(after, JOB_WEB_HOOK), "http://localhost/");
	assert_int_equal(object_time(after, JOB_RESULT), object_time(before, JOB_RESULT));
	assert_text(f, 1, JOB_RESULT, true, "{\"job\":1}");
	fixture_reopen(f);
	assert_text(f, 1, JOB_REQUEST, true, REQUEST);
	assert_text(f, 1, JOB_RESULT, true, "{\"job\":1}");
}

static size_t count_listed(const struct view *view)
{
	_cleanup_document_ struct document *d = whole_listing(view, KIND_JOB);
	json_t *json;
	size_t count;

	json = json_loadb(d->data, d->len, 0, NULL);
	count = json_array_size(json_object_get(json, "inventories"));
	json_decref(json);
	return count;
}

static size_t count_found(const struct view *view, const char *text)
{
	_cleanup_query_ struct query *q = NULL;
	const struct query_scope scope = {0};
	json_t *json = NULL;
	size_t count;

	assert_int_equal(query_parse(kind_get(KIND_JOB), text, &q, NULL), 0);
	assert_int_equal(query_run(q, view, &scope, &json, NULL), 0);
	count = json_array_size(json_object_get(json, "inventories"));
	json_decref(json);
	return count;
}

/* A view in which there is a job that has been removed since. */
static void a_removed_object_cannot_be_read_and_is_left_out(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;
	_cleanup_free_ char *text = NULL;
	const struct object *o;

	for (unsigned i = 1; i <= 3; i++)
		put(f, job(i, true));
	fixture_reopen(f);
	view = store_view(f->store);
	assert_int_equal(count_listed(view), 3);
	assert_int_equal(count_found(view, ""), 3);
	assert_int_equal(count_found(view, "q=result~=%25job%25"), 3);
	assert_int_equal(count_found(view, "q=result~=%25:2}&fields=uuid"), 1);
	assert_int_equal(try_remove(f, test_uuid(2), NULL), 0);
	o = view_get(view, KIND_JOB, test_uuid(2));
	assert_int_equal(object_read_text(o, JOB_RESULT, &text), -ESTALE);
	assert_null(text);
	assert_null(render_value(view, o, JOB_RESULT));
	assert_null(render_inventory(view, o));
	assert_int_equal(object_check_texts(o, &e), -ESTALE);
	assert_non_null(strstr(error_sentence(&e), "is gone"));
	assert_int_equal(count_listed(view), 2);
	assert_int_equal(count_found(view, ""), 2);
	assert_int_equal(count_found(view, "q=result~=%25job%25"), 2);
	assert_int_equal(count_found(view, "fields=uuid,state"), 3); /* what is in memory stays as it was */
}

/* There is one database at a time of which texts can be read. */
static void a_second_store_keeps_its_texts_in_memory(void **state)
{
	struct fixture *f = *state;
	struct fixture *second = NULL;

	put(f, job(1, true));
	fixture_reopen(f);
	assert_int_equal(fixture_setup((void **)&second), 0);
	put(second, job(1, true));
	put(second, job(2, true));
	fixture_reopen(second);
	put_latest(second, 100);
	assert_text(second, 2, JOB_RESULT, false, "{\"job\":2}");
	assert_text(f, 1, JOB_RESULT, true, "{\"job\":1}");
	assert_int_equal(fixture_teardown((void **)&second), 0);
	assert_text(f, 1, JOB_RESULT, true, "{\"job\":1}");
}

/* A reader in the thread that receives requests ends a build for tests. */
static void a_thread_that_must_not_wait_is_found(void **state)
{
	struct fixture *f = *state;
	_cleanup_object_ const struct object *o = NULL;
	pid_t child;
	int status = 0;

	put(f, job(1, true));
	fixture_reopen(f);
	o = get(f, KIND_JOB, test_uuid(1));
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_DUMPABLE, 0);
		(void)close(STDERR_FILENO);
		left_text_forbid();
		free(object_long_text(o, JOB_RESULT));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
#ifdef POOLFS_TESTS
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
#else
	assert_true(WIFEXITED(status));
#endif
}

/* Readers of old texts, while jobs end, leave and are removed. */
static void *read_all(void *arg)
{
	struct fixture *f = arg;

	for (int round = 0; round < 20; round++) {
		_cleanup_view_ struct view *view = store_view(f->store);

		view_for_each (o, view, KIND_JOB) {
			_cleanup_free_ char *text = NULL;
			int r = object_read_text(o, JOB_RESULT, &text);
			unsigned n;

			if (r == 0 && (sscanf(text, "{\"job\":%u}", &n) != 1 ||
				       strcmp(object_uuid(o), test_uuid(n)) != 0))
				return arg;
			if (r != 0 && r != -ESTALE)
				return arg;
		}
	}
	return NULL;
}

static void readers_get_the_text_of_their_object(void **state)
{
	struct fixture *f = *state;
	pthread_t readers[4];
	void *wrong;

	put_latest(f, 1);
	fixture_reopen(f);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all, f), 0);
	for (unsigned i = 1; i <= 300; i++) {
		put(f, job(LEAVING_LATEST + i, true));
		assert_int_equal(try_remove(f, test_uuid(i), NULL), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		assert_int_equal(pthread_join(readers[i], &wrong), 0);
		assert_null(wrong);
	}
}

/* What left_text.h says of the table of fields. */
static struct object *vm(unsigned n, const char *spec)
{
	struct object *o = object_new(kind_get(KIND_VM));

	object_set_str(o, VM_UUID, test_uuid(n));
	object_set_str(o, VM_NAME, "a VM");
	object_set_str(o, VM_CREATE_SPEC, spec);
	return o;
}

static void assert_spec(const struct object *o, bool left, const char *expected)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(object_text_has_left(o, VM_CREATE_SPEC), left);
	assert_int_equal(object_read_text(o, VM_CREATE_SPEC, &text), 0);
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void hidden_texts_of_what_does_not_end_leave_at_once(void **state)
{
	struct fixture *f = *state;
	_cleanup_object_ const struct object *o = NULL, *whole = NULL, *again = NULL;
	_cleanup_document_ struct document *shown = NULL;
	_cleanup_view_ struct view *view = NULL;

	put(f, vm(1, "what it is made of"));
	put(f, vm(2, NULL));
	o = get(f, KIND_VM, test_uuid(1));
	assert_spec(o, true, "what it is made of");
	assert_true(object_texts_have_left(o));
	assert_false(object_shown_texts_have_left(o));
	/* What shows the object does not read it. */
	assert_int_equal(object_recall(o, 0, &whole, NULL), 0);
	assert_ptr_equal(whole, o);
	view = store_view(f->store);
	shown = render_inventory(view, o);
	assert_non_null(atomic_load(&o->inventory));
	fixture_reopen(f);
	again = get(f, KIND_VM, test_uuid(1));
	assert_spec(again, true, "what it is made of");
	assert_true(object_equal(o, again));
	object_unref(again);
	again = get(f, KIND_VM, test_uuid(2));
	assert_spec(again, false, NULL);
}

static int rename_vm(struct txn *t, void *arg, struct error *e)
{
	struct object *o;
	int r = txn_edit(t, KIND_VM, test_uuid(1), &o, e);

	if (r < 0)
		return r;
	object_set_str(o, VM_NAME, arg);
	return txn_put(t, o, NULL, e);
}

/* Twice in one commit, the second time by a copy from before: the text is neither read, as it is not there yet, nor undone. */
static int change_spec(struct txn *t, void *arg, struct error *e)
{
	const struct object *row = view_get(txn_view(t), KIND_VM, test_uuid(1));
	_cleanup_object_ struct object *old = object_copy(row);
	struct object *o;
	int r = txn_edit(t, KIND_VM, test_uuid(1), &o, e);

	if (r < 0)
		return r;
	object_set_str(o, VM_CREATE_SPEC, arg);
	r = txn_put(t, o, NULL, e);
	if (r < 0)
		return r;
	object_set_str(old, VM_PLATFORM, "Linux");
	return txn_put(t, steal(&old), NULL, e);
}

static void a_text_that_has_left_stays_when_the_rest_is_changed(void **state)
{
	struct fixture *f = *state;
	_cleanup_object_ const struct object *first = NULL, *o = NULL;

	put(f, vm(1, "one"));
	first = get(f, KIND_VM, test_uuid(1));
	assert_int_equal(store_run(f->store, rename_vm, (void *)(uintptr_t) "renamed", NULL), 0);
	o = get(f, KIND_VM, test_uuid(1));
	assert_string_equal(object_str(o, VM_NAME), "renamed");
	assert_spec(o, true, "one");
	assert_int_equal(object_time(o, VM_CREATE_SPEC), object_time(first, VM_CREATE_SPEC));
	assert_int_equal(store_run(f->store, change_spec, (void *)(uintptr_t) "two", NULL), 0);
	object_unref(o);
	o = get(f, KIND_VM, test_uuid(1));
	assert_spec(o, true, "two");
	assert_string_equal(object_str(o, VM_PLATFORM), "Linux");
	assert_true(object_time(o, VM_CREATE_SPEC) > object_time(first, VM_CREATE_SPEC));
	fixture_reopen(f);
	object_unref(o);
	o = get(f, KIND_VM, test_uuid(1));
	assert_spec(o, true, "two");
	assert_int_equal(store_run(f->store, change_spec, NULL, NULL), 0);
	assert_spec(o, true, NULL); /* of an earlier view: it is null by now */
	object_unref(o);
	o = get(f, KIND_VM, test_uuid(1));
	assert_spec(o, false, NULL);
}

static void texts_that_leave_are_of_what_ends_or_hidden(void **state)
{
	(void)state;
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		for (int i = 0; i < kind_get((enum kind_id)k)->field_count; i++) {
			const struct field *field = &kind_get((enum kind_id)k)->fields[i];

			if (!(field->flags & F_LEAVES))
				continue;
			assert_true(field->flags & F_COMPRESSED);
			assert_int_equal(field->type, FIELD_STRING);
			assert_int_equal(field->flags & (F_INDEX | F_SHARED | F_FOREIGN | F_OWNER), 0);
			assert_true(kind_get((enum kind_id)k)->end_field > 0 || (field->flags & F_HIDDEN));
		}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(texts_leave_when_many_others_have_ended_later),
		CASE(neighbours_of_a_removed_object_rest),
		CASE(it_is_no_change_of_the_object),
		CASE(what_had_ended_is_not_loaded),
		CASE(the_rest_of_the_object_can_be_changed),
		CASE(a_removed_object_cannot_be_read_and_is_left_out),
		CASE(a_second_store_keeps_its_texts_in_memory),
		CASE(a_thread_that_must_not_wait_is_found),
		CASE(readers_get_the_text_of_their_object),
		CASE(hidden_texts_of_what_does_not_end_leave_at_once),
		CASE(a_text_that_has_left_stays_when_the_rest_is_changed),
		cmocka_unit_test(texts_that_leave_are_of_what_ends_or_hidden),
	};

	return cmocka_run_group_tests_name("left_text", tests, NULL, NULL);
}
