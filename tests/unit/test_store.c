/* SPDX-License-Identifier: Apache-2.0 */
/* The store keeps exactly what it acknowledged, through errors, full disks, kill -9 and older databases. */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "model/query_run.h"
#include "model/render.h"
#include "model/sqlite.h"

static struct object *cluster(unsigned uuid, unsigned zone)
{
	struct object *o = make(KIND_CLUSTER, test_uuid(uuid));

	object_set_str(o, CLUSTER_ZONE_UUID, test_uuid(zone));
	return o;
}

static size_t count(struct fixture *f, enum kind_id kind)
{
	_cleanup_view_ struct view *view = store_view(f->store);

	return view_count(view, kind);
}

/* Everything of all kinds, inventories and hidden fields' times too, as one text. */
static char *dump(struct fixture *f)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int k = KIND_ZONE; k < KIND_COUNT; k++) {
		_cleanup_document_ struct document *d = whole_listing(view, (enum kind_id)k);

		fprintf(out, "%d %ld %s", k, (long)view_changed(view, (enum kind_id)k), d->data);
		view_for_each (o, view, (enum kind_id)k) {
			fprintf(out, "%ld %ld", (long)o->id, (long)o->changed);
			for (int i = 0; i < o->kind->field_count; i++)
				fprintf(out, " %ld", (long)object_time(o, i));
			fputc('\n', out);
		}
	}
	fclose(out);
	return text;
}

/* ------------------------------------------------------- one change, a group */

static int put_two_then_fail(struct txn *t, void *arg, struct error *e)
{
	int r = txn_put(t, make(KIND_ZONE, test_uuid(50)), NULL, e);

	(void)arg;
	if (r == 0)
		r = txn_put(t, make(KIND_ZONE, test_uuid(51)), NULL, e);
	assert_int_equal(view_count(txn_view(t), KIND_ZONE), 2);
	return r < 0 ? r : error_set(e, EBUSY, "on second thoughts");
}

static void a_failed_change_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *before = dump(f);
	_cleanup_free_ char *after = NULL;

	assert_int_equal(store_run(f->store, put_two_then_fail, NULL, &e), -EBUSY);
	assert_string_equal(error_sentence(&e), "on second thoughts");
	assert_int_equal(store_try(f->store, fixture_put_fn, make(KIND_ZONE, test_uuid(52)), NULL), 0);
	after = dump(f);
	assert_string_equal(before, after);
	fixture_reopen(f);
	assert_int_equal(count(f, KIND_ZONE), 0);
}

struct grouped {
	struct fixture *f;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool block;	  /* lock: the first change holds the writer until the others wait */
	int done, failed; /* lock */
	int commits;	  /* the observer's */
	size_t changes;	  /* the observer's */
};

struct grouped_one {
	struct grouped *g;
	unsigned number;
};

static int grouped_fn(struct txn *t, void *arg, struct error *e)
{
	struct grouped_one *one = arg;
	int r;

	pthread_mutex_lock(&one->g->lock);
	while (one->number == 0 && one->g->block)
		pthread_cond_wait(&one->g->cond, &one->g->lock);
	pthread_mutex_unlock(&one->g->lock);
	r = txn_put(t, make(KIND_ZONE, test_uuid(100 + one->number)), NULL, e);
	return r == 0 && one->number % 3 == 1 ? error_set(e, EINVAL, "refused") : r;
}

static void grouped_done(void *arg, int result, struct error *e)
{
	struct grouped_one *one = arg;

	pthread_mutex_lock(&one->g->lock);
	one->g->done++;
	one->g->failed += result < 0;
	assert_int_equal(result, one->number % 3 == 1 ? -EINVAL : 0);
	assert_int_equal(error_is_set(e), result < 0);
	pthread_cond_signal(&one->g->cond);
	pthread_mutex_unlock(&one->g->lock);
}

static void grouped_observer(void *ctx, struct view *view, const struct change *changes, size_t n)
{
	struct grouped *g = ctx;

	g->commits++;
	g->changes += n;
	for (size_t i = 0; i < n; i++) {
		assert_null(changes[i].before);
		assert_ptr_equal(view_get_id(view, KIND_ZONE, changes[i].after->id), changes[i].after);
	}
}

