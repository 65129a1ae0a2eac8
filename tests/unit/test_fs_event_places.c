/* SPDX-License-Identifier: Apache-2.0 */
/* Where the readers of events stand is kept for the next process, as long as they have an account. */
#include "tests/unit/fixture.h"

#include "fs/tell/event_places.h"
#include "model/event.h"

struct readers {
	struct fixture *f;
	struct keep *keep;
	int file;
};

static int setup(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct readers *r = calloc(1, sizeof(*r));
	void *f;

	assert_non_null(r);
	assert_int_equal(fixture_setup(&f), 0);
	r->f = f;
	assert_int_equal(keep_new(&r->file, &e), 0);
	assert_int_equal(keep_open(r->file, &r->keep, &e), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct readers *r = *state;
	void *f = r->f;

	keep_free(r->keep);
	(void)close(r->file);
	free(r);
	return fixture_teardown(&f);
}

static struct event_log *events(const struct readers *r)
{
	return store_events(r->f->store);
}

static int64_t add_account(const struct readers *r, unsigned number)
{
	struct object *o = make(KIND_ACCOUNT, test_uuid(number));
	_cleanup_view_ struct view *view = NULL;

	object_set_str(o, ACCOUNT_TYPE, "Normal");
	put(r->f, o);
	view = store_view(r->f->store);
	return view_get(view, KIND_ACCOUNT, test_uuid(number))->id;
}

static void observe(const struct readers *r, const struct change *changes, size_t count)
{
	_cleanup_view_ struct view *view = store_view(r->f->store);

	event_places_observe(r->keep, events(r), view, changes, count);
}

static int remove_fn(struct txn *t, void *arg, struct error *e)
{
	return txn_remove(t, view_get_id(txn_view(t), KIND_ACCOUNT, *(int64_t *)arg), e);
}

static void test_deleted_accounts(void **state)
{
	struct readers *r = *state;
	int64_t stays = add_account(r, 1), goes = add_account(r, 2);
	_cleanup_view_ struct view *view = store_view(r->f->store);
	struct change change = {.before = view_get_id(view, KIND_ACCOUNT, goes)};
	size_t counted;

	assert_true(event_log_end(events(r), EVENT_READER_ALL) > 0);
	(void)event_log_end(events(r), stays);
	(void)event_log_end(events(r), goes);
	observe(r, NULL, 0);
	assert_true(keep_has(r->keep, KEEP_EVENTS, (uint64_t)goes));
	assert_int_equal(store_run(r->f->store, remove_fn, &goes, NULL), 0);
	observe(r, &change, 1);
	assert_false(keep_has(r->keep, KEEP_EVENTS, (uint64_t)goes));
	/* who had asked for the view before does so late */
	(void)event_log_end(events(r), goes);
	observe(r, NULL, 0);
	assert_false(keep_has(r->keep, KEEP_EVENTS, (uint64_t)goes));
	assert_true(keep_has(r->keep, KEEP_EVENTS, (uint64_t)stays));
	assert_true(keep_has(r->keep, KEEP_EVENTS, EVENT_READER_ALL));
	assert_int_equal(event_log_readers(events(r), &counted), 2);
}

/* Positions go on; of an account that was deleted when no process was there nothing does. */
static void test_next_process(void **state)
{
	struct readers *r = *state;
	int64_t stays = add_account(r, 1), goes = add_account(r, 2), end;
	_cleanup_view_ struct view *view = NULL;

	end = event_log_end(events(r), EVENT_READER_ALL);
	(void)event_log_end(events(r), stays);
	(void)event_log_end(events(r), goes);
	observe(r, NULL, 0);
	assert_int_equal(store_run(r->f->store, remove_fn, &goes, NULL), 0);
	fixture_reopen(r->f);
	view = store_view(r->f->store);
	assert_int_equal(event_places_load(r->keep, events(r), view), 0);
	assert_false(keep_has(r->keep, KEEP_EVENTS, (uint64_t)goes));
	assert_true(keep_has(r->keep, KEEP_EVENTS, (uint64_t)stays));
	assert_true(event_log_end(events(r), EVENT_READER_ALL) > end); /* the removal, too */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_deleted_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_process, setup, teardown),
	};

	return cmocka_run_group_tests_name("fs_event_places", tests, NULL, NULL);
}
