/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes at rest: finds the row of the storage (backend.h) and lets it work.
 */
#include "hypervisor/storage/volume.h"

#include <string.h>

#include "hypervisor/storage/backend.h"

int volume_check_name(const char *name, struct error *e)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
		return error_set(e, EINVAL, "'%s' is not a valid volume name", name);
	return 0;
}

/* A call that names a pool and a volume in it. */
struct in_pool {
	struct hv_call call;
	struct storage_pool at;
};

static void in_pool_leave(struct in_pool *in)
{
	storage_pool_done(&in->at);
	hv_call_end(&in->call);
}
#define _cleanup_in_pool_ _cleanup_(in_pool_leave)

/* in_pool_leave() in any case. */
static int in_pool_enter(struct hypervisor *hv, const char *host, const char *pool, const char *name,
			 struct in_pool *ret, struct error *e)
{
	int rc = volume_check_name(name, e);

	if (rc == 0)
		rc = hv_call_begin(hv, host, &ret->call, e);
	return rc < 0 ? rc : storage_pool_enter(&ret->call, pool, &ret->at, e);
}

/* A call about the volume @path. */
static int begin_at_path(struct hypervisor *hv, const char *host, const char *path, struct hv_call *ret_call,
			 const struct storage_backend **ret_backend, struct error *e)
{
	int rc = hv_call_begin(hv, host, ret_call, e);

	if (rc == 0)
		*ret_backend = storage_backend_on(storage_backend_of_path(path), ret_call);
	return rc;
}

/* ------------------------------------------------------------------- in a pool */

int hv_volume_create(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     const char *format, int64_t size, const char *backing, const char *backing_format,
		     char **ret_path, struct error *e)
{
	_cleanup_in_pool_ struct in_pool in = {0};
	int rc;

	if (size <= 0 || (backing && !backing_format))
		return error_set(e, EINVAL, "volume '%s' needs a size, and a format for its backing file",
				 name);
	rc = in_pool_enter(hv, host, pool, name, &in, e);
	return rc < 0 ? rc
		      : in.at.backend->create(&in.call, &in.at, name, format, size, backing, backing_format,
					      ret_path, e);
}

int hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		     struct error *e)
{
	_cleanup_in_pool_ struct in_pool in = {0};
	int rc = in_pool_enter(hv, host, pool, name, &in, e);

	return rc < 0 ? rc
		      : in.at.backend->upload(&in.call, &in.at, name, format, file, progress, ctx, ret_path,
					      e);
}

int hv_volume_copy(struct hypervisor *hv, const char *host, const char *path, const char *path_format,
		   const char *pool, const char *name, const char *format, hv_progress *progress, void *ctx,
		   char **ret_path, struct error *e)
{
	_cleanup_in_pool_ struct in_pool in = {0};
	int rc = in_pool_enter(hv, host, pool, name, &in, e);

	if (rc < 0)
		return rc;
	if (!storage_backends_agree(storage_backend_of_path(path), in.at.backend))
		return error_set(e, EOPNOTSUPP,
				 "'%s' cannot be copied to storage of another type: make an image of it, and "
				 "of that a volume",
				 path);
	return in.at.backend->copy(&in.call, path, path_format, &in.at, name, format, progress, ctx, ret_path,
				   e);
}

int hv_volume_delete(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     struct error *e)
{
	_cleanup_in_pool_ struct in_pool in = {0};
	int rc = in_pool_enter(hv, host, pool, name, &in, e);

	return rc < 0 ? rc : in.at.backend->remove(&in.call, &in.at, name, e);
}

int hv_volume_delete_moved(struct hypervisor *hv, const char *from, const char *pool, const char *name,
			   struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	int rc = hv_call_begin(hv, from, &call, e);

	/* simulated hosts have their folders in common: the file is the one that the target has */
	return rc < 0 || call.simulated ? rc : hv_volume_delete(hv, from, pool, name, e);
}

/* ------------------------------------------------------------------- at a path */

int hv_volume_download(struct hypervisor *hv, const char *host, const char *path, const char *file,
		       hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	return rc < 0 ? rc : backend->download(&call, path, file, progress, ctx, e);
}

int hv_volume_export(struct hypervisor *hv, const char *host, const char *path, const char *path_format,
		     const char *file, const char *format, hv_progress *progress, void *ctx, bool *ret_here,
		     struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	*ret_here = false;
	return rc < 0 || !backend->export
		       ? rc
		       : backend->export(&call, path, path_format, file, format, progress, ctx, ret_here, e);
}

int hv_volume_resize(struct hypervisor *hv, const char *host, const char *path, int64_t size, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	return rc < 0 ? rc : backend->resize(&call, path, size, e);
}

int hv_volume_pull(struct hypervisor *hv, const char *host, const char *path, const char *base,
		   hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	return rc < 0 ? rc : backend->pull(&call, path, base, progress, ctx, e);
}

static int no_backing_files(const char *path, struct error *e)
{
	return error_set(e, EOPNOTSUPP, "the storage of '%s' has no backing files", path);
}

int hv_volume_stand_on(struct hypervisor *hv, const char *host, const char *path, const char *backing,
		       struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	if (rc == 0 && !backend->stand_on)
		rc = no_backing_files(path, e);
	return rc < 0 ? rc : backend->stand_on(&call, path, backing, e);
}

int hv_volume_info(struct hypervisor *hv, const char *host, const char *path, struct hv_volume_info *ret,
		   struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	return rc < 0 ? rc : backend->info(&call, path, ret, e);
}

int hv_volume_backing(struct hypervisor *hv, const char *host, const char *path, char **ret_backing,
		      struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	if (rc == 0 && !backend->backing)
		rc = no_backing_files(path, e);
	return rc < 0 ? rc : backend->backing(&call, path, ret_backing, e);
}

int hv_volume_snapshot(struct hypervisor *hv, const char *host, const char *path, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	const struct storage_backend *backend = NULL;
	int rc = begin_at_path(hv, host, path, &call, &backend, e);

	if (rc == 0 && !backend->snapshot)
		rc = error_set(e, EOPNOTSUPP, "the storage of '%s' has no snapshots of its own", path);
	return rc < 0 ? rc : backend->snapshot(path, e);
}

char *hv_image_options(const char *path, const char *format)
{
	return image_options_make(path, format, storage_backend_of_path(path)->write_image_options);
}