static void waiting_changes_share_a_commit_and_fail_alone(void **state)
{
	struct fixture *f = *state;
	struct grouped g = {
		.f = f, .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER, .block = true};
	struct grouped_one ones[30];

	assert_int_equal(store_observe(f->store, grouped_observer, &g), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(ones); i++) {
		ones[i] = (struct grouped_one){&g, i};
		assert_int_equal(store_post(f->store, grouped_fn, &ones[i], grouped_done), 0);
	}
	pthread_mutex_lock(&g.lock);
	g.block = false;
	pthread_cond_broadcast(&g.cond);
	while (g.done < (int)ARRAY_SIZE(ones))
		pthread_cond_wait(&g.cond, &g.lock);
	pthread_mutex_unlock(&g.lock);
	assert_int_equal(g.failed, 10);
	fixture_reopen(f); /* joins the writer, so that what the observer counted can be read */
	assert_true(g.commits <= 2);
	assert_int_equal(g.changes, 20);
	assert_int_equal(count(f, KIND_ZONE), 20);
}

/* ------------------------------------------------------------- constraints */

static void foreign_keys_are_enforced(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error a = ERROR_INIT;
	_cleanup_(error_done) struct error b = ERROR_INIT;

	assert_int_equal(try_put(f, cluster(2, 1), &a), -ENOENT);
	assert_string_equal(error_sentence(&a), "zone '00000000000000000000000000000001' does not exist");
	put(f, make(KIND_ZONE, test_uuid(1)));
	put(f, cluster(2, 1));
	assert_int_equal(try_remove(f, test_uuid(1), &b), -ENOTEMPTY);
	assert_string_equal(error_sentence(&b), "others refer to zone '00000000000000000000000000000001'");
	assert_int_equal(try_remove(f, test_uuid(2), NULL), 0);
	assert_int_equal(try_remove(f, test_uuid(1), NULL), 0);
	assert_int_equal(count(f, KIND_ZONE), 0);
}

static void uuids_are_unique(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	put(f, make(KIND_ZONE, test_uuid(1)));
	assert_int_equal(try_put(f, make(KIND_ZONE, test_uuid(1)), &e), -EEXIST);
	assert_string_equal(error_sentence(&e), "uuid '00000000000000000000000000000001' is already taken");
	assert_int_equal(count(f, KIND_ZONE), 1);
}

static void row_ids_are_not_reused(void **state)
{
	struct fixture *f = *state;
	const struct object *a, *b;

	put(f, make(KIND_ZONE, test_uuid(1)));
	a = get(f, KIND_ZONE, test_uuid(1));
	assert_int_equal(try_remove(f, test_uuid(1), NULL), 0);
	fixture_reopen(f);
	put(f, make(KIND_ZONE, test_uuid(1)));
	b = get(f, KIND_ZONE, test_uuid(1));
	assert_true(b->id > a->id);
	object_unref(a);
	object_unref(b);
}

static void text_that_is_not_utf8_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct object *o = make(KIND_ZONE, test_uuid(1));

	object_set_str(o, ZONE_NAME, "caf\xE9");
	assert_int_equal(try_put(f, o, &e), -EINVAL);
	assert_string_equal(error_sentence(&e), "'name' is not UTF-8 text");
}

/* ---------------------------------------------------------------- databases */

/* A change of many kinds and values, enough for several pages. */
static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	unsigned n = *(unsigned *)arg;
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++) {
		struct object *o = make(KIND_VM, test_uuid(1000 + i));
		char name[64];

		snprintf(name, sizeof(name), "vm-%u 'quoted' \"云\"", i);
		object_set_str(o, VM_NAME, name);
		if (i % 2)
			object_set_int(o, VM_MEMORY_SIZE, INT64_MAX - i);
		if (i % 3)
			object_set_int(o, VM_STOPPED_BY_HA, i % 2);
		r = txn_put(t, o, NULL, e);
		o = make(KIND_NIC, test_uuid(100000 + i));
		object_set_str(o, NIC_VM_UUID, test_uuid(1000 + i));
		object_set_int(o, NIC_DEVICE_ID, INT64_MIN);
		if (r == 0)
			r = txn_put(t, o, NULL, e);
		else
			object_unref(o);
	}
	return r;
}

