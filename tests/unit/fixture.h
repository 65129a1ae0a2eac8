/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, with helpers to fill it, for tests of everything above the model. */
#ifndef POOLFS_FIXTURE_H
#define POOLFS_FIXTURE_H

#include "tests/unit/test.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/listing.h"
#include "model/store.h"
#include "model/uuid.h"

struct fixture {
	char dir[64];
	view_takes_fn *takes; /* of the store, from the next time that it is opened */
	struct store *store;
};

static inline int fixture_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void fixture_open(struct fixture *f)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (store_open(f->dir, f->takes, &f->store, &e) < 0)
		fail_msg("store_open: %s", error_sentence(&e));
}

static inline void fixture_reopen(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
	fixture_open(f);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/poolfs-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	(void)nftw(f->dir, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* Closes the store, and runs @sql on its database. */
static inline void fixture_sql(struct fixture *f, const char *sql)
{
	char path[128];
	char *message = NULL;
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	snprintf(path, sizeof(path), "%s/pool.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
}

/* A uuid that is the same in every run: @n in hexadecimal. */
static inline const char *test_uuid(unsigned n)
{
	static _Thread_local char ring[8][UUID_SIZE];
	static _Thread_local unsigned next;
	char *u = ring[next++ % 8];

	snprintf(u, UUID_SIZE, "%032x", n);
	return u;
}

static inline struct object *make(enum kind_id kind, const char *uuid)
{
	struct object *o = object_new(kind_get(kind));

	assert_non_null(o);
	object_set_str(o, FIELD_UUID, uuid);
	if (kind_get(kind)->name_field >= 0)
		object_set_str(o, kind_get(kind)->name_field, "unnamed");
	return o;
}

static inline int fixture_put_fn(struct txn *t, void *arg, struct error *e)
{
	return txn_put(t, arg, NULL, e);
}

/* Puts @o (ownership is taken); returns the result of the store. */
static inline int try_put(struct fixture *f, struct object *o, struct error *e)
{
	return store_run(f->store, fixture_put_fn, o, e);
}

static inline void put(struct fixture *f, struct object *o)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (try_put(f, o, &e) < 0)
		fail_msg("put: %s", error_sentence(&e));
}

static inline int fixture_remove_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *o = view_get_any(txn_view(t), arg);

	return o ? txn_remove(t, o, e) : error_set(e, ENOENT, "no such object");
}

static inline int try_remove(struct fixture *f, const char *uuid, struct error *e)
{
	return store_run(f->store, fixture_remove_fn, (void *)(uintptr_t)uuid, e);
}

/* The current object, with a reference. */
static inline const struct object *get(struct fixture *f, enum kind_id kind, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(f->store);

	return object_ref(view_get(view, kind, uuid));
}

/* The file `inventories` in one piece, owned by the caller. */
static inline struct document *whole_listing(const struct view *view, enum kind_id kind)
{
	struct listing *l = NULL;
	struct document *d;

	assert_int_equal(listing_new(view, kind, NULL, NULL, &l, NULL), 0);
	d = document_alloc(listing_document(l)->len, listing_document(l)->mtime);
	document_copy(listing_document(l), d->data);
	listing_unref(l);
	return d;
}

#endif
