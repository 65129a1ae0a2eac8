/* SPDX-License-Identifier: Apache-2.0 */
/* See orphan_file.h. */
#include "actions/storage/orphan_file.h"

#include <string.h>

#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/topology.h"
#include "actions/storage/primary_storage.h"
#include "hypervisor/storage/volume.h"

const char *path_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int orphan_file_put(struct txn *t, const char *ps, const char *host, const char *name, const char *job,
		    struct error *e)
{
	struct object *o = object_new(kind_get(KIND_ORPHAN_FILE));
	char uuid[UUID_SIZE];

	if (!o)
		return error_oom(e);
	uuid_make(uuid);
	object_set_str(o, ORPHAN_FILE_UUID, uuid);
	object_set_str(o, ORPHAN_FILE_PRIMARY_STORAGE_UUID, ps);
	object_set_str(o, ORPHAN_FILE_HOST_UUID, host);
	object_set_str(o, ORPHAN_FILE_FILE_NAME, name);
	object_set_str(o, ORPHAN_FILE_JOB_UUID, job ? job : "");
	return txn_put(t, o, NULL, e);
}

int orphan_file_put_path(struct txn *t, const char *ps, const char *host, const char *path, struct error *e)
{
	return orphan_file_put(t, ps, host, path_file_name(path), NULL, e);
}

int orphan_file_adopt(struct txn *t, const char *ps, const char *path, struct error *e)
{
	const char *name = path_file_name(path);

	view_for_each_where (o, txn_view(t), KIND_ORPHAN_FILE, ORPHAN_FILE_FILE_NAME, name)
		if (object_str_is(o, ORPHAN_FILE_PRIMARY_STORAGE_UUID, ps))
			return txn_remove(t, o, e);
	return 0;
}

/* True for a Ceph image with snapshots that still have rows, and for such a snapshot. */
static bool has_snapshots(const struct view *view, const char *ps, const char *name)
{
	size_t len = strlen(name);

	if (!primary_storage_keeps_snapshots(view_get(view, KIND_PRIMARY_STORAGE, ps)))
		return false;
	view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID, ps) {
		const char *other = path_file_name(object_text(snapshot, SNAPSHOT_INSTALL_PATH));

		if (strncmp(other, name, len) == 0 && (other[len] == '@' || other[len] == '\0'))
			return true;
	}
	return false;
}

/* True while the file may still turn out to be a volume's, or has snapshots that are in use. */
static bool is_in_use(const struct view *view, const struct object *file)
{
	const char *ps = object_text(file, ORPHAN_FILE_PRIMARY_STORAGE_UUID);

	if (has_snapshots(view, ps, object_text(file, ORPHAN_FILE_FILE_NAME)))
		return true;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, ps) {
		const char *next = object_str(volume, VOLUME_NEXT_PATH);

		if (next && strcmp(path_file_name(next), object_text(file, ORPHAN_FILE_FILE_NAME)) == 0)
			return true;
	}
	return false;
}

/* Removes the file, then its row. -ENOTCONN if no host can reach it now. */
static int remove_file(struct pool *pool, const struct view *view, const struct object *file, struct error *e)
{
	const char *ps_uuid = object_text(file, ORPHAN_FILE_PRIMARY_STORAGE_UUID);
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, ps_uuid);
	const char *host_uuid = object_str(file, ORPHAN_FILE_HOST_UUID);
	const struct object *host = host_uuid ? view_get(view, KIND_HOST, host_uuid)
					      : primary_storage_next_host(view, ps_uuid, 0);
	struct object_key key = {KIND_ORPHAN_FILE, object_uuid(file)};
	int r;

	/* a storage or host that was removed from the pool took its files with it */
	if (!ps || (host_uuid && !host))
		return store_run(pool_store(pool), object_remove_key, &key, e);
	if (!host)
		return error_set_code(e, ENOTCONN, "PS.1003", "no host of primary storage '%s' is connected",
				      ps_uuid);
	r = primary_storage_open_pool(pool, ps, object_uuid(host), e);
	if (r < 0)
		return r;
	r = hv_volume_delete(pool_hypervisor(pool), object_uuid(host), ps_uuid,
			     object_text(file, ORPHAN_FILE_FILE_NAME), e);
	if (r < 0)
		return r;
	return store_run(pool_store(pool), object_remove_key, &key, e);
}

/* One pass over the files of a job; *ret_removed is the number that were removed. */
static int remove_some_of(struct pool *pool, const char *job, int *ret_removed, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int result = 0;

	*ret_removed = 0;
	view_for_each_where (file, view, KIND_ORPHAN_FILE, ORPHAN_FILE_JOB_UUID, job) {
		int r;

		if (is_in_use(view, file))
			continue;
		r = remove_file(pool, view, file, result == 0 ? e : NULL);
		*ret_removed += r == 0;
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

static int remove_all_of(struct pool *pool, const char *job, struct error *e)
{
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int removed, r;

	/* one may block another: on Ceph the clones of an image must be removed before the image */
	do {
		error_done(&cause);
		r = remove_some_of(pool, job, &removed, &cause);
	} while (r < 0 && removed > 0);
	return r < 0 ? error_move(e, &cause) : 0;
}

void orphan_files_remove(struct pool *pool, const char *job)
{
	if (job)
		(void)remove_all_of(pool, job, NULL);
	(void)remove_all_of(pool, "", NULL);
}

int orphan_files_collect(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int result = remove_all_of(pool, "", e);

	view_for_each (file, view, KIND_ORPHAN_FILE) {
		const char *uuid = object_text(file, ORPHAN_FILE_JOB_UUID);
		const struct object *job = view_get(view, KIND_JOB, uuid);
		int r = 0;

		if (*uuid && (!job || job_state_is_final(object_str(job, JOB_STATE))))
			r = remove_all_of(pool, uuid, result == 0 ? e : NULL);
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}
