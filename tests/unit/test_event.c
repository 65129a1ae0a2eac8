/* SPDX-License-Identifier: Apache-2.0 */
/* Events: one for each committed change, none for any other, and a limited number of them. */
#include "tests/unit/fixture.h"

#include <jansson.h>
#include <sqlite3.h>

#include "model/access.h"
#include "model/json.h"

/* What the reader sees of the events after @sequence, owned by the caller; NULL when some of them were dropped. */
static char *read_as(struct fixture *f, int64_t reader, int64_t sequence)
{
	struct event_log *log = store_events(f->store);
	int64_t position;
	size_t size;
	char *text;

	if (event_log_find(log, reader, sequence, &position) < 0)
		return NULL;
	size = (size_t)(event_log_end(log, reader) - position);
	text = calloc(1, size + 1);
	assert_non_null(text);
	for (size_t done = 0; done < size;) {
		/* Small pieces, so that they end both within lines and at line ends. */
		ssize_t len = event_log_read(log, reader, position + (int64_t)done, text + done,
					     size - done < 4099 ? size - done : 4099);

		assert_true(len > 0);
		done += (size_t)len;
	}
	return text;
}

static char *read_since(struct fixture *f, int64_t sequence)
{
	return read_as(f, EVENT_READER_ALL, sequence);
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
	assert_non_null(strstr(text, "\"source\":\"rest\",\"job\":\"j\",\"uid\":5,\"account\":\"a\"}\n"));
	assert_null(strstr(text, "\"sequence\":1,"));
	assert_int_equal(event_log_find(store_events(f->store), EVENT_READER_ALL, 3, &position), -ENOENT);
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

/* The lines are what a JSON library would write of what they say. */
static void test_compact_json(void **state)
{
	static const char name[] = "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f \xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7";
	struct fixture *f = *state;
	struct object *volume = make(KIND_VOLUME, test_uuid(1));
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	int lines = 0;

	object_set_str(volume, VOLUME_NAME, name);
	object_set_str(volume, VOLUME_DESCRIPTION, "");
	object_set_int(volume, VOLUME_SIZE, INT64_MAX);
	object_set_int(volume, VOLUME_IS_SHAREABLE, 1);
	object_set_int(volume, VOLUME_DEVICE_ID, -1);
	put(f, volume);
	assert_int_equal(store_run(f->store, put_fn, NULL, NULL), 0);
	text = read_since(f, 0);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
		_cleanup_json_ json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		_cleanup_free_ char *again = json ? json_dumps(json, JSON_COMPACT) : NULL;
		const json_t *changes = json_object_get(json, "changes");

		assert_string_equal(line, again);
		if (lines > 0)
			continue;
		assert_string_equal(json_string_value(json_object_get(json, "name")), name);
		assert_int_equal(json_integer_value(json_object_get(json_object_get(changes, "size"), "to")),
				 INT64_MAX);
		assert_true(json_is_true(json_object_get(json_object_get(changes, "isShareable"), "to")));
		assert_null(json_object_get(changes, "state"));
	}
	assert_int_equal(lines, 2);
}

