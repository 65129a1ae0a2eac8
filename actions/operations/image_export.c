/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports of images: URLs from which anybody who knows them downloads the file of
 * an image, until the export or the image is deleted. Nothing is copied: what is
 * downloaded is the file on the backup storage.
 */
#include <string.h>

#include "actions/engine/rows.h"
#include "actions/engine/url.h"
#include "actions/operations/table.h"
#include "model/json.h"
#include "model/states.h"

/* The backup storage may be left out; if it is not, the image must be there. */
static int check_storage(const struct view *view, const struct request *req, struct error *e)
{
	const char *bs = request_str(req, "backupStorageUuid");

	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, req->target)
		if (!bs || object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs))
			return 0;
	return bs ? error_set(e, ENOENT, "image '%s' is not on backup storage '%s'", req->target, bs)
		  : error_set(e, ENOENT, "image '%s' is on no backup storage", req->target);
}

static int image_export_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *image = request_object(view, req);
	const char *format = request_str(req, "exportFormat");
	int r;

	if (!object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "image '%s' is %s, only a %s one can be exported", req->target,
				 object_text(image, IMAGE_STATUS), STATUS_READY);
	if (format && !object_str_is(image, IMAGE_FORMAT, format))
		return error_set(e, EINVAL,
				 "image '%s' has the format '%s' and is exported as it is, not as '%s'",
				 req->target, object_text(image, IMAGE_FORMAT), format);
	r = url_check_base(request_str(req, "baseUrl"), e);
	return r < 0 ? r : check_storage(view, req, e);
}

/* Makes the row that the URL names, and sets the URL in @image. */
static int put_export(struct txn *t, const struct request *req, struct object *image, struct error *e)
{
	const char *base = request_str(req, "baseUrl");
	struct object *export = object_new(kind_get(KIND_IMAGE_EXPORT));
	_cleanup_free_ char *url = NULL;
	char uuid[UUID_SIZE];

	uuid_make(uuid);
	object_set_str(export, IMAGE_EXPORT_UUID, uuid);
	object_set_str(export, IMAGE_EXPORT_IMAGE_UUID, req->target);
	if (asprintf(&url, "%s/v1/exports/%s/%s.%s", base ? base : "/zstack", uuid, req->target,
		     object_text(image, IMAGE_FORMAT)) < 0) {
		url = NULL;
		object_unref(export);
		return error_oom(e);
	}
	object_set_str(image, IMAGE_EXPORT_URL, url);
	object_set_str(image, IMAGE_EXPORT_MD5, object_str(image, IMAGE_MD5));
	return txn_put(t, export, NULL, e);
}

/* An image that is exported already keeps its URL. */
static int image_export_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, req->target);
	int r = 0;

	if (!image)
		return error_gone(e, KIND_IMAGE, req->target);
	if (object_is_null(image, IMAGE_EXPORT_URL)) {
		struct object *copy = object_copy(image);

		r = put_export(t, req, copy, e);
		if (r < 0) {
			object_unref(copy);
			return r;
		}
		r = txn_put(t, copy, &image, e);
	}
	if (r < 0)
		return r;
	*ret_result = json_pack("{s:s}", "imageUrl", object_text(image, IMAGE_EXPORT_URL));
	if (!object_is_null(image, IMAGE_EXPORT_MD5))
		json_add_member(ret_result, "exportMd5Sum", json_string(object_str(image, IMAGE_EXPORT_MD5)));
	return *ret_result ? 0 : error_oom(e);
}

static int image_unexport_check(const struct view *view, const struct request *req, struct error *e)
{
	if (object_is_null(request_object(view, req), IMAGE_EXPORT_URL))
		return error_set(e, EBUSY, "image '%s' is not exported", req->target);
	return check_storage(view, req, e);
}

static int image_unexport_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	struct object *image;
	int r = object_remove_where(t, KIND_IMAGE_EXPORT, IMAGE_EXPORT_IMAGE_UUID, req->target, e);

	(void)ret_result;
	if (r == 0)
		r = txn_edit(t, KIND_IMAGE, req->target, &image, e);
	if (r < 0)
		return r;
	object_set_null(image, IMAGE_EXPORT_URL);
	object_set_null(image, IMAGE_EXPORT_MD5);
	return txn_put(t, image, NULL, e);
}

/* In the tree they are verbs of the image, where the backup storage may be left out. */
#define P_STORAGE                                                                                            \
	{                                                                                                    \
		.name = "backupStorageUuid", .type = PARAM_STRING, .in = IN_PATH,                            \
		.resource = KIND_BACKUP_STORAGE                                                              \
	}

static const struct operation export_image = {
	.section = "5.2",
	.name = "ExportImageFromBackupStorage",
	.message = "org.zstack.header.storage.backup.APIExportImageFromBackupStorageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/backup-storage/{backupStorageUuid}/actions", NULL},
	.key = "exportImageFromBackupStorage",
	.params = (const struct param[]){P_STORAGE,
					 {.name = "imageUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_IMAGE},
					 {.name = "exportFormat",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"raw", "qcow2", NULL}},
					 P_BASE_URL,
					 {0}},
	.results = (const char *const[]){"imageUrl:String", "exportMd5Sum:String", NULL},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "imageUuid",
	.verb = "export",
	.help = "makes a URL at poolfs-rest (which is at baseUrl) from which anybody who knows it downloads the image",
	.check = image_export_check,
	.apply = image_export_apply,
};

static const struct operation delete_exported_image = {
	.section = "5.2",
	.name = "DeleteExportedImageFromBackupStorage",
	.message = "org.zstack.header.storage.backup.APIDeleteExportedImageFromBackupStorageMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/backup-storage/{backupStorageUuid}/exported-images/{imageUuid}",
				       NULL},
	.params = (const struct param[]){P_STORAGE, P_PATH("imageUuid", KIND_IMAGE), {0}},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "imageUuid",
	.verb = "delete-export",
	.flags = OP_DESTROYS,
	.help = "ends the export of the image: its URL leads nowhere then",
	.check = image_unexport_check,
	.apply = image_unexport_apply,
};

const struct operation *const operations_image_export[] = {
	&export_image,
	&delete_exported_image,
	NULL,
};
