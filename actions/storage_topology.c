/* SPDX-License-Identifier: Apache-2.0 */
/* Where storage is and how large it is. See storage.h and, for the rest of the pool, topology.h. */
#include "actions/storage.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "actions/capacity.h"
#include "actions/image.h"
#include "actions/topology.h"

/* Folders that are no storage though one can write in them. */
static const char *const no_storage[] = {"/dev", "/proc", "/sys"};

int storage_check_folder(const char *url, struct error *e)
{
	size_t len;

	if (url[0] != '/' || url[1] == '\0')
		return error_set(e, EINVAL, "url '%s' must be an absolute path of a folder", url);
	for (const char *part = url; part; part = strchr(part + 1, '/'))
		if (strncmp(part, "/..", 3) == 0 && (part[3] == '/' || part[3] == '\0'))
			return error_set(e, EINVAL, "url '%s' must not contain '..'", url);
	for (size_t i = 0; i < ARRAY_SIZE(no_storage); i++) {
		len = strlen(no_storage[i]);
		if (strncmp(url, no_storage[i], len) == 0 && (url[len] == '/' || url[len] == '\0'))
			return error_set(e, EINVAL, "url '%s' must not be in /dev, /proc or /sys", url);
	}
	return 0;
}

char *storage_plain_url(const char *url)
{
	size_t len = strlen(url);

	while (len > 1 && url[len - 1] == '/')
		len--;
	return strndup(url, len);
}

/* ------------------------------------------------------------ primary storage */

bool primary_storage_is_local(const struct object *ps)
{
	return object_str_is(ps, PRIMARY_STORAGE_TYPE, "LocalStorage");
}

bool primary_storage_keeps_snapshots(const struct object *ps)
{
	return ps && object_str_is(ps, PRIMARY_STORAGE_TYPE, "Ceph");
}

const char *primary_storage_format(const struct object *ps, bool shareable)
{
	/* only raw files can be written by several guests; an image of Ceph is always raw */
	return shareable || primary_storage_keeps_snapshots(ps) ? "raw" : "qcow2";
}

char *primary_storage_mount_path(const char *state_dir, const char *type, const char *url, const char *uuid)
{
	char *path = NULL;

	if (strcmp(type, "NFS") != 0)
		return strdup(url);
	return asprintf(&path, "%s/mnt/%s", state_dir, uuid) < 0 ? NULL : path;
}

const struct object *primary_storage_next_host(const struct view *view, const char *ps, int64_t after)
{
	const struct object *host = view_next(view, KIND_HOST, after);

	while (host && !(object_str_is(host, HOST_STATUS, "Connected") &&
			 cluster_has_primary_storage(view, object_str(host, HOST_CLUSTER_UUID), ps)))
		host = view_next(view, KIND_HOST, host->id);
	return host;
}

int primary_storage_open_pool(struct pool *pool, const struct object *ps, const char *host, struct error *e)
{
	const char *type = object_text(ps, PRIMARY_STORAGE_TYPE);
	const char *url = object_text(ps, PRIMARY_STORAGE_URL);
	_cleanup_free_ char *path =
		primary_storage_mount_path(pool_state_dir(pool), type, url, object_uuid(ps));
	struct hv_pool_spec spec = {.uuid = object_uuid(ps), .type = "dir", .target = path};

	if (!path)
		return error_set(e, ENOMEM, "out of memory");
	if (strcmp(type, "NFS") == 0) {
		spec.type = "netfs";
		spec.source = url;
	} else if (strcmp(type, "Ceph") == 0) {
		spec.type = "rbd";
		spec.source = url;
	}
	return hv_pool_open(pool_hypervisor(pool), host, &spec, e);
}

/* How long a recovery waits for a host to come back, and how often it looks. */
#define RECOVER_MS	30000
#define RECOVER_STEP_MS 100

static bool host_is_connected(const struct view *view, const char *ps, const char *host)
{
	const struct object *o =
		host ? view_get(view, KIND_HOST, host) : primary_storage_next_host(view, ps, 0);

	return o && object_str_is(o, HOST_STATUS, "Connected");
}

