/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and measuring primary storage. See primary_storage.h. */
#include "actions/storage/primary_storage.h"

#include <string.h>

#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "hypervisor/storage/pool.h"
#include "model/states.h"

/* --------------------------------------------------------------- properties */

bool primary_storage_is_local(const struct object *ps)
{
	return storage_type_of(ps)->per_host;
}

bool primary_storage_keeps_snapshots(const struct object *ps)
{
	return storage_type_of(ps)->keeps_snapshots;
}

const char *primary_storage_format(const struct object *ps, bool shareable)
{
	/* Only raw files can be written by several guests. */
	return shareable || storage_type_of(ps)->raw_only ? "raw" : "qcow2";
}

char *primary_storage_mount_path(const char *state_dir, const struct storage_type *type, const char *url,
				 const char *uuid)
{
	char *path = NULL;

	if (!type->own_mount)
		return strdup(url);
	return asprintf(&path, "%s/mnt/%s", state_dir, uuid) < 0 ? NULL : path;
}

int primary_storage_open_pool(struct pool *pool, const struct object *ps, const char *host, struct error *e)
{
	const struct storage_type *type = storage_type_of(ps);
	const char *url = object_text(ps, PRIMARY_STORAGE_URL);
	_cleanup_free_ char *path =
		primary_storage_mount_path(pool_state_dir(pool), type, url, object_uuid(ps));
	struct hv_storage_pool_def spec = {
		.uuid = object_uuid(ps),
		.type = type->pool_type,
		.target = path,
		.source = type->has_source ? url : NULL,
	};

	if (!path)
		return error_oom(e);
	return hv_storage_pool_open(pool_hypervisor(pool), host, &spec, e);
}

struct measured {
	const char *uuid;
	struct hv_capacity capacity;
};

/* Bytes that the files of volumes and cached images take on the storage. */
static int64_t used_by_pool(const struct view *view, const char *ps)
{
	int64_t used = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, ps)
		used += object_int(volume, VOLUME_ACTUAL_SIZE);
	view_for_each_where (cache, view, KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, ps)
		used += object_int(cache, IMAGE_CACHE_SIZE);
	return used;
}

static int write_measured(struct txn *t, void *arg, struct error *e)
{
	const struct measured *m = arg;
	const struct object *ps = view_get(txn_view(t), KIND_PRIMARY_STORAGE, m->uuid);
	struct object *copy;
	int64_t others;
	int r;

	if (!ps)
		return 0; /* deleted meanwhile */
	copy = object_copy(ps);
	others = m->capacity.total - m->capacity.available - used_by_pool(txn_view(t), m->uuid);
	object_set_int(copy, PRIMARY_STORAGE_TOTAL_PHYSICAL, m->capacity.total);
	object_set_int(copy, PRIMARY_STORAGE_AVAILABLE_PHYSICAL, m->capacity.available);
	object_set_int(copy, PRIMARY_STORAGE_TOTAL, m->capacity.total);
	object_set_int(copy, PRIMARY_STORAGE_SYSTEM_USED, others > 0 ? others : 0);
	object_set_str(copy, PRIMARY_STORAGE_STATUS, STATUS_CONNECTED);
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : capacity_update_primary_storage(t, m->uuid, e);
}

/* Adds the capacity of the storage on one host to @m. False when the host does not answer. */
static bool measure_host(struct pool *pool, const char *host, struct measured *m)
{
	struct hv_capacity capacity;

	if (hv_storage_pool_capacity(pool_hypervisor(pool), host, m->uuid, &capacity, NULL) < 0)
		return false;
	m->capacity.total += capacity.total;
	m->capacity.available += capacity.available;
	return true;
}

int primary_storage_measure(struct pool *pool, const char *uuid, const char *also, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, uuid);
	struct measured m = {.uuid = uuid};
	bool answered, enough;

	if (!ps)
		return error_set(e, ENOENT, "primary storage '%s' does not exist", uuid);
	answered = also && measure_host(pool, also, &m);
	enough = answered && !primary_storage_is_local(ps);
	for (const struct object *host = primary_storage_next_host(view, uuid, 0); host && !enough;
	     host = primary_storage_next_host(view, uuid, host->id)) {
		if (also && strcmp(object_uuid(host), also) == 0)
			continue;
		if (!measure_host(pool, object_uuid(host), &m))
			continue;
		answered = true;
		enough = !primary_storage_is_local(ps);
	}
	if (!answered)
		return error_set_code(e, ENOTCONN, "PS.1003",
				      "no connected host can reach primary storage[uuid:%s]", uuid);
	return store_run(pool_store(pool), write_measured, &m, e);
}

int primary_storage_open_on_host(struct pool *pool, const struct view *view, const struct object *ps,
				 const char *host, struct error *e)
{
	int r = primary_storage_open_pool(pool, ps, host, e);

	(void)view;
	return r < 0 ? r : primary_storage_measure(pool, object_uuid(ps), host, e);
}
