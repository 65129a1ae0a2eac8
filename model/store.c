/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads and commits of the store. See store.h for its guarantees.
 *
 * One writer thread owns the SQLite connection. It takes all queued changes at
 * once, runs each on a working copy of the view, writes what has become of the rows,
 * with the events, in one transaction, publishes the working copy as the new view,
 * calls the observers and answers the callers. A change that is refused is undone in
 * the view: no SQL has been written for it. A crash before COMMIT returns loses only
 * changes that were not acknowledged; a crash after it loses nothing.
 *
 * Locks: queue_lock protects the queue and the stop flag; view_lock protects the
 * pointer to the current view and is held for two instructions. Neither is held
 * while a change, an observer or a callback runs.
 */
#include "model/store.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "model/event.h"
#include "model/in_hand.h"
#include "model/leaving.h"
#include "model/left_text.h"
#include "model/load.h"
#include "model/log.h"
#include "model/schema.h"
#include "model/sqlite.h"
#include "model/txn_internal.h"

/* How long a start waits for the lock on the folder: umount(8) returns before the old program has exited. */
#define LOCK_WAIT_MS 10000
#define LOCK_STEP_MS 50
/* Maximum number of changes in one commit: bounds how long the first waits for the last. */
#define GROUP_MAX 256
/* How long a commit waits for another connection that has the database. */
#define BUSY_MS 10000
/* A commit that takes longer is told of. */
#define SLOW_NS (NS_PER_S / 2)

struct posted {
	struct posted *next;
	txn_fn *fn;
	void *arg;
	txn_done_fn *done;
	struct cause cause;
	uint64_t request; /* in whose name it runs, see in_hand.h */
	bool keep;	  /* false: roll back (store_try) */
	int result;
	struct error error;
	bool broken;	  /* the database failed it, or memory; it was not refused */
	bool *ret_broken; /* receives that before `done`; may be NULL */
};

struct observer {
	store_observer_fn *fn;
	void *ctx;
};

struct announcer {
	store_announce_fn *fn;
	void *ctx;
};

/* What each group says to SQLite. */
enum control { BEGIN, COMMIT, CONTROL_COUNT };

static const char *const control_sql[CONTROL_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
};

struct store {
	sqlite3 *db; /* the writer thread's, after store_open() */
	int lock_fd;
	pthread_t writer;
	bool writer_runs;
	struct kind_statements statements[KIND_COUNT]; /* the writer thread's */
	sqlite3_stmt *controls[CONTROL_COUNT];	       /* the writer thread's */
	sqlite3_stmt *set_changed;		       /* the writer thread's */
	struct event_log *events;		       /* owned; self-locking */
	struct leaving *leaving; /* owned; the writer thread's; NULL: texts stay in memory */

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_cond;
	struct posted *head, **tail; /* queue_lock */
	bool stopping;		     /* queue_lock */

	pthread_mutex_t view_lock;
	struct view *view;   /* view_lock; owned */
	struct view *newest; /* view_lock; owned; this one, or the next while it is announced */

	int64_t opened;		    /* immutable; ns */
	struct announcer announcer; /* the writer thread's */

	txn_guard_fn *guard;	       /* the writer thread's */
	struct observer observers[12]; /* the writer thread's */
	size_t observer_count;	       /* the writer thread's */
};

int64_t store_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* The cause of the changes that the calling thread requests. */
static _Thread_local struct cause thread_cause = {.uid = -1};

void store_set_cause(const struct cause *cause)
{
	thread_cause = *cause;
}

/* Whether the database has failed a change of the calling thread. */
static _Thread_local bool thread_failed;

bool store_has_failed(void)
{
	return thread_failed;
}

void store_forget_failure(void)
{
	thread_failed = false;
}

struct event_log *store_events(struct store *store)
{
	return store->events;
}

/* ---------------------------------------------------------------- views */

struct view *store_view(struct store *store)
{
	scoped_lock(&store->view_lock);
	return view_ref(store->view);
}

int64_t store_stamp(const struct store *store, const struct view *view)
{
	return store->opened + (int64_t)view_version(view);
}

