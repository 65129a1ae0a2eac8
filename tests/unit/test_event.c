/* SPDX-License-Identifier: Apache-2.0 */
/* Events: one for each committed change, none for any other, and a limited number of them. */
#include "tests/unit/fixture.h"

/* All events after @sequence as one text, owned by the caller; NULL when some of them were dropped. */
static char *read_since(struct fixture *f, int64_t sequence)
{
	struct event_log *log = store_events(f->store);
	int64_t position;
	size_t size;
	char *text;

	if (event_log_find(log, sequence, &position) < 0)
		return NULL;
	size = (size_t)(event_log_end(log) - position);
	text = calloc(1, size + 1);
	assert_non_null(text);
	for (size_t done = 0; done < size;) {
		/* Small pieces, so that they end both within lines and at line ends. */
		ssize_t len = event_log_read(log, position + (int64_t)done, text + done,
					     size - done < 4099 ? size - done : 4099);

		assert_true(len > 0);
		done += (size_t)len;
	}
	return text;
}

static int put_twice_and_fail_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	assert_int_equal(txn_put(t, make(KIND_ZONE, test_uuid(7)), NULL, e), 0);
	return error_set(e, EBUSY, "no");
}

static int put_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	txn_set_cause(t, &(struct cause){.job = "j", .uid = 5, .account = "a", .source = "rest"});
	return txn_put(t, make(KIND_ZONE, test_uuid(8)), NULL, e);
}

static void test_only_what_was_committed(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;
	int64_t position;

	assert_int_equal(event_log_last(store_events(f->store)), 0);
	put(f, make(KIND_ZONE, test_uuid(1)));
	assert_int_equal(store_run(f->store, put_twice_and_fail_fn, NULL, NULL), -EBUSY);
	assert_int_equal(store_try(f->store, put_fn, NULL, NULL), 0);
	assert_int_equal(event_log_last(store_events(f->store)), 1);
	assert_int_equal(store_run(f->store, put_fn, NULL, NULL), 0);
	assert_int_equal(event_log_last(store_events(f->store)), 2);
	text = read_since(f, 1);
	assert_non_null(strstr(text, "\"sequence\":2,"));
	assert_non_null(strstr(text, "\"job\":\"j\",\"uid\":5,\"account\":\"a\",\"source\":\"rest\""));
	assert_null(strstr(text, "\"sequence\":1,"));
	assert_int_equal(event_log_find(store_events(f->store), 3, &position), -ENOENT);
}

static void test_no_secrets(void **state)
{
	struct fixture *f = *state;
	struct object *tag = make(KIND_SYSTEM_TAG, test_uuid(1)), *account = make(KIND_ACCOUNT, test_uuid(2));
	_cleanup_free_ char *text = NULL;

	object_set_str(tag, SYSTEM_TAG_TAG, "consolePassword::hush");
	object_set_str(account, ACCOUNT_PASSWORD_HASH, "hush");
	put(f, tag);
	put(f, account);
	text = read_since(f, 0);
	assert_non_null(strstr(text, "SystemTag"));
	assert_non_null(strstr(text, "Account"));
	assert_null(strstr(text, "hush"));
}

/* The oldest are dropped, numbers continue; the stored events are the same after a restart. */
static void test_limited_and_persistent(void **state)
{
	struct fixture *f = *state;
	static char long_text[1 << 20];
	_cleanup_free_ char *before = NULL, *after = NULL;
	const struct object *zone;
	int64_t first, last, position;

	put(f, make(KIND_ZONE, test_uuid(1)));
	for (int i = 0; i < 20; i++) {
		struct object *copy;

		memset(long_text, 'a' + i, sizeof(long_text) - 1);
		zone = get(f, KIND_ZONE, test_uuid(1));
		copy = object_copy(zone);
		object_set_str(copy, ZONE_DESCRIPTION, long_text);
		put(f, copy);
		object_unref(zone);
	}
	first = event_log_first(store_events(f->store));
	last = event_log_last(store_events(f->store));
	assert_int_equal(last, 21);
	assert_true(first > 0);
	assert_int_equal(event_log_find(store_events(f->store), first - 1, &position), -ESTALE);
	assert_int_equal(event_log_read(store_events(f->store), 0, long_text, 1), -ESTALE);
	before = read_since(f, first);
	assert_non_null(before);
	assert_true(strlen(before) <= EVENTS_BYTES);
	fixture_reopen(f);
	assert_int_equal(event_log_first(store_events(f->store)), first);
	assert_int_equal(event_log_last(store_events(f->store)), last);
	after = read_since(f, first);
	assert_string_equal(before, after);
	put(f, make(KIND_ZONE, test_uuid(2)));
	assert_int_equal(event_log_last(store_events(f->store)), last + 1);
}

/* A reader's position means the same in the next process, and is gone if its events are. */
static void test_positions_go_on(void **state)
{
	struct fixture *f = *state;
	char before[64] = "", after[64] = "";
	int64_t place, end;

	put(f, make(KIND_ZONE, test_uuid(1)));
	put(f, make(KIND_ZONE, test_uuid(2)));
	assert_int_equal(event_log_find(store_events(f->store), 1, &place), 0);
	end = event_log_end(store_events(f->store));
	assert_true(place > 0 && end > place);
	assert_true(event_log_read(store_events(f->store), place, before, sizeof(before) - 1) > 0);
	fixture_reopen(f);
	event_log_move(store_events(f->store), 1, place + 1000);
	assert_int_equal(event_log_end(store_events(f->store)), end + 1000);
	assert_true(event_log_read(store_events(f->store), place + 1000, after, sizeof(after) - 1) > 0);
	assert_string_equal(before, after);
	assert_int_equal(event_log_read(store_events(f->store), place, after, 1), -ESTALE);
	event_log_move(store_events(f->store), 99, end + 1000);
	assert_int_equal(event_log_read(store_events(f->store), end + 1000, after, 1), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_what_was_committed, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_no_secrets, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_limited_and_persistent, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_positions_go_on, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
