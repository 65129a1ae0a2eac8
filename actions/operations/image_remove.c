/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting images, expunging deleted ones and recovering them. */
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/result.h"
#include "actions/image/image.h"
#include "actions/operations/table.h"
#include "model/json.h"
#include "model/states.h"

/* The copy of an image on a backup storage; NULL when there is none. */
static const struct object *find_ref(const struct view *view, const char *image, const char *bs)
{
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image)
		if (object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs))
			return ref;
	return NULL;
}

/* -------------------------------------------------------------- DeleteImage */

static int image_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	const struct request *req = job->req;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *image = request_object(view, req);
	struct image_mark mark = {.image = req->target,
				  .backup_storages = request_list(req, "backupStorageUuids"),
				  .to = STATUS_DELETED};
	bool ready;

	(void)ret_result;
	if (!image)
		return 0;
	ready = object_str_is(image, IMAGE_STATUS, STATUS_READY) ||
		object_str_is(image, IMAGE_STATUS, STATUS_DELETED);
	if (!ready || strcmp(config_str(view, "image.deletionPolicy"), "Direct") == 0)
		return image_remove_copies(job->pool, req->target, mark.backup_storages,
					   request_is_enforcing(req), e);
	return store_run(pool_store(job->pool), image_put_copies_status, &mark, e);
}

/* -------------------------------------------------- ExpungeImage, RecoverImage */

/* True when the copy can be expunged, or, without @expunge, recovered. */
static bool is_deleted(const struct object *ref, bool expunge)
{
	return expunge ? image_copy_is_gone(ref) : object_str_is(ref, IMAGE_REF_STATUS, STATUS_DELETED);
}

/*
 * Refuses unless the copies that a request names are deleted: all those on the given backup storages, or at
 * least one when none is given.
 */
static int check_deleted(const struct view *view, const struct request *req, bool expunge, struct error *e)
{
	const struct object *image = request_object(view, req);
	const json_t *list = request_list(req, "backupStorageUuids");
	size_t i;
	json_t *bs;

	json_array_foreach (list, i, bs) {
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

static int image_expunge_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_deleted(view, req, true, e);
}

static int image_expunge_run(struct job *job, json_t **ret_result, struct error *e)
{
	const json_t *chosen = request_list(job->req, "backupStorageUuids");
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_json_ json_t *list =
		chosen ? json_incref_const(chosen) : image_deleted_copies(view, job->req->target, INT64_MAX);

	(void)ret_result;
	if (!list)
		return error_oom(e);
	return image_remove_copies(job->pool, job->req->target, list, false, e);
}

/* Both removals can be repeated at any point, so one that a crash interrupted is simply run again. */
static int image_delete_recover(struct job *job, json_t **ret_result, struct error *e)
{
	return job->req->op->run(job, ret_result, e);
}

static int image_recover_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_deleted(view, req, false, e);
}

static int image_recover_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct image_mark mark = {.image = req->target,
				  .backup_storages = request_list(req, "backupStorageUuids"),
				  .from = STATUS_DELETED,
				  .to = STATUS_READY};

	(void)ret_result;
	return image_put_copies_status(t, &mark, e);
}

static const struct operation delete_image = {
	.section = "4.3.2",
	.name = "DeleteImage",
	.message = "org.zstack.header.image.APIDeleteImageMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/images/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_IMAGE),
					 {.name = "backupStorageUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_NONEMPTY,
					  .resource = KIND_BACKUP_STORAGE},
					 P_DELETE_MODE,
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the image; it can be recovered until it is expunged",
	.run = image_delete_run,
	.recover = image_delete_recover,
};

static const struct operation expunge_image = {
	.section = "4.3.3",
	.name = "ExpungeImage",
	.message = "org.zstack.header.image.APIExpungeImageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/images/{imageUuid}/actions", NULL},
	.key = "expungeImage",
	.key_aliases = (const char *const[]){"expungelImage", "params", NULL},
	.params =
		(const struct param[]){
			{.name = "uuid", .type = PARAM_STRING, .in = IN_BODY, .resource = KIND_IMAGE},
			P_PATH("imageUuid", KIND_IMAGE),
			{.name = "backupStorageUuids",
			 .type = PARAM_LIST,
			 .in = IN_BODY,
			 .flags = PARAM_NONEMPTY,
			 .resource = KIND_BACKUP_STORAGE},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "imageUuid",
	.verb = "expunge",
	.flags = OP_DESTROYS,
	.help = "permanently removes a deleted image",
	.check = image_expunge_check,
	.run = image_expunge_run,
	.recover = image_delete_recover,
};

static const struct operation recover_image = {
	.section = "4.3.5",
	.name = "RecoverImage",
	.message = "org.zstack.header.image.APIRecoverImageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/images/{imageUuid}/actions", NULL},
	.key = "recoverImage",
	.key_aliases = (const char *const[]){"params", NULL},
	.params = (const struct param[]){P_PATH("imageUuid", KIND_IMAGE),
					 {.name = "backupStorageUuids",
					  .type = PARAM_LIST,
					  .in = IN_BODY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_BACKUP_STORAGE},
					 {0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "imageUuid",
	.verb = "recover",
	.help = "recovers a deleted image",
	.check = image_recover_check,
	.apply = image_recover_apply,
};

const struct operation *const operations_image_remove[] = {
	&delete_image,
	&expunge_image,
	&recover_image,
	NULL,
};
