/* SPDX-License-Identifier: Apache-2.0 */
/* See dir_stream.h. */
#include "hypervisor/storage/dir_stream.h"

#include <fcntl.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/dir_jobs.h"
#include "hypervisor/storage/flush.h"
#include "hypervisor/storage/transfer.h"
#include "hypervisor/storage/virt_storage.h"

/* An interrupted upload keeps the volume in use for a moment. */
#define DELETE_TRIES   50
#define DELETE_STEP_MS 20

static void stream_free(virStreamPtr *stream)
{
	if (*stream)
		(void)virStreamFree(*stream);
}
#define _cleanup_stream_ _cleanup_(stream_free)

char *dir_head_name(const char *name)
{
	char *head;

	return asprintf(&head, "%s.flush", name) < 0 ? NULL : head;
}

/* One copy through a libvirt stream; the handlers below get it as their opaque. */
struct copy {
	int fd;
	int64_t size;
	struct transfer transfer;
};

static int send_data(virStreamPtr stream, char *data, size_t size, void *opaque)
{
	struct copy *copy = opaque;
	ssize_t got;

	(void)stream;
	do
		got = read(copy->fd, data, size);
	while (got < 0 && errno == EINTR);
	if (got > 0 && transfer_advance(&copy->transfer, got) < 0) {
		errno = ECANCELED;
		return -1;
	}
	return (int)got;
}

static int send_hole(virStreamPtr stream, int *ret_data, long long *ret_length, void *opaque)
{
	struct copy *copy = opaque;
	int64_t length;
	bool data;
	int rc = sparse_next(copy->fd, copy->size, &data, &length);

	(void)stream;
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	*ret_data = data;
	*ret_length = length;
	return 0;
}

static int send_skip(virStreamPtr stream, long long length, void *opaque)
{
	struct copy *copy = opaque;

	(void)stream;
	if (lseek(copy->fd, length, SEEK_CUR) < 0)
		return -1;
	if (transfer_advance(&copy->transfer, length) < 0) {
		errno = ECANCELED;
		return -1;
	}
	return 0;
}

static int receive_data(virStreamPtr stream, const char *data, size_t size, void *opaque)
{
	struct copy *copy = opaque;
	int rc = write_all(copy->fd, data, size);

	(void)stream;
	if (rc == 0)
		rc = transfer_advance(&copy->transfer, (int64_t)size);
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	return (int)size;
}

static int receive_hole(virStreamPtr stream, long long length, void *opaque)
{
	struct copy *copy = opaque;
	int rc = write_hole(copy->fd, length);

	(void)stream;
	if (rc == 0)
		rc = transfer_advance(&copy->transfer, length);
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	return 0;
}

static int send_all(const struct hv_call *call, virStoragePoolPtr pool, virStorageVolPtr volume,
		    struct copy *copy, struct error *e)
{
	const char *name = virStorageVolGetName(volume);
	_cleanup_stream_ virStreamPtr stream = virStreamNew(call->conn, 0);

	if (!stream || virStorageVolUpload(volume, stream, 0, (unsigned long long)copy->size,
					   VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM) < 0)
		return error_set_virt(e, call->conn, "cannot upload volume '%s'", name);
	/* on failure the stream is aborted already */
	if (virStreamSparseSendAll(stream, send_data, send_hole, send_skip, copy) < 0 ||
	    virStreamFinish(stream) < 0) {
		if (copy->transfer.cancelled)
			return error_set(e, ECANCELED, "upload of volume '%s' was cancelled", name);
		return volume_write_error(call, pool, name, e);
	}
	if (transfer_end(&copy->transfer) < 0)
		return error_set(e, ECANCELED, "upload of volume '%s' was cancelled", name);
	return 0;
}

/* Deletes what a failed upload left; the host closes a broken stream with a delay. */
static void delete_remains(virStorageVolPtr volume)
{
	const struct timespec step = {.tv_nsec = DELETE_STEP_MS * 1000000L};

	for (int i = 0; i < DELETE_TRIES; i++) {
		if (virStorageVolDelete(volume, 0) == 0 || virt_error_code() == VIR_ERR_NO_STORAGE_VOL)
			return;
		(void)nanosleep(&step, NULL);
	}
}

/* Bytes at the beginning of a file that are written once more for a flush. */
#define HEAD_SIZE (64 << 10)

/* The progress of a flush, which can be cancelled as the upload before it. */
static int flush_progress(void *ctx, int percent)
{
	struct transfer *t = ctx;

	(void)percent;
	if (t->progress && t->progress(t->ctx, 100) != 0)
		t->cancelled = true;
	return t->cancelled ? 1 : 0;
}

