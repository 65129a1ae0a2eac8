/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See schema.h.
 *
 * PRAGMA user_version holds the schema version of the database. Tables and
 * columns of the field tables that are missing in the database are added without
 * a migration step, if PRAGMA application_id does not say that this program, or one
 * with the same tables, had it last. Other changes (a rename, a rewritten value) are
 * in steps[]: step n leads from version n to n + 1. To add one, append it;
 * never change an old one.
 */
#include "model/schema.h"

#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/compressed.h"
#include "model/field_times.h"
#include "model/old_urls.h"
#include "model/sqlite.h"

/* Statements, or a function, or both: the statements first. */
struct step {
	const char *sql;
	int (*move)(sqlite3 *db, struct error *e);
};

static int move_kinds(sqlite3 *db, struct error *e);
static int migrate_events(sqlite3 *db, struct error *e);

static const struct step steps[] = {
	{0},			  /* 0 -> 1: an empty database; the tables come from the field tables */
	{.move = migrate_events}, /* 1 -> 2: who reads an event */
	/* 2 -> 3: tables of texts, shorter times, no AUTOINCREMENT, fewer indexes: all tables are made anew */
	{.move = move_kinds},
	{.move = old_urls_mask}, /* 3 -> 4: what of a URL only the one who gave it may know */
};

#define SCHEMA_VERSION ((int)ARRAY_SIZE(steps))
#define ALL_FIELDS     UINT64_MAX

static const char *column_type(const struct field *f)
{
	return field_is_integer(f) ? "INTEGER" : "TEXT";
}

/* Does a foreign key refer to it, which SQLite wants to be unique? */
static bool is_parent(const struct kind *kind)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *child = kind_get((enum kind_id)k);

		for (int i = 0; i < child->field_count; i++)
			if ((child->fields[i].flags & F_FOREIGN) && child->fields[i].target == kind->id)
				return true;
	}
	return false;
}

/*
 * txn.c checks that uuids are unique, and that what a row refers to is there. An index costs each row a page of its own, as
 * uuids are random, so there are those alone without which `PRAGMA foreign_key_check` does not work.
 */
static void append_column(sqlite3_str *s, const struct kind *kind, const struct field *f)
{
	sqlite3_str_appendf(s, "\"%w\" %s", f->name, column_type(f));
	if (strcmp(f->name, "uuid") == 0)
		sqlite3_str_appendall(s, is_parent(kind) ? " NOT NULL UNIQUE" : " NOT NULL");
	if (f->flags & F_FOREIGN)
		sqlite3_str_appendf(s, " REFERENCES \"%w\"(uuid)", kind_get(f->target)->table);
}

/* Runs what @s has gathered, which it frees. */
static int run(sqlite3 *db, sqlite3_str *s, struct error *e)
{
	char *sql = sqlite3_str_finish(s);
	int r = sql ? sqlite_exec(db, sql, e) : error_oom(e);

	sqlite3_free(sql);
	return r;
}

/* The table of a kind, or one like it of another name. */
static int create_table(sqlite3 *db, const struct kind *kind, const char *name, struct error *e)
{
	sqlite3_str *s = sqlite3_str_new(db);

	sqlite3_str_appendf(s, "CREATE TABLE IF NOT EXISTS \"%w\" (id INTEGER PRIMARY KEY", name);
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i])) {
			sqlite3_str_appendall(s, ", ");
			append_column(s, kind, &kind->fields[i]);
		}
	sqlite3_str_appendall(s, ", changed INTEGER NOT NULL, times BLOB NOT NULL) STRICT;");
	return run(db, s, e);
}

static int has_column(sqlite3 *db, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(db, NULL, table, column, NULL, NULL, NULL, NULL, NULL) ==
	       SQLITE_OK;
}

/* Adds those columns of these fields to @table that it has not, each as @append prints it. */
static int add_missing_columns(sqlite3 *db, const struct kind *kind, const char *table, uint64_t fields,
			       void (*append)(sqlite3_str *s, const struct kind *kind, const struct field *f),
			       struct error *e)
{
	for (int i = 0; i < kind->field_count; i++) {
		const struct field *f = &kind->fields[i];
		sqlite3_str *s;
		int r;

		if (!field_is_stored(f) || !(fields >> i & 1) || has_column(db, table, f->name))
			continue;
		s = sqlite3_str_new(db);
		sqlite3_str_appendf(s, "ALTER TABLE \"%w\" ADD COLUMN ", table);
		append(s, kind, f);
		r = run(db, s, e);
		if (r < 0)
			return r;
	}
	return 0;
}

