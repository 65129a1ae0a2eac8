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

/* Sets a long text of @o from a column: as it is stored, null, or 1: it has left memory. */
static void read_long_text(struct object *o, int field, sqlite3_stmt *stmt, int column)
{
	const char *bytes;

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		object_borrow_str(o, field, NULL);
		return;
	case SQLITE_INTEGER:
		if (sqlite3_column_int(stmt, column))
			object_leave_str(o, field);
		else
			object_set_broken(o);
		return;
	default:
		bytes = sqlite3_column_blob(stmt, column);
		if (bytes && compressed_is_whole(bytes, (size_t)sqlite3_column_bytes(stmt, column)))
			object_borrow_str(o, field, bytes);
		else
			object_set_broken(o);
	}
}

/*
 * Sets a field of @o from a column. The value is asked for before its type, which tells more of NULL and 0 only. Its text is
 * SQLite's until the next row.
 */
static void read_column(struct object *o, int field, sqlite3_stmt *stmt, int column)
{
	if (field_is_integer(&o->kind->fields[field])) {
		int64_t number = sqlite3_column_int64(stmt, column);

		object_set_int(o, field, number);
		if (number == 0 && sqlite3_column_type(stmt, column) == SQLITE_NULL)
			object_set_null(o, field);
	} else if (o->kind->fields[field].flags & F_COMPRESSED) {
		read_long_text(o, field, stmt, column);
	} else {
		const char *text = (const char *)sqlite3_column_text(stmt, column);

		object_borrow_str(o, field, text);
		if (!text && sqlite3_column_type(stmt, column) != SQLITE_NULL)
			object_set_broken(o);
	}
}

/* The packed object of a row, made by way of @o, which borrows. NULL when memory is short, or a value is broken. */
static const struct object *object_from_row(struct object *o, sqlite3_stmt *stmt)
{
	const struct kind *kind = o->kind;
	int64_t times[FIELDS_MAX];
	const char *runs;
	int size, n = 0;

	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i]))
			read_column(o, i, stmt, n++);
	o->changed = sqlite3_column_int64(stmt, n++);
	runs = sqlite3_column_blob(stmt, n);
	size = sqlite3_column_bytes(stmt, n++);
	if (size && !runs)
		object_set_broken(o);
	field_times_read(runs, runs ? (size_t)size : 0, o->changed, kind->field_count, times);
	for (int i = 0; i < kind->field_count; i++)
		object_set_time(o, i, times[i]);
	o->id = sqlite3_column_int64(stmt, n);
	return object_is_broken(o) ? NULL : object_pack(o);
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

static int load_kind(sqlite3 *db, const struct kind *kind, bool leave, struct view *view, struct error *e)
{
	char *sql = schema_select_sql(kind, leave);
	sqlite3_stmt *stmt = NULL;
	int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind);
	_cleanup_object_ struct object *row = object_new_borrowing(kind);
	const bool is_main = gettid() == getpid();
	int r = batch && row ? 0 : -ENOMEM;

	sqlite3_free(sql);
	for (unsigned n = 0; rc == SQLITE_OK && r == 0; n++) {
		_cleanup_object_ const struct object *o = NULL;

		if (n % 128 == 0 && !is_main)
			extend_heap();
		if (sqlite3_step(stmt) != SQLITE_ROW)
			break;
		o = object_from_row(row, stmt);
		if (o)
			r = view_batch_add(batch, o);
		else
			r = object_is_broken(row) && sqlite3_errcode(db) != SQLITE_NOMEM ? -EBADMSG : -ENOMEM;
		if (o && o->changed > view_changed(view, kind->id))
			view_set_changed(view, kind->id, o->changed);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(stmt);
	sqlite3_finalize(stmt);
	if (rc == SQLITE_OK && r == 0)
		r = view_batch_put(batch);
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
	pthread_mutex_t lock;
	struct error error; /* lock; the first one */
};

/* Loads one kind after the other that nobody has begun. Kinds have no part of a view in common. */
static void load_kinds(struct loading *l, sqlite3 *db)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int k;

	shared_text_stock();
	while (!atomic_load(&l->failed) && (k = atomic_fetch_add(&l->next, 1)) < KIND_COUNT) {
		if (load_kind(db, kind_get(l->order[k].kind), l->leave, l->view, &e) == 0)
			continue;
		scoped_lock(&l->lock);
		if (!atomic_exchange(&l->failed, true))
			error_move(&l->error, &e);
	}
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
