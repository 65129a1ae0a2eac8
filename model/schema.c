/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See schema.h.
 *
 * PRAGMA user_version holds the schema version of the database. Tables and
 * columns of the field tables that are missing in the database are added without
 * a migration step, if PRAGMA application_id does not say that this program, or one
 * with the same tables, had it last. Other changes (a rename, a rewritten value) are
 * statements in steps[]: step n leads from version n to n + 1. To add one, append it;
 * never change an old one.
 */
#include "model/schema.h"

#include <string.h>

#include "model/cleanup.h"
#include "model/sqlite.h"

static const char *const steps[] = {
	"", /* 0 -> 1: an empty database; the tables come from the field tables */
	"", /* 1 -> 2: who reads an event; the columns are added by migrate_events() */
	"", /* 2 -> 3: uuids have no index that no foreign key needs; drop_uuid_indexes() */
};

#define SCHEMA_VERSION ((int)ARRAY_SIZE(steps))
/* The first without indexes of uuids. */
#define UUIDS_VERSION 3

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
 * txn.c checks that uuids are unique. An index of them costs each row a page of its own, as they are random, so there is
 * none that is not needed.
 */
static void append_column(sqlite3_str *s, const struct kind *kind, const struct field *f)
{
	sqlite3_str_appendf(s, "\"%w\" %s", f->name, column_type(f));
	if (strcmp(f->name, "uuid") == 0)
		sqlite3_str_appendall(s, is_parent(kind) ? " NOT NULL UNIQUE" : " NOT NULL");
	if (f->flags & F_FOREIGN)
		sqlite3_str_appendf(s, " REFERENCES \"%w\"(uuid)", kind_get(f->target)->table);
}

static int create_table(sqlite3 *db, const struct kind *kind, struct error *e)
{
	sqlite3_str *s = sqlite3_str_new(db);
	char *sql;
	int r;

	sqlite3_str_appendf(s, "CREATE TABLE IF NOT EXISTS \"%w\" (id INTEGER PRIMARY KEY AUTOINCREMENT",
			    kind->table);
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i])) {
			sqlite3_str_appendall(s, ", ");
			append_column(s, kind, &kind->fields[i]);
		}
	sqlite3_str_appendall(s, ", changed INTEGER NOT NULL, times BLOB NOT NULL) STRICT;");
	sql = sqlite3_str_finish(s);
	r = sql ? sqlite_exec(db, sql, e) : error_oom(e);
	sqlite3_free(sql);
	return r;
}

static int has_column(sqlite3 *db, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(db, NULL, table, column, NULL, NULL, NULL, NULL, NULL) ==
	       SQLITE_OK;
}

static int add_missing_columns(sqlite3 *db, const struct kind *kind, struct error *e)
{
	for (int i = 0; i < kind->field_count; i++) {
		const struct field *f = &kind->fields[i];
		sqlite3_str *s;
		char *sql;
		int r;

		if (!field_is_stored(f) || has_column(db, kind->table, f->name))
			continue;
		s = sqlite3_str_new(db);
		sqlite3_str_appendf(s, "ALTER TABLE \"%w\" ADD COLUMN ", kind->table);
		append_column(s, kind, f);
		sql = sqlite3_str_finish(s);
		r = sql ? sqlite_exec(db, sql, e) : error_oom(e);
		sqlite3_free(sql);
		if (r < 0)
			return r;
	}
	return 0;
}

static int create_indexes(sqlite3 *db, const struct kind *kind, struct error *e)
{
	/* Who enforces foreign keys in SQLite, as an older program does, scans all children of a parent that is removed otherwise. */
	for (int i = 1; i < kind->field_count; i++) {
		char *sql;
		int r;

		if (!(kind->fields[i].flags & F_FOREIGN))
			continue;
		sql = sqlite3_mprintf("CREATE INDEX IF NOT EXISTS \"%w_%w\" ON \"%w\"(\"%w\")", kind->table,
				      kind->fields[i].name, kind->table, kind->fields[i].name);
		r = sql ? sqlite_exec(db, sql, e) : error_oom(e);
		sqlite3_free(sql);
		if (r < 0)
			return r;
	}
	return 0;
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
	int r = create_table(db, kind, e);

	if (r < 0)
		return r;
	r = add_missing_columns(db, kind, e);
	return r < 0 ? r : create_indexes(db, kind, e);
}

