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
 * that the file may be gone, so there is no way back: a removal that failed or was
 * killed stays Deleting until recovery, the next expunge or the timer resumes it.
 * A deletion without file work (policy Delay or Never) is one store change.
 */
#include "actions/image/image.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/rows.h"
#include "actions/engine/submit.h"
#include "actions/host/topology.h"
#include "actions/image/cache.h"
#include "actions/image/file.h"
#include "actions/storage/backup_storage.h"
#include "model/json.h"
#include "model/states.h"

static bool list_has(const json_t *list, const char *uuid)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		if (strcmp(json_string_value(item), uuid) == 0)
			return true;
	}
	return false;
}

bool image_copy_is_gone(const struct object *ref)
{
	return object_str_is(ref, IMAGE_REF_STATUS, STATUS_DELETED) ||
	       object_str_is(ref, IMAGE_REF_STATUS, STATUS_DELETING);
}

/* ------------------------------------------------------------ status changes */

static int set_status(struct txn *t, const struct object *o, int field, const char *status, struct error *e)
{
	struct object *copy = object_copy(o);

	object_set_str(copy, field, status);
	return txn_put(t, copy, NULL, e);
}

int image_put_copies_status(struct txn *t, void *arg, struct error *e)
{
	const struct image_mark *m = arg;
	const struct object *ref, *image;
	bool alive = false;
	int64_t id = 0;

	while ((ref = view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, m->image, id))) {
		bool chosen = !m->backup_storages ||
			      list_has(m->backup_storages, object_text(ref, IMAGE_REF_BACKUP_STORAGE_UUID));

		id = ref->id;
		/* a file that may be gone cannot be recovered, and Deleted would say that it can */
		if (chosen && object_str_is(ref, IMAGE_REF_STATUS, STATUS_DELETING) &&
		    strcmp(m->to, STATUS_DELETING) != 0)
			chosen = false;
		if (chosen && (!m->from || object_str_is(ref, IMAGE_REF_STATUS, m->from))) {
			int r = set_status(t, ref, IMAGE_REF_STATUS, m->to, e);

			if (r < 0)
				return r;
			ref = view_get_id(txn_view(t), KIND_IMAGE_REF, id);
		}
		alive = alive || !image_copy_is_gone(ref);
	}
	image = view_get(txn_view(t), KIND_IMAGE, m->image);
	if (!image)
		return error_gone(e, KIND_IMAGE, m->image);
	if (alive && object_str_is(image, IMAGE_STATUS, STATUS_DELETED))
		return set_status(t, image, IMAGE_STATUS, STATUS_READY, e);
	return alive ? 0 : set_status(t, image, IMAGE_STATUS, STATUS_DELETED, e);
}

/* ------------------------------------------------------------------- removal */

/* Removes the refs of an image whose files are gone, and the image with the last one. */
struct forget {
	const char *image;
	const json_t *backup_storages; /* uuids */
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
	r = object_remove_where(t, KIND_IMAGE_EXPORT, IMAGE_EXPORT_IMAGE_UUID, f->image, e);
	image = view_get(txn_view(t), KIND_IMAGE, f->image);
	return r == 0 && image ? object_remove(t, image, e) : r;
}

/* Removes the file of one copy, complete or partial. */
static int remove_copy(const struct view *view, const struct object *ref, struct error *e)
{
	const char *path = image_file_path(ref);
	const struct object *bs =
		view_get(view, KIND_BACKUP_STORAGE, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID));

	if (path)
		return image_file_remove(path, e);
	return bs ? image_file_remove_unfinished(bs, object_text(ref, IMAGE_REF_IMAGE_UUID), e) : 0;
}

/*
 * Removes the files of the chosen copies and adds the uuids of their backup storages to @removed. Continues
 * after a failure and returns the first one.
 */
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
			result = result < 0 ? result : error_oom(e);
	}
	return result;
}

int image_remove_copies(struct pool *pool, const char *image_uuid, const json_t *backup_storages, bool force,
			struct error *e)
{
	struct image_mark deleting = {
		.image = image_uuid, .backup_storages = backup_storages, .to = STATUS_DELETING};
	struct forget forget = {.image = image_uuid};
	_cleanup_view_ struct view *before = store_view(pool_store(pool));
	_cleanup_view_ struct view *view = NULL;
	_cleanup_json_ json_t *removed = NULL;
	json_t *bs;
	size_t i;
	int r, result;

	if (!view_get(before, KIND_IMAGE, image_uuid))
		return 0;
	r = store_run(pool_store(pool), image_put_copies_status, &deleting, e);
	if (r < 0)
		return r;
	removed = json_array();
	if (!removed)
		return error_oom(e);
	view = store_view(pool_store(pool));
	result = remove_files(view, image_uuid, backup_storages, force, removed, e);
	forget.backup_storages = removed;
	r = store_run(pool_store(pool), forget_refs, &forget, result < 0 ? NULL : e);
	json_array_foreach (removed, i, bs) {
		/* only refreshes the capacity: a failure of the storage is reported where it matters */
		(void)backup_storage_measure(pool, json_string_value(bs), NULL);
	}
	/* cached copies that cannot be reached now are left to the timer */
	(void)image_cache_clean(pool, NULL);
	return result < 0 ? result : r;
}

json_t *image_deleted_copies(const struct view *view, const char *image, int64_t before)
{
	_cleanup_json_ json_t *list = json_array();

	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image) {
		if (!image_copy_is_gone(ref) || object_int(ref, IMAGE_REF_LAST_OP_DATE) > before)
			continue;
		if (json_array_append_new(list,
					  json_string(object_text(ref, IMAGE_REF_BACKUP_STORAGE_UUID))) < 0)
			return NULL;
	}
	return steal(&list);
}

/* ------------------------------------------------------------------- timer */

/* Runs an ExpungeImage for the copies of an image that were deleted before @before, if there are any. */
static int expunge_old_copies(struct pool *pool, const struct view *view, const struct object *image,
			      int64_t before, struct error *e)
{
	static const struct actor timer = {.source = "scheduler"};
	_cleanup_json_ json_t *list = image_deleted_copies(view, object_uuid(image), before);
	_cleanup_json_ json_t *params = NULL;
	struct request *req;
	int r;

	if (!list)
		return error_oom(e);
	if (json_array_size(list) == 0)
		return 0;
	params = json_pack("{s:O}", "backupStorageUuids", list);
	if (!params)
		return error_oom(e);
	r = request_new(operation_by_name("ExpungeImage"), object_uuid(image), params, &timer, &req, e);
	if (r < 0)
		return r;
	return pool_submit_wait(pool, req, NULL, e);
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

		/* a queued or running job may change the image: the next round looks at it again */
		if (job_is_pending_for(view, object_uuid(image)))
			continue;
		r = expunge_old_copies(pool, view, image, before, result < 0 ? NULL : e);
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

bool image_is_in_zone(const struct view *view, const char *image, const char *zone)
{
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image)
		if (object_str_is(ref, IMAGE_REF_STATUS, STATUS_READY) &&
		    zone_has_backup_storage(view, zone, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID)))
			return true;
	return false;
}