static void reopening_gives_the_same_bytes(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;
	unsigned n = 200;

	assert_int_equal(store_run(f->store, fill_fn, &n, NULL), 0);
	assert_int_equal(try_remove(f, test_uuid(100005), NULL), 0);
	before = dump(f);
	fixture_reopen(f);
	after = dump(f);
	assert_string_equal(before, after);
}

static void a_second_opener_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct store *second = NULL;

	assert_int_equal(store_open(f->dir, NULL, &second, &e), -EBUSY);
	assert_null(second);
	assert_non_null(strstr(error_sentence(&e), "in use by another poolfs"));
	put(f, make(KIND_ZONE, test_uuid(1))); /* the first one is not disturbed */
}

/* -------------------------------------------------- what a group makes of rows */

static int put_then_fail(struct txn *t, void *arg, struct error *e)
{
	int r = txn_put(t, make(KIND_ZONE, test_uuid(50)), NULL, e);

	(void)arg;
	return r < 0 ? r : error_set(e, EBUSY, "on second thoughts");
}

static int change_twice(struct txn *t, void *arg, struct error *e)
{
	struct object *o;
	int r = txn_put(t, make(KIND_ZONE, test_uuid(1)), NULL, e);

	(void)arg;
	if (r == 0)
		r = txn_edit(t, KIND_ZONE, test_uuid(1), &o, e);
	if (r < 0)
		return r;
	object_set_str(o, ZONE_NAME, "first");
	r = txn_put(t, o, NULL, e);
	if (r == 0)
		r = txn_edit(t, KIND_ZONE, test_uuid(1), &o, e);
	if (r < 0)
		return r;
	object_set_str(o, ZONE_DESCRIPTION, "second");
	return txn_put(t, o, NULL, e);
}

/* Each of what goes, comes back, and moves does so while others refer to it, if SQLite sees it in another order. */
static int replace_parents(struct txn *t, void *arg, struct error *e)
{
	const struct view *view = txn_view(t);
	struct object *o;
	int r = txn_put(t, make(KIND_ZONE, test_uuid(9)), NULL, e);

	(void)arg;
	if (r == 0)
		r = txn_edit(t, KIND_CLUSTER, test_uuid(2), &o, e);
	if (r < 0)
		return r;
	object_set_str(o, CLUSTER_ZONE_UUID, test_uuid(9));
	r = txn_put(t, o, NULL, e);
	if (r == 0)
		r = txn_remove(t, view_get(view, KIND_ZONE, test_uuid(1)), e);
	if (r == 0)
		r = txn_put(t, make(KIND_ZONE, test_uuid(1)), NULL, e);
	if (r == 0)
		r = txn_put(t, cluster(3, 1), NULL, e);
	if (r == 0)
		r = txn_put(t, make(KIND_ZONE, test_uuid(5)), NULL, e);
	return r < 0 ? r : txn_remove(t, view_get(view, KIND_ZONE, test_uuid(5)), e);
}

static void a_row_is_what_all_changes_have_made_of_it(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;
	const struct object *zone;
	int64_t id;

	assert_int_equal(store_run(f->store, change_twice, NULL, NULL), 0);
	put(f, cluster(2, 1));
	zone = get(f, KIND_ZONE, test_uuid(1));
	assert_string_equal(object_str(zone, ZONE_NAME), "first");
	assert_string_equal(object_str(zone, ZONE_DESCRIPTION), "second");
	id = zone->id;
	object_unref(zone);
	assert_int_equal(store_run(f->store, replace_parents, NULL, NULL), 0);
	zone = get(f, KIND_ZONE, test_uuid(1));
	assert_true(zone->id > id);
	object_unref(zone);
	assert_int_equal(count(f, KIND_ZONE), 2);
	before = dump(f);
	fixture_reopen(f);
	after = dump(f);
	assert_string_equal(before, after);
	fixture_sql(f, "CREATE TABLE broken (x INTEGER CHECK (x = 0));"
		       "INSERT INTO broken SELECT count(*) FROM pragma_foreign_key_check");
	fixture_open(f);
}