uint64_t schema_texts(const struct kind *kind)
{
	uint64_t texts = 0;

	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i]) && (kind->fields[i].flags & F_COMPRESSED))
			texts |= UINT64_C(1) << i;
	return texts;
}

static void append_text_column(sqlite3_str *s, const struct kind *kind, const struct field *f)
{
	(void)kind;
	sqlite3_str_appendf(s, "\"%w\" BLOB", f->name);
}

/* A row of it goes with that of the object: see txn.c. */
static int create_texts(sqlite3 *db, const struct kind *kind, struct error *e)
{
	_cleanup_free_ char *table = NULL;
	sqlite3_str *s = sqlite3_str_new(db);
	int r;

	sqlite3_str_appendf(
		s,
		"CREATE TABLE IF NOT EXISTS \"%w_text\" (id INTEGER PRIMARY KEY REFERENCES \"%w\"(id)) STRICT;",
		kind->table, kind->table);
	r = run(db, s, e);
	if (r < 0)
		return r;
	if (asprintf(&table, "%s_text", kind->table) < 0)
		return error_oom(e);
	return add_missing_columns(db, kind, table, schema_texts(kind), append_text_column, e);
}

/* The number that a pragma answers; -1: it cannot be read. */
static int read_number(sqlite3 *db, const char *pragma)
{
	sqlite3_stmt *stmt = NULL;
	int number = -1;

	if (sqlite3_prepare_v2(db, pragma, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return number;
}

static int user_version(sqlite3 *db)
{
	return read_number(db, "PRAGMA user_version");
}

static int migrate_kind(sqlite3 *db, const struct kind *kind, struct error *e)
{
	int r = create_table(db, kind, kind->table, e);

	if (r < 0)
		return r;
	r = add_missing_columns(db, kind, kind->table, ALL_FIELDS, append_column, e);
	if (r == 0 && schema_texts(kind))
		r = create_texts(db, kind, e);
	return r;
}

/* The last change of a kind, and its last row id, as of the last time that a row was removed. */
static int migrate_kind_changed(sqlite3 *db, struct error *e)
{
	int r = sqlite_exec(db,
			    "CREATE TABLE IF NOT EXISTS kind_changed (\"table\" TEXT PRIMARY KEY NOT NULL, "
			    "changed INTEGER NOT NULL, last_id INTEGER NOT NULL) STRICT",
			    e);

	if (r < 0 || has_column(db, "kind_changed", "last_id"))
		return r;
	return sqlite_exec(db, "ALTER TABLE kind_changed ADD COLUMN last_id INTEGER NOT NULL DEFAULT 0", e);
}

static int migrate_kinds(sqlite3 *db, struct error *e)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		int r = migrate_kind(db, kind_get((enum kind_id)k), e);

		if (r < 0)
			return r;
	}
	return migrate_kind_changed(db, e);
}

/* An SQL function: a text in the form in which it is stored. */
static void compress_value(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	size_t len = (size_t)sqlite3_value_bytes(values[0]);
	char *compressed;

	(void)count;
	if (!text)
		return;
	compressed = malloc(compressed_bound(len));
	if (compressed)
		sqlite3_result_blob(context, compressed, (int)compressed_write(text, len, compressed), free);
	else
		sqlite3_result_error_nomem(context);
}

/* An SQL function: times of fields, which were an array of them before version 3, in the form in which they are stored. */
static void shorten_times(sqlite3_context *context, int count, sqlite3_value **values)
{
	const void *bytes = sqlite3_value_blob(values[0]);
	int known = sqlite3_value_bytes(values[0]) / (int)sizeof(int64_t);
	int64_t times[FIELDS_MAX];
	char runs[FIELDS_MAX * FIELD_TIMES_RUN];

	(void)count;
	if (known > FIELDS_MAX) {
		sqlite3_result_error(context, "times of too many fields", -1);
		return;
	}
	known = bytes ? known : 0;
	if (known)
		memcpy(times, bytes, (size_t)known * sizeof(times[0]));
	sqlite3_result_blob(context, runs, (int)field_times_write(times, known, runs), SQLITE_TRANSIENT);
}

