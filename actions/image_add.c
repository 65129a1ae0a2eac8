/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AddImage: from a URL or a file to a Ready image on one or more backup storages.
 *
 *   1. One change makes the rows: the image and a ref for each backup storage,
 *      all Downloading. From now on the image can be seen.
 *   2. The first backup storage gets the bytes under the partial name. They are
 *      probed there (image_probe.h), and only then become a file of the image.
 *   3. Each further one gets a copy from the first.
 *   4. One change makes the image Ready, with what was found in the file, and the
 *      refs of the copies that are there; the refs of those that failed go.
 *
 * When no copy could be made, the files go first and the rows last. A kill at any
 * moment leaves rows that are not Ready, for which recovery does the same: an
 * unfinished download is never gone on with, since nobody can tell what the source
 * has become. A kill after step 4 leaves a good image.
 */
#include "image.h"

#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "download.h"
#include "handlers.h"
#include "image_file.h"
#include "image_probe.h"
#include "image_rules.h"
#include "object_ops.h"
#include "storage.h"
#include "topology.h"

/* One backup storage that the image shall be on. */
struct target {
	const struct object *bs; /* borrowed from the view of struct add */
	char *part, *path;	 /* owned; path is NULL until the format is known */
	struct error error;	 /* why it failed */
	bool done;		 /* the file is whole and durable */
	bool left;		 /* failed, and its remains could not be removed */
};

struct add {
	struct job *job;
	const struct request *req;
	struct view *view; /* owned */
	struct target *targets;
	size_t count;
	/* what was found in the file */
	const char *format, *media_type;
	int64_t size, actual_size; /* bytes */
	char md5[DOWNLOAD_MD5_STRLEN];
};

static void add_done(struct add *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->targets[i].part);
		free(a->targets[i].path);
		error_done(&a->targets[i].error);
	}
	free(a->targets);
	view_unref(a->view);
}

/* ------------------------------------------------------------------- checks */

/* "[a, b]", as the manual's server prints a list of uuids. */
static void print_uuids(const json_t *list, char *buffer, size_t room)
{
	size_t i, len = 0;
	json_t *item;

	buffer[0] = '\0';
	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		if (len < room)
			len += (size_t)snprintf(buffer + len, room - len, "%s%s", i ? ", " : "",
						json_string_value(item));
	}
}

static int check_backup_storages(const struct view *view, const json_t *list, struct error *e)
{
	char uuids[512];
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		const struct object *bs = view_get(view, KIND_BACKUP_STORAGE, json_string_value(item));

		if (bs && backup_storage_is_usable(bs))
			return 0;
	}
	print_uuids(list, uuids, sizeof(uuids));
	return error_set(
		e, EINVAL,
		"no backup storage specified in uuids[%s] is available for adding this image; they are not in "
		"status Connected or not in state Enabled, or the uuid is invalid backup storage uuid",
		uuids);
}

int image_add_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");
	int r = download_check_url(request_str(req, "url"), e);

	if (r == 0)
		r = image_check_claim(request_str(req, "format"), request_str(req, "mediaType"),
				      request_bool(req, "system", false), e);
	if (r == 0 && type && strcmp(type, "zstack") != 0)
		r = error_set(e, EINVAL, "unsupported image type[%s]", type);
	if (r == 0)
		r = object_check_uuid(view, req, e);
	return r < 0 ? r : check_backup_storages(view, request_list(req, "backupStorageUuids"), e);
}

/* --------------------------------------------------------------------- rows */

static int put_ref(struct txn *t, const char *image, const char *bs, struct error *e)
{
	struct object *ref = object_new(kind_get(KIND_IMAGE_REF));
	char uuid[UUID_SIZE];

	if (!ref)
		return error_set(e, ENOMEM, "out of memory");
	uuid_make(uuid);
	object_set_str(ref, IMAGE_REF_UUID, uuid);
	object_set_str(ref, IMAGE_REF_IMAGE_UUID, image);
	object_set_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs);
	object_set_str(ref, IMAGE_REF_STATUS, "Downloading");
	return txn_put(t, ref, NULL, e);
}