struct view *store_newest_view(struct store *store)
{
	scoped_lock(&store->view_lock);
	return view_ref(store->newest);
}

/* Sets one of the views of the store. */
static void set_view(struct store *store, struct view **at, struct view *view)
{
	struct view *old;

	pthread_mutex_lock(&store->view_lock);
	old = *at;
	*at = view_ref(view);
	pthread_mutex_unlock(&store->view_lock);
	view_unref(old);
}

static void publish(struct store *store, const struct txn *t)
{
	set_view(store, &store->newest, t->view);
	if (store->announcer.fn)
		store->announcer.fn(store->announcer.ctx, t->changes, t->change_count);
	set_view(store, &store->view, t->view);
}

/* --------------------------------------------------------------- commits */

static int step(struct store *store, sqlite3_stmt *stmt, struct error *e)
{
	int rc = sqlite3_step(stmt);

	(void)sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? 0
				 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(store->db));
}

/* Runs one change, and undoes it when it fails or was only tried. */
static void run_one(struct store *store, struct txn *t, struct posted *p)
{
	struct view *mark = view_copy(t->view, view_version(t->view));
	size_t count = t->change_count, events = event_log_staged(store->events);

	p->broken = true;
	if (!mark) {
		p->result = error_oom(&p->error);
		return;
	}
	t->failed = false;
	t->now = store_now();
	t->cause = p->cause;
	t->fact = false;
	(void)in_hand_set(p->request);
	p->result = p->fn(t, p->arg, &p->error);
	(void)in_hand_set(0);
	if (p->result >= 0 && t->failed)
		p->result = error_oom(&p->error);
	if (p->result >= 0 && p->keep) {
		int r = event_log_stage(store->events, t, mark, count, &p->error);

		t->failed = t->failed || r < 0;
		p->result = r < 0 ? r : p->result;
	}
	p->broken = t->failed || p->result == -ENOMEM;
	if (p->result >= 0 && p->keep) {
		view_unref(mark);
		return;
	}
	txn_truncate(t, count);
	event_log_unstage(store->events, events);
	view_unref(t->view);
	t->view = mark;
}

/*
 * Saves, for each kind of which a row was removed, when that was, so that the times of directories survive a restart, and the
 * last row id: of others the last row that changed, and the one with the highest id, have them.
 */
