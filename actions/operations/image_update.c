/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that change an image: its state, its description, its sizes. */
#include <string.h>
#include <sys/stat.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/image/file.h"
#include "actions/image/probe.h"
#include "actions/image/rules.h"
#include "actions/operations/table.h"
#include "model/states.h"

/*
 * Users may change the name, the description and the like, but not what the file is (image/rules.h): the
 * format stays, and the media type can only change from one kind of template to the other.
 */
static int image_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *image = request_object(txn_view(t), req);
	const char *format = request_str(req, "format");
	const char *media_type = request_str(req, "mediaType");
	bool iso;

	if (!image)
		return error_gone(e, KIND_IMAGE, req->target);
	iso = object_str_is(image, IMAGE_FORMAT, "iso");
	if (format && !object_str_is(image, IMAGE_FORMAT, format))
		return error_set(e, EINVAL,
				 "the file of image '%s' is '%s', its format cannot be set to '%s'",
				 object_name(image), object_text(image, IMAGE_FORMAT), format);
	if (media_type && (strcmp(media_type, "ISO") == 0) != iso)
		return error_set(e, EINVAL,
				 "the file of image '%s' is '%s', its mediaType cannot be set to '%s'",
				 object_name(image), object_text(image, IMAGE_FORMAT), media_type);
	if (iso && request_bool(req, "system", false))
		return error_set(e, EINVAL, "ISO cannot be used as system image");
	return object_update_apply(t, req, ret_result, e);
}

/* The next copy (row id above @after) of an image that can be read; NULL when there is none. */
static const struct object *next_connected_ref(const struct view *view, const char *image, int64_t after)
{
	const struct object *ref = view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image, after);

	for (; ref; ref = view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image, ref->id)) {
		const struct object *bs =
			view_get(view, KIND_BACKUP_STORAGE, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID));

		if (bs && object_str_is(bs, BACKUP_STORAGE_STATUS, STATUS_CONNECTED) && image_file_path(ref))
			return ref;
	}
	return NULL;
}

static int image_sync_size_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *image = request_object(view, req);

	if (!view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, req->target, 0))
		return error_set_code(e, EBUSY, "SYS.1006",
				      "the image[uuid:%s, name:%s] is not on any backup storage", req->target,
				      object_name(image));
	if (!next_connected_ref(view, req->target, 0))
		return error_set_code(e, EBUSY, "SYS.1006",
				      "No connected backup storage found for image[uuid:%s, name:%s]",
				      req->target, object_name(image));
	return 0;
}

struct sizes {
	const char *image;
	int64_t size, actual_size; /* bytes */
};

static int write_sizes(struct txn *t, void *arg, struct error *e)
{
	const struct sizes *s = arg;
	struct object *image;
	int r = txn_edit(t, KIND_IMAGE, s->image, &image, e);

	if (r < 0)
		return r;
	txn_set_fact(t);
	object_set_int(image, IMAGE_SIZE, s->size);
	object_set_int(image, IMAGE_ACTUAL_SIZE, s->actual_size);
	return txn_put(t, image, NULL, e);
}

/* Also the recover function: it reads the sizes of the file and stores them. */
static int image_sync_size_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct sizes sizes = {.image = job->req->target};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *image = request_object(view, job->req);
	const struct object *ref = next_connected_ref(view, sizes.image, 0);
	struct image_info info;
	struct stat st;
	const char *path;
	int r;

	if (!image)
		return error_gone(e, KIND_IMAGE, sizes.image);
	if (!ref)
		return image_sync_size_check(view, job->req, e);
	path = image_file_path(ref);
	/* what its guest has written to a raw disk does not matter any more */
	r = image_probe(path, object_str_is(image, IMAGE_FORMAT, "raw") ? IMAGE_PROBE_ANY_RAW : 0, &info, e);
	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return error_set(e, errno, "cannot get the size of '%s': %s", path, strerror(errno));
	if (strcmp(image_disk_format(image_format_name(info.format)),
		   image_disk_format(object_text(image, IMAGE_FORMAT))) != 0)
		return error_set(e, EIO, "file '%s' has the format '%s', but its image has '%s'", path,
				 image_format_name(info.format), object_text(image, IMAGE_FORMAT));
	sizes.size = info.virtual_size;
	sizes.actual_size = st.st_size;
	r = store_run(pool_store(job->pool), write_sizes, &sizes, e);
	kill_point("image-measured");
	return r < 0 ? r : job_result_inventory(job, KIND_IMAGE, sizes.image, ret_result, e);
}

static const struct operation change_image_state = {
	.section = "4.3.6",
	.name = "ChangeImageState",
	.message = "org.zstack.header.image.APIChangeImageStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/images/{uuid}/actions", NULL},
	.key = "changeImageState",
	.key_aliases = (const char *const[]){"changelmageState", "params", NULL},
	.params = (const struct param[]){P_UUID(KIND_IMAGE), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the image",
	.apply = object_change_state_apply,
};

static const struct operation update_image = {
	.section = "4.3.7",
	.name = "UpdateImage",
	.message = "org.zstack.header.image.APIUpdateImageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/images/{uuid}/actions", NULL},
	.key = "updateImage",
	.key_aliases = (const char *const[]){"params", NULL},
	.params =
		(const struct param[]){
			P_UUID(KIND_IMAGE),
			P_NEW_NAME,
			P_DESCRIPTION,
			{.name = "guestOsType", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "mediaType",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .max_length = 255,
			 .values = (const char *const[]){"RootVolumeTemplate", "DataVolumeTemplate", "ISO",
							 NULL}},
			{.name = "format",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .max_length = 255,
			 .values = (const char *const[]){"raw", "qcow2", "iso", NULL}},
			{.name = "system", .type = PARAM_BOOL, .in = IN_BODY},
			P_PLATFORM,
			{0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the image's name, description, platform or media type",
	.apply = image_update_apply,
};

static const struct operation sync_image_size = {
	.section = "4.3.8",
	.name = "SyncImageSize",
	.message = "org.zstack.header.image.APISyncImageSizeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/images/{uuid}/actions", NULL},
	.key = "syncImageSize",
	.params = (const struct param[]){P_UUID(KIND_IMAGE), {0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "uuid",
	.verb = "sync-size",
	.help = "updates the image's sizes from its file on the backup storage",
	.check = image_sync_size_check,
	.run = image_sync_size_run,
	.recover = image_sync_size_run,
};

const struct operation *const operations_image_update[] = {
	&change_image_state,
	&update_image,
	&sync_image_size,
	NULL,
};
