/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage of a simulated host: small real files, made without QEMU.
 *
 * libvirt's test driver invents volumes in memory. Here a volume is a file
 * below the pool's folder, on this machine: a raw volume is one big hole, a
 * qcow2 volume a valid empty image with its backing file's name in it. So the
 * layers above, and people with qemu-img, find what they would find on a real
 * host, at a few KiB a volume. As there, what has been made survives a loss of power.
 */
#include "hypervisor/storage/simulated.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "hypervisor/storage/qcow2.h"
#include "hypervisor/storage/transfer.h"
#include "model/durable.h"

static int sim_build(const struct hv_call *call, virStoragePoolPtr pool,
		     const struct hv_storage_pool_def *spec, struct error *e)
{
	(void)call;
	(void)pool;
	return durable_folder_make(spec->target ? spec->target : "", 0711, e);
}

static int sim_capacity(const struct storage_pool *at, struct hv_capacity *ret, struct error *e)
{
	struct statvfs fs;

	if (statvfs(at->root, &fs) < 0)
		return error_set(e, errno, "cannot get the capacity of '%s': %s", at->root, strerror(errno));
	ret->total = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
	ret->available = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	return 0;
}

/* Creates the file of volume @name; the descriptor, or a negative errno. */
static int volume_open_new(const char *target, const char *name, char **ret_path, struct error *e)
{
	int fd;

	if (asprintf(ret_path, "%s/%s", target, name) < 0) {
		*ret_path = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	fd = open_target(*ret_path, e);
	if (fd < 0) {
		free(*ret_path);
		*ret_path = NULL;
	}
	return fd;
}

static int sim_create(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, int64_t size, const char *backing, const char *backing_format,
		      char **ret_path, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int rc;

	(void)call;
	if (strcmp(format, "raw") != 0 && strcmp(format, "qcow2") != 0)
		return error_set(e, EINVAL, "unknown volume format '%s'", format);
	if (backing && strcmp(format, "qcow2") != 0)
		return error_set(e, EINVAL, "a volume of format '%s' cannot have a backing file", format);
	if (backing && access(backing, R_OK) < 0)
		return error_set(e, errno, "cannot read backing file '%s': %s", backing, strerror(errno));
	fd = volume_open_new(at->root, name, &path, e);
	if (fd < 0)
		return fd;
	if (strcmp(format, "qcow2") == 0)
		rc = qcow2_write(fd, size, backing, backing_format);
	else
		rc = ftruncate(fd, size) < 0 ? -errno : 0;
	rc = rc < 0 ? error_set(e, -rc, "cannot write volume '%s': %s", name, strerror(-rc))
		    : durable_file(fd, path, e);
	if (rc < 0) {
		(void)unlink(path);
		return rc;
	}
	*ret_path = steal(&path);
	return 0;
}

/* Copies @from to the new, open file @to; a failure removes @to_path. */
static int copy_file(const char *from, int to, const char *to_path, hv_progress *progress, void *ctx,
		     struct error *e)
{
	_cleanup_close_ int fd = -1;
	struct transfer transfer;
	int64_t size = 0;
	int rc;

	fd = open_source(from, &size, e);
	if (fd < 0) {
		(void)unlink(to_path);
		return fd;
	}
	transfer_begin(&transfer, progress, ctx, size);
	rc = transfer_copy(&transfer, fd, size, to);
	if (rc == 0) {
		rc = durable_file(to, to_path, e);
		if (rc < 0)
			(void)unlink(to_path);
		return rc;
	}
	(void)unlink(to_path);
	if (rc == -ECANCELED)
		return error_set(e, ECANCELED, "copy of '%s' was cancelled", from);
	return error_set(e, -rc, "cannot copy '%s' to '%s': %s", from, to_path, strerror(-rc));
}

static int sim_upload(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		      struct error *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = volume_open_new(at->root, name, &path, e);
	int rc;

	(void)call;
	(void)format;
	if (fd < 0)
		return fd;
	rc = copy_file(file, fd, path, progress, ctx, e);
	if (rc == 0)
		*ret_path = steal(&path);
	return rc;
}

static int sim_download(const struct hv_call *call, const char *path, const char *file, hv_progress *progress,
			void *ctx, struct error *e)
{
	_cleanup_close_ int fd = open_target(file, e);

	(void)call;
	return fd < 0 ? fd : copy_file(path, fd, file, progress, ctx, e);
}

static int volume_info(const char *path, struct hv_volume_info *ret, struct error *e)
{
	_cleanup_close_ int fd = -1;
	int64_t size = 0;
	struct stat st;
	int rc;

	fd = open_source(path, &size, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "cannot get the size of '%s': %s", path, strerror(errno));
	rc = qcow2_read_size(fd, &ret->size);
	if (rc == -EMEDIUMTYPE)
		ret->size = size;
	else if (rc < 0)
		return error_set(e, -rc, "cannot read '%s': %s", path, strerror(-rc));
	ret->actual_size = (int64_t)st.st_blocks * 512;
	return 0;
}

static int volume_backing(const char *path, char **ret_backing, struct error *e)
{
	_cleanup_close_ int fd = -1;
	int64_t ignored = 0;
	int rc;

	fd = open_source(path, &ignored, e);
	if (fd < 0)
		return fd;
	rc = qcow2_read_backing(fd, ret_backing);
	if (rc == -EMEDIUMTYPE)
		*ret_backing = NULL;
	return rc < 0 && rc != -EMEDIUMTYPE ? error_set(e, -rc, "cannot read '%s': %s", path, strerror(-rc))
					    : 0;
}

static int sim_copy(const struct hv_call *call, const char *path, const char *path_format,
		    const struct storage_pool *at, const char *name, const char *format,
		    hv_progress *progress, void *ctx, char **ret_path, struct error *e)
{
	struct hv_volume_info info;
	_cleanup_close_ int fd = -1;
	int64_t size = 0;
	int rc = volume_info(path, &info, e);

	(void)path_format;
	if (rc < 0)
		return rc;
	fd = open_source(path, &size, e);
	if (fd < 0)
		return fd;
	/* without QEMU only a file without a backing file can be copied with its content, in the same format
	 */
	if (strcmp(format, "qcow2") == 0 ? qcow2_has_no_backing(fd)
					 : qcow2_read_size(fd, &size) == -EMEDIUMTYPE)
		return sim_upload(call, at, name, format, path, progress, ctx, ret_path, e);
	return sim_create(call, at, name, format, info.size, NULL, NULL, ret_path, e);
}

static int volume_resize(const char *path, int64_t size, struct error *e)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct hv_volume_info info;
	int rc = volume_info(path, &info, e);

	if (rc < 0)
		return rc;
	if (info.size > size)
		return error_set(e, EINVAL, "volume '%s' has %lld bytes and cannot shrink to %lld", path,
				 (long long)info.size, (long long)size);
	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	rc = qcow2_set_size(fd, size);
	if (rc == -EMEDIUMTYPE)
		rc = ftruncate(fd, size) < 0 ? -errno : 0;
	return rc < 0 ? error_set(e, -rc, "cannot resize '%s': %s", path, strerror(-rc))
		      : durable_file(fd, path, e);
}

