/* SPDX-License-Identifier: Apache-2.0 */
/* See disk_lookup.h. */
#include "hypervisor/domain/disk_lookup.h"

#include "hypervisor/adopted.h"
#include "hypervisor/storage/backend.h"

/* The serial of the volume; virtio cuts it. */
#define HAS_SERIAL "string-length(serial) >= 20 and starts-with('%.32s', serial)"

/* A serial says for certain which disk it is: the target that one was adopted with counts where no disk has it. */
void disk_path(const char *host, const char *domain, const char *volume, char ret[DISK_PATH_SIZE])
{
	char target[ADOPTED_TARGET_SIZE];

	if (adopted_find_disk(host, domain, volume, target))
		(void)snprintf(ret, DISK_PATH_SIZE,
			       "/domain/devices/disk[(" HAS_SERIAL
			       ") or (target/@dev='%s' and not(../disk[" HAS_SERIAL "]))]",
			       volume, target, volume);
	else
		(void)snprintf(ret, DISK_PATH_SIZE, "/domain/devices/disk[" HAS_SERIAL "]", volume);
}

char *domain_disk_get(xmlDocPtr doc, const char *host, const char *domain, const char *volume,
		      const char *below)
{
	char disk[DISK_PATH_SIZE], path[DISK_PATH_SIZE + 64];

	disk_path(host, domain, volume, disk);
	(void)snprintf(path, sizeof(path), "%s/%s", disk, below);
	return xml_get(doc, NULL, path);
}

char *domain_disk_path(xmlDocPtr doc, const char *host, const char *domain, const char *volume)
{
	char path[DISK_PATH_SIZE];
	xmlNodePtr disk;

	disk_path(host, domain, volume, path);
	disk = xml_find(doc, path);
	return disk ? storage_read_disk_source(doc, disk) : NULL;
}

void disk_leave(struct disk *d)
{
	free(d->target);
	guest_devices_done(&d->devices);
}

int disk_enter(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
	       struct disk *d, struct error *e)
{
	int rc = guest_devices_enter(hv, host, domain, &d->devices, e);

	if (rc == 0)
		d->target = domain_disk_get(d->devices.doc, host, domain, volume, "target/@dev");
	return rc;
}

int disk_need(struct hypervisor *hv, const char *host, const char *domain, const char *volume, struct disk *d,
	      struct error *e)
{
	int rc = disk_enter(hv, host, domain, volume, d, e);

	if (rc == 0 && !d->target)
		rc = error_set(e, ENOENT, "domain '%s' has no disk '%s'", domain, volume);
	return rc;
}
