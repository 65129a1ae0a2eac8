/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: the files behind disks and images.
 *
 * A volume belongs to the user that libvirt runs qemu as, mode 0600, where
 * libvirt tells who that is. Formats are given, never guessed, with one
 * exception that is libvirt's own: after an upload the pool is read again, so
 * that hv_volume_info() knows the virtual size of what was uploaded.
 *
 * libvirt knows a file of a pool only after it made it or the pool was
 * refreshed; qemu makes files too (snapshots). So a volume that is not found is
 * looked for once more after a refresh.
 */
#include "hypervisor/storage/storage.h"

#include <inttypes.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/transfer.h"
#include "hypervisor/xml.h"

/* A failed write with less than this left on the storage is a full storage. */
#define NEARLY_FULL (1 << 20)
/* An upload that was broken off keeps the volume in use for a moment. */
#define DELETE_TRIES   50
#define DELETE_STEP_MS 20

static void stream_free(virStreamPtr *stream)
{
	if (*stream)
		(void)virStreamFree(*stream);
}
#define _cleanup_stream_ _cleanup_(stream_free)

int volume_check_name(const char *name, struct error *e)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
		return error_set(e, EINVAL, "'%s' is not a volume's name", name);
	return 0;
}

int volume_find(const struct hv_call *call, const char *path, virStorageVolPtr *ret_volume, struct error *e)
{
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_free_ char *folder = NULL;
	const char *slash = strrchr(path, '/');

	*ret_volume = virStorageVolLookupByPath(call->conn, path);
	if (*ret_volume)
		return 0;
	if (virt_error_code() != VIR_ERR_NO_STORAGE_VOL || !slash)
		return error_set_virt(e, call->conn, "cannot find volume '%s'", path);
	folder = strndup(path, (size_t)(slash - path));
	pool = folder ? virStoragePoolLookupByTargetPath(call->conn, folder) : NULL;
	if (!pool)
		return error_set(e, ENOENT, "volume '%s' is in no storage pool of the host", path);
	(void)pool_refresh(pool);
	*ret_volume = virStorageVolLookupByPath(call->conn, path);
	if (!*ret_volume)
		return error_set_virt(e, call->conn, "cannot find volume '%s'", path);
	return 0;
}

/* -------------------------------------------------------------------- creating */

/* NULL without memory. */
static char *volume_xml(const struct hv_call *call, const char *name, const char *format, int64_t size,
			const char *backing, const char *backing_format)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "volume", NULL);
	xml_element(&x, "name", name);
	xml_element_size(&x, "capacity", "bytes", size);
	xml_element_size(&x, "allocation", "bytes", 0);
	xml_open(&x, "target", NULL);
	xml_leaf(&x, "format", "type", format, NULL);
	xml_open(&x, "permissions", NULL);
	xml_element(&x, "mode", "0600");
	if (call->connection->qemu_uid != (uid_t)-1) {
		xml_element_int(&x, "owner", call->connection->qemu_uid);
		xml_element_int(&x, "group", call->connection->qemu_gid);
	}
	xml_close(&x);
	if (strcmp(format, "qcow2") == 0)
		xml_element(&x, "compat", "1.1");
	xml_close(&x);
	if (backing) {
		xml_open(&x, "backingStore", NULL);
		xml_element(&x, "path", backing);
		xml_leaf(&x, "format", "type", backing_format, NULL);
		xml_close(&x);
	}
	xml_close(&x);
	return xml_finish(&x);
}

/*
 * The error of a write that failed. libvirt has no code for a full storage when qemu-img says so,
 * and says "invalid operation" of a file that exists but is not known as a volume.
 */
static int volume_write_error(const struct hv_call *call, virStoragePoolPtr pool, const char *name,
			      struct error *e)
{
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	virStoragePoolInfo info;
	int rc = error_set_virt(&cause, call->conn, "cannot write volume '%s'", name);

	if (rc == -EBUSY && virStoragePoolIsActive(pool) == 1)
		return error_set(e, EEXIST, "%s", error_sentence(&cause));
	if (rc == -EIO) {
		(void)virStoragePoolRefresh(pool, 0);
		if (virStoragePoolGetInfo(pool, &info) == 0 && info.available < NEARLY_FULL)
			return error_set(e, ENOSPC, "%s", error_sentence(&cause));
	}
	return error_move(e, &cause);
}