static int save_removals(struct store *store, const struct txn *t, struct error *e)
{
	bool seen[KIND_COUNT] = {false};

	for (size_t i = 0; i < t->change_count; i++) {
		const struct object *o = t->changes[i].before;
		int r;

		if (t->changes[i].after || seen[o->kind->id])
			continue;
		seen[o->kind->id] = true;
		(void)sqlite3_bind_text(store->set_changed, 1, o->kind->table, -1, SQLITE_STATIC);
		(void)sqlite3_bind_int64(store->set_changed, 2, view_changed(t->view, o->kind->id));
		(void)sqlite3_bind_int64(store->set_changed, 3, view_last_id(t->view, o->kind->id));
		r = step(store, store->set_changed, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The whole group failed: turns the result of the changes that had succeeded into an error. */
static void fail_group(struct posted *group, const struct error *why)
{
	for (struct posted *p = group; p; p = p->next)
		if (p->result >= 0) {
			error_done(&p->error);
			p->result = error_set(&p->error, why->errnum, "%s", error_sentence(why));
			p->broken = true;
		}
}

/* Writes and commits what the changes of a group have done. On an error the database is as it was. */
static int write_group(struct store *store, struct txn *t, struct error *e)
{
	int r = step(store, store->controls[BEGIN], e);

	if (r == 0)
		r = txn_write(t, e);
	if (r == 0)
		r = save_removals(store, t, e);
	if (r == 0)
		r = event_log_write(store->events, store->db, e);
	if (r == 0)
		r = step(store, store->controls[COMMIT], e);
	/* On a full disk or an I/O error SQLite rolls back by itself. */
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		(void)sqlite_exec(store->db, "ROLLBACK", NULL);
	return r;
}

/* Tells of a group that took long: of the disk, mostly, for which everybody waited. */
static void tell_if_slow(const struct posted *group, int64_t began)
{
	int64_t took = clock_monotonic() - began;
	int changes = 0;

	if (took < SLOW_NS)
		return;
	for (; group; group = group->next)
		changes++;
	log_warning("store", NULL, "a commit of %d changes took %.1f s", changes, (double)took / NS_PER_S);
}

static void commit_group(struct store *store, struct posted *group)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct view *current = store_view(store);
	struct txn t = {.db = store->db, .statements = store->statements, .guard = store->guard};
	int64_t began = clock_monotonic();
	int r = 0;

	t.view = view_copy(current, view_version(current) + 1);
	if (!t.view)
		r = error_oom(&e);
	for (struct posted *p = group; r == 0 && p; p = p->next)
		run_one(store, &t, p);
	if (r == 0 && t.change_count)
		r = write_group(store, &t, &e);
	tell_if_slow(group, began);
	if (r < 0) {
		txn_truncate(&t, 0);
		event_log_unstage(store->events, 0);
		fail_group(group, &e);
	}
	if (t.change_count) {
		if (store->leaving)
			leaving_commit(store->leaving, t.view, t.changes, t.change_count);
		/* In this order, so that a reader of an event also sees the change. */
		publish(store, &t);
		event_log_publish(store->events);
		for (size_t i = 0; i < store->observer_count; i++)
			store->observers[i].fn(store->observers[i].ctx, t.view, t.changes, t.change_count);
	}
	txn_truncate(&t, 0);
	free(t.changes);
	view_unref(t.view);
	view_unref(current);
}

/* Removes at most GROUP_MAX changes from the queue. NULL when the store stops and the queue is empty. */
static struct posted *take_group(struct store *store)
{
	struct posted *group, **end;
	int n = 0;

	scoped_lock(&store->queue_lock);
	while (!store->head && !store->stopping)
		pthread_cond_wait(&store->queue_cond, &store->queue_lock);
	group = store->head;
	for (end = &group; *end && n < GROUP_MAX; n++)
		end = &(*end)->next;
	store->head = *end;
	*end = NULL;
	if (!store->head)
		store->tail = &store->head;
	return group;
}

static void *writer_main(void *arg)
{
	struct store *store = arg;
	struct posted *group;

	pthread_setname_np(pthread_self(), "store");
	while ((group = take_group(store))) {
		commit_group(store, group);
		while (group) {
			struct posted *p = group;

			group = p->next;
			if (p->ret_broken)
				*p->ret_broken = p->broken;
			(void)in_hand_take(p->request);
			if (p->done)
				p->done(p->arg, p->result, &p->error);
			(void)in_hand_set(0);
			error_done(&p->error);
			free(p);
		}
	}
	return NULL;
}

static int post(struct store *store, txn_fn *fn, void *arg, txn_done_fn *done, bool keep, bool *ret_broken)
{
	struct posted *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct posted){.fn = fn,
			     .arg = arg,
			     .done = done,
			     .keep = keep,
			     .cause = thread_cause,
			     .request = in_hand_lend(),
			     .ret_broken = ret_broken};
	scoped_lock(&store->queue_lock);
	if (store->stopping) {
		in_hand_drop(p->request);
		free(p);
		return -ESHUTDOWN;
	}
	*store->tail = p;
	store->tail = &p->next;
	pthread_cond_signal(&store->queue_cond);
	return 0;
}

int store_post(struct store *store, txn_fn *fn, void *arg, txn_done_fn *done)
{
	return post(store, fn, arg, done, true, NULL);
}

/* A caller that waits for its change. Not on a condition: who is woken by one has to wait for its lock as well. */
struct waiter {
	txn_fn *fn;
	void *arg;
	sem_t done;
	int result; /* set before it is done */
	struct error *error;
};

static int waiter_fn(struct txn *t, void *arg, struct error *e)
{
	struct waiter *w = arg;

	return w->fn(t, w->arg, e);
}

static void waiter_done(void *arg, int result, struct error *e)
{
	struct waiter *w = arg;

	if (result < 0)
		error_move(w->error, e);
	w->result = result;
	(void)sem_post(&w->done);
}

static int run(struct store *store, txn_fn *fn, void *arg, bool keep, struct error *e)
{
	struct waiter w = {.fn = fn, .arg = arg, .error = e};
	bool broken = false;
	int r;

	(void)sem_init(&w.done, 0, 0);
	r = post(store, waiter_fn, &w, waiter_done, keep, &broken);
	if (r < 0) {
		broken = r == -ENOMEM;
		r = broken ? error_oom(e) : error_set(e, -r, "the pool is shutting down");
	} else {
		while (sem_wait(&w.done) < 0)
			; /* a signal came */
		r = w.result;
	}
	(void)sem_destroy(&w.done);
	thread_failed = thread_failed || broken;
	return r;
}

int store_run(struct store *store, txn_fn *fn, void *arg, struct error *e)
{
	return run(store, fn, arg, true, e);
}

int store_try(struct store *store, txn_fn *fn, void *arg, struct error *e)
{
	return run(store, fn, arg, false, e);
}

/* An observer to be added, in the thread that calls them. */
struct observing {
	struct store *store;
	struct observer observer;
};

static int add_observer(struct txn *t, void *arg, struct error *e)
{
	struct observing *o = arg;

	(void)t;
	if (o->store->observer_count == ARRAY_SIZE(o->store->observers))
		return error_set(e, ENOSPC, "too many observers of the store");
	o->store->observers[o->store->observer_count++] = o->observer;
	return 0;
}

int store_observe(struct store *store, store_observer_fn *fn, void *ctx)
{
	struct observing o = {.store = store, .observer = {fn, ctx}};

	return store_run(store, add_observer, &o, NULL);
}

/* An announcer to be set, in the thread that calls it. */
struct announcing {
	struct store *store;
	struct announcer announcer;
};

static int set_announcer(struct txn *t, void *arg, struct error *e)
{
	struct announcing *a = arg;

	(void)t;
	(void)e;
	a->store->announcer = a->announcer;
	return 0;
}

int store_announce(struct store *store, store_announce_fn *fn, void *ctx)
{
	struct announcing a = {.store = store, .announcer = {fn, ctx}};

	return store_run(store, set_announcer, &a, NULL);
}

/* A guard to be set, in the thread that asks it. */
struct guarding {
	struct store *store;
	txn_guard_fn *guard;
};

static int set_guard(struct txn *t, void *arg, struct error *e)
{
	struct guarding *g = arg;

	(void)t;
	(void)e;
	g->store->guard = g->guard;
	return 0;
}

int store_guard(struct store *store, txn_guard_fn *guard)
{
	struct guarding g = {.store = store, .guard = guard};

	return store_run(store, set_guard, &g, NULL);
}

/* ----------------------------------------------------------- open, close */

static int lock_folder(struct store *store, const char *dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/lock", dir) < 0)
		return error_oom(e);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return error_set(e, errno, "cannot use the state folder '%s': %s", dir, strerror(errno));
	for (int ms = 0; flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0; ms += LOCK_STEP_MS) {
		const struct timespec pause = {.tv_nsec = LOCK_STEP_MS * 1000000L};

		if (ms >= LOCK_WAIT_MS)
			return error_set(e, EBUSY, "the state folder '%s' is in use by another poolfs", dir);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* stat(2) of the database in the folder. */
static bool find(const char *dir, struct stat *ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/pool.db", dir) < 0) {
		path = NULL;
		return false;
	}
	return stat(path, ret) == 0;
}

bool store_exists(const char *dir)
{
	struct stat st;

	return find(dir, &st);
}

int64_t store_bytes(const char *dir)
{
	struct stat st;

	return find(dir, &st) ? st.st_size : 0;
}

int store_check(const char *dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/pool.db", dir) < 0) {
		path = NULL;
		return error_oom(e);
	}
	return schema_check(path, e);
}

static int prepare(struct store *store, const char *sql, sqlite3_stmt **ret, struct error *e)
{
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return error_set(e, EIO, "database: %s", sqlite3_errmsg(store->db));
	return 0;
}

/* If another store of the process has not done so. Sets store->leaving. */
static int let_texts_leave(struct store *store, const char *path, struct error *e)
{
	int r = left_text_open(path, e);

	if (r == -EALREADY) {
		error_done(e);
		return 0;
	}
	if (r < 0)
		return r;
	store->leaving = leaving_new();
	if (store->leaving)
		return 0;
	left_text_close();
	return error_oom(e);
}

static int open_database(struct store *store, const char *dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	mode_t old;
	int rc, r;

	if (asprintf(&path, "%s/pool.db", dir) < 0)
		return error_oom(e);
	old = umask(077);
	rc = sqlite3_open_v2(path, &store->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	umask(old);
	if (rc != SQLITE_OK)
		return error_set(e, -sqlite_errno(rc), "cannot open '%s': %s", path,
				 store->db ? sqlite3_errmsg(store->db) : "out of memory");
	(void)sqlite3_extended_result_codes(store->db, 1);
	/*
	 * A reader of texts that comes across a commit may take the lock of writers for the moment
	 * (left_text.h).
	 */
	(void)sqlite3_busy_timeout(store->db, BUSY_MS);
	/*
	 * txn.c checks foreign keys. The rows of a group are not written in the order in which they have come to refer to each
	 * other, so SQLite would refuse some.
	 */
	r = sqlite_exec(store->db,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;"
			"PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 4000",
			e);
	if (r < 0)
		return r;
	r = schema_apply(store->db, e);
	if (r < 0)
		return r;
	r = let_texts_leave(store, path, e);
	if (r == 0)
		r = load_rows(store->db, store->leaving != NULL, store->view, e);
	if (r < 0)
		return r;
	(void)malloc_trim(0); /* what it took to load lies between what stays */
	store->newest = view_ref(store->view);
	r = event_log_open(store->events, store->db, e);
	if (r < 0)
		return r;
	for (int i = 0; i < CONTROL_COUNT && r == 0; i++)
		r = prepare(store, control_sql[i], &store->controls[i], e);
	return r < 0 ? r
		     : prepare(store,
			       "INSERT INTO kind_changed VALUES (?1, ?2, ?3) "
			       "ON CONFLICT (\"table\") DO UPDATE SET changed = ?2, last_id = ?3",
			       &store->set_changed, e);
}

/* On an error, too, store_close() releases what was started. */
static int start(struct store *store, const char *dir, view_takes_fn *takes, struct error *e)
{
	int r;

	store->lock_fd = -1;
	store->tail = &store->head;
	pthread_mutex_init(&store->queue_lock, NULL);
	pthread_cond_init(&store->queue_cond, NULL);
	pthread_mutex_init(&store->view_lock, NULL);
	store->view = view_new();
	store->opened = store_now();
	store->events = event_log_new();
	if (!store->view || !store->events)
		return error_oom(e);
	view_tally(store->view, takes);
	r = lock_folder(store, dir, e);
	if (r < 0)
		return r;
	r = open_database(store, dir, e);
	if (r < 0)
		return r;
	r = pthread_create(&store->writer, NULL, writer_main, store);
	if (r > 0)
		return error_set(e, r, "cannot start a thread: %s", strerror(r));
	store->writer_runs = true;
	return 0;
}

int store_open(const char *dir, view_takes_fn *takes, struct store **ret_store, struct error *e)
{
	struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return error_oom(e);
	r = start(store, dir, takes, e);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	pthread_mutex_lock(&store->queue_lock);
	store->stopping = true;
	pthread_cond_signal(&store->queue_cond);
	pthread_mutex_unlock(&store->queue_lock);
	if (store->writer_runs)
		pthread_join(store->writer, NULL);
	txn_statements_finalize(store->statements);
	sqlite3_finalize(store->set_changed);
	for (int i = 0; i < CONTROL_COUNT; i++)
		sqlite3_finalize(store->controls[i]);
	event_log_free(store->events);
	if (store->leaving)
		left_text_close();
	free(store->leaving);
	sqlite3_close(store->db);
	view_unref(store->newest);
	view_unref(store->view);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	pthread_mutex_destroy(&store->view_lock);
	pthread_cond_destroy(&store->queue_cond);
	pthread_mutex_destroy(&store->queue_lock);
	free(store);
}