/* The columns of these fields of a kind in their order, each printed with @fmt and followed by a comma. */
static void append_columns(sqlite3_str *s, const struct kind *kind, uint64_t fields, const char *fmt)
{
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i]) && fields >> i & 1) {
			sqlite3_str_appendf(s, fmt, kind->fields[i].name);
			sqlite3_str_appendall(s, ", ");
		}
}

/* Prints @fmt for each of these fields, with the name of the field in the place of each of its one or two "%w". */
static void append_joined(sqlite3_str *s, const struct kind *kind, uint64_t fields, const char *fmt,
			  const char *separator)
{
	const char *before = "";

	for (int i = 0; i < kind->field_count; i++)
		if (fields >> i & 1) {
			sqlite3_str_appendall(s, before);
			sqlite3_str_appendf(s, fmt, kind->fields[i].name, kind->fields[i].name);
			before = separator;
		}
}

#define MOVED "moved"

/* Copies the long texts of a kind's rows into its table of texts. */
static int copy_texts(sqlite3 *db, const struct kind *kind, struct error *e)
{
	const uint64_t texts = schema_texts(kind);
	sqlite3_str *s = sqlite3_str_new(db);

	sqlite3_str_appendf(s, "INSERT INTO \"%w_text\" (id, ", kind->table);
	append_joined(s, kind, texts, "\"%w\"", ", ");
	sqlite3_str_appendall(s, ") SELECT id, ");
	append_joined(s, kind, texts, "compressed(\"%w\")", ", ");
	sqlite3_str_appendf(s, " FROM \"%w\" WHERE ", kind->table);
	append_joined(s, kind, texts, "\"%w\" IS NOT NULL", " OR ");
	sqlite3_str_appendall(s, " ORDER BY id");
	return run(db, s, e);
}

/*
 * Makes the table of a kind anew without them, and with times of fields as they are written now: rows that only became
 * shorter would leave each page as empty as it is then. And without AUTOINCREMENT, with which SQLite writes a page more for
 * each commit that adds rows.
 */
static int copy_rows(sqlite3 *db, const struct kind *kind, struct error *e)
{
	sqlite3_str *s = sqlite3_str_new(db);

	sqlite3_str_appendall(s, "INSERT INTO " MOVED " (");
	append_columns(s, kind, ALL_FIELDS, "\"%w\"");
	sqlite3_str_appendall(s, "changed, times, id) SELECT ");
	for (int i = 0; i < kind->field_count; i++)
		append_columns(s, kind, UINT64_C(1) << i,
			       kind->fields[i].flags & F_COMPRESSED ? "substr(\"%w\", 1, 0)" : "\"%w\"");
	sqlite3_str_appendf(s, "changed, shortened(times), id FROM \"%w\" ORDER BY id;", kind->table);
	sqlite3_str_appendf(
		s,
		"INSERT INTO kind_changed SELECT name, 0, seq FROM sqlite_sequence WHERE name = %Q "
		"ON CONFLICT (\"table\") DO UPDATE SET last_id = excluded.last_id;",
		kind->table);
	sqlite3_str_appendf(s, "DROP TABLE \"%w\"; ALTER TABLE " MOVED " RENAME TO \"%w\"", kind->table,
			    kind->table);
	return run(db, s, e);
}

/* From version 2 to 3: see steps[]. */
static int move_kind(sqlite3 *db, const struct kind *kind, struct error *e)
{
	int r = schema_texts(kind) ? copy_texts(db, kind, e) : 0;

	if (r == 0)
		r = create_table(db, kind, MOVED, e);
	if (r == 0)
		r = copy_rows(db, kind, e);
	return r;
}

