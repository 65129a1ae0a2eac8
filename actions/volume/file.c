/* SPDX-License-Identifier: Apache-2.0 */
/* See file.h. */
#include "actions/volume/file.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/image/cache.h"
#include "actions/image/rules.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/storage/storage_type.h"
#include "actions/volume/location.h"
#include "actions/volume/volume.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

/* ------------------------------------------------------------------ the row */

/*
 * Writes the row of a volume, which is taken over and knows its storage, as Creating, and reserves its bytes. Its file must
 * be new: one of its name that could not be removed yet would take the new one with it.
 */
static int put_creating(struct txn *t, struct object *volume, struct error *e)
{
	const char *ps = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID);
	char name[64];
	int r;

	volume_file_name(volume, name);
	r = orphan_file_check_name(txn_view(t), ps, object_str(volume, VOLUME_HOST_UUID), name, e);
	if (r == 0)
		r = capacity_reserve_storage(t, ps, object_int(volume, VOLUME_SIZE), e);
	if (r < 0) {
		object_unref(volume);
		return r;
	}
	object_set_str(volume, VOLUME_STATUS, STATUS_CREATING);
	return txn_put(t, volume, NULL, e);
}

int volume_put_placed(struct txn *t, struct object *volume, const struct object *ps,
		      const struct object *host, struct error *e)
{
	object_set_str(volume, VOLUME_PRIMARY_STORAGE_UUID, object_uuid(ps));
	object_set_str(volume, VOLUME_HOST_UUID, primary_storage_is_local(ps) ? object_uuid(host) : NULL);
	object_set_str(volume, VOLUME_FORMAT, primary_storage_format(ps, volume_is_shareable(volume)));
	return put_creating(t, volume, e);
}

/* --------------------------------------------------------------- instantiating */

struct instantiate {
	const char *uuid, *vm; /* vm may be NULL */
	char host[UUID_SIZE];  /* out */
};

static int instantiate_fn(struct txn *t, void *arg, struct error *e)
{
	struct instantiate *i = arg;
	const struct view *view = txn_view(t);
	const struct object *volume = view_get(view, KIND_VOLUME, i->uuid), *ps, *host;
	struct storage_wish wish;
	struct object *copy;
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, i->uuid);
	wish = volume_storage_wish(view, volume, i->vm);
	r = volume_choose_storage(view, view_get(view, KIND_VM, i->vm), &wish,
				  tag_value(view, i->uuid, LOCAL_HOST_TAG), &ps, &host, e);
	if (r < 0)
		return r;
	snprintf(i->host, sizeof(i->host), "%s", object_uuid(host));
	copy = object_copy(volume);
	return copy ? volume_put_placed(t, copy, ps, host, e) : error_oom(e); /* reads the copy */
}

int volume_make_file_of(struct job *job, const char *uuid, const char *host, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r = volume ? volume_make_file(job, volume, host, e) : error_gone(e, KIND_VOLUME, uuid);

	kill_point("volume-ready");
	return r;
}

struct storage_wish volume_storage_wish(const struct view *view, const struct object *volume, const char *vm)
{
	return (struct storage_wish){
		.storage = vm ? tag_value(view, vm, DATA_STORAGE_TAG) : NULL,
		.strategy = storage_strategy_of(view, object_str(volume, VOLUME_DISK_OFFERING_UUID)),
		.size = object_int(volume, VOLUME_SIZE),
	};
}

int volume_instantiate(struct job *job, const char *uuid, const char *vm, struct error *e)
{
	struct instantiate i = {.uuid = uuid, .vm = vm};
	int r = job_choose(job, instantiate_fn, &i, e);

	if (r < 0)
		return r;
	kill_point("volume-placed");
	r = volume_make_file_of(job, uuid, i.host, e);
	if (r < 0)
		(void)volume_uninstantiate(job->pool, uuid, NULL);
	return r;
}