/* The numbers of rows that were refused are free, and those of rows that are gone are not. */
static void numbers_of_rows_are_those_of_rows_that_there_were(void **state)
{
	struct fixture *f = *state;
	const struct object *zone;

	put(f, make(KIND_ZONE, test_uuid(1)));
	assert_int_equal(store_run(f->store, put_then_fail, NULL, NULL), -EBUSY);
	assert_int_equal(store_try(f->store, fixture_put_fn, make(KIND_ZONE, test_uuid(52)), NULL), 0);
	put(f, make(KIND_ZONE, test_uuid(2)));
	zone = get(f, KIND_ZONE, test_uuid(2));
	assert_int_equal(zone->id, 2);
	object_unref(zone);
	assert_int_equal(try_remove(f, test_uuid(2), NULL), 0);
	put(f, make(KIND_ZONE, test_uuid(2)));
	zone = get(f, KIND_ZONE, test_uuid(2));
	assert_int_equal(zone->id, 3);
	object_unref(zone);
}

/* ---------------------------------------------------------------- full disk */

static void expect_failure_then_success(struct fixture *f, int errnum, void (*full)(bool))
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;
	unsigned n = 3000;

	put(f, make(KIND_ZONE, test_uuid(1)));
	before = dump(f);
	full(true);
	assert_int_equal(store_run(f->store, fill_fn, &n, &e), -errnum);
	assert_true(error_is_set(&e));
	full(false);
	after = dump(f);
	assert_string_equal(before, after);
	n = 10;
	assert_int_equal(store_run(f->store, fill_fn, &n, NULL), 0);
	fixture_reopen(f);
	assert_int_equal(count(f, KIND_VM), 10);
	assert_int_equal(count(f, KIND_ZONE), 1);
}

static void limit_file_size(bool on)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = on ? 300 * 1024 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_error_changes_nothing(void **state)
{
	expect_failure_then_success(*state, EIO, limit_file_size);
}

static void nothing_to_do(bool on)
{
	(void)on;
}

static void a_full_disk_changes_nothing(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	f->store = NULL;
	if (mount("tmpfs", f->dir, "tmpfs", 0, "size=1536k") < 0) {
		print_message("needs the right to mount a tmpfs\n");
		fixture_open(f);
		skip();
	}
	fixture_open(f);
	expect_failure_then_success(f, ENOSPC, nothing_to_do);
	store_close(f->store);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
	fixture_open(f);
}

/* ------------------------------------------------------------------ kill -9 */

