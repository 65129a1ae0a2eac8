/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of "dir" and "netfs". libvirt does the work, on the host; what it cannot
 * is in dir_jobs.c.
 */
#include "hypervisor/storage/dir.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/dir_jobs.h"
#include "hypervisor/storage/dir_local.h"
#include "hypervisor/storage/dir_stream.h"
#include "hypervisor/storage/flush.h"
#include "hypervisor/storage/simulated.h"

/* --------------------------------------------------------------------- the pool */

/* "host:/path"; an IPv6 address of the host stands in brackets. */
static int netfs_write_source(struct xml *x, const char *source, struct error *e)
{
	const char *path = source ? strstr(source, ":/") : NULL;
	_cleanup_free_ char *server = NULL;
	size_t len;

	if (!path || path == source)
		return error_set(e, EINVAL, "'%s' is not of the form host:/path", source ? source : "");
	len = (size_t)(path - source);
	server = source[0] == '[' && source[len - 1] == ']' ? strndup(source + 1, len - 2)
							    : strndup(source, len);
	xml_open(x, "source", NULL);
	xml_leaf(x, "host", "name", server, NULL);
	xml_leaf(x, "dir", "path", path + 1, NULL);
	xml_leaf(x, "format", "type", "nfs", NULL);
	xml_close(x);
	return 0;
}

static int dir_build(const struct hv_call *call, virStoragePoolPtr pool,
		     const struct hv_storage_pool_def *spec, struct error *e)
{
	/* an active pool (started by somebody else meanwhile) is built */
	if (virStoragePoolBuild(pool, 0) == 0 || virt_error_code() == VIR_ERR_NO_SUPPORT ||
	    virt_error_code() == VIR_ERR_OPERATION_INVALID)
		return 0;
	return error_set_virt(e, call->conn, "cannot create the folder of storage pool '%s'", spec->uuid);
}

static char *dir_read_root(xmlDocPtr pool)
{
	return xml_get(pool, NULL, "/pool/target/path");
}

/* ------------------------------------------------------------------ its volumes */

static int dir_create(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      const char *format, int64_t size, const char *backing, const char *backing_format,
		      char **ret_path, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_free_ char *path = NULL;
	int rc = volume_make(call, at->pool, name, format, size, backing, backing_format, &volume, &path, e);

	if (rc < 0)
		return rc;
	rc = flush_new(call, path, e);
	if (rc < 0)
		(void)virStorageVolDelete(volume, 0);
	else
		*ret_path = steal(&path);
	return rc;
}

static int dir_resize(const struct hv_call *call, const char *path, int64_t size, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_flush_ struct flush flush = FLUSH_INIT;
	virStorageVolInfo info;
	int rc;

	rc = volume_find(call, path, &volume, e);
	if (rc < 0)
		return rc;
	if (virStorageVolGetInfo(volume, &info) < 0)
		return error_set_virt(e, call->conn, "cannot get the size of volume '%s'", path);
	if ((int64_t)info.capacity > size)
		return error_set(e, EINVAL, "volume '%s' has %llu bytes and cannot shrink to %lld", path,
				 info.capacity, (long long)size);
	if ((int64_t)info.capacity >= size)
		return 0;
	flush_begin(&flush, call, path);
	if (virStorageVolResize(volume, (unsigned long long)size, 0) < 0)
		return error_set_virt(e, call->conn, "cannot resize volume '%s'", path);
	return flush_end(&flush, call, NULL, e);
}

static int dir_remove(const struct hv_call *call, const struct storage_pool *at, const char *name,
		      struct error *e)
{
	_cleanup_free_ char *head = dir_head_name(name);
	_cleanup_volume_ virStorageVolPtr left = head ? virStorageVolLookupByName(at->pool, head) : NULL;

	/* of an upload that was interrupted */
	if (left && virStorageVolDelete(left, 0) < 0 && virt_error_code() != VIR_ERR_NO_STORAGE_VOL)
		return error_set_virt(e, call->conn, "cannot delete volume '%s'", head);
	return volume_delete(call, at->pool, name, e);
}

static int dir_info(const struct hv_call *call, const char *path, struct hv_volume_info *ret, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	virStorageVolInfo info;
	int rc;

	rc = volume_find(call, path, &volume, e);
	if (rc < 0)
		return rc;
	if (virStorageVolGetInfo(volume, &info) < 0)
		return error_set_virt(e, call->conn, "cannot get the size of volume '%s'", path);
	*ret = (struct hv_volume_info){.size = (int64_t)info.capacity,
				       .actual_size = (int64_t)info.allocation};
	return 0;
}

static int dir_backing(const struct hv_call *call, const char *path, char **ret_backing, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	bool here;
	int rc = dir_local_backing(call, path, ret_backing, &here, e);

	if (rc < 0 || here)
		return rc;
	rc = volume_read_xml(call, path, &doc, e);
	if (rc == 0)
		*ret_backing = xml_get(doc, NULL, "/volume/backingStore/path");
	return rc;
}

/* -------------------------------------------------------------- disks of domains */

static void dir_write_disk_source(struct xml *x, const char *path)
{
	xml_leaf(x, "source", "file", path, NULL);
}

static char *dir_read_disk_source(xmlDocPtr doc, xmlNodePtr disk)
{
	return xml_get(doc, disk, "source/@file");
}

/* What files in a folder have in common, wherever the folder is. */
#define FOLDER_ROW                                                                                           \
	.has_target = true, .build = dir_build, .read_root = dir_read_root, .create = dir_create,            \
	.upload = dir_upload, .download = dir_download, .export = dir_local_export, .copy = dir_copy,        \
	.resize = dir_resize, .pull = dir_pull, .stand_on = dir_stand_on, .remove = dir_remove,              \
	.info = dir_info, .backing = dir_backing, .write_image_options = image_options_write_file,           \
	.disk_type = "file", .write_disk_source = dir_write_disk_source,                                     \
	.read_disk_source = dir_read_disk_source, .simulated = &storage_simulated

const struct storage_backend storage_dir = {
	.type = "dir",
	FOLDER_ROW,
};

const struct storage_backend storage_netfs = {
	.type = "netfs",
	.write_source = netfs_write_source,
	FOLDER_ROW,
};
