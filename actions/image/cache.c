/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cached images: the copies on primary storage that root volumes are overlays of.
 *
 * There is one row per copy: image, primary storage and, for local storage, the
 * host. The row's status says who may touch the file. It changes only by store
 * changes, so two workers can never both take the file for theirs:
 *
 *	(none) ──get──> Creating ──uploaded──> Ready ──unused──> Stale
 *	                   │ failed                                │ purge
 *	                   └──────────────> Stale <──failed── Deleting ──> (none)
 *
 *	Creating  one worker uploads; others that need the copy wait for the row to change
 *	Ready     the file is complete and may be read
 *	Stale     unused; a file may exist; the next worker or timer that finds it purges it
 *	Deleting  one worker removes the file
 *
 * The bytes of a copy are reserved (capacity_reserve_storage()) as long as its row
 * exists. A kill leaves Creating and Deleting rows without an owner:
 * image_cache_recover() makes them Stale before any job runs. No copy is removed
 * while a disk is based on it.
 *
 * Files are named after the image, not after the row, so that an administrator
 * can find them; that is why a Stale row must be purged before a new upload begins.
 */
#include "actions/image/cache.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "actions/image/file.h"
#include "actions/image/rules.h"
#include "actions/storage/primary_storage.h"
#include "actions/storage/storage_type.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

/* How often a worker checks whether the copy that another one makes is Ready. */
#define WAIT_STEP_MS 50

/* The identity of a copy; host is NULL on shared storage. All borrowed. */
struct copy {
	const char *image, *ps, *host;
};

static bool same_host(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct object *find_row(const struct view *view, const struct copy *copy)
{
	view_for_each_where (row, view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID, copy->image)
		if (object_str_is(row, IMAGE_CACHE_PRIMARY_STORAGE_UUID, copy->ps) &&
		    same_host(object_str(row, IMAGE_CACHE_HOST_UUID), copy->host))
			return row;
	return NULL;
}

/* The ending says the format where there is a choice. */
static char *file_name(const struct object *ps, const char *image, const char *format)
{
	bool raw = storage_type_of(ps)->raw_only;
	char *name = NULL;

	return asprintf(&name, "image-%s%s%s", image, raw ? "" : ".", raw ? "" : format) < 0 ? NULL : name;
}

/* ------------------------------------------------------------ status changes */

/* Changes the status of a row, if it still has the expected one. */
struct transition {
	const char *uuid;
	const char *from, *to;
	bool unless_used;	  /* only if no disk is based on it and its image is gone */
	const char *install_path; /* also set, when not NULL */
	bool done;		  /* out */
};

static bool is_used(const struct view *view, const struct object *row);

static int change_status(struct txn *t, void *arg, struct error *e)
{
	struct transition *s = arg;
	const struct object *row = view_get(txn_view(t), KIND_IMAGE_CACHE, s->uuid);
	struct object *copy;

	s->done = row && object_str_is(row, IMAGE_CACHE_STATUS, s->from) &&
		  !(s->unless_used && is_used(txn_view(t), row));
	if (!s->done)
		return 0;
	copy = object_copy(row);
	object_set_str(copy, IMAGE_CACHE_STATUS, s->to);
	if (s->install_path)
		object_set_str(copy, IMAGE_CACHE_INSTALL_PATH, s->install_path);
	return txn_put(t, copy, NULL, e);
}

/* Removes a row, by its uuid, and releases its bytes. */
static int remove_row(struct txn *t, void *arg, struct error *e)
{
	const struct object *row = view_get(txn_view(t), KIND_IMAGE_CACHE, arg);
	_cleanup_free_ char *ps = NULL;
	int64_t size;
	int r;

	if (!row)
		return 0;
	size = object_int(row, IMAGE_CACHE_SIZE);
	ps = strdup(object_text(row, IMAGE_CACHE_PRIMARY_STORAGE_UUID));
	if (!ps)
		return error_oom(e);
	r = txn_remove(t, row, e);
	if (r < 0)
		return r;
	return capacity_release_storage(t, ps, size, e);
}

/* ------------------------------------------------------------------- purging */

/* True if something in the pool is based on this copy, or may still come to be. */
static bool is_used(const struct view *view, const struct object *row)
{
	const char *image = object_text(row, IMAGE_CACHE_IMAGE_UUID);
	const char *host = object_str(row, IMAGE_CACHE_HOST_UUID);

	if (host && !view_get(view, KIND_HOST, host))
		return false; /* removed with its host */
	if (view_get(view, KIND_IMAGE, image))
		return true;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_ROOT_IMAGE_UUID, image)
		if (object_str_is(volume, VOLUME_PRIMARY_STORAGE_UUID,
				  object_text(row, IMAGE_CACHE_PRIMARY_STORAGE_UUID)) &&
		    (!host || object_str_is(volume, VOLUME_HOST_UUID, host)))
			return true;
	if (!object_str_is(row, IMAGE_CACHE_FORMAT, "iso"))
		return false;
	/* A tag of the VM says that an ISO is in its drive; a VM created from it may attach it again. */
	if (view_next_where(view, KIND_VM, VM_IMAGE_UUID, image, 0))
		return true;
	view_for_each (tag, view, KIND_SYSTEM_TAG) {
		const char *text = object_text(tag, SYSTEM_TAG_TAG);

		if (strncmp(text, "iso::", 5) == 0 && strncmp(text + 5, image, strlen(image)) == 0)
			return true;
	}
	return false;
}

