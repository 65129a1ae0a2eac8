/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: SQLite as the durable truth, one writer, any number of readers.
 *
 * Reading: store_view() gives the pool as of the last commit; no lock is held
 * and no database is touched while it is read.
 *
 * Writing: a change is a function that runs in the writer thread, sees the
 * latest state (txn_view(), with its own changes and those that go before it)
 * and changes it with txn_put() and txn_remove(). Functions therefore never
 * race: allocating an address or a capacity is a plain look and a put. They
 * must not block on anything but memory. All functions waiting at one moment
 * are committed together; each has a savepoint of its own, so that one that
 * fails leaves no trace and does not disturb the others.
 *
 * Order: rows are on disk (WAL, synchronous=FULL), then the view is swapped,
 * then observers are told, then the caller is answered. When the database
 * fails, nothing has changed and the callers get -EIO or -ENOSPC.
 */
#ifndef POOLFS_STORE_H
#define POOLFS_STORE_H

#include "model/error.h"
#include "model/event.h"
#include "model/txn.h"
#include "model/view.h"

struct store;

/** Told the outcome of a posted change, in the writer thread, after the commit. @e is borrowed. */
typedef void txn_done_fn(void *arg, int result, struct error *e);

/** Told all changes of a commit in their order, in the writer thread. @view is the view just made, borrowed.
 */
typedef void store_observer_fn(void *ctx, struct view *view, const struct change *changes, size_t count);

/**
 * Opens (and when needed makes or migrates) the database `pool.db` in the folder @dir and holds a
 * lock on the folder. -EBUSY when another process has it; -EPROTO when a newer poolfs wrote it.
 */
int store_open(const char *dir, struct store **ret_store, struct error *e);
/** Runs what was posted, closes the database. Accepts NULL. */
void store_close(struct store *store);

/** Adds an observer, which is told of all later commits. Not from the writer thread. -ENOSPC, -ENOMEM. */
int store_observe(struct store *store, store_observer_fn *fn, void *ctx);

/**
 * The stamp of a view: a number that no other state of the pool has or had. store_newest_stamp() is that of
 * the present view, or already that of the one about to be published.
 */
int64_t store_stamp(const struct store *store, const struct view *view);
int64_t store_newest_stamp(const struct store *store);
/**
 * Has @fn called in the writer thread whenever store_newest_stamp() has changed, before anybody can see the
 * view. It must not block. Not from the writer thread; the last one told counts. -ENOMEM.
 */
int store_announce(struct store *store, void (*fn)(void *ctx), void *ctx);

/** The pool as of the last commit; give back with view_unref(). Never NULL, never blocks on I/O. */
struct view *store_view(struct store *store);

/** Runs a change and waits until it is durable and visible. Not from the writer thread. */
int store_run(struct store *store, txn_fn *fn, void *arg, struct error *e);
/** Queues a change and returns; @done (may be NULL) is told. -ENOMEM, -ESHUTDOWN: @done is not called. */
int store_post(struct store *store, txn_fn *fn, void *arg, txn_done_fn *done);
/** As store_run(), but takes every change back: a look at what would happen. */
int store_try(struct store *store, txn_fn *fn, void *arg, struct error *e);

/** The events of all changes; the store's. */
struct event_log *store_events(struct store *store);
/** What the calling thread does from now on, and posts, is because of @cause (copied). */
void store_set_cause(const struct cause *cause);
/** ns since 1970. */
int64_t store_now(void);

#endif
