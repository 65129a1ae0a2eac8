/* SPDX-License-Identifier: Apache-2.0 */
/* See disk.h. */
#include "hypervisor/domain/disk.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/errors.h"
#include "hypervisor/storage/backend.h"

/* ------------------------------------------------------------------- plugging */

/* Enters the domain. 1: it is not active, and so has no disk. */
static int enter_active(struct hypervisor *hv, const char *host, const char *domain,
			struct guest_devices *ret, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int rc = guest_devices_enter(hv, host, domain, ret, &why);

	if (disk_is_without(rc))
		return 1;
	return rc < 0 ? error_move(e, &why) : 0;
}

int hv_disk_attach(struct hypervisor *hv, const char *host, const char *domain, const struct hv_disk *disk,
		   struct error *e)
{
	_cleanup_free_ char *xml = hv_disk_xml(disk);
	_cleanup_disk_ struct disk d = {0};
	int rc;

	if (disk->bus == HV_BUS_IDE)
		return error_set(e, EOPNOTSUPP, "an IDE disk cannot be attached to a running domain");
	rc = disk_enter(hv, host, domain, disk->serial, &d, e);
	if (rc < 0)
		return rc;
	if (d.target)
		return error_set(e, EEXIST, "domain '%s' already has disk '%s'", domain, disk->serial);
	return guest_devices_attach(&d.devices, xml, VIR_DOMAIN_AFFECT_CONFIG, disk->serial, e);
}

int hv_disk_detach(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int timeout_ms, struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	char path[DISK_PATH_SIZE];
	int rc = enter_active(hv, host, domain, &d, e);

	if (rc)
		return rc < 0 ? rc : 0;
	disk_path(host, domain, volume, path);
	return guest_devices_detach(&d, path, VIR_DOMAIN_AFFECT_CONFIG, timeout_ms, e);
}

int hv_disk_path(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 char **ret_path, struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	int rc = enter_active(hv, host, domain, &d, e);

	if (rc < 0)
		return rc;
	*ret_path = rc ? NULL : domain_disk_path(d.doc, host, domain, volume);
	return 0;
}

int hv_disk_is_gone(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		    bool *ret, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	int rc = disk_enter(hv, host, domain, volume, &d, e);

	if (rc == 0)
		*ret = !d.target;
	return rc;
}

struct numbers {
	bool *used;
	int room;
};

static int mark(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	const struct numbers *numbers = ctx;
	_cleanup_free_ char *alias = xml_get(doc, node, "alias/@name");
	int id;

	if (alias && sscanf(alias, "ua-disk-%d", &id) == 1 && id >= 0 && id < numbers->room)
		numbers->used[id] = true;
	return 0;
}

int hv_disk_numbers(struct hypervisor *hv, const char *host, const char *domain, bool *used, int room,
		    struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	struct numbers numbers = {.used = used, .room = room};
	int rc = enter_active(hv, host, domain, &d, e);

	if (rc)
		return rc < 0 ? rc : 0;
	return guest_devices_each(&d, "/domain/devices/disk", mark, &numbers, e);
}

int hv_disk_forget(struct hypervisor *hv, const char *host, const char *domain, int device_id,
		   struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	char path[DISK_PATH_SIZE];
	int rc = enter_active(hv, host, domain, &d, e);

	if (rc)
		return rc < 0 ? rc : 0;
	(void)snprintf(path, sizeof(path), "/domain/devices/disk[alias/@name='ua-disk-%d']", device_id);
	return guest_devices_forget(&d, path, e);
}

/* ------------------------------------------------------------- limits and size */

int hv_disk_set_bandwidth(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
			  int64_t bytes_per_second, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	virTypedParameterPtr params = NULL;
	int count = 0, room = 0;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0 || d.devices.call.simulated)
		return rc;
	if (virTypedParamsAddULLong(&params, &count, &room, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC,
				    (unsigned long long)bytes_per_second) < 0 ||
	    virDomainSetBlockIoTune(d.devices.domain.virt, d.target, params, count,
				    VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG) < 0)
		rc = error_set_virt(e, d.devices.call.conn, "cannot limit disk '%s' of domain '%s'", volume,
				    domain);
	virTypedParamsFree(params, count);
	return rc;
}

int hv_disk_resize(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int64_t size, struct error *e)
{
	_cleanup_disk_ struct disk d = {0};
	_cleanup_free_ char *path = NULL;
	virDomainBlockInfo info;
	int rc = disk_need(hv, host, domain, volume, &d, e);

	if (rc < 0)
		return rc;
	if (d.devices.call.simulated) {
		path = domain_disk_path(d.devices.doc, host, domain, volume);
		return storage_backend_on(storage_backend_of_path(path), &d.devices.call)
			->resize(&d.devices.call, path ? path : "", size, e);
	}
	/* libvirt itself would shrink it without an error */
	if (virDomainGetBlockInfo(d.devices.domain.virt, d.target, &info, 0) < 0)
		return error_set_virt(e, d.devices.call.conn, "cannot get the size of disk '%s'", volume);
	if ((int64_t)info.capacity > size)
		return error_set(e, EINVAL, "disk '%s' has %llu bytes and cannot shrink to %lld", volume,
				 info.capacity, (long long)size);
	if ((int64_t)info.capacity == size)
		return 0;
	if (virDomainBlockResize(d.devices.domain.virt, d.target, (unsigned long long)size,
				 VIR_DOMAIN_BLOCK_RESIZE_BYTES) < 0)
		return error_set_virt(e, d.devices.call.conn, "cannot resize disk '%s' of domain '%s'",
				      volume, domain);
	return 0;
}