/*
 * An index that belongs to a constraint of its table cannot be dropped. It becomes one that does not, in the text of the
 * schema alone, and is dropped then, which takes no longer than the index is. A table that is made anew would have to be
 * copied.
 */
static int drop_uuid_indexes(sqlite3 *db, struct error *e)
{
	sqlite3_str *s = sqlite3_str_new(db);
	char *sql;
	int r;

	sqlite3_str_appendall(s, "PRAGMA writable_schema = ON;");
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const char *table = kind_get((enum kind_id)k)->table;

		if (is_parent(kind_get((enum kind_id)k)))
			continue;
		sqlite3_str_appendf(
			s,
			"UPDATE sqlite_schema SET sql = replace(sql, '\"uuid\" TEXT NOT NULL UNIQUE', "
			"'\"uuid\" TEXT NOT NULL') WHERE type = 'table' AND name = %Q;"
			"UPDATE sqlite_schema SET name = '%q_uuid', "
			"sql = 'CREATE UNIQUE INDEX \"%w_uuid\" ON \"%w\"(\"uuid\")' "
			"WHERE type = 'index' AND name = 'sqlite_autoindex_%q_1';",
			table, table, table, table, table);
	}
	sqlite3_str_appendall(s, "PRAGMA writable_schema = RESET;");
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (!is_parent(kind_get((enum kind_id)k)))
			sqlite3_str_appendf(s, "DROP INDEX IF EXISTS \"%w_uuid\";",
					    kind_get((enum kind_id)k)->table);
	sql = sqlite3_str_finish(s);
	r = sql ? sqlite_exec(db, sql, e) : error_oom(e);
	sqlite3_free(sql);
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

	for (int v = version; v < SCHEMA_VERSION; v++) {
		r = sqlite_exec(db, steps[v], e);
		if (r < 0)
			return r;
	}
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		r = migrate_kind(db, kind_get((enum kind_id)k), e);
		if (r < 0)
			return r;
	}
	r = sqlite_exec(db,
			"CREATE TABLE IF NOT EXISTS kind_changed "
			"(\"table\" TEXT PRIMARY KEY NOT NULL, changed INTEGER NOT NULL) STRICT",
			e);
	if (r == 0)
		r = migrate_events(db, e);
	if (r == 0 && version > 0 && version < UUIDS_VERSION)
		r = drop_uuid_indexes(db, e);
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
	if (r == 0)
		r = sqlite_exec(db, "BEGIN IMMEDIATE", e);
	if (r < 0)
		return r;
	r = migrate(db, version, e);
	if (r == 0)
		r = sqlite_exec(db, "COMMIT", e);
	if (r < 0)
		(void)sqlite_exec(db, "ROLLBACK", NULL);
	return r;
}

#define ALL_FIELDS UINT64_MAX

/* The columns of these fields of a kind in their order, each printed with @fmt and followed by a comma. */
static void append_columns(sqlite3_str *s, const struct kind *kind, uint64_t fields, const char *fmt)
{
	for (int i = 0; i < kind->field_count; i++)
		if (field_is_stored(&kind->fields[i]) && fields >> i & 1) {
			sqlite3_str_appendf(s, fmt, kind->fields[i].name);
			sqlite3_str_appendall(s, ", ");
		}
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

char *schema_select_sql(const struct kind *kind, bool leave)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendall(s, "SELECT ");
	for (int i = 0; i < kind->field_count; i++) {
		const char *name = kind->fields[i].name;

		if (!field_is_stored(&kind->fields[i]))
			continue;
		if (leave && (kind->fields[i].flags & F_LEAVES) && kind->end_field < 0)
			sqlite3_str_appendf(s, "typeof(\"%w\") = 'text', ", name);
		else if (leave && (kind->fields[i].flags & F_LEAVES))
			sqlite3_str_appendf(s, "iif(\"%w\" IS NULL, \"%w\", typeof(\"%w\") = 'text'), ",
					    kind->fields[kind->end_field].name, name, name);
		else
			sqlite3_str_appendf(s, "\"%w\", ", name);
	}
	sqlite3_str_appendf(s, "changed, times, id FROM \"%w\" ORDER BY id", kind->table);
	return sqlite3_str_finish(s);
}
