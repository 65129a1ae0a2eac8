/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases of former versions become those of this one, with all that was in them, whenever the program dies meanwhile; and
 * what the tables of this version hold. Others are refused. tests/data/schema-2.sql was written by poolfs with schema version 2, which had
 * put what fill() puts.
 */
#include "tests/unit/fixture.h"

#include <sqlite3.h>
#include <sys/wait.h>

#include "model/schema.h"

#define FORMER SOURCE_ROOT "/tests/data/schema-2.sql"

#define REQUEST "{\"operation\":\"StartVmInstance\",\"target\":\"a56ceb9516134fcf809d113179490891\"}"
#define SPEC	"{\"params\":{\"name\":\"J\xc3\xbcrgen\",\"imageUuid\":\"0123456789abcdef0123456789abcdef\"}}"

/* The numbers of the objects' uuids. */
enum { ACCOUNT = 1, ZONE, VM, NIC, OTHER_VM, DONE, EMPTY, FAILED, RUNNING, LONG, REMOVED, NEXT };

/* ------------------------------------------------------------ what is in the database */

static int put_one(struct txn *t, struct object *o, struct error *e)
{
	return txn_put(t, o, NULL, e);
}

static struct object *vm(unsigned uuid, const char *spec, const char *placement)
{
	struct object *o = make(KIND_VM, test_uuid(uuid));

	object_set_str(o, VM_NAME, "a VM");
	object_set_str(o, VM_STATE, "Running");
	object_set_str(o, VM_CREATE_SPEC, spec);
	object_set_str(o, VM_PLACEMENT, placement);
	object_set_str(o, VM_ACCOUNT_UUID, test_uuid(ACCOUNT));
	return o;
}

static struct object *job(unsigned uuid, const char *state, const char *request, const char *result)
{
	struct object *o = make(KIND_JOB, test_uuid(uuid));

	object_set_str(o, JOB_STATE, state);
	object_set_str(o, JOB_OPERATION, "StartVmInstance");
	object_set_str(o, JOB_REQUEST, request);
	object_set_str(o, JOB_RESULT, result);
	if (strcmp(state, "Processing") != 0)
		object_set_int(o, JOB_FINISHED, 1795938890693657472);
	return o;
}

/* A result that has more than a page, and cannot be compressed to less than one. */
static void set_long_result(struct object *o)
{
	char text[20001];
	uint32_t n = 1;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		n = n * 1664525 + 1013904223;
		text[i] = (char)('!' + (n >> 16) % 90);
	}
	text[sizeof(text) - 1] = '\0';
	object_set_str(o, JOB_RESULT, text);
}