/* Until @host (or any that reaches @ps) is connected; false when it does not come, or is gone. */
static bool wait_connected(struct job *job, const char *ps, const char *host)
{
	const struct timespec pause = {.tv_nsec = RECOVER_STEP_MS * 1000000L};

	for (int ms = 0; ms < RECOVER_MS && !atomic_load(&job->cancelled); ms += RECOVER_STEP_MS) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

		if (host_is_connected(view, ps, host))
			return true;
		if (host && !view_get(view, KIND_HOST, host))
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

bool host_wait_connected(struct job *job, const char *host)
{
	return wait_connected(job, NULL, host);
}

void host_wait_for_storage(struct job *job, const char *ps, const char *host)
{
	if (ps || host)
		(void)wait_connected(job, ps, host);
}

struct measured {
	const char *uuid;
	struct hv_capacity capacity;
};

/* Bytes that the pool's own files take on the storage. */
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
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	others = m->capacity.total - m->capacity.available - used_by_pool(txn_view(t), m->uuid);
	object_set_int(copy, PRIMARY_STORAGE_TOTAL_PHYSICAL, m->capacity.total);
	object_set_int(copy, PRIMARY_STORAGE_AVAILABLE_PHYSICAL, m->capacity.available);
	object_set_int(copy, PRIMARY_STORAGE_TOTAL, m->capacity.total);
	object_set_int(copy, PRIMARY_STORAGE_SYSTEM_USED, others > 0 ? others : 0);
	object_set_str(copy, PRIMARY_STORAGE_STATUS, "Connected");
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : capacity_update_primary_storage(t, m->uuid, e);
}

/* Adds the room of one host to @m. True when it answered. */
static bool measure_host(struct pool *pool, const char *host, struct measured *m)
{
	struct hv_capacity capacity;

	if (hv_pool_capacity(pool_hypervisor(pool), host, m->uuid, &capacity, NULL) < 0)
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

/* ------------------------------------------------------------- backup storage */

bool backup_storage_is_usable(const struct object *bs)
{
	return object_str_is(bs, BACKUP_STORAGE_STATE, "Enabled") &&
	       object_str_is(bs, BACKUP_STORAGE_STATUS, "Connected");
}

char *backup_storage_image_path(const struct object *bs, const char *image_uuid, const char *format)
{
	char *path = NULL;
	int r = asprintf(&path, "%s/%s.%s", object_text(bs, BACKUP_STORAGE_URL), image_uuid, format);

	return r < 0 ? NULL : path;
}

int backup_storage_capacity(const char *url, struct hv_capacity *ret, struct error *e)
{
	struct statvfs fs;

	if (statvfs(url, &fs) < 0 || access(url, R_OK | W_OK | X_OK) < 0)
		return error_set(e, errno, "cannot use the folder '%s': %s", url, strerror(errno));
	ret->total = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
	ret->available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	return 0;
}

struct backup_measured {
	const char *uuid;
	bool usable;
	struct hv_capacity capacity;
};

static int write_backup_measured(struct txn *t, void *arg, struct error *e)
{
	const struct backup_measured *m = arg;
	const struct object *bs = view_get(txn_view(t), KIND_BACKUP_STORAGE, m->uuid);
	struct object *copy;

	if (!bs)
		return 0; /* deleted meanwhile */
	copy = object_copy(bs);
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(copy, BACKUP_STORAGE_STATUS, m->usable ? "Connected" : "Disconnected");
	if (m->usable) {
		object_set_int(copy, BACKUP_STORAGE_TOTAL, m->capacity.total);
		object_set_int(copy, BACKUP_STORAGE_AVAILABLE, m->capacity.available);
	}
	return txn_put(t, copy, NULL, e);
}

int backup_storage_measure(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *bs = view_get(view, KIND_BACKUP_STORAGE, uuid);
	struct backup_measured m = {.uuid = uuid};
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int r;

	if (!bs)
		return error_set(e, ENOENT, "backup storage '%s' does not exist", uuid);
	m.usable = backup_storage_capacity(object_text(bs, BACKUP_STORAGE_URL), &m.capacity, &cause) == 0;
	r = store_run(pool_store(pool), write_backup_measured, &m, e);
	if (r < 0 || m.usable)
		return r;
	return error_set_code(e, ENOTCONN, "BS.1500", "%s", error_sentence(&cause));
}

/* --------------------------------------------------------------- by the clock */

/* A storage that hangs must not gather more and more threads. */
static atomic_flag refreshing = ATOMIC_FLAG_INIT;

/* What fails shows in the status of the storage, or is tried again at the next round. */
static void refresh_all(void *arg)
{
	struct pool *pool = arg;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		(void)backup_storage_measure(pool, object_uuid(bs), NULL);
	view_for_each (ps, view, KIND_PRIMARY_STORAGE)
		(void)primary_storage_measure(pool, object_uuid(ps), NULL, NULL);
	(void)image_cache_clean(pool, NULL);
	atomic_flag_clear(&refreshing);
}

int storage_refresh(struct pool *pool, struct error *e)
{
	int r;

	if (atomic_flag_test_and_set(&refreshing))
		return 0;
	r = pool_background(pool, refresh_all, pool);
	if (r == 0)
		return 0;
	atomic_flag_clear(&refreshing);
	return error_set(e, -r, "cannot look at the storage: %s", strerror(-r));
}