/* Who reads all of a line reads from whom to whom an object has gone, nobody being null. */
static void test_owners(void **state)
{
	static const char *const owners[] = {NULL, "a", "b", NULL};
	static const char *const told[] = {NULL, "\"owner\":{\"from\":null,\"to\":\"a\"}",
					   "\"owner\":{\"from\":\"a\",\"to\":\"b\"}",
					   "\"owner\":{\"from\":\"b\",\"to\":null}"};
	struct fixture *f = *state;
	const int field = kind_get(KIND_VOLUME)->owner_field;

	put(f, make(KIND_VOLUME, test_uuid(1)));
	for (int i = 1; i < 4; i++) {
		const struct object *before = get(f, KIND_VOLUME, test_uuid(1));
		struct object *volume = object_copy(before);
		_cleanup_free_ char *text = NULL;

		object_unref(before);
		object_set_str(volume, field, owners[i]);
		put(f, volume);
		text = read_since(f, i);
		assert_non_null(strstr(text, told[i]));
	}
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
	assert_true(event_log_end(store_events(f->store), EVENT_READER_ALL) > 0); /* has looked */
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
	assert_int_equal(event_log_find(store_events(f->store), EVENT_READER_ALL, first - 1, &position),
			 -ESTALE);
	assert_int_equal(event_log_read(store_events(f->store), EVENT_READER_ALL, 0, long_text, 1), -ESTALE);
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

/* What event_log_take_places() and event_log_take_news() have told. */
struct told {
	size_t count;
	int64_t reader, sequence, position;
};

static void tell_place(void *arg, int64_t reader, int64_t sequence, int64_t position)
{
	struct told *told = arg;

	*told = (struct told){told->count + 1, reader, sequence, position};
}

static struct told take_places(struct fixture *f)
{
	struct told told = {0};

	event_log_take_places(store_events(f->store), tell_place, &told);
	return told;
}

static void tell_news(void *arg, int64_t reader)
{
	tell_place(arg, reader, 0, 0);
}

static struct told take_news(struct fixture *f)
{
	struct told told = {0};

	event_log_take_news(store_events(f->store), tell_news, &told);
	return told;
}

/* A reader's positions mean the same in the next process, and are gone if its events are. */
static void test_positions_go_on(void **state)
{
	struct fixture *f = *state;
	char before[64] = "", after[64] = "";
	int64_t place, end;
	struct told told;

	put(f, make(KIND_ZONE, test_uuid(1)));
	put(f, make(KIND_ZONE, test_uuid(2)));
	assert_int_equal(take_places(f).count, 0);
	assert_int_equal(event_log_find(store_events(f->store), EVENT_READER_ALL, 1, &place), 0);
	end = event_log_end(store_events(f->store), EVENT_READER_ALL);
	assert_true(place > 0 && end > place);
	assert_true(event_log_read(store_events(f->store), EVENT_READER_ALL, place, before,
				   sizeof(before) - 1) > 0);
	told = take_places(f);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.reader, EVENT_READER_ALL);
	assert_int_equal(told.sequence, 2);
	assert_int_equal(told.position, end);
	assert_int_equal(take_places(f).count, 0);
	fixture_reopen(f);
	assert_int_equal(event_log_move(store_events(f->store), EVENT_READER_ALL, 1, place + 1000), 0);
	assert_int_equal(event_log_end(store_events(f->store), EVENT_READER_ALL), end + 1000);
	assert_true(event_log_read(store_events(f->store), EVENT_READER_ALL, place + 1000, after,
				   sizeof(after) - 1) > 0);
	assert_string_equal(before, after);
	assert_int_equal(event_log_read(store_events(f->store), EVENT_READER_ALL, place, after, 1), -ESTALE);
	assert_int_equal(event_log_move(store_events(f->store), EVENT_READER_ALL, 99, end + 1000), 0);
	assert_int_equal(event_log_read(store_events(f->store), EVENT_READER_ALL, end + 1000, after, 1),
			 -ESTALE);
}

/* ------------------------------------------------------------------ readers */