static int put_image(struct txn *t, const struct request *req, struct error *e)
{
	const char *format = request_str(req, "format"), *media_type = request_str(req, "mediaType");
	const char *claimed = image_claimed_format(format, media_type);
	struct object *image;
	int r = object_from_request(txn_view(t), KIND_IMAGE, req, &image, e);

	if (r < 0)
		return r;
	object_set_str(image, IMAGE_STATE, "Enabled");
	object_set_str(image, IMAGE_STATUS, "Downloading");
	object_set_int(image, IMAGE_SIZE, 0);
	object_set_int(image, IMAGE_ACTUAL_SIZE, 0);
	object_set_str(image, IMAGE_FORMAT, claimed);
	if (strcmp(claimed, "iso") == 0)
		object_set_str(image, IMAGE_MEDIA_TYPE, "ISO");
	else if (!media_type)
		object_set_str(image, IMAGE_MEDIA_TYPE, "RootVolumeTemplate");
	object_set_str(image, IMAGE_TYPE, "zstack");
	object_set_int(image, IMAGE_SYSTEM, request_bool(req, "system", false));
	if (!request_has(req, "platform"))
		object_set_str(image, IMAGE_PLATFORM, "Linux");
	r = txn_put(t, image, NULL, e);
	return r < 0 ? r : object_put_tags(t, req, KIND_IMAGE, req->target, e);
}

/* Step 1. Backup storages that cannot be used now get no ref; one given twice gets one. */
static int begin_rows(struct txn *t, void *arg, struct error *e)
{
	const struct add *a = arg;
	const json_t *list = request_list(a->req, "backupStorageUuids");
	json_t *item;
	size_t i;
	int r = check_backup_storages(txn_view(t), list, e);

	if (r == 0)
		r = put_image(t, a->req, e);

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		const char *uuid = json_string_value(item);
		const struct object *bs = view_get(txn_view(t), KIND_BACKUP_STORAGE, uuid);
		bool twice = false;

		view_for_each_where (ref, txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, a->req->target)
			twice = twice || object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, uuid);
		if (r == 0 && bs && !twice && backup_storage_is_usable(bs))
			r = put_ref(t, a->req->target, uuid, e);
	}
	return r;
}

/* The target that a ref stands for. */
static const struct target *target_of(const struct add *a, const struct object *ref)
{
	for (size_t i = 0; i < a->count; i++)
		if (object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, object_uuid(a->targets[i].bs)))
			return &a->targets[i];
	return NULL;
}

static int finish_ref(struct txn *t, const struct object *ref, const struct target *target, struct error *e)
{
	struct object *copy;

	if (!target || (!target->done && !target->left))
		return txn_remove(t, ref, e);
	copy = object_copy(ref);
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	if (target->done)
		object_set_str(copy, IMAGE_REF_INSTALL_PATH, target->path);
	/* remains that could not be removed now are removed by an expunge */
	object_set_str(copy, IMAGE_REF_STATUS, target->done ? "Ready" : "Deleting");
	return txn_put(t, copy, NULL, e);
}

/* Step 4. */
static int finish_rows(struct txn *t, void *arg, struct error *e)
{
	const struct add *a = arg;
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, a->req->target);
	const struct object *ref;
	struct object *copy;
	int64_t id = 0;
	int r, kept = 0;

	if (!image)
		return error_set(e, ENOENT, "image '%s' is gone", a->req->target);
	while ((ref = view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, a->req->target,
				      id))) {
		const struct target *target = target_of(a, ref);

		id = ref->id;
		kept += target && target->done;
		r = finish_ref(t, ref, target, e);
		if (r < 0)
			return r;
	}
	if (!kept)
		return error_set(e, ENOENT, "the backup storage of image '%s' is gone", a->req->target);
	copy = object_copy(view_get(txn_view(t), KIND_IMAGE, a->req->target));
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(copy, IMAGE_STATUS, "Ready");
	object_set_str(copy, IMAGE_FORMAT, a->format);
	object_set_str(copy, IMAGE_MEDIA_TYPE, a->media_type);
	object_set_str(copy, IMAGE_MD5, a->md5);
	object_set_int(copy, IMAGE_SIZE, a->size);
	object_set_int(copy, IMAGE_ACTUAL_SIZE, a->actual_size);
	return txn_put(t, copy, NULL, e);
}

/* -------------------------------------------------------------------- bytes */

/* A part of the job's progress: one copy of several. */
struct span {
	struct job *job;
	size_t index, count;
};

static int span_progress(void *ctx, int64_t done, int64_t total, int percent)
{
	const struct span *s = ctx;

	(void)done;
	(void)total;
	if (percent >= 0)
		job_progress(s->job, (int)((s->index * 100 + (size_t)percent) / s->count));
	return job_should_stop(s->job);
}

