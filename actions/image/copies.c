/* SPDX-License-Identifier: Apache-2.0 */
/* See copies.h. */
#include "actions/image/copies.h"

#include <string.h>
#include <sys/stat.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/image/damage.h"
#include "actions/image/download.h"
#include "actions/image/file.h"
#include "actions/image/image.h"
#include "actions/image/probe.h"
#include "actions/image/rules.h"
#include "actions/storage/backup_storage.h"
#include "hypervisor/storage/pool.h"
#include "model/durable.h"
#include "model/states.h"

/* One backup storage that the image is copied to. */
#define DOWNLOAD_RETRIES 4

struct target {
	const struct object *bs; /* a reference */
	char *part, *path;	 /* owned; path is NULL until the format is known */
	struct error error;	 /* why it failed */
	bool touched;		 /* its folder may hold a file of the image */
	bool done;		 /* the file is complete and durable */
	bool left;		 /* it failed, and its file could not be removed */
};

struct copies {
	struct job *job;
	const char *image; /* uuid */
	const struct download_source *source;
	const struct image_claim *claim;
	int64_t reserved;	/* bytes to leave free on a backup storage */
	struct target *targets; /* owned */
	size_t count;
	/* found in the file: */
	const char *format, *media_type; /* static */
	int64_t size, actual_size;	 /* bytes */
	char md5[DOWNLOAD_MD5_STRLEN];
};

static void copies_done(struct copies *c)
{
	for (size_t i = 0; i < c->count; i++) {
		object_unref(c->targets[i].bs);
		free(c->targets[i].part);
		free(c->targets[i].path);
		error_done(&c->targets[i].error);
	}
	free(c->targets);
}

/* --------------------------------------------------------------------- rows */

/* "[a, b]", as the manual's server prints a list of uuids. */
static void print_uuids(const json_t *list, char *buffer, size_t room)
{
	size_t i, len = 0;
	json_t *item;

	buffer[0] = '\0';
	json_array_foreach (list, i, item) {
		if (len < room)
			len += (size_t)snprintf(buffer + len, room - len, "%s%s", i ? ", " : "",
						json_string_value(item));
	}
}

int image_copies_check(const struct view *view, const json_t *backup_storages, struct error *e)
{
	char uuids[512];
	json_t *item;
	size_t i;

	json_array_foreach (backup_storages, i, item) {
		const struct object *bs = view_get(view, KIND_BACKUP_STORAGE, json_string_value(item));

		if (bs && backup_storage_is_usable(bs))
			return 0;
	}
	print_uuids(backup_storages, uuids, sizeof(uuids));
	return error_set(
		e, EINVAL,
		"no backup storage specified in uuids[%s] is available for adding this image; they are not in "
		"status Connected or not in state Enabled, or the uuid is invalid backup storage uuid",
		uuids);
}

static int put_ref(struct txn *t, const char *image, const char *bs, const char *status, struct error *e)
{
	struct object *ref = object_new(kind_get(KIND_IMAGE_REF));
	char uuid[UUID_SIZE];

	if (!ref)
		return error_oom(e);
	uuid_make(uuid);
	object_set_str(ref, IMAGE_REF_UUID, uuid);
	object_set_str(ref, IMAGE_REF_IMAGE_UUID, image);
	object_set_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs);
	object_set_str(ref, IMAGE_REF_STATUS, status);
	return txn_put(t, ref, NULL, e);
}

/* A backup storage that is listed twice gets one ref. */
static bool has_ref(const struct view *view, const char *image, const char *bs)
{
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image)
		if (object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, bs))
			return true;
	return false;
}