static int uninstantiate_fn(struct txn *t, void *arg, struct error *e)
{
	_cleanup_object_ const struct object *before = object_ref(view_get(txn_view(t), KIND_VOLUME, arg));
	const char *ps;
	struct object *volume;
	char name[64];
	int r;

	if (!before || !object_str_is(before, VOLUME_STATUS, STATUS_CREATING))
		return 0;
	ps = object_text(before, VOLUME_PRIMARY_STORAGE_UUID);
	volume_file_name(before, name);
	r = orphan_file_put(t, ps, object_str(before, VOLUME_HOST_UUID), name, NULL, e);
	if (r < 0)
		return r;
	volume = object_copy(before);
	object_set_null(volume, VOLUME_PRIMARY_STORAGE_UUID);
	object_set_null(volume, VOLUME_HOST_UUID);
	object_set_str(volume, VOLUME_STATUS, STATUS_NOT_INSTANTIATED);
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r : capacity_release_storage(t, ps, object_int(before, VOLUME_SIZE), e);
}

int volume_uninstantiate(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r;

	if (!volume || !object_str_is(volume, VOLUME_STATUS, STATUS_CREATING))
		return 0;
	r = store_run(pool_store(pool), uninstantiate_fn, (void *)(uintptr_t)uuid, e);
	if (r == 0)
		orphan_files_remove(pool, NULL);
	return r;
}

/* ------------------------------------------------------------- a new volume */

int volume_put_new(struct txn *t, const struct object *vm, const struct new_volume *d,
		   char ret_uuid[UUID_SIZE], struct error *e)
{
	const struct object *ps = view_get(txn_view(t), KIND_PRIMARY_STORAGE, d->storage);
	struct object *volume = object_new(kind_get(KIND_VOLUME));
	bool root = d->device_id == 0;
	char name[NAME_BYTES_MAX], uuid[UUID_SIZE];

	if (!volume)
		return error_oom(e);
	object_name_after(root ? "ROOT-for-" : "DATA-for-", vm, name);
	if (d->uuid)
		snprintf(uuid, sizeof(uuid), "%s", d->uuid);
	else
		uuid_make(uuid);
	if (ret_uuid)
		memcpy(ret_uuid, uuid, sizeof(uuid));
	object_set_str(volume, VOLUME_UUID, uuid);
	object_set_str(volume, VOLUME_NAME, name);
	object_set_str(volume, VOLUME_DESCRIPTION, d->description);
	object_set_str(volume, VOLUME_PRIMARY_STORAGE_UUID, d->storage);
	object_set_str(volume, VOLUME_VM_UUID, object_uuid(vm));
	object_set_str(volume, VOLUME_DISK_OFFERING_UUID, d->offering);
	object_set_str(volume, VOLUME_ROOT_IMAGE_UUID, d->image);
	object_set_str(volume, VOLUME_TYPE, root ? "Root" : "Data");
	object_set_str(volume, VOLUME_FORMAT, primary_storage_format(ps, false));
	object_set_int(volume, VOLUME_SIZE, d->size);
	object_set_int(volume, VOLUME_ACTUAL_SIZE, 0);
	object_set_int(volume, VOLUME_DEVICE_ID, d->device_id);
	object_set_str(volume, VOLUME_STATE, STATE_ENABLED);
	object_set_int(volume, VOLUME_IS_SHAREABLE, 0);
	object_set_str(volume, VOLUME_ACCOUNT_UUID, object_str(vm, VM_ACCOUNT_UUID));
	if (ps && primary_storage_is_local(ps))
		object_set_str(volume, VOLUME_HOST_UUID, d->host);
	return put_creating(t, volume, e);
}

/* ------------------------------------------------------------------- files */

struct made {
	const char *volume, *path;
	struct hv_volume_info info;
};

