/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and removing rows. See txn.h. */
#include "model/txn.h"

#include <stdlib.h>
#include <string.h>

#include "model/compressed.h"
#include "model/field_times.h"
#include "model/schema.h"
#include "model/sqlite.h"
#include "model/text.h"
#include "model/txn_internal.h"

const struct view *txn_view(const struct txn *t)
{
	return t->view;
}

int64_t txn_now(const struct txn *t)
{
	return t->now;
}

void txn_set_cause(struct txn *t, const struct cause *cause)
{
	t->cause = *cause;
}

const struct cause *txn_cause(const struct txn *t)
{
	return &t->cause;
}

void txn_set_fact(struct txn *t)
{
	t->fact = true;
}

/* ------------------------------------------------------------ statements */

static int prepare(struct txn *t, sqlite3_stmt **stmt, char *sql, struct error *e)
{
	int rc;

	if (*stmt) {
		sqlite3_free(sql);
		return 0;
	}
	if (!sql)
		return error_oom(e);
	rc = sqlite3_prepare_v3(t->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? 0 : error_set(e, EIO, "database: %s", sqlite3_errmsg(t->db));
}

/* Runs a statement; @rc is the result of binding its parameters. */
static int step(sqlite3_stmt *stmt, int rc, struct error *e)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	if (rc == SQLITE_DONE)
		return 0;
	/* what it refuses should not have been in memory */
	return error_set(e, (rc & 0xff) == SQLITE_CONSTRAINT ? EIO : -sqlite_errno(rc), "database: %s",
			 sqlite3_errstr(rc));
}

/* The statement of @cache that sets these fields; @make_sql makes one. -ENOMEM, -EIO. */
static int prepare_cached(struct txn *t, struct statement_cache *cache, const struct kind *kind,
			  uint64_t fields, char *(*make_sql)(const struct kind *, uint64_t),
			  sqlite3_stmt **ret, struct error *e)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	for (unsigned i = 0; i < UPDATES_MAX; i++)
		if (cache->of[i].stmt && cache->of[i].fields == fields) {
			*ret = cache->of[i].stmt;
			return 0;
		}
	r = prepare(t, &stmt, make_sql(kind, fields), e);
	if (r < 0)
		return r;
	sqlite3_finalize(cache->of[cache->next].stmt);
	cache->of[cache->next].stmt = *ret = stmt;
	cache->of[cache->next].fields = fields;
	cache->next = (cache->next + 1) % UPDATES_MAX;
	return 0;
}

/* Binds these of the stored fields, changed, times and the row id of @o. Returns an SQLite code. */
static int bind_object(sqlite3_stmt *stmt, const struct object *o, uint64_t fields)
{
	int n = 0, rc = SQLITE_OK;
	int64_t times[FIELDS_MAX];
	char runs[FIELDS_MAX * FIELD_TIMES_RUN];

	for (int i = 0; i < o->kind->field_count && rc == SQLITE_OK; i++) {
		if (!field_is_stored(&o->kind->fields[i]) || !(fields >> i & 1))
			continue;
		n++;
		if (object_is_null(o, i))
			rc = sqlite3_bind_null(stmt, n);
		else if (field_is_integer(&o->kind->fields[i]))
			rc = sqlite3_bind_int64(stmt, n, object_int(o, i));
		else if (o->kind->fields[i].flags & F_COMPRESSED)
			rc = sqlite3_bind_text(stmt, n, "", 0, SQLITE_STATIC); /* see write_texts() */
		else
			rc = sqlite3_bind_text(stmt, n, object_str(o, i), -1, SQLITE_STATIC);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, ++n, o->changed);
	for (int i = 0; i < o->kind->field_count; i++)
		times[i] = object_time(o, i);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(stmt, ++n, runs,
				       (int)field_times_write(times, o->kind->field_count, runs),
				       SQLITE_TRANSIENT);
	return rc == SQLITE_OK ? sqlite3_bind_int64(stmt, ++n, o->id) : rc;
}

/* The long texts of @o that are to be written: for a new row those that it has, else those of the fields that differ. */
static uint64_t texts_to_write(const struct object *o, uint64_t fields, bool is_new)
{
	return schema_texts(o->kind) & (is_new ? ~o->nulls : fields);
}

