/* SPDX-License-Identifier: Apache-2.0 */
/* See left_text.h. */
#include "model/left_text.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/compressed.h"
#include "model/log.h"
#include "model/schema.h"
#include "model/sqlite.h"

/* At least as many as there are F_LEAVES fields, or some are prepared again and again. */
#define STATEMENTS 8
/* A reader waits for another process that has the database only while that recovers it. */
#define BUSY_MS 10000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3 *database; /* lock; NULL: closed */
static struct {
	const struct kind *kind;
	int field;
	sqlite3_stmt *stmt; /* NULL: free */
} statements[STATEMENTS];   /* lock */

static _Thread_local bool forbidden;

void left_text_forbid(void)
{
	forbidden = true;
}

int left_text_open(const char *path, struct error *e)
{
	sqlite3 *db = NULL;
	int rc;

	scoped_lock(&lock);
	if (database)
		return error_set(e, EALREADY, "the texts of another database are out of memory");
	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	/* The last one opens what it needs to read. Pages are not kept: a text is seldom read twice. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
			db,
			"PRAGMA trusted_schema = OFF; PRAGMA query_only = ON; PRAGMA cache_size = -64;"
			"SELECT count(*) FROM sqlite_schema",
			NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		(void)error_set(e, -sqlite_errno(rc), "cannot open '%s': %s", path,
				db ? sqlite3_errmsg(db) : "out of memory");
		sqlite3_close(db);
		return sqlite_errno(rc);
	}
	(void)sqlite3_busy_timeout(db, BUSY_MS);
	database = db;
	return 0;
}

void left_text_close(void)
{
	scoped_lock(&lock);
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		sqlite3_finalize(statements[i].stmt);
		statements[i].stmt = NULL;
	}
	sqlite3_close(database);
	database = NULL;
}

/* The statement that reads a field, at a place of its own. NULL on an error of SQLite. Call with the lock held. */
static sqlite3_stmt *statement(const struct kind *kind, int field)
{
	size_t i = 0;
	char *sql;

	while (i < ARRAY_SIZE(statements) && statements[i].stmt) {
		if (statements[i].kind == kind && statements[i].field == field)
			return statements[i].stmt;
		i++;
	}
	if (i == ARRAY_SIZE(statements)) {
		sqlite3_finalize(statements[--i].stmt);
		statements[i].stmt = NULL;
	}
	sql = schema_text_sql(kind, field);
	statements[i].kind = kind;
	statements[i].field = field;
	if (sql)
		(void)sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statements[i].stmt,
					 NULL);
	sqlite3_free(sql);
	return statements[i].stmt;
}

/* The text of the row that the statement is at. SQLITE_ROW, or what is wrong. */
static int take_text(sqlite3_stmt *stmt, char **ret_text)
{
	const char *bytes = sqlite3_column_blob(stmt, 0);

	if (sqlite3_column_type(stmt, 0) == SQLITE_INTEGER) /* it is not where it should be */
		return SQLITE_CORRUPT;
	if (!bytes)
		return sqlite3_errcode(database) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_CORRUPT;
	if (!compressed_is_whole(bytes, (size_t)sqlite3_column_bytes(stmt, 0)))
		return SQLITE_CORRUPT;
	*ret_text = compressed_read(bytes);
	if (*ret_text)
		return SQLITE_ROW;
	return errno == ENOMEM ? SQLITE_NOMEM : SQLITE_CORRUPT;
}

/* Call with the lock held. Returns an SQLite code: SQLITE_ROW, or SQLITE_DONE if there is no such row. */
static int read_row(const struct kind *kind, int64_t id, int field, char **ret_text)
{
	sqlite3_stmt *stmt = statement(kind, field);
	int rc;

	if (!stmt)
		return sqlite3_errcode(database) == SQLITE_OK ? SQLITE_NOMEM : sqlite3_errcode(database);
	rc = sqlite3_bind_int64(stmt, 1, id);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		rc = take_text(stmt, ret_text);
	(void)sqlite3_reset(stmt);
	return rc;
}

int left_text_read(const struct kind *kind, int64_t id, int field, char **ret_text)
{
	int rc = SQLITE_MISUSE, r;

#ifdef POOLFS_TESTS
	assert(!forbidden);
#endif
	*ret_text = NULL;
	pthread_mutex_lock(&lock);
	if (database)
		rc = read_row(kind, id, field, ret_text);
	pthread_mutex_unlock(&lock);
	if (rc == SQLITE_ROW)
		return 0;
	if (rc == SQLITE_DONE)
		return -ESTALE;
	r = sqlite_errno(rc);
	if (r == -ENOMEM)
		return r;
	log_error("store", NULL, "cannot read '%s' of a %s in the database: %s", kind->fields[field].name,
		  kind->noun, sqlite3_errstr(rc));
	return -EIO;
}