int image_copies_put_refs(struct txn *t, const char *image_uuid, const json_t *backup_storages,
			  const char *status, struct error *e)
{
	size_t i;
	json_t *item;
	int r = image_copies_check(txn_view(t), backup_storages, e);

	if (r < 0)
		return r;
	json_array_foreach (backup_storages, i, item) {
		const struct object *bs = view_get(txn_view(t), KIND_BACKUP_STORAGE, json_string_value(item));

		if (!bs || !backup_storage_is_usable(bs) || has_ref(txn_view(t), image_uuid, object_uuid(bs)))
			continue;
		r = put_ref(t, image_uuid, object_uuid(bs), status, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The target of a ref; NULL if it has none. */
static const struct target *target_of(const struct copies *c, const struct object *ref)
{
	for (size_t i = 0; i < c->count; i++)
		if (object_str_is(ref, IMAGE_REF_BACKUP_STORAGE_UUID, object_uuid(c->targets[i].bs)))
			return &c->targets[i];
	return NULL;
}

static int finish_ref(struct txn *t, const struct object *ref, const struct target *target, struct error *e)
{
	struct object *copy;

	if (!target || (!target->done && !target->left))
		return txn_remove(t, ref, e);
	copy = object_copy(ref);
	if (target->done)
		object_set_str(copy, IMAGE_REF_INSTALL_PATH, target->path);
	/* an expunge removes a file that cannot be removed now */
	object_set_str(copy, IMAGE_REF_STATUS, target->done ? STATUS_READY : STATUS_DELETING);
	return txn_put(t, copy, NULL, e);
}

static int error_no_backup_storage(const char *image, struct error *e)
{
	return error_set(e, ENOENT, "the backup storage of image '%s' is gone", image);
}

/* Step 3. */
static int finish_rows(struct txn *t, void *arg, struct error *e)
{
	const struct copies *c = arg;
	const struct object *ref;
	struct object *copy;
	int64_t id = 0;
	int r, done = 0;

	if (!view_get(txn_view(t), KIND_IMAGE, c->image))
		return error_gone(e, KIND_IMAGE, c->image);
	while ((ref = view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, c->image, id))) {
		const struct target *target = target_of(c, ref);

		id = ref->id;
		done += target && target->done;
		r = finish_ref(t, ref, target, e);
		if (r < 0)
			return r;
	}
	if (!done)
		return error_no_backup_storage(c->image, e);
	r = txn_edit(t, KIND_IMAGE, c->image, &copy, e);
	if (r < 0)
		return r;
	object_set_str(copy, IMAGE_STATUS, STATUS_READY);
	object_set_str(copy, IMAGE_FORMAT, c->format);
	object_set_str(copy, IMAGE_MEDIA_TYPE, c->media_type);
	object_set_str(copy, IMAGE_MD5, *c->md5 ? c->md5 : NULL);
	if (c->claim->name) {
		object_set_str(copy, IMAGE_NAME, c->claim->name);
		object_set_str(copy, IMAGE_URL, c->claim->url);
	}
	object_set_int(copy, IMAGE_SIZE, c->size);
	object_set_int(copy, IMAGE_ACTUAL_SIZE, c->actual_size);
	return txn_put(t, copy, NULL, e);
}

/* -------------------------------------------------------------------- bytes */

/* The share of the job's progress that one of several copies has. */
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

/*
 * Checks that a backup storage has room for @source, as far as that is known before the transfer: a local
 * file needs what it occupies, since its holes stay holes; any other is limited to the room in *ret.
 */
static int check_room(const struct copies *c, const struct object *bs, const struct download_source *source,
		      struct download_limits *ret, struct error *e)
{
	struct hv_capacity capacity;
	int64_t needed = 0;
	struct stat st;
	int r = backup_storage_capacity(object_text(bs, BACKUP_STORAGE_URL), &capacity, e);

	if (r < 0)
		return r;
	ret->max_bytes = capacity.available - c->reserved;
	if (source->path && fstat(source->fd, &st) == 0) {
		needed = (int64_t)st.st_blocks * 512;
		ret->max_bytes = 0;
	}
	if (capacity.available - c->reserved > needed)
		return 0;
	return backup_storage_refuse_image(object_name(bs), capacity.available, c->reserved, e);
}

/* Copies @source to the partial file of a target. */
static int fetch(struct copies *c, struct target *target, const struct download_source *source,
		 const struct download_limits *limits, char ret_md5[static DOWNLOAD_MD5_STRLEN],
		 struct error *e)
{
	struct span span = {.job = c->job, .index = (size_t)(target - c->targets), .count = c->count};
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int r;

	target->touched = true;
	r = download(source, target->part, limits, span_progress, &span, ret_md5, &cause);
	if (r == -EFBIG)
		return backup_storage_refuse_image(object_name(target->bs), limits->max_bytes + c->reserved,
						   c->reserved, e);
	return r < 0 ? error_move(e, &cause) : 0;
}

/* Gives the partial file its final name. */
static int publish(const struct copies *c, struct target *target, struct error *e)
{
	target->path = backup_storage_image_path(target->bs, c->image, c->format);
	if (!target->path)
		return error_oom(e);
	return image_file_publish(target->part, target->path, e);
}

static int check_progress(void *ctx, int percent)
{
	(void)percent;
	return job_should_stop(ctx);
}

/* Finds out what was fetched, and whether the user may call it that. */
static int examine(struct copies *c, const struct target *target, struct error *e)
{
	struct image_info info;
	struct stat st;
	const char *found;
	int r = image_probe(target->part, c->claim->any_raw ? IMAGE_PROBE_ANY_RAW : 0, &info, e);

	if (r < 0)
		return r;
	found = image_format_name(info.format);
	r = c->claim->name ? image_check_name(c->claim->format, found, e) : 0;
	if (r < 0)
		return r;
	r = image_decide(c->claim->format, c->claim->media_type, c->claim->system, found, &c->format,
			 &c->media_type, e);
	if (r < 0)
		return r;
	r = info.format == IMAGE_FORMAT_QCOW2 ? image_check_damage(target->part, check_progress, c->job, e)
					      : 0;
	if (r < 0)
		return r;
	if (stat(target->part, &st) < 0)
		return error_set(e, errno, "cannot stat '%s': %s", target->part, strerror(errno));
	c->size = info.virtual_size;
	c->actual_size = st.st_size;
	return 0;
}

/* True for failures that may be the backup storage's own: another one may succeed. */
static bool is_storage_fault(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EIO;
}

/* Step 1 on one target. *ret_hopeless: it would fail on every other target too. */
static int fetch_first(struct copies *c, struct target *target, bool *ret_hopeless, struct error *e)
{
	struct download_limits limits = {.retries = DOWNLOAD_RETRIES, .checksum = c->claim->checksum};
	int r = check_room(c, target->bs, c->source, &limits, e);

	if (r < 0)
		return r;
	r = fetch(c, target, c->source, &limits, c->md5, e);
	*ret_hopeless = r < 0 && !is_storage_fault(r);
	if (r < 0)
		return r;
	r = examine(c, target, e);
	*ret_hopeless = r < 0;
	if (r < 0)
		return r;
	return publish(c, target, e);
}

/* Step 2 on one target. */
static int fetch_copy(struct copies *c, struct target *target, const char *from, struct error *e)
{
	_cleanup_(download_source_close) struct download_source source = {.fd = -1};
	char md5[DOWNLOAD_MD5_STRLEN] = "";
	struct download_limits limits = {.retries = DOWNLOAD_RETRIES};
	int r = download_source_open(from, NULL, &source, e);

	if (r < 0)
		return r;
	r = check_room(c, target->bs, &source, &limits, e);
	if (r < 0)
		return r;
	r = fetch(c, target, &source, &limits, md5, e);
	if (r < 0)
		return r;
	if (strcmp(md5, c->md5) != 0)
		return error_set(e, EIO, "the copy of '%s' differs from it", from);
	return publish(c, target, e);
}

/* Steps 1 and 2: afterwards each target is done or has no file (but see `left`). True if any is done. */
static bool fetch_all(struct copies *c)
{
	const struct target *origin = NULL;
	bool hopeless = false;

	for (size_t i = 0; i < c->count && !hopeless && !job_should_stop(c->job); i++) {
		struct target *target = &c->targets[i];
		int r = origin ? fetch_copy(c, target, origin->path, &target->error)
			       : fetch_first(c, target, &hopeless, &target->error);

		target->done = r == 0;
		if (r == 0)
			origin = origin ? origin : target;
		else if (target->touched)
			target->left = image_file_remove_unfinished(target->bs, c->image, NULL) < 0;
	}
	return origin && !job_should_stop(c->job);
}

/* The targets are the backup storages of the image's refs, in the order in which the user listed them. */
static int find_targets(struct copies *c, struct error *e)
{
	/* released on return: a download may take a day */
	_cleanup_view_ struct view *view = store_view(pool_store(c->job->pool));

	c->reserved = config_int(view, "backupStorage.reservedCapacity");
	c->targets = calloc(view_count_candidates(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, c->image) + 1,
			    sizeof(*c->targets));
	if (!c->targets)
		return error_oom(e);
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, c->image) {
		struct target *target = &c->targets[c->count++];

		target->bs = object_ref(
			view_get(view, KIND_BACKUP_STORAGE, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID)));
		target->part = image_file_part_path(target->bs, c->image);
		if (!target->part)
			return error_oom(e);
	}
	return 0;
}

