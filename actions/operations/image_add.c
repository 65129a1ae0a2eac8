/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AddImage: from a URL or a file to a Ready image on one or more backup storages.
 *
 * One change creates the rows: the image and a ref for each backup storage, all
 * Downloading. From then on the image is visible. image/copies.h does the rest, or
 * image/upload.h for an image that is uploaded as a file. With a URL `upload://NAME`
 * the same change makes the job of the upload, another AddImage of the same image, and
 * the first one ends: the image is Downloading then, and the installPath of its ref is
 * the URL to which a client sends the bytes.
 *
 * A job that was killed before the image was Ready is undone at the next start, and begins
 * anew: an unfinished download is never resumed, since the source may have changed.
 */
#include <string.h>

#include "actions/account/quota.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/engine/url.h"
#include "actions/engine/url_policy.h"
#include "actions/image/copies.h"
#include "actions/image/file.h"
#include "actions/image/image.h"
#include "actions/image/download.h"
#include "actions/image/rules.h"
#include "actions/image/upload.h"
#include "actions/image/upload_list.h"
#include "actions/image/upload_create.h"
#include "actions/image/upload_receive.h"
#include "actions/operations/table.h"
#include "model/states.h"
#include "model/url.h"

/* The user insists that the file is a raw disk, although it begins like an archive or a text. */
static bool forces_raw(const struct request *req)
{
	const json_t *tag;
	size_t i;

	json_array_foreach (req->system_tags, i, tag)
		if (strcmp(json_string_value(tag), "ephemeral::forceRaw") == 0)
			return true;
	return false;
}

/* The checksum that the user has given, as "sha256:<hex digits>"; NULL without one. */
static const char *given_checksum(const struct request *req)
{
	static const char prefix[] = "ephemeral::checksum::";
	const json_t *tag;
	size_t i;

	json_array_foreach (req->system_tags, i, tag)
		if (strncmp(json_string_value(tag), prefix, strlen(prefix)) == 0)
			return json_string_value(tag) + strlen(prefix);
	return NULL;
}

/* The job of an upload whose image is there already. */
static bool continues(const struct view *view, const struct request *req)
{
	return request_is_upload(req) && view_get(view, KIND_IMAGE, req->target);
}

static int check_source(const struct view *view, const struct request *req, struct error *e)
{
	const char *url = request_str(req, "url");

	if (request_is_upload(req))
		return 0;
	if (!request_is_sent(req))
		return url_policy_check(view, req->actor.account, url, URL_OF_IMAGE, e);
	if (!url[strlen("upload://")])
		return error_set(e, EINVAL,
				 "the URL of an image that is uploaded must be like upload://NAME");
	if (json_array_size(request_list(req, "backupStorageUuids")) != 1)
		return error_set(e, EINVAL, "an image is uploaded to one backup storage, but %zu are given",
				 json_array_size(request_list(req, "backupStorageUuids")));
	return url_check_base(request_str(req, "baseUrl"), e);
}

static int image_add_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");
	int r = check_source(view, req, e);

	if (r < 0 || continues(view, req))
		return r;
	r = image_check_claim(request_str(req, "format"), request_str(req, "mediaType"),
			      request_bool(req, "system", false), e);
	if (r < 0)
		return r;
	if (forces_raw(req) && strcmp(request_str(req, "format"), "raw") != 0)
		return error_set(e, EINVAL,
				 "the system tag 'ephemeral::forceRaw' is for images with the format 'raw'");
	if (given_checksum(req) && (request_is_upload(req) || request_is_sent(req)))
		return error_set(e, EINVAL,
				 "the checksum of an upload is not checked, compare md5Sum of the image");
	if (type && strcmp(type, "zstack") != 0)
		return error_set(e, EINVAL, "unsupported image type[%s]", type);
	r = object_check_uuid(view, req, e);
	if (r < 0)
		return r;
	r = quota_check(view, req->actor.account, req->actor.account, "image.num", 1, e);
	if (r < 0)
		return r;
	return image_copies_check(view, request_list(req, "backupStorageUuids"), e);
}