static void write_until_killed(const char *dir, int ack, unsigned first)
{
	struct fixture f = {0};

	snprintf(f.dir, sizeof(f.dir), "%s", dir);
	if (store_open(f.dir, NULL, &f.store, NULL) < 0)
		_exit(1);
	for (unsigned n = first;; n++) {
		struct object *o = object_new(kind_get(KIND_ZONE));

		object_set_str(o, ZONE_UUID, test_uuid(n));
		if (try_put(&f, o, NULL) < 0 || write(ack, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void what_was_acknowledged_survives_kill(void **state)
{
	struct fixture *f = *state;
	unsigned last = 0;

	store_close(f->store);
	srand(4);
	for (int round = 0; round < 15; round++) {
		int fds[2];
		unsigned n;
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		if (child == 0)
			write_until_killed(f->dir, fds[1], last + 1);
		close(fds[1]);
		assert_int_equal(read(fds[0], &n, sizeof(n)), sizeof(n)); /* it is running */
		last = n;
		usleep((useconds_t)(rand() % 20000));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while (read(fds[0], &n, sizeof(n)) == sizeof(n))
			last = n;
		close(fds[0]);
		fixture_open(f);
		for (n = 1; n <= last; n++) {
			const struct object *o = get(f, KIND_ZONE, test_uuid(n));

			assert_non_null(o);
			object_unref(o);
		}
		/* The next one may exist or not: it was not acknowledged. */
		last = (unsigned)count(f, KIND_ZONE);
		store_close(f->store);
	}
	fixture_open(f);
}

/* -------------------------------------------------------------- concurrency */

enum { WRITERS = 3, READERS = 3, ROUNDS = 150 };

struct actor {
	struct fixture *f;
	unsigned number;
	atomic_bool *stop;
	const struct query *query; /* the readers share it */
};

/* Each writer keeps the sum of two VMs' memory at 1000, in one change. */
static int transfer(struct txn *t, void *arg, struct error *e)
{
	const struct actor *a = arg;
	int r = 0;

	for (unsigned i = 0; i < 2 && r == 0; i++) {
		struct object *o = object_copy(view_get(txn_view(t), KIND_VM, test_uuid(10 * a->number + i)));

		object_set_int(o, VM_MEMORY_SIZE, object_int(o, VM_MEMORY_SIZE) + (i ? 1 : -1));
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

/* What an announcer sees. */
struct announced {
	struct fixture *f;
	int64_t newest, visible;
	size_t changes;
	int count;
};

static int64_t newest_stamp(struct store *store)
{
	_cleanup_view_ struct view *view = store_newest_view(store);

	return store_stamp(store, view);
}

static void note_views(void *ctx, const struct change *changes, size_t count)
{
	struct announced *a = ctx;
	_cleanup_view_ struct view *view = store_view(a->f->store);

	(void)changes;
	a->changes += count;
	a->newest = newest_stamp(a->f->store);
	a->visible = store_stamp(a->f->store, view);
	a->count++;
}

static int put_zone(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return txn_put(t, make(KIND_ZONE, test_uuid(77)), NULL, e);
}

/* And only for a change. */
static void a_view_is_announced_before_it_is_visible(void **state)
{
	struct announced a = {.f = *state};
	struct store *store = a.f->store;
	int64_t before = newest_stamp(store);

	assert_int_equal(store_announce(store, note_views, &a), 0);
	assert_int_equal(newest_stamp(store), before);
	assert_int_equal(a.count, 0);
	assert_int_equal(store_run(store, put_zone, NULL, NULL), 0);
	assert_int_equal(a.count, 1);
	assert_true(a.changes > 0);
	assert_int_equal(a.visible, before);
	assert_true(a.newest > before);
	_cleanup_view_ struct view *view = store_view(store);

	assert_int_equal(store_stamp(store, view), a.newest);
	assert_int_equal(newest_stamp(store), a.newest);
}

static void *writer_thread(void *arg)
{
	struct actor *a = arg;

	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(store_run(a->f->store, transfer, a, NULL), 0);
	return NULL;
}

static void *reader_thread(void *arg)
{
	struct actor *a = arg;
	uint64_t version = 0;

	while (!atomic_load(a->stop)) {
		_cleanup_view_ struct view *view = store_view(a->f->store);
		_cleanup_query_result_ struct query_result result = {0};

		assert_true(view_version(view) >= version);
		version = view_version(view);
		for (unsigned w = 1; w <= WRITERS; w++) {
			const struct object *x = view_get(view, KIND_VM, test_uuid(10 * w));
			const struct object *y = view_get(view, KIND_VM, test_uuid(10 * w + 1));
			_cleanup_document_ struct document *d = render_inventory(view, x);

			assert_int_equal(object_int(x, VM_MEMORY_SIZE) + object_int(y, VM_MEMORY_SIZE), 1000);
			assert_non_null(d);
		}
		assert_int_equal(query_select(a->query, view, &(struct query_scope){0}, &result, NULL), 0);
		assert_true(result.count >= WRITERS);
	}
	return NULL;
}

static void readers_see_whole_changes(void **state)
{
	struct fixture *f = *state;
	_cleanup_query_ struct query *query = NULL;
	atomic_bool stop = false;
	pthread_t threads[WRITERS + READERS];
	struct actor actors[WRITERS + READERS];

	/* of each pair of VMs at least one has half of the sum */
	assert_int_equal(query_parse(kind_get(KIND_VM), "q=memorySize>=500&q=name~=un%25", &query, NULL), 0);
	for (unsigned i = 0; i < WRITERS + READERS; i++)
		actors[i] = (struct actor){f, i + 1, &stop, query};
	for (unsigned w = 1; w <= WRITERS; w++)
		for (unsigned i = 0; i < 2; i++) {
			struct object *o = make(KIND_VM, test_uuid(10 * w + i));

			object_set_int(o, VM_MEMORY_SIZE, 500);
			put(f, o);
		}
	for (int i = 0; i < WRITERS + READERS; i++)
		pthread_create(&threads[i], NULL, i < WRITERS ? writer_thread : reader_thread, &actors[i]);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stop, true);
	for (int i = WRITERS; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	const struct object *o = get(f, KIND_VM, test_uuid(11));
	assert_int_equal(object_int(o, VM_MEMORY_SIZE), 500 + ROUNDS);
	object_unref(o);
}

static void sqlite_codes_have_an_errno(void **state)
{
	(void)state;
	assert_int_equal(sqlite_errno(SQLITE_OK), 0);
	assert_int_equal(sqlite_errno(SQLITE_FULL), -ENOSPC);
	assert_int_equal(sqlite_errno(SQLITE_IOERR_FSYNC), -EIO);
	assert_int_equal(sqlite_errno(SQLITE_NOMEM), -ENOMEM);
	assert_int_equal(sqlite_errno(SQLITE_BUSY_SNAPSHOT), -EBUSY);
	assert_int_equal(sqlite_errno(SQLITE_CORRUPT), -EIO);
}

/* Sets those fields of a VM whose bits are in @which. */
static void change_vm(struct fixture *f, unsigned which)
{
	static const int fields[] = {VM_NAME,	  VM_DESCRIPTION, VM_STATE,
				     VM_PLATFORM, VM_MEMORY_SIZE, VM_CPU_NUM};
	_cleanup_object_ const struct object *before = get(f, KIND_VM, test_uuid(1));
	struct object *vm = object_copy(before);
	char text[32];

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		snprintf(text, sizeof(text), "%u of %u", i, which);
		if (!(which >> i & 1))
			continue;
		if (field_is_integer(&vm->kind->fields[fields[i]]))
			object_set_int(vm, fields[i], which);
		else
			object_set_str(vm, fields[i], which % 5 ? text : NULL);
	}
	put(f, vm);
}

/* Updates write the fields that differ, whichever these are; the times of a kind are those of its last change, or removal. */
static void rows_are_stored_as_they_are(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *removed = NULL, *reopened = NULL;
	struct object *nic = make(KIND_NIC, test_uuid(2));

	put(f, make(KIND_VM, test_uuid(1)));
	object_set_str(nic, NIC_VM_UUID, test_uuid(1));
	put(f, nic);
	for (unsigned which = 1; which < 64; which++)
		change_vm(f, which * 37 % 64);
	before = dump(f);
	fixture_reopen(f);
	after = dump(f);
	assert_string_equal(before, after);
	assert_int_equal(try_remove(f, test_uuid(2), NULL), 0);
	removed = dump(f);
	fixture_reopen(f);
	reopened = dump(f);
	assert_string_equal(removed, reopened);
}

#define on_store(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_store(a_failed_change_leaves_no_trace),
		on_store(waiting_changes_share_a_commit_and_fail_alone),
		on_store(foreign_keys_are_enforced),
		on_store(a_row_is_what_all_changes_have_made_of_it),
		on_store(numbers_of_rows_are_those_of_rows_that_there_were),
		on_store(uuids_are_unique),
		on_store(row_ids_are_not_reused),
		on_store(text_that_is_not_utf8_is_refused),
		on_store(reopening_gives_the_same_bytes),
		on_store(a_second_opener_is_refused),
		on_store(a_write_error_changes_nothing),
		on_store(a_full_disk_changes_nothing),
		on_store(what_was_acknowledged_survives_kill),
		on_store(readers_see_whole_changes),
		on_store(a_view_is_announced_before_it_is_visible),
		on_store(rows_are_stored_as_they_are),
		cmocka_unit_test(sqlite_codes_have_an_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
