/* SPDX-License-Identifier: Apache-2.0 */
/* See load.h. */
#include "model/load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/compressed.h"
#include "model/field_times.h"
#include "model/schema.h"
#include "model/shared_text.h"
#include "model/sqlite.h"
#include "model/view_batch.h"

/* Sets a long text of @o: as it is stored, or 1: it has left memory. */
static void read_long_text(struct object *o, int field, sqlite3_value *value)
{
	const char *bytes;

	if (sqlite3_value_type(value) == SQLITE_INTEGER) {
		if (sqlite3_value_int(value))
			object_leave_str(o, field);
		else
			object_set_broken(o);
		return;
	}
	bytes = sqlite3_value_blob(value);
	if (bytes && compressed_is_whole(bytes, (size_t)sqlite3_value_bytes(value)))
		object_borrow_str(o, field, bytes);
	else
		object_set_broken(o);
}

/* Sets a field of @o, which is null. Its text is SQLite's until the next row. */
static void read_value(struct object *o, int field, sqlite3_value *value)
{
	const char *text;

	if (sqlite3_value_type(value) == SQLITE_NULL)
		return;
	if (field_is_integer(&o->kind->fields[field])) {
		object_set_int(o, field, sqlite3_value_int64(value));
	} else if (o->kind->fields[field].flags & F_COMPRESSED) {
		read_long_text(o, field, value);
	} else {
		text = (const char *)sqlite3_value_text(value);
		if (text)
			object_borrow_str(o, field, text);
		else
			object_set_broken(o);
	}
}

/* Sets @o, which borrows, to what is in a row, until the next one. False when memory is short, or a value is broken. */
static bool read_row(struct object *o, sqlite3_value **values)
{
	const struct kind *kind = o->kind;
	const char *runs;
	int size;

	object_clear(o);
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i]))
			read_value(o, i, *values++);
	o->changed = sqlite3_value_int64(*values++);
	runs = sqlite3_value_blob(*values);
	size = sqlite3_value_bytes(*values++);
	if (size && !runs)
		object_set_broken(o);
	field_times_read(runs, runs ? (size_t)size : 0, o->changed, kind->field_count, object_times(o));
	o->id = sqlite3_value_int64(*values);
	return !object_is_broken(o);
}

/* Less than what malloc() gives back to the kernel when it is free (M_TRIM_THRESHOLD). */
#define HEAP_STEP 100000

/*
 * malloc() extends the heap of all threads but the main one by a page at a time, with a system call that stops all that
 * touch new memory: extends it by a larger step, which stays.
 */
static void extend_heap(void)
{
	void *volatile room = malloc(HEAP_STEP);

	free(room);
}

/* Loading the rows of one kind. */
struct rows {
	struct object *row; /* borrows */
	struct view_batch *batch;
	bool is_main;	 /* it is the main thread that loads */
	unsigned count;	 /* of rows */
	int64_t changed; /* the last change of all */
	int result;
};

/*
 * An SQL function of the columns of a row. It gets its values as they are, without a call and a check for each as those of
 * a result; the result is of no use.
 */
static void load_row(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct rows *rows = sqlite3_user_data(context);

	(void)count;
	if (rows->count++ % 128 == 0 && !rows->is_main)
		extend_heap();
	if (read_row(rows->row, values))
		rows->result = view_batch_add(rows->batch, rows->row);
	else
		rows->result =
			object_is_broken(rows->row) &&
					sqlite3_errcode(sqlite3_context_db_handle(context)) != SQLITE_NOMEM
				? -EBADMSG
				: -ENOMEM;
	if (rows->result < 0)
		sqlite3_result_error(context, "", 0);
	else if (rows->row->changed > rows->changed)
		rows->changed = rows->row->changed;
}

#define LOAD_ROW "load_row"

static int set_function(sqlite3 *db, struct rows *rows)
{
	return sqlite3_create_function(db, LOAD_ROW, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, rows,
				       rows ? load_row : NULL, NULL, NULL);
}

static int select_rows(sqlite3 *db, const struct kind *kind, bool leave)
{
	char *sql = schema_select_sql(kind, leave, LOAD_ROW);
	sqlite3_stmt *stmt = NULL;
	int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		;
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(stmt);
	sqlite3_finalize(stmt);
	return rc;
}

/* Loading all kinds. */
struct loading {
	struct view *view;
	const char *path; /* of the database */
	bool leave;	  /* as in load_rows() */
	struct load_order {
		enum kind_id kind;
		int64_t rows; /* that it has ever had */
	} order[KIND_COUNT];
	atomic_int next; /* of `order` */
	atomic_bool failed;
	pthread_mutex_t lock; /* also of the view's sums */
	struct error error;   /* lock; the first one */
};

static int sum_up(struct loading *l, struct view_batch *batch)
{
	scoped_lock(&l->lock);
	return view_batch_sum(batch);
}

