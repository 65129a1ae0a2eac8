/* SPDX-License-Identifier: Apache-2.0 */
/* See backup_storage.h. */
#include "actions/storage/backup_storage.h"

#include <string.h>
#include <sys/statvfs.h>

#include "model/states.h"

bool backup_storage_is_usable(const struct object *bs)
{
	return object_str_is(bs, BACKUP_STORAGE_STATE, STATE_ENABLED) &&
	       object_str_is(bs, BACKUP_STORAGE_STATUS, STATUS_CONNECTED);
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

int backup_storage_refuse_image(const char *name, int64_t available, int64_t reserved, struct error *e)
{
	return error_set_code(
		e, ENOSPC, "BS.1003",
		"backup storage '%s' has %lld bytes left of which %lld are reserved, the image needs more",
		name, (long long)available, (long long)reserved);
}

/* What was measured of a backup storage. */
struct measurement {
	const char *uuid;
	bool usable;
	struct hv_capacity capacity;
};

static int put_measurement(struct txn *t, void *arg, struct error *e)
{
	const struct measurement *m = arg;
	const struct object *bs = view_get(txn_view(t), KIND_BACKUP_STORAGE, m->uuid);
	struct object *copy;

	if (!bs)
		return 0; /* deleted in the meantime */
	copy = object_copy(bs);
	object_set_str(copy, BACKUP_STORAGE_STATUS, m->usable ? STATUS_CONNECTED : STATUS_DISCONNECTED);
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
	struct measurement m = {.uuid = uuid};
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int r;

	if (!bs)
		return error_set(e, ENOENT, "backup storage '%s' does not exist", uuid);
	m.usable = backup_storage_capacity(object_text(bs, BACKUP_STORAGE_URL), &m.capacity, &cause) == 0;
	r = store_run(pool_store(pool), put_measurement, &m, e);
	if (r < 0 || m.usable)
		return r;
	return error_set_code(e, ENOTCONN, "BS.1500", "%s", error_sentence(&cause));
}
