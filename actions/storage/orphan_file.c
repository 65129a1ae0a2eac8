/* SPDX-License-Identifier: Apache-2.0 */
/* See orphan_file.h. */
#include "actions/storage/orphan_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/topology.h"
#include "actions/storage/primary_storage.h"
#include "hypervisor/storage/pool.h"
#include "hypervisor/storage/volume.h"
#include "model/clock.h"

const char *path_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* On local storage each host has files of its own. */
static bool is_on(const struct object *file, const char *ps, const char *host)
{
	return object_str_is(file, ORPHAN_FILE_PRIMARY_STORAGE_UUID, ps) &&
	       (!host || object_str_is(file, ORPHAN_FILE_HOST_UUID, host));
}

int orphan_file_check_name(const struct view *view, const char *ps, const char *host, const char *name,
			   struct error *e)
{
	view_for_each_where (o, view, KIND_ORPHAN_FILE, ORPHAN_FILE_FILE_NAME, name)
		if (is_on(o, ps, host))
			return error_set(
				e, EBUSY,
				"the former file '%s' could not be removed from primary storage '%s' yet",
				name, ps);
	return 0;
}

int orphan_file_put(struct txn *t, const char *ps, const char *host, const char *name, const char *job,
		    struct error *e)
{
	int r = job ? orphan_file_check_name(txn_view(t), ps, host, name, e) : 0;
	struct object *o;
	char uuid[UUID_SIZE];

	if (r < 0)
		return r;
	o = object_new(kind_get(KIND_ORPHAN_FILE));
	if (!o)
		return error_oom(e);
	uuid_make(uuid);
	object_set_str(o, ORPHAN_FILE_UUID, uuid);
	object_set_str(o, ORPHAN_FILE_PRIMARY_STORAGE_UUID, ps);
	object_set_str(o, ORPHAN_FILE_HOST_UUID, host);
	object_set_str(o, ORPHAN_FILE_FILE_NAME, name);
	object_set_str(o, ORPHAN_FILE_JOB_UUID, job ? job : "");
	return txn_put(t, o, NULL, e);
}

int orphan_file_put_path(struct txn *t, const char *ps, const char *host, const char *path, struct error *e)
{
	return orphan_file_put(t, ps, host, path_file_name(path), NULL, e);
}

const struct object *orphan_file_find(const struct view *view, const char *ps, const char *path)
{
	view_for_each_where (o, view, KIND_ORPHAN_FILE, ORPHAN_FILE_FILE_NAME, path_file_name(path))
		if (object_str_is(o, ORPHAN_FILE_PRIMARY_STORAGE_UUID, ps))
			return o;
	return NULL;
}

int orphan_file_adopt(struct txn *t, const char *ps, const char *path, struct error *e)
{
	const struct object *file = orphan_file_find(txn_view(t), ps, path);

	return file ? txn_remove(t, file, e) : 0;
}

/* True for a Ceph image with snapshots that still have rows, and for such a snapshot. */
static bool has_snapshots(const struct view *view, const char *ps, const char *name)
{
	size_t len = strlen(name);

	if (!primary_storage_keeps_snapshots(view_get(view, KIND_PRIMARY_STORAGE, ps)))
		return false;
	view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID, ps) {
		const char *other = path_file_name(object_text(snapshot, SNAPSHOT_INSTALL_PATH));

		if (strncmp(other, name, len) == 0 && (other[len] == '@' || other[len] == '\0'))
			return true;
	}
	return false;
}

