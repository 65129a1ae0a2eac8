/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See firmware.h. libvirt has no call for the variables, so their folder is read as a storage pool. Such a pool
 * is transient and stays until libvirtd ends, since other calls may be using it.
 */
#include "hypervisor/domain/firmware.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libvirt/virterror.h>

#include "hypervisor/call.h"
#include "hypervisor/errors.h"
#include "hypervisor/storage/dir_stream.h"
#include "hypervisor/storage/transfer.h"
#include "hypervisor/xml.h"

/* Where a libvirtd of the system keeps them (qemuDomainNVRAMPathFormat() of libvirt). */
#define FOLDER "/var/lib/libvirt/qemu/nvram"
#define POOL   "poolfs-nvram"
/* The largest flash memory of QEMU's machines has 64 MiB; that of OVMF has half a megabyte. */
#define SIZE_MAX_BYTES (64L << 20)

static void stream_free(virStreamPtr *stream)
{
	if (*stream)
		(void)virStreamFree(*stream);
}
#define _cleanup_stream_ _cleanup_(stream_free)

static void file_name(const char *uuid, char ret_name[64])
{
	(void)snprintf(ret_name, 64, "%.32s_VARS.fd", uuid);
}

/* The folder of a host. libvirt looks at its files only when it is told to. */
static int open_folder(const struct hv_call *call, virStoragePoolPtr *ret_pool, struct error *e)
{
	_cleanup_pool_ virStoragePoolPtr pool = virStoragePoolLookupByTargetPath(call->conn, FOLDER);
	_cleanup_free_ char *xml = NULL;
	struct xml x;

	if (!pool) {
		xml_begin(&x);
		xml_open(&x, "pool", "type", "dir", NULL);
		xml_element(&x, "name", POOL);
		xml_open(&x, "target", NULL);
		xml_element(&x, "path", FOLDER);
		xml_close(&x);
		xml_close(&x);
		xml = xml_finish(&x);
		if (!xml)
			return error_oom(e);
		pool = virStoragePoolCreateXML(call->conn, xml, 0);
	}
	if (!pool) /* another call may have made it just now */
		pool = virStoragePoolLookupByTargetPath(call->conn, FOLDER);
	if (!pool || virStoragePoolRefresh(pool, 0) < 0)
		return error_set_virt(e, call->conn, "cannot open the firmware variables in '%s'", FOLDER);
	*ret_pool = steal(&pool);
	return 0;
}

/* The file of a domain; NULL when it has none. */
static int find_file(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid,
		     virStorageVolPtr *ret_file, struct error *e)
{
	char name[64];

	file_name(uuid, name);
	*ret_file = virStorageVolLookupByName(pool, name);
	if (*ret_file || virt_error_code() == VIR_ERR_NO_STORAGE_VOL)
		return 0;
	return error_set_virt(e, call->conn, "cannot find the firmware variables '%s'", name);
}

/* All bytes of a file, allocated. */
static int read_file(const struct hv_call *call, virStorageVolPtr file, char **ret_bytes, size_t *ret_size,
		     struct error *e)
{
	const char *name = virStorageVolGetName(file);
	_cleanup_stream_ virStreamPtr stream = virStreamNew(call->conn, 0);
	_cleanup_free_ char *bytes = NULL;
	virStorageVolInfo info;
	size_t size, done = 0;