/* Writes these texts of @o, which is packed, as they are in memory. */
static int write_texts(struct txn *t, const struct object *o, uint64_t fields, struct error *e)
{
	sqlite3_stmt *stmt;
	int rc, n = 1,
		r = prepare_cached(t, &t->statements[o->kind->id].texts, o->kind, fields,
				   schema_put_texts_sql, &stmt, e);

	if (r < 0)
		return r;
	rc = sqlite3_bind_int64(stmt, n, o->id);
	for (int i = 0; i < o->kind->field_count && rc == SQLITE_OK; i++) {
		const char *text;

		if (!(fields >> i & 1))
			continue;
		text = object_compressed(o, i);
		rc = text ? sqlite3_bind_blob(stmt, ++n, text, (int)compressed_size(text), SQLITE_STATIC)
			  : sqlite3_bind_null(stmt, ++n);
	}
	return step(stmt, rc, e);
}

static int insert_row(struct txn *t, const struct object *o, struct error *e)
{
	struct kind_statements *s = &t->statements[o->kind->id];
	const uint64_t texts = texts_to_write(o, UINT64_MAX, true);
	int r = prepare(t, &s->insert, s->insert ? NULL : schema_insert_sql(o->kind), e);

	if (r == 0)
		r = step(s->insert, bind_object(s->insert, o, UINT64_MAX), e);
	return r == 0 && texts ? write_texts(t, o, texts, e) : r;
}

static int update_row(struct txn *t, const struct object *o, uint64_t fields, struct error *e)
{
	const uint64_t texts = texts_to_write(o, fields, false);
	sqlite3_stmt *stmt;
	int r = prepare_cached(t, &t->statements[o->kind->id].updates, o->kind, fields, schema_update_sql,
			       &stmt, e);

	if (r == 0)
		r = step(stmt, bind_object(stmt, o, fields), e);
	return r == 0 && texts ? write_texts(t, o, texts, e) : r;
}

static int delete_row(struct txn *t, const struct object *o, struct error *e)
{
	struct kind_statements *s = &t->statements[o->kind->id];
	int r = prepare(t, &s->remove,
			s->remove ? NULL : sqlite3_mprintf("DELETE FROM \"%w\" WHERE id = ?", o->kind->table),
			e);

	if (r == 0)
		r = step(s->remove, sqlite3_bind_int64(s->remove, 1, o->id), e);
	if (r < 0 || !schema_texts(o->kind))
		return r;
	r = prepare(t, &s->remove_texts,
		    s->remove_texts ? NULL
				    : sqlite3_mprintf("DELETE FROM \"%w_text\" WHERE id = ?", o->kind->table),
		    e);
	return r < 0 ? r : step(s->remove_texts, sqlite3_bind_int64(s->remove_texts, 1, o->id), e);
}

/* ---------------------------------------------------------------- writing */

/* Of a row, then in the order in which they were made. */
static int compare_changes(const void *a, const void *b)
{
	const struct change *x = *(const struct change *const *)a, *y = *(const struct change *const *)b;
	const struct object *o = x->after ? x->after : x->before, *p = y->after ? y->after : y->before;

	if (o->kind != p->kind)
		return o->kind->id < p->kind->id ? -1 : 1;
	if (o->id != p->id)
		return o->id < p->id ? -1 : 1;
	return x < y ? -1 : 1;
}

static bool is_same_row(const struct change *x, const struct change *y)
{
	const struct object *o = x->after ? x->after : x->before, *p = y->after ? y->after : y->before;

	return o->kind == p->kind && o->id == p->id;
}

/* Writes what has become of one row by all of its @count changes. */
static int write_changes(struct txn *t, const struct change **of, size_t count, struct error *e)
{
	const struct object *before = of[0]->before, *after = of[count - 1]->after;
	uint64_t fields = 0;

	for (size_t i = 0; i < count; i++)
		fields |= of[i]->fields;
	if (!before)
		return after ? insert_row(t, after, e) : 0;
	return after ? update_row(t, after, fields, e) : delete_row(t, before, e);
}

int txn_write(struct txn *t, struct error *e)
{
	_cleanup_free_ const struct change **sorted = malloc(t->change_count * sizeof(*sorted) + 1);
	size_t count;
	int r = 0;

	if (!sorted)
		return error_oom(e);
	for (size_t i = 0; i < t->change_count; i++)
		sorted[i] = &t->changes[i];
	qsort(sorted, t->change_count, sizeof(*sorted), compare_changes);
	for (size_t i = 0; r == 0 && i < t->change_count; i += count) {
		for (count = 1; i + count < t->change_count && is_same_row(sorted[i], sorted[i + count]);
		     count++)
			;
		r = write_changes(t, &sorted[i], count, e);
	}
	return r;
}

/* --------------------------------------------------------------- changes */