static int put_image(struct txn *t, const struct request *req, struct error *e)
{
	const char *format = request_str(req, "format"), *media_type = request_str(req, "mediaType");
	const char *claimed = image_claimed_format(format, media_type);
	_cleanup_free_ char *shown = url_shown(request_str(req, "url"));
	struct object *image;
	int r = shown ? object_from_request(txn_view(t), KIND_IMAGE, req, &image, e) : error_oom(e);

	if (r < 0)
		return r;
	object_set_str(image, IMAGE_STATE, STATE_ENABLED);
	object_set_str(image, IMAGE_STATUS, STATUS_DOWNLOADING);
	object_set_int(image, IMAGE_SIZE, 0);
	object_set_int(image, IMAGE_ACTUAL_SIZE, 0);
	object_set_str(image, IMAGE_FORMAT, claimed);
	if (strcmp(claimed, "iso") == 0)
		object_set_str(image, IMAGE_MEDIA_TYPE, "ISO");
	else if (!media_type)
		object_set_str(image, IMAGE_MEDIA_TYPE, "RootVolumeTemplate");
	object_set_str(image, IMAGE_TYPE, "zstack");
	object_set_str(image, IMAGE_URL, shown); /* the job has the true one */
	object_set_int(image, IMAGE_SYSTEM, request_bool(req, "system", false));
	if (!request_has(req, "platform"))
		object_set_str(image, IMAGE_PLATFORM, "Linux");
	r = txn_put(t, image, NULL, e);
	if (r < 0)
		return r;
	return object_put_tags(t, req, KIND_IMAGE, req->target, e);
}

static int begin(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	int r = put_image(t, req, e);

	if (r < 0)
		return r;
	return image_copies_put_refs(t, req->target, request_list(req, "backupStorageUuids"),
				     STATUS_DOWNLOADING, e);
}

struct offer {
	const struct request *req;
	const struct request *upload; /* of the job that receives the bytes */
};

/* Where the bytes are to be sent: a URL, or for who has no server, the file in the mount. Never an absolute path. */
static char *upload_place(const struct offer *o)
{
	const char *base = request_str(o->req, "baseUrl"), *format = request_str(o->req, "format");
	char *place;
	int r = base ? asprintf(&place, "%s/v1/uploads/%s/%s.%s", base, o->upload->job, o->req->target,
				format)
		     : asprintf(&place, "images/upload/%s.%s", o->req->target, format);

	return r < 0 ? NULL : place;
}

/* The image has one ref. */
static int put_upload_place(struct txn *t, const struct offer *o, struct error *e)
{
	const struct object *ref =
		view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, o->req->target, 0);
	_cleanup_free_ char *place = upload_place(o);
	struct object *copy;

	if (!place)
		return error_oom(e);
	copy = object_copy(ref);
	object_set_str(copy, IMAGE_REF_INSTALL_PATH, place);
	return txn_put(t, copy, NULL, e);
}

static int begin_offer(struct txn *t, void *arg, struct error *e)
{
	const struct offer *o = arg;
	int r = begin(t, (void *)(uintptr_t)o->req, e);

	if (r == 0)
		r = put_upload_place(t, o, e);
	return r < 0 ? r : job_insert(t, o->upload, NULL, e);
}

/*
 * A file with the image's name that exists before the image belongs to someone else: two pools may share a
 * folder, and a client may choose the uuid. It must be neither overwritten nor removed when the job fails.
 */