/* What was recorded before lines had an audience is the administrator's, and new lines are not. */
static void test_older_database(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *path = NULL, *all = NULL, *hers = NULL, *line = NULL;
	sqlite3 *db;

	put(f, make(KIND_ACCOUNT, test_uuid(1)));
	put(f, make(KIND_ZONE, test_uuid(2)));
	all = read_since(f, 0);
	store_close(f->store);
	f->store = NULL;
	assert_true(asprintf(&path, "%s/pool.db", f->dir) > 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "ALTER TABLE event DROP COLUMN audience; ALTER TABLE event DROP COLUMN maker;"
			     "ALTER TABLE event DROP COLUMN shown; PRAGMA user_version = 1;"
			     "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE t",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	fixture_open(f);
	line = read_since(f, 0);
	assert_string_equal(line, all);
	put(f, make(KIND_ZONE, test_uuid(3)));
	hers = read_as(f, 1, 0);
	assert_non_null(strstr(hers, "\"sequence\":3,"));
	assert_null(strstr(hers, "\"sequence\":2,"));
}

#define ACCOUNTS 3
#define IMAGES	 6
#define STEPS	 400

/* uuids: accounts from 1, images from 16, shares and tags from there. */
static const char *account_uuid(int i)
{
	return test_uuid(1 + (unsigned)i);
}

static int64_t account_id(const struct view *view, int i)
{
	return view_get(view, KIND_ACCOUNT, account_uuid(i))->id;
}

/* A step of the test: an object is put or removed on behalf of an account. */
struct step {
	struct object *put;
	const char *remove;
	int account; /* -1: the administrator's */
};

static int step_fn(struct txn *t, void *arg, struct error *e)
{
	const struct step *s = arg;
	struct cause cause = {.uid = 4000 + s->account, .job = "job", .source = "fs"};

	if (s->account >= 0)
		snprintf(cause.account, sizeof(cause.account), "%s", account_uuid(s->account));
	txn_set_cause(t, &cause);
	return s->put ? txn_put(t, s->put, NULL, e) : txn_remove(t, view_get_any(txn_view(t), s->remove), e);
}

/* A change of an image: made, renamed, given away, shared, no longer shared, removed; *ret_remove or *ret_put. */
static void any_step(const struct view *view, struct step *ret)
{
	const char *uuid = test_uuid(16 + (unsigned)(random() % IMAGES));
	const struct object *image = view_get(view, KIND_IMAGE, uuid), *share, *receiver;
	char key[SHARE_KEY_SIZE];
	int to = (int)(random() % (ACCOUNTS + 1)) - 1; /* -1: all */

	*ret = (struct step){.account = (int)(random() % (ACCOUNTS + 1)) - 1};
	receiver = to < 0 ? NULL : view_get(view, KIND_ACCOUNT, account_uuid(to));
	share = image ? access_share(view, uuid, receiver ? object_uuid(receiver) : NULL) : NULL;
	if (!image) {
		ret->put = make(KIND_IMAGE, uuid);
		object_set_str(ret->put, IMAGE_ACCOUNT_UUID, receiver ? object_uuid(receiver) : NULL);
		return;
	}
	switch (random() % 5) {
	case 0:
		ret->put = object_copy(image);
		object_set_str(ret->put, IMAGE_ACCOUNT_UUID, receiver ? object_uuid(receiver) : NULL);
		break;
	case 1:
		if (share) {
			ret->remove = object_uuid(share);
			break;
		}
		ret->put = make(KIND_SHARED_RESOURCE, test_uuid(1000 + (unsigned)random() % 1000000));
		object_set_str(ret->put, SHARED_RESOURCE_UUID, uuid);
		object_set_str(ret->put, SHARED_RECEIVER_UUID, receiver ? object_uuid(receiver) : NULL);
		object_set_str(ret->put, SHARED_OWNER_UUID, object_str(image, IMAGE_ACCOUNT_UUID));
		object_set_str(ret->put, SHARED_KEY,
			       access_share_key(uuid, receiver ? object_uuid(receiver) : NULL, key));
		break;
	case 2:
		if (random() % 2 &&
		    !view_next_where(view, KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID, uuid, 0)) {
			ret->remove = object_uuid(image);
			break;
		}
		ret->put = make(KIND_SYSTEM_TAG, test_uuid(2000000 + (unsigned)random() % 1000000));
		object_set_str(ret->put, SYSTEM_TAG_RESOURCE_UUID, uuid);
		break;
	default:
		ret->put = object_copy(image);
		snprintf(key, sizeof(key), "name %ld", random() % 1000);
		object_set_str(ret->put, IMAGE_NAME, key);
		break;
	}
}

static bool saw(const struct view *view, const char *uuid, const char *account)
{
	const struct object *o = view_get_any(view, uuid);

	return o && access_may_see(view, o, account);
}

/*
 * Each account sees exactly the lines about objects that it saw before or sees after the change, and why they changed if
 * it was on its behalf; positions and sizes agree, in the middle and after a restart.
 */
static void test_readers(void **state)
{
	struct fixture *f = *state;
	struct event_log *log = store_events(f->store);
	size_t shown[ACCOUNTS] = {0}, hidden[ACCOUNTS] = {0};
	char *texts[ACCOUNTS];

	srandom(12);
	for (int i = 0; i < ACCOUNTS; i++)
		put(f, make(KIND_ACCOUNT, account_uuid(i)));
	for (int n = 0; n < STEPS; n++) {
		_cleanup_view_ struct view *was = store_view(f->store), *is = NULL;
		_cleanup_free_ char *all = NULL;
		int64_t before = event_log_last(log);
		_cleanup_json_ json_t *event = NULL;
		struct step step;
		char uuid[UUID_SIZE];

		any_step(was, &step);
		assert_true(store_run(f->store, step_fn, &step, NULL) >= 0);
		is = store_view(f->store);
		all = read_since(f, before);
		if (!*all)
			continue;
		event = json_loads(all, 0, NULL);
		snprintf(uuid, sizeof(uuid), "%s", json_string_value(json_object_get(event, "uuid")));
		for (int i = 0; i < ACCOUNTS; i++) {
			_cleanup_free_ char *text = read_as(f, account_id(is, i), before);

			if (!saw(was, uuid, account_uuid(i)) && !saw(is, uuid, account_uuid(i))) {
				assert_string_equal(text, "");
				hidden[i]++;
			} else if (step.account == i) {
				assert_string_equal(text, all);
				shown[i]++;
			} else {
				_cleanup_json_ json_t *part = json_loads(text, 0, NULL);

				assert_non_null(part);
				(void)json_object_del(event, "job");
				(void)json_object_del(event, "uid");
				(void)json_object_del(event, "account");
				(void)json_object_del(event, "owner");
				assert_true(json_equal(part, event));
				json_decref(event);
				event = json_loads(all, 0, NULL);
				shown[i]++;
			}
		}
	}
	for (int i = 0; i < ACCOUNTS; i++) {
		_cleanup_view_ struct view *view = store_view(f->store);

		assert_true(shown[i] > STEPS / 10 && hidden[i] > STEPS / 10);
		texts[i] = read_as(f, account_id(view, i), 0);
	}
	fixture_reopen(f);
	for (int i = 0; i < ACCOUNTS; i++) {
		_cleanup_view_ struct view *view = store_view(f->store);
		int64_t reader = account_id(view, i), position, start,
			last = event_log_last(store_events(f->store));
		_cleanup_free_ char *again = NULL;

		log = store_events(f->store);
		again = read_as(f, reader, 0);
		assert_string_equal(again, texts[i]);
		assert_int_equal(event_log_find(log, reader, 0, &start), 0);
		for (int64_t n = 0; n <= last; n++) {
			_cleanup_free_ char *rest = read_as(f, reader, n);

			assert_int_equal(event_log_find(log, reader, n, &position), 0);
			assert_string_equal(again + (position - start), rest);
		}
		free(texts[i]);
	}
}

/* Positions stay when the oldest lines are dropped, also those of readers who have not looked for long. */
static void test_readers_of_a_full_log(void **state)
{
	struct fixture *f = *state;
	struct event_log *log = store_events(f->store);
	static char long_text[100000];
	_cleanup_free_ char *early = NULL, *rest = NULL;
	int64_t reader, end, first;
	_cleanup_view_ struct view *view = NULL;

	put(f, make(KIND_ACCOUNT, account_uuid(0)));
	view = store_view(f->store);
	reader = account_id(view, 0);
	early = read_as(f, reader, 0);
	end = event_log_end(log, reader);
	for (int i = 0; i < 400; i++) {
		struct object *o = make(KIND_IMAGE, test_uuid(100 + (unsigned)i));

		memset(long_text, 'a' + i % 26, sizeof(long_text) - 1);
		object_set_str(o, IMAGE_DESCRIPTION, long_text);
		object_set_str(o, IMAGE_ACCOUNT_UUID, i % 3 ? account_uuid(0) : NULL);
		put(f, o);
	}
	first = event_log_first(log);
	assert_true(first > 200);
	assert_int_equal(event_log_read(log, reader, end, long_text, 1), -ESTALE);
	rest = read_as(f, reader, first);
	assert_int_equal(event_log_find(log, reader, first, &end), 0);
	assert_int_equal(event_log_end(log, reader) - end, strlen(rest));
	fixture_reopen(f);
	free(early);
	early = read_as(f, reader, first);
	assert_string_equal(early, rest);
}

/* News are for those who have looked and see them. */
static void test_news(void **state)
{
	struct fixture *f = *state;
	struct event_log *log = store_events(f->store);
	struct object *image = make(KIND_IMAGE, test_uuid(100));
	struct told told;

	put(f, make(KIND_ACCOUNT, account_uuid(0)));
	assert_int_equal(take_news(f).count, 0);
	(void)event_log_end(log, 1);
	assert_int_equal(take_news(f).count, 0);
	put(f, make(KIND_IMAGE, test_uuid(99)));
	assert_int_equal(take_news(f).count, 0);
	object_set_str(image, IMAGE_ACCOUNT_UUID, account_uuid(0));
	put(f, image);
	told = take_news(f);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.reader, 1);
	assert_int_equal(take_news(f).count, 0);
}

