/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of an image: delete, recover, expunge.
 *
 * States of a ref, the copy on one backup storage:
 *
 *	Downloading ──> Ready <──recover── Deleted ──expunge──> Deleting ──> (none)
 *	                  └───────delete─────^                      ^
 *	                  └───────delete, policy Direct─────────────┘
 *
 * The image is Deleted when all its refs are Deleted or Deleting. Deleting means
 * that the file may be gone, so there is no way back; a removal that failed or was
 * killed stays Deleting and is gone on with by recovery, the next expunge or the
 * timer. A deletion without file work (policy Delay or Never) is one store change.
 */
#include "actions/image.h"

#include <string.h>

#include "actions/config.h"
#include "actions/executor.h"
#include "actions/handlers.h"
#include "actions/image_file.h"
#include "actions/object_ops.h"
#include "actions/storage.h"
#include "actions/topology.h"

#define NS_PER_S INT64_C(1000000000)

static bool list_has(const json_t *list, const char *uuid)
{
	size_t i;
	json_t *item;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		if (strcmp(json_string_value(item), uuid) == 0)
			return true;
	}
	return false;
}

/* True for a copy that is no longer there for anybody. */
static bool ref_is_dead(const struct object *ref)
{
	return object_str_is(ref, IMAGE_REF_STATUS, "Deleted") ||
	       object_str_is(ref, IMAGE_REF_STATUS, "Deleting");
}

/* The copy of an image on a backup storage; NULL when there is none. */
static const struct object *find_ref(const struct view *view, const char *image, const char *bs)
{
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image)
		if (object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs))
			return ref;
	return NULL;
}

/* ------------------------------------------------------------ status changes */

static int set_status(struct txn *t, const struct object *o, int field, const char *status, struct error *e)
{
	struct object *copy = object_copy(o);

	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(copy, field, status);
	return txn_put(t, copy, NULL, e);
}

/* Moves the chosen copies of an image to a status, and the image with them. */
struct mark {
	const char *image;
	const json_t *backup_storages; /* NULL = all */
	const char *from;	       /* only copies in this status; NULL = any */
	const char *to;		       /* "Ready", "Deleted" or "Deleting" */
};

static int mark_refs(struct txn *t, void *arg, struct error *e)
{
	const struct mark *m = arg;
	const struct object *ref, *image;
	bool alive = false;
	int64_t id = 0;

	while ((ref = view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, m->image, id))) {
		bool chosen = !m->backup_storages ||
			      list_has(m->backup_storages, object_text(ref, IMAGE_REF_BACKUP_STORAGE_UUID));

		id = ref->id;
		/* a file that may be gone does not come back, and is not merely deleted */
		if (chosen && object_str_is(ref, IMAGE_REF_STATUS, "Deleting") &&
		    strcmp(m->to, "Deleting") != 0)
			chosen = false;
		if (chosen && (!m->from || object_str_is(ref, IMAGE_REF_STATUS, m->from))) {
			int r = set_status(t, ref, IMAGE_REF_STATUS, m->to, e);

			if (r < 0)
				return r;
			ref = view_get_id(txn_view(t), KIND_IMAGE_REF, id);
		}
		alive = alive || !ref_is_dead(ref);
	}
	image = view_get(txn_view(t), KIND_IMAGE, m->image);
	if (!image)
		return error_set(e, ENOENT, "image '%s' is gone", m->image);
	if (alive && object_str_is(image, IMAGE_STATUS, "Deleted"))
		return set_status(t, image, IMAGE_STATUS, "Ready", e);
	return alive ? 0 : set_status(t, image, IMAGE_STATUS, "Deleted", e);
}

/* ------------------------------------------------------------------- removal */

/* Removes the rows of the copies whose files are gone (an array of backup storage uuids). */
struct forget {
	const char *image;
	const json_t *backup_storages;
};

static int forget_refs(struct txn *t, void *arg, struct error *e)
{
	const struct forget *f = arg;
	const struct object *ref, *image;
	int64_t id = 0;
	int r;

	while ((ref = view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, f->image, id))) {
		id = ref->id;
		if (!list_has(f->backup_storages, object_text(ref, IMAGE_REF_BACKUP_STORAGE_UUID)))
			continue;
		r = txn_remove(t, ref, e);
		if (r < 0)
			return r;
	}
	if (view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, f->image, 0))
		return 0;
	image = view_get(txn_view(t), KIND_IMAGE, f->image);
	return image ? object_remove(t, image, e) : 0;
}