static int no_room(const struct object *bs, int64_t available, int64_t reserved, struct error *e)
{
	return error_set_code(
		e, ENOSPC, "BS.1003",
		"backup storage '%s' has %lld bytes left of which %lld are reserved, the image needs more",
		object_name(bs), (long long)available, (long long)reserved);
}

/*
 * Looks whether a backup storage can take the bytes of @source, as far as it is known before they come:
 * for a local file by what it occupies, since its holes stay holes; for the rest by the limit.
 */
static int find_room(const struct add *a, const struct object *bs, const char *source,
		     struct download_limits *ret, struct error *e)
{
	int64_t reserved = config_int(a->view, "backupStorage.reservedCapacity");
	const char *path = image_url_path(source);
	struct hv_capacity capacity;
	int64_t needed = 0;
	struct stat st;
	int r = backup_storage_capacity(object_text(bs, BACKUP_STORAGE_URL), &capacity, e);

	if (r < 0)
		return r;
	ret->max_bytes = capacity.available - reserved;
	if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		needed = (int64_t)st.st_blocks * 512;
		ret->max_bytes = 0;
	}
	return capacity.available - reserved <= needed ? no_room(bs, capacity.available, reserved, e) : 0;
}

/* Brings the bytes of @source (a URL or a path) to the partial file of a target. */
static int fetch(struct add *a, const struct target *target, const char *source,
		 const struct download_limits *limits, char ret_md5[static DOWNLOAD_MD5_STRLEN],
		 struct error *e)
{
	struct span span = {.job = a->job, .index = (size_t)(target - a->targets), .count = a->count};
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int r = download(source, target->part, limits, span_progress, &span, ret_md5, &cause);

	if (r == -EFBIG)
		return no_room(target->bs,
			       limits->max_bytes + config_int(a->view, "backupStorage.reservedCapacity"),
			       config_int(a->view, "backupStorage.reservedCapacity"), e);
	return r < 0 ? error_move(e, &cause) : 0;
}

/* Gives the partial file its name. */
static int publish(const struct add *a, struct target *target, struct error *e)
{
	target->path = backup_storage_image_path(target->bs, a->req->target, a->format);
	if (!target->path)
		return error_set(e, ENOMEM, "out of memory");
	return image_file_publish(target->part, target->path, e);
}

/* Finds out what was fetched. */
static int examine(struct add *a, const struct target *target, struct error *e)
{
	const struct request *req = a->req;
	struct image_info info;
	struct stat st;
	int r = image_probe(target->part, &info, e);

	if (r == 0)
		r = image_decide(request_str(req, "format"), request_str(req, "mediaType"),
				 request_bool(req, "system", false), image_format_name(info.format),
				 &a->format, &a->media_type, e);
	if (r < 0)
		return r;
	if (stat(target->part, &st) < 0)
		return error_set(e, errno, "cannot ask for the size of '%s': %s", target->part,
				 strerror(errno));
	a->size = info.virtual_size;
	a->actual_size = st.st_size;
	return 0;
}

/* True for failures that may be the backup storage's: another one may have more luck. */
static bool is_storage_fault(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EIO;
}

/* Step 2 on one target. *ret_hopeless: it would fail on the others too. */
static int fetch_first(struct add *a, struct target *target, bool *ret_hopeless, struct error *e)
{
	const char *url = request_str(a->req, "url");
	struct download_limits limits = {0};
	int r = find_room(a, target->bs, url, &limits, e);

	if (r < 0)
		return r;
	r = fetch(a, target, url, &limits, a->md5, e);
	if (r == 0)
		r = examine(a, target, e);
	if (r == 0)
		r = publish(a, target, e);
	*ret_hopeless = r < 0 && !is_storage_fault(r);
	return r;
}

/* Step 3 on one target. */
static int fetch_copy(struct add *a, struct target *target, const char *from, struct error *e)
{
	char md5[DOWNLOAD_MD5_STRLEN] = "";
	struct download_limits limits = {0};
	int r = find_room(a, target->bs, from, &limits, e);

	if (r == 0)
		r = fetch(a, target, from, &limits, md5, e);
	if (r == 0 && strcmp(md5, a->md5) != 0)
		r = error_set(e, EIO, "the copy of '%s' differs from it", from);
	return r < 0 ? r : publish(a, target, e);
}