static int remember(struct txn *t, const struct object *before, const struct object *after, uint64_t fields)
{
	if (t->change_count == t->change_room) {
		size_t room = t->change_room ? 2 * t->change_room : 32;
		struct change *grown = reallocarray(t->changes, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		t->changes = grown;
		t->change_room = room;
	}
	t->changes[t->change_count++] = (struct change){object_ref(before), object_ref(after), fields};
	return 0;
}

void txn_truncate(struct txn *t, size_t count)
{
	while (t->change_count > count) {
		t->change_count--;
		object_unref(t->changes[t->change_count].before);
		object_unref(t->changes[t->change_count].after);
	}
}

/*
 * Writes @o unchanged to the working view; it differs from @before in these fields. A new object gets the number of its
 * row.
 */
static int put_row(struct txn *t, const struct object *before, struct object *o, uint64_t fields,
		   struct error *e)
{
	int r;

	if (!before)
		o->id = view_last_id(t->view, o->kind->id) + 1;
	r = view_put(t->view, o);
	if (r == 0)
		r = remember(t, before, view_get_id(t->view, o->kind->id, o->id), fields);
	if (r < 0) {
		t->failed = true;
		return r == -ERANGE
			       ? error_set(e, ENOSPC, "the numbers of rows of the table '%s' are used up",
					   o->kind->table)
			       : error_oom(e);
	}
	view_set_changed(t->view, o->kind->id, t->now);
	return 0;
}

/*
 * The inventory of an owner changes with the objects in it: replaces the owner by a copy with a new time,
 * unless this change has done so already and the copy has not been rendered since.
 */
static int touch(struct txn *t, enum kind_id kind, const char *uuid, struct error *e)
{
	const struct object *owner = view_get(t->view, kind, uuid);
	_cleanup_object_ struct object *copy = NULL;

	if (!owner ||
	    (owner->changed == t->now && !atomic_load_explicit(&owner->inventory, memory_order_relaxed)))
		return 0;
	copy = object_copy(owner);
	if (!copy) {
		t->failed = true;
		return error_oom(e);
	}
	copy->changed = t->now;
	return put_row(t, owner, copy, 0, e);
}

static int touch_owners(struct txn *t, const struct object *o, struct error *e)
{
	for (int i = 0; o && i < o->kind->field_count; i++) {
		int r;

		if (!(o->kind->fields[i].flags & F_OWNER) || object_is_null(o, i))
			continue;
		r = touch(t, o->kind->fields[i].target, object_str(o, i), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The fields in which @o differs, a bit each: all of a new object. */
static uint64_t differing_fields(const struct object *before, const struct object *o)
{
	uint64_t fields = 0;

	for (int i = 0; i < o->kind->field_count; i++)
		if (!before || (field_is_stored(&o->kind->fields[i]) && !object_field_equal(before, o, i)))
			fields |= UINT64_C(1) << i;
	return fields;
}

/*
 * Sets the dates and per-field times of an object about to be written, which differs in these fields. Returns them with
 * those that it has set.
 */
static uint64_t stamp(struct txn *t, const struct object *before, struct object *o, uint64_t fields)
{
	const struct kind *kind = o->kind;
	bool counts = !before;

	if (!before && kind->create_date_field >= 0 && object_is_null(o, kind->create_date_field))
		object_set_int(o, kind->create_date_field, t->now);
	for (int i = 0; i < kind->field_count; i++) {
		if (!(fields >> i & 1))
			continue;
		object_set_time(o, i, t->now);
		counts = counts || !(kind->fields[i].flags & F_NOWRITE);
	}
	if (counts && kind->last_op_field >= 0) {
		object_set_int(o, kind->last_op_field, t->now);
		object_set_time(o, kind->last_op_field, t->now);
		fields |= UINT64_C(1) << kind->last_op_field;
	}
	o->changed = t->now;
	return fields;
}

static int check_texts(const struct object *o, uint64_t fields, struct error *e)
{
	for (int i = 0; i < o->kind->field_count; i++)
		if ((fields >> i & 1) && !field_is_integer(&o->kind->fields[i]) &&
		    !text_is_utf8(object_text(o, i), strlen(object_text(o, i))))
			return error_set(e, EINVAL, "'%s' is not UTF-8 text", o->kind->fields[i].name);
	return 0;
}

/* Refuses a row whose uuid another one has, or that refers to one that there is not, by one of these fields. */
static int check_references(const struct txn *t, const struct object *o, uint64_t fields, struct error *e)
{
	struct view_where where;
	const struct object *same;

	if (object_is_null(o, FIELD_UUID))
		return error_set(e, EINVAL, "%s without a uuid", o->kind->noun);
	for (int i = 0; i < o->kind->field_count; i++) {
		const struct field *f = &o->kind->fields[i];

		if (!(fields >> i & 1) || object_is_null(o, i))
			continue;
		same = i == FIELD_UUID ? view_where_next(view_where_init(&where, t->view, o->kind->id,
									 FIELD_UUID, object_uuid(o)))
				       : NULL;
		if (same && same->id != o->id)
			return error_set(e, EEXIST, "uuid '%s' is already taken", object_uuid(o));
		if ((f->flags & F_FOREIGN) && !view_has(t->view, f->target, object_str(o, i)))
			return error_set(e, ENOENT, "%s '%s' does not exist", kind_get(f->target)->noun,
					 object_str(o, i));
	}
	return 0;
}

static bool is_referred_to_by(const struct view *view, const struct object *o, const struct kind *kind)
{
	for (int i = 0; i < kind->field_count; i++)
		if ((kind->fields[i].flags & F_FOREIGN) && kind->fields[i].target == o->kind->id &&
		    view_has_where(view, kind->id, i, object_uuid(o)))
			return true;
	return false;
}

static int check_unreferred(const struct txn *t, const struct object *o, struct error *e)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (is_referred_to_by(t->view, o, kind_get((enum kind_id)k)))
			return error_set(e, ENOTEMPTY, "others refer to %s '%s'", o->kind->noun,
					 object_uuid(o));
	return 0;
}

int txn_edit(struct txn *t, enum kind_id kind, const char *uuid, struct object **ret_copy, struct error *e)
{
	const struct object *row = view_get(t->view, kind, uuid);
	struct object *copy;

	if (!row)
		return view_has(t->view, kind, uuid) ? error_oom(e) : error_gone(e, kind, uuid);
	copy = object_copy(row);
	if (!copy)
		return error_oom(e);
	*ret_copy = copy;
	return 0;
}

/* Texts that had left memory when @o was copied, and that a later change has brought back, are as that has left them. */
static void keep_texts(struct object *o, const struct object *before)
{
	for (int i = 0; i < o->kind->field_count; i++) {
		_cleanup_free_ char *text = NULL;

		if (!object_text_has_left(o, i) || object_text_has_left(before, i))
			continue;
		if (object_read_text(before, i, &text) < 0)
			object_set_broken(o);
		object_set_str(o, i, text);
		object_set_time(o, i, object_time(before, i));
	}
}

int txn_put(struct txn *t, struct object *taken, const struct object **ret, struct error *e)
{
	_cleanup_object_ struct object *o = taken;
	const struct object *before;
	uint64_t fields;
	int r;

	if (!o || object_is_broken(o))
		return error_oom(e);
	before = o->id ? view_get_id(t->view, o->kind->id, o->id) : NULL;
	if (o->id && !before)
		return view_has_id(t->view, o->kind->id, o->id) ? error_oom(e)
								: error_gone(e, o->kind->id, object_uuid(o));
	if (before)
		keep_texts(o, before);
	if (object_is_broken(o))
		return error_oom(e);
	fields = differing_fields(before, o);
	if (!fields) {
		if (ret)
			*ret = before;
		return 0;
	}
	r = check_texts(o, fields, e);
	if (r == 0)
		r = check_references(t, o, fields, e);
	if (r < 0)
		return r;
	_cleanup_object_ const struct object *held = object_ref(before);
	r = t->guard && t->cause.source && !t->fact ? t->guard(t, held, o, e) : 0;
	if (r < 0)
		return r;
	r = put_row(t, held, o, stamp(t, held, o, fields), e);
	if (r < 0)
		return r;
	r = touch_owners(t, held, e);
	if (r < 0)
		return r;
	r = touch_owners(t, o, e);
	if (r < 0)
		return r;
	if (ret)
		*ret = view_get_id(t->view, o->kind->id, o->id);
	return 0;
}

int txn_remove(struct txn *t, const struct object *given, struct error *e)
{
	_cleanup_object_ const struct object *o =
		object_ref(view_get_id(t->view, given->kind->id, given->id));
	int r;

	if (!o)
		return view_has_id(t->view, given->kind->id, given->id)
			       ? error_oom(e)
			       : error_gone(e, given->kind->id, object_uuid(given));
	r = check_unreferred(t, o, e);
	if (r < 0)
		return r;
	if (view_remove(t->view, o) < 0 || remember(t, o, NULL, UINT64_MAX) < 0) {
		t->failed = true;
		return error_oom(e);
	}
	view_set_changed(t->view, o->kind->id, t->now);
	return touch_owners(t, o, e);
}

void txn_statements_finalize(struct kind_statements *statements)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		sqlite3_finalize(statements[k].insert);
		sqlite3_finalize(statements[k].remove);
		sqlite3_finalize(statements[k].remove_texts);
		for (unsigned i = 0; i < UPDATES_MAX; i++) {
			sqlite3_finalize(statements[k].updates.of[i].stmt);
			sqlite3_finalize(statements[k].texts.of[i].stmt);
		}
	}
}