static int load_kind(struct loading *l, sqlite3 *db, const struct kind *kind, struct error *e)
{
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(l->view, kind);
	_cleanup_object_ struct object *row = object_new_borrowing(kind);
	struct rows rows = {.row = row, .batch = batch, .is_main = gettid() == getpid()};
	int r = batch && row ? 0 : -ENOMEM, rc = set_function(db, &rows);

	if (rc == SQLITE_OK && r == 0)
		rc = select_rows(db, kind, l->leave);
	if (r == 0)
		r = rows.result;
	if (rc == SQLITE_OK && r == 0)
		r = view_batch_put(batch);
	if (rc == SQLITE_OK && r == 0)
		r = sum_up(l, batch);
	if (r == 0)
		view_set_changed(l->view, kind->id, rows.changed);
	if (r == -ENOMEM)
		return error_oom(e);
	if (r == -EBADMSG)
		return error_set(e, EIO, "database: a text of the table '%s' is missing or damaged",
				 kind->table);
	if (r < 0)
		return error_set(
			e, EIO,
			"database: the row ids of the table '%s' are not from 1 to %jd, each once and in order",
			kind->table, (intmax_t)VIEW_ID_MAX - 1);
	if (rc != SQLITE_OK)
		return error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
	return 0;
}

/* Loads one kind after the other that nobody has begun. Kinds have nothing of a view in common but the sums (sum_up()). */
static void load_kinds(struct loading *l, sqlite3 *db)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int k;

	shared_text_stock();
	while (!atomic_load(&l->failed) && (k = atomic_fetch_add(&l->next, 1)) < KIND_COUNT) {
		if (load_kind(l, db, kind_get(l->order[k].kind), &e) == 0)
			continue;
		scoped_lock(&l->lock);
		if (!atomic_exchange(&l->failed, true))
			error_move(&l->error, &e);
	}
	(void)set_function(db, NULL);
	shared_text_release();
}

/* What a connection needs to read is opened when it reads for the first time. */
static bool can_read(sqlite3 *db)
{
	return sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK;
}

/* Takes part, if it can open the database, too. */
static void *load_main(void *arg)
{
	struct loading *l = arg;
	sqlite3 *db = NULL;

	pthread_setname_np(pthread_self(), "load");
	if (sqlite3_open_v2(l->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK && can_read(db))
		load_kinds(l, db);
	sqlite3_close(db);
	return NULL;
}

/* More than a few kinds do not have many rows. */
#define LOADERS_MAX 4

static int most_rows_first(const void *a, const void *b)
{
	const struct load_order *x = a, *y = b;

	return (x->rows < y->rows) - (x->rows > y->rows);
}

/* What takes longest first, so that all threads have something to do until the end. */
static void order_kinds(struct loading *l, sqlite3 *db)
{
	char *sql = schema_last_ids_sql();
	sqlite3_stmt *stmt = NULL;

	for (int k = 0; k < KIND_COUNT; k++)
		l->order[k].kind = (enum kind_id)k;
	if (sql)
		(void)sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	for (int k = KIND_NONE + 1; k < KIND_COUNT && sqlite3_step(stmt) == SQLITE_ROW; k++)
		l->order[k].rows = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	qsort(l->order + KIND_NONE + 1, KIND_COUNT - KIND_NONE - 1, sizeof(l->order[0]), most_rows_first);
}

/* In several threads, of which the calling one is the first: what takes long is not reading, but the indexes. */
static int load_all_kinds(sqlite3 *db, bool leave, struct view *view, struct error *e)
{
	struct loading l = {.view = view,
			    .path = sqlite3_db_filename(db, "main"),
			    .leave = leave,
			    .next = KIND_NONE + 1,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .error = ERROR_INIT};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t others[LOADERS_MAX - 1];
	size_t count = 0;

	order_kinds(&l, db);
	while (count < ARRAY_SIZE(others) && (long)count + 1 < processors &&
	       pthread_create(&others[count], NULL, load_main, &l) == 0)
		count++;
	load_kinds(&l, db);
	while (count > 0)
		(void)pthread_join(others[--count], NULL);
	pthread_mutex_destroy(&l.lock);
	if (!atomic_load(&l.failed))
		return 0;
	return error_move(e, &l.error);
}

/* What rows that have been removed had: the time of the last change of each kind, and the last row id. */
static int load_removals(sqlite3 *db, struct view *view, struct error *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = SQLITE_OK;

	if (sqlite3_prepare_v2(db, "SELECT changed, last_id FROM kind_changed WHERE \"table\" = ?", -1, &stmt,
			       NULL) != SQLITE_OK)
		return error_set(e, EIO, "database: %s", sqlite3_errmsg(db));
	for (enum kind_id k = KIND_NONE + 1; k < KIND_COUNT && rc == SQLITE_OK; k++) {
		rc = sqlite3_bind_text(stmt, 1, kind_get(k)->table, -1, SQLITE_STATIC);
		if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
			if (sqlite3_column_int64(stmt, 0) > view_changed(view, k))
				view_set_changed(view, k, sqlite3_column_int64(stmt, 0));
			if (sqlite3_column_int64(stmt, 1) > view_last_id(view, k))
				view_set_last_id(view, k, sqlite3_column_int64(stmt, 1));
		}
		if (rc == SQLITE_OK)
			rc = sqlite3_reset(stmt); /* the result of the step, too */
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_OK ? 0 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errstr(rc));
}

int load_rows(sqlite3 *db, bool leave, struct view *view, struct error *e)
{
	int r = load_all_kinds(db, leave, view, e);

	return r < 0 ? r : load_removals(db, view, e);
}