static int move_kinds(sqlite3 *db, struct error *e)
{
	const int how = SQLITE_UTF8 | SQLITE_DIRECTONLY;
	int r, rc = sqlite3_create_function(db, "compressed", 1, how, NULL, compress_value, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(db, "shortened", 1, how, NULL, shorten_times, NULL, NULL);
	r = rc == SQLITE_OK ? migrate_kinds(db, e)
			    : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
	for (int k = KIND_NONE + 1; k < KIND_COUNT && r == 0; k++)
		r = move_kind(db, kind_get((enum kind_id)k), e);
	return r;
}

/* Events from before version 2 are the administrators'. */
static int migrate_events(sqlite3 *db, struct error *e)
{
	int r = sqlite_exec(db,
			    "CREATE TABLE IF NOT EXISTS event (sequence INTEGER PRIMARY KEY, "
			    "time INTEGER NOT NULL, line TEXT NOT NULL, shown INTEGER, maker INTEGER, "
			    "audience TEXT) STRICT",
			    e);

	if (r < 0 || has_column(db, "event", "audience"))
		return r;
	return sqlite_exec(db,
			   "ALTER TABLE event ADD COLUMN shown INTEGER;"
			   "ALTER TABLE event ADD COLUMN maker INTEGER;"
			   "ALTER TABLE event ADD COLUMN audience TEXT",
			   e);
}

/* FNV-1a, continued. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 16777619;
	while (*text++);
	return hash;
}

/* Stands for all tables, columns and indexes of this program. Not 0. */
static int32_t fingerprint(void)
{
	uint32_t hash = 2166136261 + SCHEMA_VERSION;

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);

		hash = hash_text(hash, kind->table);
		for (int i = 0; i < kind->field_count; i++) {
			const struct field *f = &kind->fields[i];

			if (!field_is_stored(f))
				continue;
			hash = hash_text(hash, f->name);
			hash = hash_text(hash, column_type(f));
			if (f->flags & F_COMPRESSED)
				hash = hash_text(hash, "text");
			if (f->flags & F_FOREIGN)
				hash = hash_text(hash, kind_get(f->target)->table);
		}
	}
	return (int32_t)(hash ? hash : 1);
}

static int migrate(sqlite3 *db, int version, struct error *e)
{
	char pragma[128];
	int r;

	/* an empty one needs no steps */
	for (int v = version ? version : SCHEMA_VERSION; v < SCHEMA_VERSION; v++) {
		r = steps[v].sql ? sqlite_exec(db, steps[v].sql, e) : 0;
		if (r == 0 && steps[v].move)
			r = steps[v].move(db, e);
		if (r < 0)
			return r;
	}
	r = migrate_kinds(db, e);
	if (r == 0)
		r = migrate_events(db, e);
	if (r < 0)
		return r;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d; PRAGMA application_id = %d",
		 SCHEMA_VERSION, fingerprint());
	return sqlite_exec(db, pragma, e);
}

static int check_version(sqlite3 *db, int version, struct error *e)
{
	if (version < 0)
		return error_set(e, EIO, "database: %s", sqlite3_errmsg(db));
	if (version > SCHEMA_VERSION)
		return error_set(e, EPROTO,
				 "the database has schema version %d, this poolfs knows versions up to %d",
				 version, SCHEMA_VERSION);
	return 0;
}

int schema_check(const char *path, struct error *e)
{
	sqlite3 *db = NULL;
	int r, rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		r = error_set(e, -sqlite_errno(rc), "cannot open '%s': %s", path,
			      db ? sqlite3_errmsg(db) : "out of memory");
	else
		r = check_version(db, user_version(db), e);
	(void)sqlite3_close(db);
	return r;
}

int schema_apply(sqlite3 *db, struct error *e)
{
	int version = user_version(db);
	int r = check_version(db, version, e);

	/* All of it takes as long as loading the rows of a small pool. */
	if (r == 0 && version == SCHEMA_VERSION && read_number(db, "PRAGMA application_id") == fingerprint())
		return 0;
	/* Each page is written once. */
	if (r == 0)
		r = sqlite_exec(db, "PRAGMA cache_size = -65536; BEGIN IMMEDIATE", e);
	if (r < 0)
		return r;
	r = migrate(db, version, e);
	if (r == 0)
		r = sqlite_exec(db, "COMMIT", e);
	if (r < 0)
		(void)sqlite_exec(db, "ROLLBACK", NULL);
	/* The log of the database may be as long as the database now. That it stays so is no reason not to start. */
	if (r == 0)
		(void)sqlite_exec(db, "PRAGMA cache_size = -2000; PRAGMA wal_checkpoint(TRUNCATE)", NULL);
	return r;
}

char *schema_insert_sql(const struct kind *kind)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendf(s, "INSERT INTO \"%w\" (", kind->table);
	append_columns(s, kind, ALL_FIELDS, "\"%w\"");
	sqlite3_str_appendall(s, "changed, times, id) VALUES (");
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i]))
			sqlite3_str_appendall(s, "?, ");
	sqlite3_str_appendall(s, "?, ?, ?)");
	return sqlite3_str_finish(s);
}