/*
 * Removes the file of a row through a host that can reach it. The libvirt pool is opened first, since the
 * storage may be detached there by now. The host of a local storage that was removed from the pool took its
 * files with it.
 */
static int remove_file(struct pool *pool, const struct view *view, const struct object *row, struct error *e)
{
	const char *ps_uuid = object_text(row, IMAGE_CACHE_PRIMARY_STORAGE_UUID);
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, ps_uuid);
	const char *host_uuid = object_str(row, IMAGE_CACHE_HOST_UUID);
	const struct object *host = host_uuid ? view_get(view, KIND_HOST, host_uuid)
					      : primary_storage_next_host(view, ps_uuid, 0);
	_cleanup_free_ char *name =
		file_name(ps, object_text(row, IMAGE_CACHE_IMAGE_UUID), object_text(row, IMAGE_CACHE_FORMAT));
	int r;

	if (!name)
		return error_oom(e);
	if (!ps || (host_uuid && !host))
		return 0;
	if (!host)
		return error_set_code(e, ENOTCONN, "PS.1003",
				      "no connected host can reach primary storage[uuid:%s]", ps_uuid);
	r = primary_storage_open_pool(pool, ps, object_uuid(host), e);
	if (r < 0)
		return r;
	return hv_volume_delete(pool_hypervisor(pool), object_uuid(host), ps_uuid, name, e);
}

/* Removes the file and the row of a Stale copy; success if another worker has taken it. */
static int purge(struct pool *pool, const char *uuid, struct error *e)
{
	struct transition take = {.uuid = uuid, .from = STATUS_STALE, .to = STATUS_DELETING};
	struct transition undo = {.uuid = uuid, .from = STATUS_DELETING, .to = STATUS_STALE};
	_cleanup_view_ struct view *view = NULL;
	const struct object *row;
	int r = store_run(pool_store(pool), change_status, &take, e);

	if (r < 0 || !take.done)
		return r;
	view = store_view(pool_store(pool));
	row = view_get(view, KIND_IMAGE_CACHE, uuid);
	r = row ? remove_file(pool, view, row, e) : 0;
	if (r < 0) {
		(void)pool_insist(pool, "image cache", uuid, change_status, &undo, NULL);
		return r;
	}
	return pool_insist(pool, "image cache", uuid, remove_row, (void *)(uintptr_t)uuid, e);
}

/* Makes a Ready row Stale, if it is unused or @force is given, and purges it. */
static int retire(struct pool *pool, const struct object *row, bool force, struct error *e)
{
	struct transition stale = {
		.uuid = object_uuid(row), .from = STATUS_READY, .to = STATUS_STALE, .unless_used = !force};
	int r = store_run(pool_store(pool), change_status, &stale, e);

	return r < 0 ? r : purge(pool, object_uuid(row), e);
}