static int fill_jobs(struct txn *t, struct error *e)
{
	struct object *failed = job(FAILED, "Failed", REQUEST, NULL),
		      *running = job(RUNNING, "Processing", REQUEST, NULL),
		      *ended_long = job(LONG, "Done", NULL, NULL);
	int r;

	object_set_str(failed, JOB_DIGEST,
		       "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
	object_set_str(running, JOB_SECRET_REQUEST, "{\"password\":\"p\"}");
	object_set_str(ended_long, JOB_LONG_JOB, "{\"name\":\"of the user\"}");
	set_long_result(ended_long);
	r = put_one(
		t,
		job(DONE, "Done", REQUEST, "{\"inventory\":{\"uuid\":\"a56ceb9516134fcf809d113179490891\"}}"),
		e);
	if (r == 0)
		r = put_one(t, job(EMPTY, "Done", "", ""), e);
	if (r == 0)
		r = put_one(t, steal(&failed), e);
	if (r == 0)
		r = put_one(t, steal(&running), e);
	return r == 0 ? put_one(t, steal(&ended_long), e) : r;
}

static int fill(struct txn *t, void *arg, struct error *e)
{
	struct object *nic = make(KIND_NIC, test_uuid(NIC));
	int r = put_one(t, make(KIND_ACCOUNT, test_uuid(ACCOUNT)), e);

	(void)arg;
	object_set_str(nic, NIC_VM_UUID, test_uuid(VM));
	if (r == 0)
		r = put_one(t, make(KIND_ZONE, test_uuid(ZONE)), e);
	if (r == 0)
		r = put_one(t, vm(VM, SPEC, "{\"chosen\":\"h\"}"), e);
	if (r == 0)
		r = put_one(t, nic, e);
	if (r == 0)
		r = put_one(t, vm(OTHER_VM, NULL, NULL), e);
	if (r == 0)
		r = fill_jobs(t, e);
	/* the last number of its table is not used again */
	if (r == 0)
		r = put_one(t, job(REMOVED, "Done", REQUEST, NULL), e);
	return r == 0 ? txn_remove(t, view_get(txn_view(t), KIND_JOB, test_uuid(REMOVED)), e) : r;
}

/* ------------------------------------------------------------------- helpers */

static void database_path(const struct fixture *f, char ret[static 128])
{
	snprintf(ret, 128, "%s/pool.db", f->dir);
}

/* The store is closed then. */
static sqlite3 *open_raw(struct fixture *f)
{
	char path[128];
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	database_path(f, path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void sql(sqlite3 *db, const char *text)
{
	char *message = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
}

static int64_t number(sqlite3 *db, const char *query)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

/* The database of version 2, in place of the present one. */
static void become_former(struct fixture *f)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0;
	char path[128];
	FILE *dump = fopen(FORMER, "re");
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	database_path(f, path);
	assert_int_equal(unlink(path), 0);
	assert_non_null(dump);
	assert_true(getdelim(&text, &room, '\0', dump) > 0);
	fclose(dump);
	db = open_raw(f);
	sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
	sql(db, text);
	sqlite3_close(db);
}

/* Numbers and values of all objects but times, long texts too, as one text. */
static char *content(struct fixture *f)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		view_for_each (o, view, (enum kind_id)k) {
			fprintf(out, "%s %jd", o->kind->name, (intmax_t)o->id);
			for (int i = 0; i < o->kind->field_count; i++) {
				_cleanup_free_ char *value = NULL;

				if (!field_is_stored(&o->kind->fields[i]) ||
				    o->kind->fields[i].type == FIELD_DATE || object_is_null(o, i))
					continue;
				if (field_is_integer(&o->kind->fields[i]))
					fprintf(out, " %s=%jd", o->kind->fields[i].name,
						(intmax_t)object_int(o, i));
				else
					assert_int_equal(object_read_text(o, i, &value), 0);
				if (value)
					fprintf(out, " %s='%s'", o->kind->fields[i].name, value);
			}
			fputc('\n', out);
		}
	fclose(out);
	return text;
}

/* ------------------------------------------------------------------- tests */

/* In tables of their own, as they are in memory; and away with their objects. */
static void long_texts_are_not_in_the_rows(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	assert_int_equal(store_run(f->store, fill, NULL, NULL), 0);
	db = open_raw(f);
	assert_int_equal(number(db, "SELECT count(*) FROM job_text"), 5);
	assert_int_equal(number(db, "SELECT count(*) FROM vm_text"), 1);
	assert_int_equal(number(db, "SELECT max(length(request) + ifnull(length(result), 0)) FROM job"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM job WHERE request IS NULL"), 1);
	assert_true(number(db, "SELECT max(length(request)) FROM job_text") < (int)strlen(REQUEST));
	sqlite3_close(db);
	fixture_open(f);
	assert_int_equal(try_remove(f, test_uuid(LONG), NULL), 0);
	assert_int_equal(try_remove(f, test_uuid(OTHER_VM), NULL), 0);
	db = open_raw(f);
	assert_int_equal(number(db, "SELECT count(*) FROM job_text"), 4);
	assert_int_equal(number(db, "SELECT count(*) FROM vm_text"), 1);
	sqlite3_close(db);
}

/* Texts that are set, changed and cleared one after the other. */
static void a_text_can_change(void **state)
{
	struct fixture *f = *state;
	static const char *const specs[] = {NULL, SPEC, "", "{}", NULL, SPEC};
	int64_t id = 0;

	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct object *o = vm(VM, specs[i], i % 2 ? "{\"chosen\":\"h\"}" : NULL);
		const struct object *got;

		o->id = id;
		put(f, o);
		fixture_reopen(f);
		got = get(f, KIND_VM, test_uuid(VM));
		id = got->id;
		assert_true(object_str_is(got, VM_CREATE_SPEC, specs[i]));
		assert_true(object_str_is(got, VM_PLACEMENT, i % 2 ? "{\"chosen\":\"h\"}" : NULL));
		object_unref(got);
	}
}

/* The form of texts in databases: a program that cannot read this one cannot read any. */
static void the_form_of_texts_stays(void **state)
{
	struct fixture *f = *state;
	const struct object *o;
	sqlite3 *db;

	put(f, vm(VM, "other", NULL));
	db = open_raw(f);
	sql(db,
	    "UPDATE vm_text SET createSpec = x'4c000000240000001e7b8f037b4ac3bc7267656e7c03f005010123456789abcdef0123456789abcdef227d7d'");
	sqlite3_close(db);
	fixture_open(f);
	o = get(f, KIND_VM, test_uuid(VM));
	assert_true(object_str_is(o, VM_CREATE_SPEC, SPEC));
	object_unref(o);
}

/* The times of the fields of each row of the former database, by its uuid; the length of the array is their count. */
static int read_former_times(struct fixture *f, const char *table, const char *uuid, int64_t *ret_times)
{
	sqlite3 *db = open_raw(f);
	char text[128];
	sqlite3_stmt *stmt;
	int count;

	snprintf(text, sizeof(text), "SELECT times FROM %s WHERE uuid = '%s'", table, uuid);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	count = sqlite3_column_bytes(stmt, 0) / (int)sizeof(*ret_times);
	assert_in_range(count, 1, FIELDS_MAX);
	memcpy(ret_times, sqlite3_column_blob(stmt, 0), (size_t)count * sizeof(*ret_times));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return count;
}

static void times_of_fields_stay(void **state)
{
	struct fixture *f = *state;
	int64_t vm_times[FIELDS_MAX], job_times[FIELDS_MAX];
	int vm_count, job_count;
	const struct object *o;

	become_former(f);
	vm_count = read_former_times(f, "vm", test_uuid(VM), vm_times);
	job_count = read_former_times(f, "job", test_uuid(LONG), job_times);
	assert_true(vm_times[0] > 0 && job_times[0] > 0);
	fixture_open(f);
	o = get(f, KIND_VM, test_uuid(VM));
	for (int i = 0; i < vm_count; i++)
		assert_int_equal(object_time(o, i), vm_times[i]);
	object_unref(o);
	o = get(f, KIND_JOB, test_uuid(LONG));
	for (int i = 0; i < job_count; i++)
		assert_int_equal(object_time(o, i), job_times[i]);
	object_unref(o);
}

static void a_former_database_is_taken_over(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *before = NULL, *after = NULL;
	sqlite3 *db;

	assert_int_equal(store_run(f->store, fill, NULL, NULL), 0);
	before = content(f);
	become_former(f);
	fixture_open(f);
	after = content(f);
	assert_string_equal(after, before);
	put(f, job(NEXT, "Done", REQUEST, NULL));
	assert_int_equal(try_remove(f, test_uuid(VM), &e), -ENOTEMPTY); /* its NIC */
	db = open_raw(f);
	assert_int_equal(number(db, "PRAGMA user_version"), 4);
	assert_int_equal(number(db, "SELECT max(length(request)) FROM job"), 0);
	/* five jobs and one that was removed come before it */
	assert_int_equal(number(db, "SELECT max(id) FROM job"), 7);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_sequence"), 0);
	/* of uuids that are referred to alone */
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_index_list('job')"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_index_list('nic')"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_index_list('vm')"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
	sqlite3_close(db);
}

static int die(void *arg)
{
	int *left = arg;

	if (--*left < 0)
		_exit(1);
	return 0;
}

/* As few instructions of SQLite's virtual machine as give some dozens of moments. */
#define STEPS 2000

/* Dies after so many times as many. False: it was done before. */
static bool dies_after(const char *path, int steps)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		sqlite3 *db;

		if (sqlite3_open(path, &db) != SQLITE_OK ||
		    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK)
			_exit(2);
		sqlite3_progress_handler(db, STEPS, die, &steps);
		_exit(schema_apply(db, NULL) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 1;
}

/* What is not committed leaves nothing, and is done by the next one. */
static void taking_over_can_be_interrupted_anywhere(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL;
	char path[128];
	int deaths = 0;

	assert_int_equal(store_run(f->store, fill, NULL, NULL), 0);
	before = content(f);
	become_former(f);
	database_path(f, path);
	while (dies_after(path, deaths)) {
		_cleanup_free_ char *after = NULL;

		deaths++;
		if (deaths % 4)
			continue;
		become_former(f);
		(void)dies_after(path, deaths);
		fixture_open(f);
		after = content(f);
		assert_string_equal(after, before);
		become_former(f);
	}
	assert_true(deaths > 12);
}

#define OPEN_URL   "http://me:word@127.0.0.1/x?token=secret"
#define MASKED_URL "http://******@127.0.0.1/x?token=******"

static struct object *url_job(unsigned uuid, const char *operation, const char *request, const char *result)
{
	struct object *o = job(uuid, "Done", request, result);

	object_set_str(o, JOB_OPERATION, operation);
	return o;
}

static void assert_long_text(struct fixture *f, unsigned uuid, int field, const char *expected)
{
	_cleanup_object_ const struct object *o = get(f, KIND_JOB, test_uuid(uuid));
	_cleanup_free_ char *text = object_long_text(o, field);

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

/* Until version 4, URLs were kept as they were given. What is no such document stays as it is. */
static void old_urls_are_masked(void **state)
{
	struct fixture *f = *state;
	struct object *image = make(KIND_IMAGE, test_uuid(1)), *local = make(KIND_IMAGE, test_uuid(2));
	const struct object *o;

	object_set_str(image, IMAGE_URL, OPEN_URL);
	object_set_str(local, IMAGE_URL, "file:///srv/x");
	put(f, image);
	put(f, local);
	put(f, make(KIND_IMAGE, test_uuid(3)));
	put(f, url_job(4, "AddImage", "{\"params\":{\"name\":\"x\",\"url\":\"" OPEN_URL "\"}}",
		       "{\"inventory\":{\"url\":\"" OPEN_URL "\",\"size\":1}}"));
	put(f, url_job(5, "AddImage", "{\"params\":[\"" OPEN_URL "\"]}", NULL));
	put(f, url_job(6, "AddImage", "no document", ""));
	put(f, url_job(7, "AnsweredOther", "{\"params\":{\"url\":\"" OPEN_URL "\"}}", NULL));
	fixture_sql(f, "PRAGMA user_version = 3");
	fixture_open(f);
	o = get(f, KIND_IMAGE, test_uuid(1));
	assert_string_equal(object_str(o, IMAGE_URL), MASKED_URL);
	object_unref(o);
	o = get(f, KIND_IMAGE, test_uuid(2));
	assert_string_equal(object_str(o, IMAGE_URL), "file:///srv/x");
	object_unref(o);
	o = get(f, KIND_IMAGE, test_uuid(3));
	assert_null(object_str(o, IMAGE_URL));
	object_unref(o);
	assert_long_text(f, 4, JOB_REQUEST, "{\"params\":{\"name\":\"x\",\"url\":\"" MASKED_URL "\"}}");
	assert_long_text(f, 4, JOB_RESULT, "{\"inventory\":{\"url\":\"" MASKED_URL "\",\"size\":1}}");
	assert_long_text(f, 5, JOB_REQUEST, "{\"params\":[\"" OPEN_URL "\"]}");
	assert_long_text(f, 5, JOB_RESULT, NULL);
	assert_long_text(f, 6, JOB_REQUEST, "no document");
	assert_long_text(f, 6, JOB_RESULT, "");
	assert_long_text(f, 7, JOB_REQUEST, "{\"params\":{\"url\":\"" OPEN_URL "\"}}");
}

/* The number of a row that was removed, the last of its table too, is given to no other one. */
static void row_ids_are_not_used_again(void **state)
{
	struct fixture *f = *state;
	int64_t last = 0;

	for (unsigned i = 0; i < 6; i++) {
		const struct object *o;

		put(f, make(KIND_ZONE, test_uuid(i + 1)));
		o = get(f, KIND_ZONE, test_uuid(i + 1));
		assert_true(o->id > last);
		last = o->id;
		object_unref(o);
		if (i % 2 == 0)
			assert_int_equal(try_remove(f, test_uuid(i + 1), NULL), 0);
		if (i % 3 == 2)
			fixture_reopen(f);
	}
}

/* Such a pool is not opened with a text missing. */
static void a_damaged_text_is_an_error(void **state)
{
	static const char *const damages[] = {
		"UPDATE job_text SET request = x'00'",
		"UPDATE job_text SET request = x'ffffffffffffffff'",
		"UPDATE job_text SET request = NULL",
		"DELETE FROM job_text",
	};
	struct fixture *f = *state;

	put(f, job(RUNNING, "Processing", REQUEST, NULL));
	put(f, job(DONE, "Done", REQUEST, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		sqlite3 *db = open_raw(f);

		sql(db, damages[i]);
		sqlite3_close(db);
		assert_int_equal(store_open(f->dir, NULL, &f->store, &e), -EIO);
		assert_null(f->store);
		assert_string_equal(error_sentence(&e),
				    "database: a text of the table 'job' is missing or damaged");
	}
}

static void a_newer_database_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	fixture_sql(f, "PRAGMA user_version = 99");
	assert_int_equal(store_open(f->dir, NULL, &f->store, &e), -EPROTO);
	assert_null(f->store);
	assert_string_equal(error_sentence(&e),
			    "the database has schema version 99, this poolfs knows versions up to 4");
}

static void an_older_database_gets_its_missing_columns_and_tables(void **state)
{
	struct fixture *f = *state;
	const struct object *o;

	put(f, make(KIND_ZONE, test_uuid(1)));
	fixture_sql(
		f, "ALTER TABLE zone DROP COLUMN type; ALTER TABLE zone DROP COLUMN lastOpDate;"
		   "DROP TABLE scheduler; UPDATE zone SET times = CAST(substr(times, 1, 8) || x'04' AS BLOB);"
		   "PRAGMA application_id = 0");
	fixture_open(f);
	o = get(f, KIND_ZONE, test_uuid(1));
	assert_string_equal(object_str(o, ZONE_NAME), "unnamed");
	assert_null(object_str(o, ZONE_TYPE));
	assert_true(object_is_null(o, ZONE_LAST_OP_DATE));
	assert_int_equal(object_time(o, ZONE_LAST_OP_DATE), o->changed);
	object_unref(o);
	put(f, make(KIND_SCHEDULER, test_uuid(2)));
}

static void a_damaged_database_is_an_error(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char path[128];

	store_close(f->store);
	f->store = NULL;
	snprintf(path, sizeof(path), "%s/pool.db", f->dir);
	FILE *db = fopen(path, "w");
	fputs("this is not a database, whatever its name may say, and it is longer than a header", db);
	fclose(db);
	assert_int_equal(store_open(f->dir, NULL, &f->store, &e), -EIO);
	assert_null(f->store);
}

static void rows_with_impossible_numbers_are_an_error(void **state)
{
	static const char *const ids[] = {"-5", "0", "1099511627775"};
	struct fixture *f = *state;

	put(f, make(KIND_ZONE, test_uuid(1)));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		char sql[64];

		snprintf(sql, sizeof(sql), "UPDATE zone SET id = %s", ids[i]);
		fixture_sql(f, sql);
		assert_int_equal(store_open(f->dir, NULL, &f->store, &e), -EIO);
		assert_null(f->store);
		assert_string_equal(error_sentence(&e),
				    "database: the row ids of the table 'zone' are not from "
				    "1 to 1099511627774, each once and in order");
	}
	fixture_sql(f, "UPDATE zone SET id = 1099511627774");
	fixture_open(f);
	_cleanup_view_ struct view *view = store_view(f->store);
	assert_int_equal(view_count(view, KIND_ZONE), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(long_texts_are_not_in_the_rows, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_text_can_change, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_form_of_texts_stays, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_former_database_is_taken_over, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(times_of_fields_stay, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(old_urls_are_masked, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(taking_over_can_be_interrupted_anywhere, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(row_ids_are_not_used_again, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_text_is_an_error, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_newer_database_is_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_older_database_gets_its_missing_columns_and_tables,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_database_is_an_error, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(rows_with_impossible_numbers_are_an_error, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