/* Why no copy was made: the only reason, or all of them. */
static int report(const struct copies *c, struct error *e)
{
	_cleanup_free_ char *all = NULL;
	size_t size, failed = 0;
	struct error *first = NULL;
	FILE *out;

	if (job_should_stop(c->job))
		return job_stop_reason(c->job, e);
	for (size_t i = 0; i < c->count; i++) {
		if (!error_is_set(&c->targets[i].error))
			continue;
		first = first ? first : &c->targets[i].error;
		failed++;
	}
	if (failed == 0)
		return error_no_backup_storage(c->image, e);
	if (failed == 1)
		return error_move(e, first);
	out = open_memstream(&all, &size);
	if (!out)
		return error_oom(e);
	for (size_t i = 0; i < c->count; i++)
		if (error_is_set(&c->targets[i].error))
			fprintf(out, "%s%s", &c->targets[i].error == first ? "" : "; ",
				error_sentence(&c->targets[i].error));
	if (fclose(out) != 0)
		return error_oom(e);
	return error_set_code(e, first->errnum, "BS.1000",
			      "failed to add the image to all backup storage, a list of error: %s", all);
}

int image_copies_find_room(struct job *job, const char *image_uuid, int64_t bytes, struct error *e)
{
	_cleanup_(copies_done) struct copies c = {.job = job, .image = image_uuid};
	int r = find_targets(&c, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c.count; i++) {
		struct target *target = &c.targets[i];
		struct hv_capacity capacity;

		if (backup_storage_capacity(object_text(target->bs, BACKUP_STORAGE_URL), &capacity,
					    &target->error) < 0)
			continue;
		if (capacity.available - c.reserved > bytes)
			return 0;
		(void)backup_storage_refuse_image(object_name(target->bs), capacity.available, c.reserved,
						  &target->error);
	}
	return report(&c, e);
}

