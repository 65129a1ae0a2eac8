/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: SQLite as the durable state, one writer, any number of readers.
 *
 * Reading: store_view() returns the pool as of the last commit. Reading it takes
 * no lock and does not access the database.
 *
 * Writing: a change is a function that runs in the writer thread, sees the latest
 * state (txn_view(), with its own changes and all earlier ones) and modifies it
 * with txn_put() and txn_remove(). So changes never race: allocating an address or
 * a capacity is a plain lookup and a put. A change must not block on anything but
 * memory. All changes that are queued at the same time are committed together: what
 * they have made of each row is written when all have run, so one that fails leaves
 * no trace and does not affect the others.
 *
 * Order: the rows reach the disk (WAL, synchronous=FULL), then the view is
 * replaced, then observers are called, then the caller gets its answer. When the
 * database fails, nothing has changed and the callers get -EIO or -ENOSPC.
 */
#ifndef POOLFS_STORE_H
#define POOLFS_STORE_H

#include "model/error.h"
#include "model/event.h"
#include "model/txn.h"
#include "model/view.h"

struct store;

/** Called in the writer thread after the commit, with the result of a posted change. @e is borrowed. */
typedef void txn_done_fn(void *arg, int result, struct error *e);

/** Called in the writer thread with all changes of a commit in their order. @view is the new view, borrowed.
 */
typedef void store_observer_fn(void *ctx, struct view *view, const struct change *changes, size_t count);

/**
 * Opens the database `pool.db` in the folder @dir, creating or migrating it when needed, and holds a lock on
 * the folder. @takes: what objects take, which views sum up (view_tally()); may be NULL. -EBUSY when another process holds
 * the lock; -EPROTO when a newer poolfs wrote the database.
 */
int store_open(const char *dir, view_takes_fn *takes, struct store **ret_store, struct error *e);
/** True if the folder has a database, which store_open() would not have to create. */
bool store_exists(const char *dir);
/** Bytes of the database in the folder; 0: there is none. */
int64_t store_bytes(const char *dir);
/** Whether store_open() could open the database in @dir, also while another process has it. -EPROTO as there. */
int store_check(const char *dir, struct error *e);
/** Runs the changes still queued, then closes the database. Accepts NULL. */
void store_close(struct store *store);

/** Adds an observer of all later commits. Not from the writer thread. -ENOSPC, -ENOMEM. */
int store_observe(struct store *store, store_observer_fn *fn, void *ctx);

/** The stamp of a view: a number that no other state of the pool has or ever had. */
int64_t store_stamp(const struct store *store, const struct view *view);
/**
 * As store_view(), but already the view about to be published, for who is announced the changes: it is on the disk,
 * and nobody has been told of it.
 */
struct view *store_newest_view(struct store *store);
/** Called in the writer thread with all changes of a commit in their order, borrowed. */
typedef void store_announce_fn(void *ctx, const struct change *changes, size_t count);
/**
 * Sets the function that the writer thread calls whenever store_newest_view() has changed, before store_view()
 * returns that view. Every change waits for it, so it must not block on anything that a change may hold up, and not for more
 * than milliseconds. Replaces an earlier one. Not from the writer thread. -ENOMEM.
 */
int store_announce(struct store *store, store_announce_fn *fn, void *ctx);

/**
 * Sets the function that is asked before each row that a later group of changes writes (txn.h). Replaces an earlier one. Not
 * from the writer thread. -ENOMEM.
 */
int store_guard(struct store *store, txn_guard_fn *guard);

/** The pool as of the last commit; release with view_unref(). Never NULL, never blocks on I/O. */
struct view *store_view(struct store *store);

/** Runs a change and waits until it is durable and visible. Not from the writer thread. */
int store_run(struct store *store, txn_fn *fn, void *arg, struct error *e);
/** Queues a change and returns; calls @done (may be NULL) later. -ENOMEM, -ESHUTDOWN: @done is not called. */
int store_post(struct store *store, txn_fn *fn, void *arg, txn_done_fn *done);
/** As store_run(), but rolls the change back: a dry run. */
int store_try(struct store *store, txn_fn *fn, void *arg, struct error *e);

/**
 * Whether, since store_forget_failure(), a store_run() of the calling thread has failed because the database failed, or
 * for want of memory, and not because the change was refused.
 */
bool store_has_failed(void);
void store_forget_failure(void);

/** The event log, owned by the store. */
struct event_log *store_events(struct store *store);
/** Sets the cause (copied) of all changes that the calling thread requests from now on. */
void store_set_cause(const struct cause *cause);
/** ns since 1970. */
int64_t store_now(void);

#endif
