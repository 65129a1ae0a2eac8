/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on the files of volumes that no domain uses: flat copies, growing, and
 * taking files out from below an overlay.
 *
 * libvirt cannot change the backing file of a volume at rest, and qemu-img runs
 * on this machine only, not on the host; and nobody tells how far libvirt's own
 * copy has come, nor can it be stopped. So a domain without a guest (its CPU never
 * runs) keeps the volume open for the time of a merge or copy, and QEMU does the
 * same as for a running guest, which is safe to be broken off at any moment. It is
 * gone when the connection is, so a killed daemon leaves none behind.
 */
#include "hypervisor/domain/domain.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/storage/storage.h"

/* The serial of a keeper's disk, by which it is found as a volume's would be. */
#define KEEPER_DISK "poolfs-keeper-of-disk"

/* A machine that never runs, with the one disk. */
static char *keeper_xml(const char *name, const char *path, const char *format, bool writes)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "domain", "type", "qemu", NULL);
	xml_element(&x, "name", name);
	xml_element_size(&x, "memory", "MiB", 16);
	xml_element_int(&x, "vcpu", 1);
	xml_open(&x, "os", NULL);
	xml_open(&x, "type", "arch", "x86_64", "machine", "pc", NULL);
	xml_text(&x, "hvm");
	xml_close(&x);
	xml_close(&x);
	xml_open(&x, "devices", NULL);
	xml_open(&x, "disk", "type", "file", "device", "disk", NULL);
	xml_leaf(&x, "driver", "name", "qemu", "type", format, "cache", "none", NULL);
	xml_leaf(&x, "source", "file", path, NULL);
	xml_leaf(&x, "target", "dev", "vda", "bus", "virtio", NULL);
	xml_element(&x, "serial", KEEPER_DISK);
	if (!writes)
		xml_leaf(&x, "readonly", NULL);
	xml_close(&x);
	xml_leaf(&x, "controller", "type", "usb", "model", "none", NULL);
	xml_leaf(&x, "memballoon", "model", "none", NULL);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* Starts it for work on the file @path that is named after the file @about: work on one file is done once at
 * a time, since a second machine of the same name is refused. It ends with the connection at the latest. */
static int keeper_start(const struct hv_call *call, const char *work, const char *about, const char *path,
			const char *format, bool writes, virDomainPtr *ret, struct error *e)
{
	const char *slash = strrchr(about, '/');
	_cleanup_free_ char *name = NULL, *xml = NULL;

	if (asprintf(&name, "poolfs-%s-%s", work, slash ? slash + 1 : about) < 0)
		name = NULL;
	xml = name ? keeper_xml(name, path, format, writes) : NULL;
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	*ret = virDomainCreateXML(call->conn, xml, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY);
	return *ret ? 0 : error_set_virt(e, call->conn, "cannot open volume '%s' to %s it", path, work);
}

/* Ends it; @rc is how its work ended. */
static int keeper_end(const struct hv_call *call, virDomainPtr keeper, const char *path, int rc,
		      struct error *e)
{
	if (virDomainDestroy(keeper) < 0 && rc == 0 && virt_error_code() != VIR_ERR_NO_DOMAIN)
		return error_set_virt(e, call->conn, "cannot close volume '%s'", path);
	return rc;
}

/* The disk as the target of a copy: where a raw file has holes they stay holes. */
static char *raw_target_xml(const char *path)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "disk", "type", "file", NULL);
	xml_leaf(&x, "driver", "name", "qemu", "type", "raw", "discard", "unmap", NULL);
	xml_leaf(&x, "source", "file", path, NULL);
	xml_close(&x);
	return xml_finish(&x);
}

/*
 * Into the raw file @path. A backup writes zeros where a raw file could have holes; a mirror does not, and is
 * as good where nobody writes. It must be ended by hand when it has caught up.
 */
static int mirror_raw(const struct hv_call *call, virDomainPtr keeper, const char *path,
		      hv_progress *progress, void *ctx, bool *ret_begun, struct error *e)
{
	_cleanup_free_ char *xml = raw_target_xml(path);
	int rc;

	*ret_begun = false;
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (virDomainBlockCopy(keeper, "vda", xml, NULL, 0, 0) < 0)
		return error_set_virt(e, call->conn, "cannot copy to '%s'", path);
	*ret_begun = true;
	rc = domain_wait_mirror(call, keeper, "vda", progress, ctx, e);
	if (virDomainBlockJobAbort(keeper, "vda", 0) < 0 && rc == 0)
		rc = error_set_virt(e, call->conn, "cannot end the copy to '%s'", path);
	return rc;
}