/* Nothing is ever written to a simulated overlay, so changing its backing file takes only a new header. */
static int volume_stand_on(const char *path, const char *base, struct error *e)
{
	struct hv_volume_info info, base_info;
	_cleanup_close_ int fd = -1, base_fd = -1;
	int64_t ignored = 0;
	int rc = volume_info(path, &info, e);

	if (rc == 0 && base)
		rc = volume_info(base, &base_info, e);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	if (base) {
		base_fd = open_source(base, &ignored, e);
		if (base_fd < 0)
			return base_fd;
	}
	rc = qcow2_write(fd, info.size, base,
			 base && qcow2_read_size(base_fd, &ignored) < 0 ? "raw" : "qcow2");
	return rc < 0 ? error_set(e, -rc, "cannot write '%s': %s", path, strerror(-rc))
		      : durable_file(fd, path, e);
}

/* The overlay of @top gets @base as its backing file instead, and @base the size of @top. */
static int sim_commit(const char *path, const char *top, const char *base, bool *ret_begun, struct error *e)
{
	_cleanup_free_ char *file = strdup(path);
	struct hv_volume_info info;

	while (file) {
		char *below;
		int rc = volume_backing(file, &below, e);

		if (rc < 0)
			return rc;
		if (!below)
			return 0;
		if (strcmp(below, top) == 0) {
			free(below);
			rc = volume_info(top, &info, e);
			*ret_begun = rc == 0;
			if (rc == 0)
				rc = volume_resize(base, info.size, e);
			return rc < 0 ? rc : volume_stand_on(file, base, e);
		}
		free(file);
		file = below;
	}
	return error_set(e, ENOMEM, "out of memory");
}

/* ----------------------------------------------------------------------- the row */

static int sim_resize(const struct hv_call *call, const char *path, int64_t size, struct error *e)
{
	(void)call;
	return volume_resize(path, size, e);
}

static int sim_pull(const struct hv_call *call, const char *path, const char *base, hv_progress *progress,
		    void *ctx, struct error *e)
{
	(void)call;
	(void)progress;
	(void)ctx;
	return volume_stand_on(path, base, e);
}

static int sim_stand_on(const struct hv_call *call, const char *path, const char *backing, struct error *e)
{
	(void)call;
	return volume_stand_on(path, backing, e);
}

static int sim_info(const struct hv_call *call, const char *path, struct hv_volume_info *ret, struct error *e)
{
	(void)call;
	return volume_info(path, ret, e);
}

static int sim_backing(const struct hv_call *call, const char *path, char **ret_backing, struct error *e)
{
	(void)call;
	return volume_backing(path, ret_backing, e);
}

static int sim_remove(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      struct error *e)
{
	_cleanup_free_ char *path = NULL;

	(void)call;
	if (asprintf(&path, "%s/%s", at->root, name) < 0) {
		path = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(e, errno, "cannot delete volume '%s': %s", name, strerror(errno));
	return durable_name(path, e);
}

const struct storage_backend storage_simulated = {
	.type = "simulated",
	.build = sim_build,
	.capacity = sim_capacity,
	.create = sim_create,
	.upload = sim_upload,
	.download = sim_download,
	.copy = sim_copy,
	.resize = sim_resize,
	.pull = sim_pull,
	.stand_on = sim_stand_on,
	.remove = sim_remove,
	.info = sim_info,
	.backing = sim_backing,
	.pulls_in_use = true,
	.commit = sim_commit,
};