/* Has QEMU on the host write the file @path, which has the bytes of @copy, to its disk. */
static int flush_on_host(const struct hv_call *call, virStoragePoolPtr pool, const char *name,
			 const char *path, const struct copy *copy, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_free_ char *head_name = dir_head_name(name), *head_path = NULL;
	struct copy head = {.fd = copy->fd, .size = copy->size < HEAD_SIZE ? copy->size : HEAD_SIZE};
	struct transfer transfer = copy->transfer;
	int rc;

	if (!head_name)
		return error_set(e, ENOMEM, "out of memory");
	if (lseek(head.fd, 0, SEEK_SET) < 0)
		return error_set(e, errno, "cannot read the source of volume '%s': %s", name,
				 strerror(errno));
	rc = volume_delete(call, pool, head_name, e);
	if (rc == 0)
		rc = volume_make(call, pool, head_name, "raw", head.size, NULL, NULL, &volume, &head_path, e);
	if (rc < 0)
		return rc;
	transfer_begin(&head.transfer, NULL, NULL, head.size);
	rc = send_all(call, pool, volume, &head, e);
	if (rc == 0)
		rc = dir_flush_on_host(call, path, head_path, head.size, flush_progress, &transfer, e);
	if (rc == 0)
		return volume_delete(call, pool, head_name, e);
	delete_remains(volume);
	return rc;
}

/* Copies to the file @path, which is on this machine. */
static int copy_here(const char *path, struct copy *copy, struct error *e)
{
	_cleanup_close_ int to = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = to < 0 ? -errno : transfer_copy(&copy->transfer, copy->fd, copy->size, to);

	if (rc == -ECANCELED)
		return error_set(e, ECANCELED, "the copy to '%s' was cancelled", path);
	return rc < 0 ? error_set(e, -rc, "cannot write '%s': %s", path, strerror(-rc)) : 0;
}

/* Copies to the volume, whose file is @path, and flushes that. */
static int write_and_flush(const struct hv_call *call, virStoragePoolPtr pool, virStorageVolPtr volume,
			   const char *path, struct copy *copy, struct error *e)
{
	_cleanup_flush_ struct flush flush = FLUSH_INIT;
	bool here;
	int rc;

	flush_begin(&flush, call, path);
	rc = flush_is_here(&flush, call, &here, e);
	if (rc < 0)
		return rc;
	if (here && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		rc = copy_here(path, copy, e);
	else
		rc = copy->size > 0 ? send_all(call, pool, volume, copy, e) : transfer_end(&copy->transfer);
	if (rc == 0)
		rc = flush_end(&flush, call, &here, e);
	/* libvirt has flushed an empty one */
	if (rc < 0 || here || copy->size == 0)
		return rc;
	return flush_on_host(call, pool, virStorageVolGetName(volume), path, copy, e);
}

int dir_write(const struct hv_call *call, virStoragePoolPtr pool, virStorageVolPtr volume, int fd,
	      int64_t size, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_free_ char *path = virStorageVolGetPath(volume);
	struct copy copy = {.fd = fd, .size = size};
	int rc;

	transfer_begin(&copy.transfer, progress, ctx, size);
	rc = path ? write_and_flush(call, pool, volume, path, &copy, e)
		  : error_set_virt(e, call->conn, "cannot get the path of a volume");
	if (rc < 0)
		delete_remains(volume);
	return rc;
}

int dir_upload(const struct hv_call *call, const struct storage_pool *at, const char *name,
	       const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
	       struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	int64_t size;
	int rc;

	fd = open_source(file, &size, e);
	if (fd < 0)
		return fd;
	/* as raw, so that libvirt makes one big hole: a qcow2 header would show through the holes of the
	 * upload */
	rc = volume_make(call, at->pool, name, "raw", size, NULL, NULL, &volume, &path, e);
	if (rc == 0)
		rc = dir_write(call, at->pool, volume, fd, size, progress, ctx, e);
	if (rc < 0)
		return rc;
	/* makes libvirt see the format, and with it the virtual size */
	if (strcmp(format, "raw") != 0)
		(void)pool_refresh(at->pool);
	*ret_path = steal(&path);
	return 0;
}

int dir_download(const struct hv_call *call, const char *path, const char *file, hv_progress *progress,
		 void *ctx, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_stream_ virStreamPtr stream = NULL;
	_cleanup_close_ int fd = -1;
	virStorageVolInfo info;
	struct copy copy = {0};
	int rc;

	rc = volume_find(call, path, &volume, e);
	if (rc < 0)
		return rc;
	if (virStorageVolGetInfoFlags(volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL) < 0)
		return error_set_virt(e, call->conn, "cannot get the size of volume '%s'", path);
	fd = open_target(file, e);
	if (fd < 0)
		return fd;
	copy.fd = fd;
	transfer_begin(&copy.transfer, progress, ctx, (int64_t)info.allocation);
	stream = virStreamNew(call->conn, 0);
	if (!stream ||
	    virStorageVolDownload(volume, stream, 0, 0, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM) < 0 ||
	    virStreamSparseRecvAll(stream, receive_data, receive_hole, &copy) < 0 ||
	    virStreamFinish(stream) < 0)
		rc = copy.transfer.cancelled
			     ? error_set(e, ECANCELED, "download of volume '%s' was cancelled", path)
			     : error_set_virt(e, call->conn, "cannot download volume '%s'", path);
	else if (transfer_end(&copy.transfer) < 0)
		rc = error_set(e, ECANCELED, "download of volume '%s' was cancelled", path);
	else if (fsync(fd) < 0)
		rc = error_set(e, errno, "cannot write '%s': %s", file, strerror(errno));
	if (rc < 0)
		(void)unlink(file);
	return rc;
}