/* Removes the file of one copy, whatever is there of it. */
static int remove_copy(const struct view *view, const struct object *ref, struct error *e)
{
	const char *path = object_str(ref, IMAGE_REF_INSTALL_PATH);
	const struct object *bs =
		view_get(view, KIND_BACKUP_STORAGE, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID));

	if (path)
		return image_file_remove(path, e);
	return bs ? image_file_remove_unfinished(bs, object_text(ref, IMAGE_REF_IMAGE_UUID), e) : 0;
}

/* Removes the files of the chosen copies; their backup storages go into @removed. The first failure is
 * returned. */
static int remove_files(const struct view *view, const char *image, const json_t *backup_storages, bool force,
			json_t *removed, struct error *e)
{
	int result = 0;

	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image) {
		const char *bs = object_text(ref, IMAGE_REF_BACKUP_STORAGE_UUID);
		int r;

		if (backup_storages && !list_has(backup_storages, bs))
			continue;
		r = remove_copy(view, ref, result < 0 || force ? NULL : e);
		if (r < 0 && !force)
			result = result < 0 ? result : r;
		else if (json_array_append_new(removed, json_string(bs)) < 0)
			result = result < 0 ? result : error_set(e, ENOMEM, "out of memory");
	}
	return result;
}

int image_remove_copies(struct pool *pool, const char *image_uuid, const json_t *backup_storages, bool force,
			struct error *e)
{
	struct mark deleting = {.image = image_uuid, .backup_storages = backup_storages, .to = "Deleting"};
	struct forget forget = {.image = image_uuid};
	_cleanup_view_ struct view *before = store_view(pool_store(pool));
	_cleanup_view_ struct view *view = NULL;
	json_t *removed, *bs;
	size_t i;
	int r, result;

	if (!view_get(before, KIND_IMAGE, image_uuid))
		return 0;
	r = store_run(pool_store(pool), mark_refs, &deleting, e);
	if (r < 0)
		return r;
	removed = json_array();
	if (!removed)
		return error_set(e, ENOMEM, "out of memory");
	view = store_view(pool_store(pool));
	result = remove_files(view, image_uuid, backup_storages, force, removed, e);
	forget.backup_storages = removed;
	r = store_run(pool_store(pool), forget_refs, &forget, result < 0 ? NULL : e);
	json_array_foreach (removed, i, bs) {
		/* it only refreshes the capacity; the storage tells its troubles when it is asked for */
		(void)backup_storage_measure(pool, json_string_value(bs), NULL);
	}
	json_decref(removed);
	/* copies that cannot be reached now are left to a later round */
	(void)image_cache_clean(pool, NULL);
	return result < 0 ? result : r;
}

/* -------------------------------------------------------------- DeleteImage */

int image_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	const struct request *req = job->req;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *image = request_object(view, req);
	struct mark mark = {.image = req->target,
			    .backup_storages = request_list(req, "backupStorageUuids"),
			    .to = "Deleted"};
	bool ready;

	(void)ret_result;
	if (!image)
		return 0;
	ready = object_str_is(image, IMAGE_STATUS, "Ready") || object_str_is(image, IMAGE_STATUS, "Deleted");
	if (!ready || strcmp(config_str(view, "image.deletionPolicy"), "Direct") == 0)
		return image_remove_copies(job->pool, req->target, mark.backup_storages,
					   request_is_enforcing(req), e);
	return store_run(pool_store(job->pool), mark_refs, &mark, e);
}

/* -------------------------------------------------- ExpungeImage, RecoverImage */

/* True when the copy can be expunged, or, without @expunge, recovered. */
static bool is_deleted(const struct object *ref, bool expunge)
{
	return expunge ? ref_is_dead(ref) : object_str_is(ref, IMAGE_REF_STATUS, "Deleted");
}