int image_cache_clean(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int result = 0;

	view_for_each (row, view, KIND_IMAGE_CACHE) {
		int r = 0;

		if (object_str_is(row, IMAGE_CACHE_STATUS, STATUS_STALE))
			r = purge(pool, object_uuid(row), result == 0 ? e : NULL);
		else if (object_str_is(row, IMAGE_CACHE_STATUS, STATUS_READY) && !is_used(view, row))
			r = retire(pool, row, false, result == 0 ? e : NULL);
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

int image_cache_drop(struct pool *pool, const char *ps_uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each_where (row, view, KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, ps_uuid) {
		int r = retire(pool, row, true, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* No worker runs yet, so a row that says that one is working on it is left over from a kill. */
static int disown_all(struct txn *t, void *arg, struct error *e)
{
	const struct object *row;
	int64_t id = 0;

	(void)arg;
	while ((row = view_next(txn_view(t), KIND_IMAGE_CACHE, id))) {
		struct object *copy;
		int r;

		id = row->id;
		if (!object_str_is(row, IMAGE_CACHE_STATUS, STATUS_CREATING) &&
		    !object_str_is(row, IMAGE_CACHE_STATUS, STATUS_DELETING))
			continue;
		copy = object_copy(row);
		object_set_str(copy, IMAGE_CACHE_STATUS, STATUS_STALE);
		r = txn_put(t, copy, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int image_cache_recover(struct pool *pool, struct error *e)
{
	return store_run(pool_store(pool), disown_all, NULL, e);
}

/* ------------------------------------------------------------------- getting */

/* The source of an upload. */
struct origin {
	char *path;	    /* owned */
	const char *format; /* of the image; borrowed from the view */
	int64_t size;	    /* bytes that the file occupies */
};

static void origin_done(struct origin *o)
{
	free(o->path);
}

/* Finds a copy of the image on a backup storage that can be read. */
static int find_origin(const struct view *view, const char *image_uuid, struct origin *ret, struct error *e)
{
	const struct object *image = view_get(view, KIND_IMAGE, image_uuid);
	int errnum = 0;

	if (!image)
		return error_set_code(e, ENOENT, "SYS.1006", "image [uuid:%s] has been deleted", image_uuid);
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image_uuid) {
		const char *path = image_file_path(ref);
		struct stat st;

		if (!path || !object_str_is(ref, IMAGE_REF_STATUS, STATUS_READY))
			continue;
		if (stat(path, &st) < 0) {
			errnum = errno;
			continue;
		}
		ret->path = strdup(path);
		if (!ret->path)
			return error_oom(e);
		ret->format = object_text(image, IMAGE_FORMAT);
		ret->size = (int64_t)st.st_blocks * 512;
		return 0;
	}
	if (errnum)
		return error_set(e, errnum, "cannot read image '%s' from any backup storage: %s", image_uuid,
				 strerror(errnum));
	if (object_str_is(image, IMAGE_STATUS, STATUS_DELETED))
		return error_set_code(e, EBUSY, "SYS.1006",
				      "the image[uuid:%s, name:%s] is deleted on all backup storage",
				      image_uuid, object_name(image));
	return error_set_code(e, EBUSY, "SYS.1006", "image[uuid:%s] is not Ready, it's %s", image_uuid,
			      object_text(image, IMAGE_STATUS));
}

struct claim {
	const struct copy *copy;
	const struct origin *origin;
	char uuid[UUID_SIZE]; /* out: the new row; "" if another worker was faster */
};

static int claim_row(struct txn *t, void *arg, struct error *e)
{
	struct claim *c = arg;
	struct object *row;
	int r;

	c->uuid[0] = '\0';
	if (find_row(txn_view(t), c->copy))
		return 0;
	r = capacity_reserve_storage(t, c->copy->ps, c->origin->size, e);
	if (r < 0)
		return r;
	row = object_new(kind_get(KIND_IMAGE_CACHE));
	if (!row)
		return error_oom(e);
	uuid_make(c->uuid);
	object_set_str(row, IMAGE_CACHE_UUID, c->uuid);
	object_set_str(row, IMAGE_CACHE_IMAGE_UUID, c->copy->image);
	object_set_str(row, IMAGE_CACHE_PRIMARY_STORAGE_UUID, c->copy->ps);
	object_set_str(row, IMAGE_CACHE_HOST_UUID, c->copy->host);
	object_set_str(row, IMAGE_CACHE_FORMAT, c->origin->format);
	object_set_int(row, IMAGE_CACHE_SIZE, c->origin->size);
	object_set_str(row, IMAGE_CACHE_STATUS, STATUS_CREATING);
	return txn_put(t, row, NULL, e);
}

/* Copies the image to the storage. The row is this worker's, so a file of that name is a leftover. */
static int upload(struct job *job, const struct object *ps, const struct copy *copy, const char *host,
		  const struct origin *origin, char **ret_path, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *format = image_disk_format(origin->format);
	_cleanup_free_ char *name = file_name(ps, copy->image, origin->format);
	_cleanup_(error_done) struct error first = ERROR_INIT;
	int r;

	if (!name)
		return error_oom(e);
	r = primary_storage_open_pool(job->pool, ps, host, e);
	if (r < 0)
		return r;
	r = hv_volume_upload(hv, host, copy->ps, name, format, origin->path, job_copy_progress, job, ret_path,
			     &first);
	if (r != -EEXIST)
		return r < 0 ? error_move(e, &first) : 0;
	r = hv_volume_delete(hv, host, copy->ps, name, e);
	if (r < 0)
		return r;
	return hv_volume_upload(hv, host, copy->ps, name, format, origin->path, job_copy_progress, job,
				ret_path, e);
}

/* Makes the copy, unless another worker does. */
static int make_copy(struct job *job, const struct view *view, const struct copy *copy, const char *host,
		     struct error *e)
{
	_cleanup_(origin_done) struct origin origin = {0};
	struct claim claim = {.copy = copy, .origin = &origin};
	struct store *store = pool_store(job->pool);
	_cleanup_free_ char *path = NULL;
	struct transition ready = {.uuid = claim.uuid, .from = STATUS_CREATING, .to = STATUS_READY};
	struct transition stale = {.uuid = claim.uuid, .from = STATUS_CREATING, .to = STATUS_STALE};
	int r = find_origin(view, copy->image, &origin, e);

	if (r < 0)
		return r;
	r = store_run(store, claim_row, &claim, e);
	if (r < 0 || !claim.uuid[0])
		return r;
	r = upload(job, view_get(view, KIND_PRIMARY_STORAGE, copy->ps), copy, host, &origin, &path, e);
	if (r == 0) {
		ready.install_path = path;
		r = store_run(store, change_status, &ready, e);
	}
	if (r < 0 && pool_insist(job->pool, "image cache", claim.uuid, change_status, &stale, NULL) == 0)
		(void)purge(job->pool, claim.uuid, NULL);
	return r;
}

/* Copies of the row's path and format, for the caller. */
static int copy_paths(const struct object *row, char **ret_path, char **ret_format, struct error *e)
{
	_cleanup_free_ char *path = strdup(object_text(row, IMAGE_CACHE_INSTALL_PATH));
	_cleanup_free_ char *format = strdup(image_disk_format(object_text(row, IMAGE_CACHE_FORMAT)));

	if (!path || !format)
		return error_oom(e);
	*ret_path = steal(&path);
	*ret_format = steal(&format);
	return 0;
}

int image_cache_get(struct job *job, const char *image_uuid, const char *ps_uuid, const char *host_uuid,
		    char **ret_path, char **ret_format, struct error *e)
{
	const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

	for (;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, ps_uuid);
		struct copy copy = {.image = image_uuid, .ps = ps_uuid};
		const struct object *row;
		int r = 0;

		if (!ps)
			return error_set(e, ENOENT, "primary storage '%s' does not exist", ps_uuid);
		copy.host = primary_storage_is_local(ps) ? host_uuid : NULL;
		row = find_row(view, &copy);
		if (row && object_str_is(row, IMAGE_CACHE_STATUS, STATUS_READY))
			return copy_paths(row, ret_path, ret_format, e);
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		if (!row)
			r = make_copy(job, view, &copy, host_uuid, e);
		else if (object_str_is(row, IMAGE_CACHE_STATUS, STATUS_STALE))
			r = purge(job->pool, object_uuid(row), e);
		else
			(void)nanosleep(&step, NULL); /* another worker is at it */
		if (r < 0)
			return r;
	}
}