/* Steps 2 and 3. Each target is done, or has no file (see `left`) and mostly an error. True when any is done.
 */
static bool fetch_all(struct add *a)
{
	const struct target *origin = NULL;
	bool hopeless = false;

	for (size_t i = 0; i < a->count && !hopeless && !job_should_stop(a->job); i++) {
		struct target *target = &a->targets[i];
		int r = origin ? fetch_copy(a, target, origin->path, &target->error)
			       : fetch_first(a, target, &hopeless, &target->error);

		target->done = r == 0;
		if (r == 0)
			origin = origin ? origin : target;
		else
			target->left = image_file_remove_unfinished(target->bs, a->req->target, NULL) < 0;
	}
	return origin && !job_should_stop(a->job);
}

/* ----------------------------------------------------------------- the whole */

/* The refs say which backup storages it is about, in the order in which the user named them. */
static int find_targets(struct add *a, struct error *e)
{
	a->view = store_view(pool_store(a->job->pool));
	a->targets = calloc(view_count_where(a->view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, a->req->target),
			    sizeof(*a->targets));
	if (!a->targets)
		return error_set(e, ENOMEM, "out of memory");
	view_for_each_where (ref, a->view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, a->req->target) {
		struct target *target = &a->targets[a->count++];

		target->bs = view_get(a->view, KIND_BACKUP_STORAGE,
				      object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID));
		target->part = image_file_part_path(target->bs, a->req->target);
		if (!target->part)
			return error_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

/* Why nothing came of it: the one reason, or all of them. */
static int report(const struct add *a, struct error *e)
{
	_cleanup_free_ char *all = NULL;
	size_t size, failed = 0;
	struct error *first = NULL;
	FILE *out;

	if (job_should_stop(a->job))
		return job_stop_reason(a->job, e);
	for (size_t i = 0; i < a->count; i++) {
		if (!error_is_set(&a->targets[i].error))
			continue;
		first = first ? first : &a->targets[i].error;
		failed++;
	}
	if (failed < 2)
		return error_move(e, first);
	out = open_memstream(&all, &size);
	if (!out)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < a->count; i++)
		if (error_is_set(&a->targets[i].error))
			fprintf(out, "%s%s", &a->targets[i].error == first ? "" : "; ",
				error_sentence(&a->targets[i].error));
	if (fclose(out) != 0)
		return error_set(e, ENOMEM, "out of memory");
	return error_set_code(e, first->errnum, "BS.1000",
			      "failed to add the image to all backup storage, a list of error: %s", all);
}

static int add_image(struct add *a, struct error *e)
{
	int r = find_targets(a, e);

	if (r < 0)
		return r;
	if (!fetch_all(a))
		return report(a, e);
	return store_run(pool_store(a->job->pool), finish_rows, a, e);
}

/*
 * A file of the image's name before the image is there is somebody else's: two pools may share a folder,
 * and a client may choose the uuid. It must not be written over, nor removed when this fails.
 */
static int check_no_file(struct job *job, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)request_list(job->req, "backupStorageUuids"), i, item) {
		const struct object *bs = view_get(view, KIND_BACKUP_STORAGE, json_string_value(item));
		int r = bs ? image_file_check_absent(bs, job->req->target, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int image_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(add_done) struct add a = {.job = job, .req = job->req};
	int r = check_no_file(job, e);

	if (r == 0)
		r = store_run(pool_store(job->pool), begin_rows, &a, e);
	if (r < 0)
		return r;
	r = add_image(&a, e);
	if (r < 0) {
		(void)image_remove_copies(job->pool, job->req->target, NULL, false, NULL);
		return r;
	}
	for (size_t i = 0; i < a.count; i++)
		(void)backup_storage_measure(job->pool, object_uuid(a.targets[i].bs), NULL);
	return job_result_inventory(job, KIND_IMAGE, job->req->target, ret_result, e);
}

int image_add_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *image = view_get(view, KIND_IMAGE, job->req->target);
	int r;

	if (image && object_str_is(image, IMAGE_STATUS, "Ready"))
		return job_result_inventory(job, KIND_IMAGE, job->req->target, ret_result, e);
	r = image_remove_copies(job->pool, job->req->target, NULL, false, e);
	return r < 0 ? r
		     : error_set_code(e, EINTR, "SYS.1000",
				      "the daemon ended while the image was added, nothing of it is kept");
}