/* Looks whether the copies that a request means are deleted: those on the given backup storages, else any. */
static int check_deleted(const struct view *view, const struct request *req, bool expunge, struct error *e)
{
	const struct object *image = request_object(view, req);
	const json_t *list = request_list(req, "backupStorageUuids");
	size_t i;
	json_t *bs;

	json_array_foreach ((json_t *)(uintptr_t)list, i, bs) {
		const struct object *ref = find_ref(view, req->target, json_string_value(bs));

		if (!ref || !is_deleted(ref, expunge))
			return error_set_code(
				e, EBUSY, "SYS.1006",
				"the image[uuid:%s, name:%s]'s status[%s] is not Deleted on the backup storage[uuid:%s]",
				req->target, object_name(image),
				ref ? object_text(ref, IMAGE_REF_STATUS) : "null", json_string_value(bs));
	}
	if (list)
		return 0;
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, req->target)
		if (is_deleted(ref, expunge))
			return 0;
	return error_set_code(e, EBUSY, "SYS.1006",
			      "the image[uuid:%s, name:%s] is not deleted on any backup storage", req->target,
			      object_name(image));
}

int image_expunge_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_deleted(view, req, true, e);
}

/* The backup storages of all deleted copies of an image, whose deletion is older than @before; NULL without
 * memory. */
static json_t *deleted_copies(const struct view *view, const char *image, int64_t before)
{
	json_t *list = json_array();

	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image) {
		if (!ref_is_dead(ref) || object_int(ref, IMAGE_REF_LAST_OP_DATE) > before)
			continue;
		if (json_array_append_new(list,
					  json_string(object_text(ref, IMAGE_REF_BACKUP_STORAGE_UUID))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int image_expunge_run(struct job *job, json_t **ret_result, struct error *e)
{
	const json_t *chosen = request_list(job->req, "backupStorageUuids");
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	json_t *list = chosen ? json_incref((json_t *)(uintptr_t)chosen)
			      : deleted_copies(view, job->req->target, INT64_MAX);
	int r;

	(void)ret_result;
	if (!list)
		return error_set(e, ENOMEM, "out of memory");
	r = image_remove_copies(job->pool, job->req->target, list, false, e);
	json_decref(list);
	return r;
}

/* Both removals end in the same state however often they begin, so what a crash broke off is simply done. */
int image_delete_recover(struct job *job, json_t **ret_result, struct error *e)
{
	return job->req->op->run(job, ret_result, e);
}

int image_recover_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_deleted(view, req, false, e);
}

int image_recover_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct mark mark = {.image = req->target,
			    .backup_storages = request_list(req, "backupStorageUuids"),
			    .from = "Deleted",
			    .to = "Ready"};
	int r = mark_refs(t, &mark, e);

	return r < 0 ? r : result_inventory(txn_view(t), KIND_IMAGE, req->target, ret_result, e);
}

/* ------------------------------------------------------------------- timer */

/* Hands in the expunge of an image's copies that were deleted before @before, if there are any. */
static int expunge_old_copies(struct pool *pool, const struct view *view, const struct object *image,
			      int64_t before, struct error *e)
{
	static const struct actor timer = {.source = "scheduler"};
	json_t *list = deleted_copies(view, object_uuid(image), before);
	json_t *params =
		list && json_array_size(list) ? json_pack("{s:O}", "backupStorageUuids", list) : NULL;
	struct request *req = NULL;
	int r = 0;

	if (!list || (json_array_size(list) && !params))
		r = error_set(e, ENOMEM, "out of memory");
	if (r == 0 && params)
		r = request_new(operation_by_name("ExpungeImage"), object_uuid(image), params, &timer, &req,
				e);
	if (r == 0 && req)
		r = pool_submit_wait(pool, req, NULL, e);
	json_decref(params);
	json_decref(list);
	return r;
}

int image_expunge_due(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t before = store_now() - config_int(view, "image.expungePeriod") * NS_PER_S;
	int result = 0;

	if (strcmp(config_str(view, "image.deletionPolicy"), "Never") == 0)
		return 0;
	view_for_each (image, view, KIND_IMAGE) {
		int r;

		/* A job that waits or runs for the image may change it: it is looked at again in the next
		 * round. */
		if (job_is_pending_for(view, object_uuid(image)))
			continue;
		r = expunge_old_copies(pool, view, image, before, result < 0 ? NULL : e);
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}