static int check_no_file(struct job *job, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	json_t *item;
	size_t i;

	json_array_foreach (request_list(job->req, "backupStorageUuids"), i, item) {
		const struct object *bs = view_get(view, KIND_BACKUP_STORAGE, json_string_value(item));
		int r = bs ? image_file_check_absent(bs, job->req->target, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Downloads or copies what the URL names. */
static int fetch(struct job *job, const struct image_claim *claim, json_t **ret_failures, struct error *e)
{
	_cleanup_(url_policy_free_p) struct url_policy *policy = NULL;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct request *req = job->req;
	int r = url_policy_new(view, pool_state_dir(job->pool), req->actor.account, &policy, e);

	view_unref(steal(&view)); /* a download may take a day */
	if (r < 0) {
		(void)image_remove_copies(job->pool, req->target, NULL, true, NULL);
		return r;
	}
	return image_copies_make(job, req->target, request_str(req, "url"), policy, claim, ret_failures, e);
}

/* The image waits for its bytes from now on. */
static int offer(struct job *job, json_t **ret_result, struct error *e)
{
	struct uploads *uploads = pool_uploads(job->pool);
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_(upload_unref_p) struct upload *u = NULL;
	int r = upload_offer(uploads, job->req, &req, &u, e);

	if (r < 0)
		return r;
	r = store_run(pool_store(job->pool), begin_offer, &(struct offer){.req = job->req, .upload = req}, e);
	if (r < 0)
		upload_end(u, e);
	upload_close(u, false);
	return r < 0 ? r : job_result_inventory(job, KIND_IMAGE, job->req->target, ret_result, e);
}

static bool is_sent_upload(const struct job *job)
{
	_cleanup_(upload_unref_p) struct upload *u =
		uploads_of_image(pool_uploads(job->pool), job->req->target);

	return request_is_upload(job->req) && u && upload_is_sent(u);
}

static bool is_there(const struct job *job)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	return continues(view, job->req);
}

static int image_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct request *req = job->req;
	struct image_claim claim = {.format = request_str(req, "format"),
				    .media_type = request_str(req, "mediaType"),
				    .system = request_bool(req, "system", false),
				    .checksum = given_checksum(req),
				    .any_raw = forces_raw(req)};
	char same[UUID_SIZE] = "";
	json_t *failures = NULL;
	int r = check_no_file(job, e);

	if (r == 0 && request_is_sent(req))
		return offer(job, ret_result, e);
	if (r == 0 && !is_there(job))
		r = is_sent_upload(job) ? error_gone(e, KIND_IMAGE, req->target)
					: store_run(pool_store(job->pool), begin, req, e);
	if (r < 0)
		return r;
	if (request_is_upload(req))
		r = upload_receive(job, false, same, e);
	else
		r = fetch(job, &claim, &failures, e);
	if (r == 0 && same[0])
		return job_result_inventory(job, KIND_IMAGE, same, ret_result, e);
	return r < 0 ? r : image_copies_result(job, req->target, failures, ret_result, e);
}

/* The upload of the process before this one goes on; its job ends with it. */
static int resume_upload(struct job *job, json_t **ret_result, struct error *e)
{
	char same[UUID_SIZE] = "";
	int r = upload_receive(job, true, same, e);

	if (r < 0)
		return r;
	if (same[0])
		return job_result_inventory(job, KIND_IMAGE, same, ret_result, e);
	return image_copies_result(job, job->req->target, NULL, ret_result, e);
}

static bool has_upload(const struct job *job)
{
	_cleanup_(upload_unref_p) struct upload *u =
		request_is_upload(job->req) ? uploads_of_image(pool_uploads(job->pool), job->req->target)
					    : NULL;

	return u != NULL;
}

static int image_add_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *image = view_get(view, KIND_IMAGE, job->req->target);
	int r;

	if (image && request_is_sent(job->req)) /* its upload has a job of its own */
		return job_result_inventory(job, KIND_IMAGE, job->req->target, ret_result, e);
	if (has_upload(job))
		return image ? resume_upload(job, ret_result, e) : image_add_run(job, ret_result, e);
	if (image && object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return job_result_inventory(job, KIND_IMAGE, job->req->target, ret_result, e);
	r = image_remove_copies(job->pool, job->req->target, NULL, false, e);
	if (r < 0)
		return r;
	/* the bytes of an upload were the client's: nobody can ask for them again */
	if (request_is_upload(job->req))
		return error_set_code(
			e, EINTR, "SYS.1000",
			"the daemon ended while the image was being uploaded; nothing of it is kept");
	return error_undone(e, "the daemon ended while the image was being added; nothing of it is kept");
}

static const struct operation add_image = {
	.section = "4.3.1",
	.name = "AddImage",
	.message = "org.zstack.header.image.APIAddImageMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/images", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			P_DESCRIPTION,
			{.name = "url",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED | PARAM_URL,
			 .max_length = 1024},
			{.name = "mediaType",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .values = (const char *const[]){"RootVolumeTemplate", "ISO", "DataVolumeTemplate",
							 NULL}},
			{.name = "guestOsType", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "system", .type = PARAM_BOOL, .in = IN_BODY},
			/* Without it, the format is what is found in the file, which `raw` allows. */
			{.name = "format", .type = PARAM_STRING, .in = IN_BODY, .default_value = "raw"},
			P_PLATFORM,
			{.name = "backupStorageUuids",
			 .type = PARAM_LIST,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED | PARAM_NONEMPTY,
			 .resource = KIND_BACKUP_STORAGE},
			{.name = "type", .type = PARAM_STRING, .in = IN_BODY},
			P_RESOURCE_UUID,
			P_BASE_URL,
			{0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_IMAGE,
	.where = "images",
	.error_code = "SYS.1002",
	.help = "adds an image from a URL or a file, or with a URL upload://NAME one whose bytes are then sent to the installPath that it has (a URL at poolfs-rest, which is at baseUrl, or a file in images/upload); with the system tag ephemeral::forceRaw a raw disk may begin like an archive or a text, and with ephemeral::checksum::sha256:<hex digits> (or md5, sha512) what arrives must have this checksum",
	.check = image_add_check,
	.run = image_add_run,
	.recover = image_add_recover,
	.goes_on = request_is_upload, /* with its file */
	.deadline_s = 86400,
};

static const struct operation query_image = {
	.section = "4.3.4",
	.name = "QueryImage",
	.message = "org.zstack.header.image.APIQueryImageMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/images", "/images/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_IMAGE,
	.flags = OP_SYNC,
	.help = "lists images",
};

const struct operation *const operations_image_add[] = {
	&add_image,
	&query_image,
	NULL,
};