char *schema_update_sql(const struct kind *kind, uint64_t fields)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendf(s, "UPDATE \"%w\" SET ", kind->table);
	append_columns(s, kind, fields, "\"%w\" = ?");
	sqlite3_str_appendall(s, "changed = ?, times = ? WHERE id = ?");
	return sqlite3_str_finish(s);
}

/* The condition that there is something to be loaded of a row's texts: one that does not leave, or the object has not ended. */
static void append_has_text(sqlite3_str *s, const struct kind *kind, bool leave)
{
	uint64_t always = schema_texts(kind);

	for (int i = 0; leave && i < kind->field_count; i++)
		if (kind->fields[i].flags & F_LEAVES)
			always &= ~(UINT64_C(1) << i);
	append_joined(s, kind, always, "o.\"%w\" IS NOT NULL", " OR ");
	if (always == schema_texts(kind))
		return;
	sqlite3_str_appendall(s, always ? " OR " : "");
	if (kind->end_field < 0)
		sqlite3_str_appendall(s, "FALSE");
	else
		sqlite3_str_appendf(s, "o.\"%w\" IS NULL", kind->fields[kind->end_field].name);
}

/* What is selected of a text. */
static void append_text(sqlite3_str *s, const struct kind *kind, const char *name, bool leaves)
{
	if (leaves && kind->end_field < 0)
		sqlite3_str_appendf(s, "CASE WHEN o.\"%w\" IS NOT NULL THEN 1 END, ", name);
	else if (leaves)
		sqlite3_str_appendf(s,
				    "CASE WHEN o.\"%w\" IS NOT NULL THEN "
				    "CASE WHEN o.\"%w\" IS NULL THEN ifnull(t.\"%w\", 0) ELSE 1 END END, ",
				    name, kind->fields[kind->end_field].name, name);
	else
		sqlite3_str_appendf(s, "CASE WHEN o.\"%w\" IS NOT NULL THEN ifnull(t.\"%w\", 0) END, ", name,
				    name);
}

char *schema_select_sql(const struct kind *kind, bool leave, const char *function)
{
	const uint64_t texts = schema_texts(kind);
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendf(s, "SELECT %s(", function);
	for (int i = 0; i < kind->field_count; i++)
		if (texts >> i & 1)
			append_text(s, kind, kind->fields[i].name,
				    leave && (kind->fields[i].flags & F_LEAVES));
		else
			append_columns(s, kind, UINT64_C(1) << i, "o.\"%w\"");
	sqlite3_str_appendf(s, "o.changed, o.times, o.id) FROM \"%w\" AS o ", kind->table);
	if (texts) {
		/* a row without a text is not looked for */
		sqlite3_str_appendf(s, "LEFT JOIN \"%w_text\" AS t ON t.id = CASE WHEN ", kind->table);
		append_has_text(s, kind, leave);
		sqlite3_str_appendall(s, " THEN o.id END ");
	}
	sqlite3_str_appendall(s, "ORDER BY o.id");
	return sqlite3_str_finish(s);
}

char *schema_last_ids_sql(void)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		sqlite3_str_appendf(s, "%sSELECT max(id) FROM \"%w\"", k > KIND_NONE + 1 ? " UNION ALL " : "",
				    kind_get((enum kind_id)k)->table);
	return sqlite3_str_finish(s);
}

char *schema_put_texts_sql(const struct kind *kind, uint64_t fields)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendf(s, "INSERT INTO \"%w_text\" (id, ", kind->table);
	append_joined(s, kind, fields, "\"%w\"", ", ");
	sqlite3_str_appendall(s, ") VALUES (?");
	append_joined(s, kind, fields, ", ?", "");
	sqlite3_str_appendall(s, ") ON CONFLICT (id) DO UPDATE SET ");
	append_joined(s, kind, fields, "\"%w\" = excluded.\"%w\"", ", ");
	return sqlite3_str_finish(s);
}

char *schema_text_sql(const struct kind *kind, int field)
{
	const char *name = kind->fields[field].name;

	return sqlite3_mprintf(
		"SELECT CASE WHEN o.\"%w\" IS NOT NULL THEN ifnull(t.\"%w\", 0) END FROM \"%w\" AS o "
		"LEFT JOIN \"%w_text\" AS t ON t.id = o.id WHERE o.id = ?",
		name, name, kind->table, kind->table);
}