static int made_fn(struct txn *t, void *arg, struct error *e)
{
	const struct made *m = arg;
	struct object *volume;
	char ps[UUID_SIZE];
	bool differs;
	int r = txn_edit(t, KIND_VOLUME, m->volume, &volume, e);

	if (r < 0)
		return r;
	snprintf(ps, sizeof(ps), "%s", object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	/* a copy is as large as what was copied, which an earlier version may have made */
	differs = m->info.size > 0 && m->info.size != object_int(volume, VOLUME_SIZE);
	if (differs)
		object_set_int(volume, VOLUME_SIZE, m->info.size);
	object_set_str(volume, VOLUME_INSTALL_PATH, m->path);
	object_set_str(volume, VOLUME_STATUS, STATUS_READY);
	object_set_int(volume, VOLUME_ACTUAL_SIZE, m->info.actual_size);
	r = txn_put(t, volume, NULL, e);
	return r < 0 || !differs ? r : capacity_update_primary_storage(t, ps, e);
}

int volume_set_ready(struct pool *pool, const char *uuid, const char *host, const char *path, struct error *e)
{
	struct made m = {.volume = uuid, .path = path};

	(void)hv_volume_info(pool_hypervisor(pool), host, path, &m.info, NULL);
	return store_run(pool_store(pool), made_fn, &m, e);
}

/* A raw file has no backing file, unless the storage can make clones. */
static bool is_copied_from_image(const struct view *view, const struct object *volume)
{
	const struct object *ps =
		view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));

	return object_str_is(volume, VOLUME_FORMAT, "raw") && !storage_type_of(ps)->keeps_snapshots;
}

/* A copy of the image's file @from, at least as large as the volume is to be. */
static int copy_image(struct job *job, const struct object *volume, const char *host, const char *from,
		      const char *from_format, char **ret_path, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *ps = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID);
	_cleanup_free_ char *path = NULL;
	char name[64];
	int r;

	volume_file_name(volume, name);
	r = hv_volume_copy(hv, host, from, from_format, ps, name, object_text(volume, VOLUME_FORMAT),
			   job_copy_progress, job, &path, e);
	if (r < 0)
		return r;
	r = hv_volume_resize(hv, host, path, object_int(volume, VOLUME_SIZE), e);
	if (r < 0)
		(void)hv_volume_delete(hv, host, ps, name, NULL);
	else
		*ret_path = steal(&path);
	return r;
}

/* Creates the file, with @backing (may be NULL) below it, or as a copy of that. */
static int put_file(struct job *job, const struct object *volume, const char *host, const char *backing,
		    const char *backing_format, bool copied, char **ret_path, struct error *e)
{
	char name[64];

	if (backing && copied)
		return copy_image(job, volume, host, backing, backing_format, ret_path, e);
	volume_file_name(volume, name);
	return hv_volume_create(pool_hypervisor(job->pool), host,
				object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), name,
				object_text(volume, VOLUME_FORMAT), object_int(volume, VOLUME_SIZE), backing,
				backing_format, ret_path, e);
}

static int open_pool(struct pool *pool, const struct object *volume, const char *host, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const char *uuid = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID);
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, uuid);

	return ps ? primary_storage_open_pool(pool, ps, host, e) : error_gone(e, KIND_PRIMARY_STORAGE, uuid);
}

int volume_make_file(struct job *job, const struct object *volume, const char *host, struct error *e)
{
	const char *uuid = object_uuid(volume), *ps = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID);
	_cleanup_free_ char *backing = NULL, *backing_format = NULL, *path = NULL;
	_cleanup_(error_done) struct error first = ERROR_INIT;
	struct view *view = store_view(pool_store(job->pool));
	const struct object *image = view_get(view, KIND_IMAGE, object_str(volume, VOLUME_ROOT_IMAGE_UUID));
	bool copied = is_copied_from_image(view, volume);
	int r = 0;

	if (image && !image_is_iso(image))
		r = image_cache_get(job, object_uuid(image), ps, host, &backing, &backing_format, e);
	view_unref(view);
	if (r < 0)
		return r;
	r = put_file(job, volume, host, backing, backing_format, copied, &path, &first);
	/* a host that has just been connected is still being prepared */
	if (r == -ENOENT && open_pool(job->pool, volume, host, NULL) == 0) {
		error_done(&first);
		r = put_file(job, volume, host, backing, backing_format, copied, &path, &first);
	}
	if (r < 0)
		return error_move(e, &first);
	kill_point("volume-made");
	return volume_set_ready(job->pool, uuid, host, path, e);
}