/* Makes the volume and gives its path when @ret_path is not NULL. */
static int volume_make(const struct hv_call *call, virStoragePoolPtr pool, const char *name,
		       const char *format, int64_t size, const char *backing, const char *backing_format,
		       virStorageVolPtr *ret_volume, char **ret_path, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_free_ char *xml = volume_xml(call, name, format, size, backing, backing_format);

	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	volume = virStorageVolCreateXML(pool, xml, 0);
	if (!volume)
		return volume_write_error(call, pool, name, e);
	*ret_path = virStorageVolGetPath(volume);
	if (!*ret_path) {
		int rc = error_set_virt(e, call->conn, "cannot ask for the path of volume '%s'", name);

		(void)virStorageVolDelete(volume, 0);
		return rc;
	}
	*ret_volume = steal(&volume);
	return 0;
}

int hv_volume_create(struct hypervisor *hv, const char *host, const char *pool_uuid, const char *name,
		     const char *format, int64_t size, const char *backing, const char *backing_format,
		     char **ret_path, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_place_ struct pool_place at = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	int rc;

	rc = volume_check_name(name, e);
	if (rc == 0 && (size <= 0 || (backing && !backing_format)))
		rc = error_set(e, EINVAL, "volume '%s' needs a size, and a format for its backing file",
			       name);
	if (rc == 0)
		rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_place_find(&call, pool_uuid, &at, e);
	if (rc < 0)
		return rc;
	if (at.ceph)
		return ceph_create(at.ceph, name, size, backing, ret_path, e);
	if (!call.simulated)
		return volume_make(&call, at.pool, name, format, size, backing, backing_format, &volume,
				   ret_path, e);
	return sim_volume_create(at.folder, name, format, size, backing, backing_format, ret_path, e);
}

/* ---------------------------------------------------------------------- copying */

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
	_cleanup_stream_ virStreamPtr stream = virStreamNew(call->conn, 0);
	const char *name = virStorageVolGetName(volume);

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

/* Deletes what a failed upload left; the host lets go of a broken stream a little later. */
static void delete_remains(virStorageVolPtr volume)
{
	const struct timespec step = {.tv_nsec = DELETE_STEP_MS * 1000000L};

	for (int i = 0; i < DELETE_TRIES; i++) {
		if (virStorageVolDelete(volume, 0) == 0 || virt_error_code() == VIR_ERR_NO_STORAGE_VOL)
			return;
		(void)nanosleep(&step, NULL);
	}
}

int hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool_uuid, const char *name,
		     const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		     struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_place_ struct pool_place at = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	struct copy copy = {0};
	int rc;

	rc = volume_check_name(name, e);
	if (rc == 0)
		rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_place_find(&call, pool_uuid, &at, e);
	if (rc < 0)
		return rc;
	if (at.ceph)
		return ceph_upload(at.ceph, name, format, file, progress, ctx, ret_path, e);
	if (call.simulated)
		return sim_volume_upload(at.folder, name, file, progress, ctx, ret_path, e);
	fd = open_source(file, &copy.size, e);
	if (fd < 0)
		return fd;
	copy.fd = fd;
	/* as raw, so that libvirt makes one big hole: a qcow2 header would shine through the holes of the
	 * upload */
	rc = volume_make(&call, at.pool, name, "raw", copy.size, NULL, NULL, &volume, &path, e);
	if (rc < 0)
		return rc;
	transfer_begin(&copy.transfer, progress, ctx, copy.size);
	rc = copy.size > 0 ? send_all(&call, at.pool, volume, &copy, e) : transfer_end(&copy.transfer);
	if (rc < 0) {
		delete_remains(volume);
		return rc;
	}
	/* makes libvirt see the format, and with it the virtual size */
	if (strcmp(format, "raw") != 0)
		(void)pool_refresh(at.pool);
	*ret_path = steal(&path);
	return 0;
}