/* True while the file may still turn out to be a volume's, or has snapshots that are in use. */
static bool is_in_use(const struct view *view, const struct object *file)
{
	const char *ps = object_text(file, ORPHAN_FILE_PRIMARY_STORAGE_UUID);

	if (has_snapshots(view, ps, object_text(file, ORPHAN_FILE_FILE_NAME)))
		return true;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, ps) {
		const char *next = object_str(volume, VOLUME_NEXT_PATH);

		if (next && strcmp(path_file_name(next), object_text(file, ORPHAN_FILE_FILE_NAME)) == 0)
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------------- claims */

/* Seconds that one waits for files that another thread is removing. */
#define PATIENCE 5

/*
 * A file is removed by one thread at a time. Two removals of one Ceph image disturb each other: rbd moves
 * it to the trash, finds that the other one has it open, and moves it back; meanwhile the other one saw no
 * image, which means that it is removed. A snapshot counts as its image.
 */
struct claim {
	const char *ps;	  /* borrowed */
	const char *file; /* borrowed */
	struct claim *next;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t released;
	struct claim *first; /* lock */
	uint64_t releases;   /* lock; how many there were */
} claims = {.lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER};

static bool is_same(const struct claim *a, const struct claim *b)
{
	size_t len = strcspn(a->file, "@");

	return len == strcspn(b->file, "@") && memcmp(a->file, b->file, len) == 0 &&
	       strcmp(a->ps, b->ps) == 0;
}

/* False if another thread has it. */
static bool claim_take(struct claim *c)
{
	const struct claim *other;

	pthread_mutex_lock(&claims.lock);
	other = claims.first;
	while (other && !is_same(other, c))
		other = other->next;
	if (!other) {
		c->next = claims.first;
		claims.first = c;
	}
	pthread_mutex_unlock(&claims.lock);
	return !other;
}

static void claim_release(const struct claim *c)
{
	struct claim **at = &claims.first;

	pthread_mutex_lock(&claims.lock);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	claims.releases++;
	pthread_cond_broadcast(&claims.released);
	pthread_mutex_unlock(&claims.lock);
}

static uint64_t claim_releases(void)
{
	uint64_t n;

	pthread_mutex_lock(&claims.lock);
	n = claims.releases;
	pthread_mutex_unlock(&claims.lock);
	return n;
}

/* Waits until there were more than @before releases. False after @until, a realtime. */
static bool claim_wait(uint64_t before, const struct timespec *until)
{
	bool in_time = time(NULL) < until->tv_sec;

	pthread_mutex_lock(&claims.lock);
	while (claims.releases == before && in_time)
		in_time = pthread_cond_timedwait(&claims.released, &claims.lock, until) == 0;
	pthread_mutex_unlock(&claims.lock);
	return in_time;
}

/* --------------------------------------------------------------------- removing */

/* A storage that does not open on a host: it is tried once, since that may take its time. */
struct closed {
	int64_t ps, host; /* row ids */
	struct error why; /* owned */
};

/* Removing files, which may take several passes over them. */
struct removal {
	struct pool *pool;
	const char *job;       /* whose files; "": those without a job */
	bool starts;	       /* storage pools that libvirt has stopped */
	struct closed *closed; /* owned */
	size_t closed_count;
};

static void removal_done(struct removal *removal)
{
	for (size_t i = 0; i < removal->closed_count; i++)
		error_done(&removal->closed[i].why);
	free(removal->closed);
}

/* Without memory it is tried again. */
static void note_closed(struct removal *removal, const struct object *ps, const struct object *host,
			struct error *why)
{
	struct closed *grown =
		reallocarray(removal->closed, removal->closed_count + 1, sizeof(*removal->closed));

	if (!grown)
		return;
	removal->closed = grown;
	grown += removal->closed_count++;
	*grown = (struct closed){.ps = ps->id, .host = host->id, .why = ERROR_INIT};
	(void)error_move(&grown->why, why);
}

static const struct closed *find_closed(const struct removal *removal, const struct object *ps,
					const struct object *host)
{
	for (size_t i = 0; i < removal->closed_count; i++)
		if (removal->closed[i].ps == ps->id && removal->closed[i].host == host->id)
			return &removal->closed[i];
	return NULL;
}

/* Opens the pool of the storage on the host. -EBUSY if it is stopped, and not to be started. */
static int open_pool(const struct removal *removal, const struct object *ps, const struct object *host,
		     struct error *e)
{
	enum hv_pool_state state;
	int r = hv_storage_pool_state(pool_hypervisor(removal->pool), object_uuid(host), object_uuid(ps),
				      &state, e);

	if (r < 0)
		return r;
	if (state == HV_POOL_DISABLED || (state == HV_POOL_STOPPED && !removal->starts))
		return error_set(e, EBUSY, "storage pool '%s' is %s on host '%s'", object_uuid(ps),
				 state == HV_POOL_DISABLED ? "switched off" : "stopped",
				 object_text(host, HOST_NAME));
	return primary_storage_open_pool(removal->pool, ps, object_uuid(host), e);
}

static int open_place(struct removal *removal, const struct object *ps, const struct object *host,
		      struct error *e)
{
	const struct closed *closed = find_closed(removal, ps, host);
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r;

	if (!closed) {
		r = open_pool(removal, ps, host, &why);
		if (r == 0)
			return 0;
		(void)error_set_code(e, why.errnum, why.code, "%s", error_sentence(&why));
		note_closed(removal, ps, host, &why);
		return r;
	}
	return error_set_code(e, closed->why.errnum, closed->why.code, "%s", error_sentence(&closed->why));
}

/* What is needed to remove a file, borrowed from `view`. */
struct target {
	const struct object *file, *ps;
	const struct object *host; /* NULL: there is only the row to be removed */
};

/* Opens the storage of the file. -ENOTCONN if no host can reach it now. */
static int find_target(struct removal *removal, const struct view *view, const struct object *file,
		       struct target *ret, struct error *e)
{
	const char *ps_uuid = object_text(file, ORPHAN_FILE_PRIMARY_STORAGE_UUID);
	const char *host_uuid = object_str(file, ORPHAN_FILE_HOST_UUID);

	*ret = (struct target){.file = file, .ps = view_get(view, KIND_PRIMARY_STORAGE, ps_uuid)};
	ret->host = host_uuid ? view_get(view, KIND_HOST, host_uuid)
			      : primary_storage_next_host(view, ps_uuid, 0);
	/* a storage or host that was removed from the pool took its files with it */
	if (!ret->ps || (host_uuid && !ret->host)) {
		ret->host = NULL;
		return 0;
	}
	if (!ret->host)
		return error_set_code(e, ENOTCONN, "PS.1003", "no host of primary storage '%s' is connected",
				      ps_uuid);
	return open_place(removal, ret->ps, ret->host, e);
}

/* Removes the file, then its row. The caller has claimed it. */
static int remove_file(struct pool *pool, const struct target *t, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	struct object_key key = {KIND_ORPHAN_FILE, object_uuid(t->file)};
	int r = 0;

	/* another thread has removed it meanwhile */
	if (!view_get(view, KIND_ORPHAN_FILE, object_uuid(t->file)))
		return 0;
	if (t->host)
		r = hv_volume_delete(pool_hypervisor(pool), object_uuid(t->host), object_uuid(t->ps),
				     object_text(t->file, ORPHAN_FILE_FILE_NAME), e);
	return r < 0 ? r : store_run(pool_store(pool), object_remove_key, &key, e);
}

/* What one pass over the files did. */
struct pass {
	int removed; /* the number of files */
	int skipped; /* the number of those that another thread is removing */
	int failure; /* the first one; 0 = none */
};

static void remove_some_of(struct removal *removal, struct pass *ret, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(removal->pool));

	*ret = (struct pass){0};
	view_for_each_where (file, view, KIND_ORPHAN_FILE, ORPHAN_FILE_JOB_UUID, removal->job) {
		struct claim claim = {.ps = object_text(file, ORPHAN_FILE_PRIMARY_STORAGE_UUID),
				      .file = object_text(file, ORPHAN_FILE_FILE_NAME)};
		struct error *first = ret->failure == 0 ? e : NULL;
		struct target target;
		int r;

		if (is_in_use(view, file))
			continue;
		/* before the claim, since it may take its time, and others wait for what is claimed */
		r = find_target(removal, view, file, &target, first);
		if (r == 0 && !claim_take(&claim)) {
			ret->skipped++;
			continue;
		}
		if (r == 0) {
			r = remove_file(removal->pool, &target, first);
			claim_release(&claim);
		}
		ret->removed += r == 0;
		if (r < 0 && ret->failure == 0)
			ret->failure = r;
	}
}