/* Fills the log until its oldest lines are dropped. */
static void fill_log(struct fixture *f, unsigned from)
{
	static char long_text[100000];
	int64_t first = event_log_first(store_events(f->store));

	memset(long_text, 'a', sizeof(long_text) - 1);
	while (event_log_first(store_events(f->store)) == first) {
		struct object *o = make(KIND_IMAGE, test_uuid(from++));

		object_set_str(o, IMAGE_DESCRIPTION, long_text);
		put(f, o);
	}
}

/* However many readers there are, lines are counted for some; of the others nobody notices, until they come back. */
static void test_many_readers(void **state)
{
	enum { READERS = EVENT_READERS + 50 };
	struct fixture *f = *state;
	struct event_log *log = store_events(f->store);
	char text[8];
	int64_t early, late, end;
	size_t counted = 0;

	for (unsigned i = 0; i < 10; i++)
		put(f, make(KIND_IMAGE, test_uuid(i + 1)));
	early = event_log_end(log, EVENT_READER_ALL);
	for (int64_t reader = 1; reader <= READERS; reader++) {
		(void)event_log_end(log, reader);
		(void)event_log_end(log, 1); /* stays awake */
	}
	assert_int_equal(event_log_readers(log, &counted), READERS + 1);
	assert_int_equal(counted, EVENT_READERS);
	assert_int_equal(take_places(f).count, READERS + 1);
	assert_int_equal(take_places(f).count, 0);

	/* It slept while lines came, and finds all its positions again. */
	put(f, make(KIND_IMAGE, test_uuid(20)));
	assert_int_equal(take_news(f).count,
			 READERS + 1 - EVENT_READERS); /* those who sleep: accounts see no image */
	assert_int_equal(take_news(f).count, 0);
	end = event_log_end(log, EVENT_READER_ALL);
	assert_int_equal(event_log_find(log, EVENT_READER_ALL, 10, &late), 0);
	assert_int_equal(late, early);
	assert_true(end > early);
	assert_int_equal(event_log_find(log, EVENT_READER_ALL, 0, &late), 0);
	assert_int_equal(late, 0);
	assert_int_equal(event_log_read(log, EVENT_READER_ALL, 0, text, 2), 2);
	assert_int_equal(event_log_readers(log, &counted), READERS + 1);
	assert_int_equal(counted, EVENT_READERS);

	/* It sleeps while lines that it has not seen are dropped: no old position is mistaken for a new one. */
	for (int64_t reader = 1; reader <= READERS; reader++)
		(void)event_log_end(log, reader);
	fill_log(f, 100);
	assert_int_equal(event_log_read(log, EVENT_READER_ALL, end, text, 1), -ESTALE);
	assert_int_equal(event_log_find(log, EVENT_READER_ALL, event_log_first(log), &late), 0);
	assert_true(late >= end + EVENTS_BYTES);
	assert_int_equal(event_log_read(log, EVENT_READER_ALL, late, text, 1), 1);

	/* Accounts go, and nothing of them stays. */
	for (int64_t reader = 1; reader <= READERS; reader++)
		event_log_forget(log, reader);
	assert_int_equal(event_log_readers(log, &counted), 1);
	assert_int_equal(counted, 1);
	event_log_forget(log, 77); /* who never read */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_what_was_committed, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(test_compact_json, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_owners, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_no_secrets, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_limited_and_persistent, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_positions_go_on, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_older_database, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_readers, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_readers_of_a_full_log, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_news, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_many_readers, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