	if (!stream || virStorageVolGetInfo(file, &info) < 0 ||
	    virStorageVolDownload(file, stream, 0, 0, 0) < 0)
		return error_set_virt(e, call->conn, "cannot read the firmware variables '%s'", name);
	if (info.capacity > SIZE_MAX_BYTES)
		return error_set(e, EFBIG, "the firmware variables '%s' have %llu bytes", name,
				 info.capacity);
	size = (size_t)info.capacity;
	bytes = malloc(size + 1);
	if (!bytes)
		return error_oom(e);
	while (done < size) {
		int got = virStreamRecv(stream, bytes + done, size - done);

		if (got < 0)
			return error_set_virt(e, call->conn, "cannot read the firmware variables '%s'", name);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	if (done < size) {
		(void)virStreamAbort(stream);
		return error_set(e, EIO, "the firmware variables '%s' end after %zu of %zu bytes", name, done,
				 size);
	}
	(void)virStreamFinish(stream);
	*ret_bytes = steal(&bytes);
	*ret_size = size;
	return 0;
}

static virStorageVolPtr create_file(virStoragePoolPtr pool, const char *name, size_t size)
{
	_cleanup_free_ char *xml = NULL;
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "volume", NULL);
	xml_element(&x, "name", name);
	xml_element_size(&x, "capacity", "bytes", (int64_t)size);
	xml_open(&x, "target", NULL);
	xml_leaf(&x, "format", "type", "raw", NULL);
	xml_open(&x, "permissions", NULL);
	xml_element(&x, "mode", "0600"); /* libvirt gives it to QEMU's user at the start of the domain */
	xml_close(&x);
	xml_close(&x);
	xml_close(&x);
	xml = xml_finish(&x);
	return xml ? virStorageVolCreateXML(pool, xml, 0) : NULL;
}

/* A file in memory. A descriptor or -1 with errno. */
static int open_bytes(const char *bytes, size_t size)
{
	_cleanup_close_ int fd = memfd_create("firmware-variables", MFD_CLOEXEC);

	if (fd >= 0) {
		int r = write_all(fd, bytes, size);

		if (r == 0 && lseek(fd, 0, SEEK_SET) == 0)
			return steal_fd(&fd);
		errno = r < 0 ? -r : errno;
	}
	return -1;
}

static int write_file(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid, const char *bytes,
		      size_t size, struct error *e)
{
	_cleanup_volume_ virStorageVolPtr former = NULL, file = NULL;
	_cleanup_close_ int fd = open_bytes(bytes, size);
	char name[64];
	int r = fd < 0 ? error_set(e, errno, "cannot copy firmware variables: %s", strerror(errno))
		       : find_file(call, pool, uuid, &former, e);

	if (r < 0)
		return r;
	file_name(uuid, name);
	if (former && virStorageVolDelete(former, 0) < 0)
		return error_set_virt(e, call->conn, "cannot replace the firmware variables '%s'", name);
	file = create_file(pool, name, size);
	if (!file)
		return error_set_virt(e, call->conn, "cannot create the firmware variables '%s'", name);
	return dir_write(call, pool, file, fd, (int64_t)size, NULL, NULL, e);
}

/* The bytes of a domain's variables; NULL when it has none. */
static int read_variables(struct hypervisor *hv, const char *host, const char *uuid, char **ret_bytes,
			  size_t *ret_size, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_volume_ virStorageVolPtr file = NULL;
	int r = hv_call_begin(hv, host, &call, e);

	*ret_bytes = NULL;
	if (r < 0 || call.simulated)
		return r;
	r = open_folder(&call, &pool, e);
	if (r == 0)
		r = find_file(&call, pool, uuid, &file, e);
	return r < 0 || !file ? r : read_file(&call, file, ret_bytes, ret_size, e);
}

int hv_firmware_copy(struct hypervisor *hv, const char *from_host, const char *from, const char *host,
		     const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;
	int r = read_variables(hv, from_host, from, &bytes, &size, e);

	if (r < 0 || !bytes)
		return r;
	r = hv_call_begin(hv, host, &call, e);
	if (r < 0 || call.simulated)
		return r;
	r = open_folder(&call, &pool, e);
	return r < 0 ? r : write_file(&call, pool, uuid, bytes, size, e);
}

int hv_firmware_remove(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_pool_ virStoragePoolPtr pool = NULL;
	_cleanup_volume_ virStorageVolPtr file = NULL;
	int r = hv_call_begin(hv, host, &call, e);

	if (r < 0 || call.simulated)
		return r;
	r = open_folder(&call, &pool, e);
	if (r == 0)
		r = find_file(&call, pool, uuid, &file, e);
	if (r < 0 || !file || virStorageVolDelete(file, 0) == 0)
		return r;
	return virt_error_code() == VIR_ERR_NO_STORAGE_VOL
		       ? 0
		       : error_set_virt(e, call.conn, "cannot remove the firmware variables of domain '%s'",
					uuid);
}