/* True if there is a file that must be removed before the rows, after a failure. */
static bool has_files(const struct copies *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->targets[i].done || c->targets[i].left)
			return true;
	return false;
}

/* [{"backupStorageUuid", "error"}] of the targets that failed; NULL without memory. */
static json_t *failures(const struct copies *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->count && list; i++) {
		const struct target *target = &c->targets[i];

		if (!target->done &&
		    json_array_append_new(list, json_pack("{s:s, s:o}", "backupStorageUuid",
							  object_uuid(target->bs), "error",
							  error_to_json(&target->error))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Available capacities have changed, and a storage that failed may be unusable. */
static void measure_all(const struct copies *c)
{
	for (size_t i = 0; i < c->count; i++)
		(void)backup_storage_measure(c->job->pool, object_uuid(c->targets[i].bs), NULL);
}

/* Opens the source, and makes the copies. */
static int make_copies(struct copies *c, const char *url, const struct url_policy *policy, struct error *e)
{
	_cleanup_(download_source_close) struct download_source source = {.fd = -1};
	int r = download_source_open(url, policy, &source, e);

	if (r < 0)
		return r;
	source.spent = !policy;
	c->source = &source;
	r = find_targets(c, e);
	if (r < 0)
		return r;
	return fetch_all(c) ? store_run(pool_store(c->job->pool), finish_rows, c, e) : report(c, e);
}

int image_copies_make(struct job *job, const char *image_uuid, const char *url,
		      const struct url_policy *policy, const struct image_claim *claim, json_t **ret_failures,
		      struct error *e)
{
	_cleanup_(copies_done) struct copies c = {.job = job, .image = image_uuid, .claim = claim};
	int r = make_copies(&c, url, policy, e);

	if (r < 0) {
		/* a file that cannot be removed now keeps its row, until an expunge removes both */
		(void)image_remove_copies(job->pool, image_uuid, NULL, !has_files(&c), NULL);
		return r;
	}
	measure_all(&c);
	if (ret_failures)
		*ret_failures = failures(&c);
	return 0;
}

int image_copies_result(struct job *job, const char *image_uuid, json_t *failures, json_t **ret_result,
			struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r = result_inventory(view, KIND_IMAGE, image_uuid, ret_result, e);

	if (r == 0 && json_array_size(failures) && json_object_set(*ret_result, "failures", failures) < 0) {
		json_decref(steal(ret_result));
		r = error_oom(e);
	}
	json_decref(failures);
	return r;
}

/* ------------------------------------------------------------------ uploads */

int image_copies_adopt(struct job *job, const char *image_uuid, const struct image_claim *claim,
		       const char *md5, struct error *e)
{
	_cleanup_(copies_done) struct copies c = {.job = job, .image = image_uuid, .claim = claim};
	struct target *target;
	int r = find_targets(&c, e);

	if (r < 0)
		return r;
	if (c.count != 1)
		return error_no_backup_storage(image_uuid, e);
	snprintf(c.md5, sizeof(c.md5), "%s", md5);
	target = &c.targets[0];
	r = examine(&c, target, e);
	if (r == 0)
		r = publish(&c, target, e);
	kill_point("upload-published");
	target->done = r == 0;
	if (r == 0)
		r = store_run(pool_store(job->pool), finish_rows, &c, e);
	kill_point("upload-ready");
	if (r < 0 && target->path)
		(void)rename(target->path,
			     target->part); /* fails if it was not published; that is all right */
	if (r == 0)
		measure_all(&c);
	return r;
}

/* True if something is based on the image, or is about to be. */
static bool is_used(const struct view *view, const char *image)
{
	return view_next_where(view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID, image, 0) ||
	       view_next_where(view, KIND_VM, VM_IMAGE_UUID, image, 0) ||
	       view_next_where(view, KIND_VOLUME, VOLUME_ROOT_IMAGE_UUID, image, 0);
}

struct reopen {
	const char *image;
	char *path; /* owned */
};

static void reopen_done(struct reopen *o)
{
	free(o->path);
}

/* Writes the status of an image and of its one ref, and the path of the file, NULL for the partial name. */
static int put_status(struct txn *t, const char *image_uuid, const char *status, const char *path,
		      struct error *e)
{
	const struct object *ref =
		view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image_uuid, 0);
	struct object *copy = ref ? object_copy(ref) : NULL;
	int r;

	object_set_str(copy, IMAGE_REF_STATUS, status);
	object_set_str(copy, IMAGE_REF_INSTALL_PATH, path);
	r = txn_put(t, copy, NULL, e);
	if (r < 0)
		return r;
	r = txn_edit(t, KIND_IMAGE, image_uuid, &copy, e);
	if (r < 0)
		return r;
	object_set_str(copy, IMAGE_STATUS, status);
	return txn_put(t, copy, NULL, e);
}

static int reopen_rows(struct txn *t, void *arg, struct error *e)
{
	struct reopen *o = arg;
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, o->image);
	const struct object *ref =
		view_next_where(txn_view(t), KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, o->image, 0);
	const char *path = ref ? object_str(ref, IMAGE_REF_INSTALL_PATH) : NULL;

	if (!image || !path || !object_str_is(image, IMAGE_STATUS, STATUS_READY) ||
	    is_used(txn_view(t), o->image))
		return error_set(e, EBUSY, "image '%s' is in use already and cannot be written any more",
				 o->image);
	free(o->path);
	o->path = strdup(path);
	if (!o->path)
		return error_oom(e);
	return put_status(t, o->image, STATUS_DOWNLOADING, NULL, e);
}

/* Undoes reopen_rows(): the file could not be renamed. */
static int undo_reopen_rows(struct txn *t, void *arg, struct error *e)
{
	const struct reopen *o = arg;

	return view_get(txn_view(t), KIND_IMAGE, o->image) ? put_status(t, o->image, STATUS_READY, o->path, e)
							   : 0;
}

int image_copies_reopen(struct job *job, const char *image_uuid, struct error *e)
{
	_cleanup_(copies_done) struct copies c = {.job = job, .image = image_uuid};
	_cleanup_(reopen_done) struct reopen o = {.image = image_uuid};
	int r = find_targets(&c, e);

	if (r < 0)
		return r;
	r = store_run(pool_store(job->pool), reopen_rows, &o, e);
	if (r < 0)
		return r;
	if (rename(o.path, c.targets[0].part) < 0) {
		r = error_set(e, errno, "cannot rename '%s' to '%s': %s", o.path, c.targets[0].part,
			      strerror(errno));
	} else {
		/* more of it will be acknowledged under that name */
		r = durable_name(c.targets[0].part, e);
		if (r < 0)
			(void)rename(c.targets[0].part, o.path);
	}
	if (r < 0)
		(void)store_run(pool_store(job->pool), undo_reopen_rows, &o, NULL);
	return r;
}