int hv_volume_download(struct hypervisor *hv, const char *host, const char *path, const char *file,
		       hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_stream_ virStreamPtr stream = NULL;
	_cleanup_close_ int fd = -1;
	virStorageVolInfo info;
	struct copy copy = {0};
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc < 0)
		return rc;
	if (ceph_is_path(path))
		return ceph_download(path, file, progress, ctx, e);
	if (call.simulated)
		return sim_volume_download(path, file, progress, ctx, e);
	rc = volume_find(&call, path, &volume, e);
	if (rc < 0)
		return rc;
	if (virStorageVolGetInfoFlags(volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL) < 0)
		return error_set_virt(e, call.conn, "cannot ask for the size of volume '%s'", path);
	fd = open_target(file, e);
	if (fd < 0)
		return fd;
	copy.fd = fd;
	transfer_begin(&copy.transfer, progress, ctx, (int64_t)info.allocation);
	stream = virStreamNew(call.conn, 0);
	if (!stream ||
	    virStorageVolDownload(volume, stream, 0, 0, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM) < 0 ||
	    virStreamSparseRecvAll(stream, receive_data, receive_hole, &copy) < 0 ||
	    virStreamFinish(stream) < 0)
		rc = copy.transfer.cancelled
			     ? error_set(e, ECANCELED, "download of volume '%s' was cancelled", path)
			     : error_set_virt(e, call.conn, "cannot download volume '%s'", path);
	else if (transfer_end(&copy.transfer) < 0)
		rc = error_set(e, ECANCELED, "download of volume '%s' was cancelled", path);
	else if (fsync(fd) < 0)
		rc = error_set(e, errno, "cannot write '%s': %s", file, strerror(errno));
	if (rc < 0)
		(void)unlink(file);
	return rc;
}

/* ----------------------------------------------------------- deleting and looking */

int hv_volume_delete(struct hypervisor *hv, const char *host, const char *pool_uuid, const char *name,
		     struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_place_ struct pool_place at = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	int rc;

	rc = volume_check_name(name, e);
	if (rc == 0)
		rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_place_find(&call, pool_uuid, &at, e);
	if (rc < 0)
		return rc;
	if (at.ceph)
		return ceph_delete(at.ceph, name, e);
	if (call.simulated)
		return sim_volume_delete(at.folder, name, e);
	volume = virStorageVolLookupByName(at.pool, name);
	if (!volume && virt_error_code() == VIR_ERR_NO_STORAGE_VOL && pool_refresh(at.pool) == 0)
		volume = virStorageVolLookupByName(at.pool, name);
	if (!volume && virt_error_code() == VIR_ERR_NO_STORAGE_VOL)
		return 0;
	if (!volume)
		return error_set_virt(e, call.conn, "cannot find volume '%s'", name);
	if (virStorageVolDelete(volume, 0) < 0 && virt_error_code() != VIR_ERR_NO_STORAGE_VOL)
		return error_set_virt(e, call.conn, "cannot delete volume '%s'", name);
	return 0;
}

int hv_volume_info(struct hypervisor *hv, const char *host, const char *path, struct hv_volume_info *ret,
		   struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	virStorageVolInfo info;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc < 0)
		return rc;
	if (ceph_is_path(path))
		return ceph_info(path, ret, e);
	if (call.simulated)
		return sim_volume_info(path, ret, e);
	rc = volume_find(&call, path, &volume, e);
	if (rc < 0)
		return rc;
	if (virStorageVolGetInfo(volume, &info) < 0)
		return error_set_virt(e, call.conn, "cannot ask for the size of volume '%s'", path);
	*ret = (struct hv_volume_info){.size = (int64_t)info.capacity,
				       .actual_size = (int64_t)info.allocation};
	return 0;
}

int hv_volume_snapshot(struct hypervisor *hv, const char *host, const char *path, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc == 0 && !ceph_is_path(path))
		rc = error_set(e, EOPNOTSUPP, "the storage of '%s' keeps no snapshots itself", path);
	return rc < 0 ? rc : ceph_snapshot(path, e);
}

int hv_volume_backing(struct hypervisor *hv, const char *host, const char *path, char **ret_backing,
		      struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc;

	rc = hv_call_begin(hv, host, &call, e);
	if (rc < 0)
		return rc;
	if (call.simulated)
		return sim_volume_backing(path, ret_backing, e);
	rc = volume_find(&call, path, &volume, e);
	if (rc < 0)
		return rc;
	/* libvirt reads headers at a refresh only */
	pool = virStoragePoolLookupByVolume(volume);
	if (!pool || pool_refresh(pool) < 0 || !(text = virStorageVolGetXMLDesc(volume, 0)))
		return error_set_virt(e, call.conn, "cannot ask what volume '%s' stands on", path);
	doc = xml_parse(text);
	if (!doc)
		return error_set(e, EIO, "the XML of volume '%s' makes no sense", path);
	*ret_backing = xml_get(doc, NULL, "/volume/backingStore/path");
	return 0;
}