/* Into the raw volume that @copy names. A failure leaves none, but one that was there before. */
static int keeper_copy_raw(struct hypervisor *hv, const struct hv_call *call, const char *host,
			   const struct pool_place *at, virDomainPtr keeper, struct hv_disk_copy *copy,
			   hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	bool begun;
	int rc;

	if (asprintf(&path, "%s/%s", at->folder, copy->name) < 0) {
		path = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	rc = mirror_raw(call, keeper, path, progress, ctx, &begun, e);
	(void)pool_refresh(at->pool);
	if (rc == 0)
		copy->path = steal(&path);
	else if (begun)
		(void)hv_volume_delete(hv, host, copy->pool, copy->name, NULL);
	return rc;
}

/* So that the copy can be followed and broken off. */
static int keeper_copy(struct hypervisor *hv, const struct hv_call *call, const char *host,
		       const struct pool_place *at, const char *path, const char *path_format,
		       struct hv_disk_copy *copy, hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_domain_ virDomainPtr keeper = NULL;
	char uuid[VIR_UUID_STRING_BUFLEN];
	int rc = keeper_start(call, "copy", copy->name, path, path_format, false, &keeper, e);

	if (rc < 0)
		return rc;
	if (strcmp(copy->format, "raw") == 0)
		rc = keeper_copy_raw(hv, call, host, at, keeper, copy, progress, ctx, e);
	else if (virDomainGetUUIDString(keeper, uuid) < 0)
		rc = error_set_virt(e, call->conn, "cannot open volume '%s' to copy it", path);
	else /* as a running guest's disk is copied */
		rc = hv_disks_copy(hv, host, uuid, copy, 1, progress, ctx, e);
	return keeper_end(call, keeper, path, rc, e);
}

int hv_volume_copy(struct hypervisor *hv, const char *host, const char *path, const char *path_format,
		   const char *pool_uuid, const char *name, const char *format, hv_progress *progress,
		   void *ctx, char **ret_path, struct error *e)
{
	struct hv_disk_copy copy = {.volume = KEEPER_DISK, .pool = pool_uuid, .name = name, .format = format};
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_place_ struct pool_place at = {0};
	int rc = volume_check_name(name, e);

	if (rc == 0)
		rc = hv_call_begin(hv, host, &call, e);
	if (rc == 0)
		rc = pool_place_find(&call, pool_uuid, &at, e);
	if (rc < 0)
		return rc;
	if (at.ceph)
		return ceph_copy(path, at.ceph, name, progress, ctx, ret_path, e);
	if (ceph_is_path(path))
		return error_set(
			e, EOPNOTSUPP,
			"'%s' is on Ceph and the copy would not be: make an image of it, and of that a volume",
			path);
	if (call.simulated)
		return sim_volume_copy(path, at.folder, name, format, progress, ctx, ret_path, e);
	rc = keeper_copy(hv, &call, host, &at, path, path_format, &copy, progress, ctx, e);
	if (rc == 0)
		*ret_path = copy.path;
	return rc;
}

int hv_volume_resize(struct hypervisor *hv, const char *host, const char *path, int64_t size, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_volume_ virStorageVolPtr volume = NULL;
	virStorageVolInfo info;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	if (ceph_is_path(path))
		return ceph_resize(path, size, e);
	if (call.simulated)
		return sim_volume_resize(path, size, e);
	rc = volume_find(&call, path, &volume, e);
	if (rc < 0)
		return rc;
	if (virStorageVolGetInfo(volume, &info) < 0)
		return error_set_virt(e, call.conn, "cannot ask for the size of volume '%s'", path);
	if ((int64_t)info.capacity > size)
		return error_set(e, EINVAL, "volume '%s' has %llu bytes and cannot shrink to %lld", path,
				 info.capacity, (long long)size);
	if ((int64_t)info.capacity < size && virStorageVolResize(volume, (unsigned long long)size, 0) < 0)
		return error_set_virt(e, call.conn, "cannot resize volume '%s'", path);
	return 0;
}

int hv_volume_pull(struct hypervisor *hv, const char *host, const char *path, const char *base,
		   hv_progress *progress, void *ctx, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr keeper = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	if (ceph_is_path(path))
		return ceph_pull(path, base, progress, ctx, e);
	if (call.simulated)
		return sim_volume_pull(path, base, e);
	rc = keeper_start(&call, "merge", path, path, "qcow2", true, &keeper, e);
	if (rc < 0)
		return rc;
	rc = domain_pull_disk(&call, keeper, "vda", base, progress, ctx, e);
	return keeper_end(&call, keeper, path, rc, e);
}
