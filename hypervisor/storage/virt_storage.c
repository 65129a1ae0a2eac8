/* SPDX-License-Identifier: Apache-2.0 */
/* See virt_storage.h. */
#include "hypervisor/storage/virt_storage.h"

#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/xml.h"

/* How long pool_refresh() waits for volumes that are being written, and how often it asks. */
#define REFRESH_PATIENCE_MS 5000
#define REFRESH_STEP_MS	    20

/* A failed write with less than this left on the storage is a full storage. */
#define NEARLY_FULL (1 << 20)

int pool_is_active(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid, struct error *e)
{
	int active = virStoragePoolIsActive(pool);

	return active < 0 ? error_set_virt(e, call->conn, "cannot tell whether storage pool '%s' is active",
					   uuid)
			  : active;
}

int pool_activate(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid, struct error *e)
{
	int rc = pool_is_active(call, pool, uuid, e);

	if (rc < 0)
		return rc;
	if (rc || virStoragePoolCreate(pool, 0) == 0)
		return 0;
	rc = error_set_virt(e, call->conn, "cannot start storage pool '%s'", uuid);
	if (virStoragePoolIsActive(pool) != 1)
		return rc;
	error_done(e); /* started by somebody else at the same time */
	return 0;
}

int pool_find(const struct hv_call *call, const char *uuid, virStoragePoolPtr *ret_pool, struct error *e)
{
	virStoragePoolPtr pool = virStoragePoolLookupByUUIDString(call->conn, uuid);

	if (!pool)
		return error_set_virt(e, call->conn, "cannot find storage pool '%s'", uuid);
	*ret_pool = pool;
	return 0;
}

int pool_refresh(virStoragePoolPtr pool)
{
	const struct timespec step = {.tv_nsec = REFRESH_STEP_MS * 1000000L};

	for (int waited = 0;; waited += REFRESH_STEP_MS) {
		int code;

		if (virStoragePoolRefresh(pool, 0) == 0)
			return 0;
		code = virt_error_code();
		/* libvirt has stopped the pool because of that. To start it is to look again. */
		if (code != VIR_ERR_INTERNAL_ERROR && virStoragePoolIsActive(pool) == 0 &&
		    virStoragePoolCreate(pool, 0) == 0)
			return 0;
		/* "pool has asynchronous jobs running" has no code of its own */
		if (code != VIR_ERR_INTERNAL_ERROR || waited >= REFRESH_PATIENCE_MS)
			return -hv_errno_of_virt(code);
		(void)nanosleep(&step, NULL);
	}
}

/* Starts the pool of this folder if libvirt has stopped it, which finds only active ones by their folder. */
static void activate_pool_of(const struct hv_call *call, const char *folder)
{
	virStoragePoolPtr *pools = NULL;
	int count =
		virConnectListAllStoragePools(call->conn, &pools, VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE);

	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *text = virStoragePoolGetXMLDesc(pools[i], 0);
		_cleanup_xml_ xmlDocPtr doc = text ? xml_parse(text) : NULL;
		_cleanup_free_ char *name = doc ? xml_get(doc, NULL, "/pool/name") : NULL;
		_cleanup_free_ char *path = doc ? xml_get(doc, NULL, "/pool/target/path") : NULL;

		if (name && strncmp(name, "poolfs-", 7) == 0 && path && strcmp(path, folder) == 0)
			(void)virStoragePoolCreate(pools[i], 0);
		(void)virStoragePoolFree(pools[i]);
	}
	free(pools);
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
	if (folder && !pool) {
		activate_pool_of(call, folder);
		pool = virStoragePoolLookupByTargetPath(call->conn, folder);
	}
	if (!pool)
		return error_set(e, ENOENT, "volume '%s' is not in any storage pool of the host", path);
	(void)pool_refresh(pool);
	*ret_volume = virStorageVolLookupByPath(call->conn, path);
	if (!*ret_volume)
		return error_set_virt(e, call->conn, "cannot find volume '%s'", path);
	return 0;
}

int volume_read_xml(const struct hv_call *call, const char *path, xmlDocPtr *ret_doc, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_free_ char *text = NULL;
	int rc = volume_find(call, path, &volume, e);

	if (rc < 0)
		return rc;
	/* libvirt reads headers at a refresh only */
	pool = virStoragePoolLookupByVolume(volume);
	if (!pool || pool_refresh(pool) < 0 || !(text = virStorageVolGetXMLDesc(volume, 0)))
		return error_set_virt(e, call->conn, "cannot get the backing file of volume '%s'", path);
	*ret_doc = xml_parse(text);
	return *ret_doc ? 0 : error_set(e, EIO, "unexpected XML of volume '%s'", path);
}

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

int volume_write_error(const struct hv_call *call, virStoragePoolPtr pool, const char *name, struct error *e)
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

int volume_make(const struct hv_call *call, virStoragePoolPtr pool, const char *name, const char *format,
		int64_t size, const char *backing, const char *backing_format, virStorageVolPtr *ret_volume,
		char **ret_path, struct error *e)
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
		int rc = error_set_virt(e, call->conn, "cannot get the path of volume '%s'", name);

		(void)virStorageVolDelete(volume, 0);
		return rc;
	}
	*ret_volume = steal(&volume);
	return 0;
}

int volume_delete(const struct hv_call *call, virStoragePoolPtr pool, const char *name, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr volume = virStorageVolLookupByName(pool, name);

	if (!volume && virt_error_code() == VIR_ERR_NO_STORAGE_VOL && pool_refresh(pool) == 0)
		volume = virStorageVolLookupByName(pool, name);
	if (!volume && virt_error_code() == VIR_ERR_NO_STORAGE_VOL)
		return 0;
	if (!volume)
		return error_set_virt(e, call->conn, "cannot find volume '%s'", name);
	if (virStorageVolDelete(volume, 0) < 0 && virt_error_code() != VIR_ERR_NO_STORAGE_VOL)
		return error_set_virt(e, call->conn, "cannot delete volume '%s'", name);
	return 0;
}