static int remove_all_of(struct removal *removal, const char *job, struct error *e)
{
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	struct timespec until;
	struct pass pass;
	uint64_t releases;

	removal->job = job;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	/* one may block another: on Ceph the clones of an image must be removed before the image */
	do {
		error_done(&cause);
		releases = claim_releases();
		remove_some_of(removal, &pass, &cause);
	} while ((pass.failure < 0 && pass.removed > 0) ||
		 (pass.skipped > 0 && claim_wait(releases, &until)));
	return pass.failure < 0 ? error_move(e, &cause) : 0;
}

/* ---------------------------------------------------------------- when and what */

/* Files that jobs have left to orphan_files_collect(), of the process. */
static struct {
	atomic_bool there;
	_Atomic int64_t looked_at; /* CLOCK_MONOTONIC, ns */
} left;

/* Where it does not open either, the next look is not before. */
#define LOOK_AGAIN (30 * NS_PER_S)

/* What others have left on a storage that does not open is not waited for by this job. */
void orphan_files_remove(struct pool *pool, const char *job)
{
	_cleanup_(removal_done) struct removal own = {.pool = pool, .starts = true};
	_cleanup_(removal_done) struct removal others = {.pool = pool};

	if (job)
		(void)remove_all_of(&own, job, NULL);
	if (remove_all_of(&others, "", NULL) < 0)
		atomic_store(&left.there, true);
}

bool orphan_files_are_left(struct pool *pool, const struct view *view)
{
	(void)pool, (void)view;
	return atomic_load(&left.there) && clock_monotonic() - atomic_load(&left.looked_at) > LOOK_AGAIN;
}

int orphan_files_collect(struct pool *pool, struct error *e)
{
	_cleanup_(removal_done) struct removal removal = {.pool = pool, .starts = true};
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int result;

	atomic_store(&left.there, false);
	result = remove_all_of(&removal, "", e);
	view_for_each (file, view, KIND_ORPHAN_FILE) {
		_cleanup_view_ struct view *now = store_view(pool_store(pool));
		const char *uuid = object_text(file, ORPHAN_FILE_JOB_UUID);
		const struct object *job = view_get(now, KIND_JOB, uuid);
		int r = 0;

		if (!view_get(now, KIND_ORPHAN_FILE, object_uuid(file)))
			continue; /* removed with another one of its job */
		if (*uuid && (!job || job_state_is_final(object_str(job, JOB_STATE))))
			r = remove_all_of(&removal, uuid, result == 0 ? e : NULL);
		if (r < 0 && result == 0)
			result = r;
	}
	atomic_store(&left.looked_at, clock_monotonic());
	return result;
}
