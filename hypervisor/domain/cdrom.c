/* SPDX-License-Identifier: Apache-2.0 */
/* See cdrom.h. */
#include "hypervisor/domain/cdrom.h"

#include <string.h>

#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/domain/guest_devices.h"
#include "hypervisor/storage/backend.h"
#include "hypervisor/xml.h"

#define PATH_SIZE 128

/* -------------------------------------------------------------------- CD-ROMs */

static void remove_children(xmlNodePtr node, const char *name)
{
	for (xmlNodePtr child = node->children, next; child; child = next) {
		next = child->next;
		if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, name) != 0)
			continue;
		xmlUnlinkNode(child);
		xmlFreeNode(child);
	}
}

static int set_medium(xmlNodePtr drive, const char *path)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	const struct storage_backend *backend = storage_backend_of_path(path);
	xmlNodePtr source;
	struct xml x;

	remove_children(drive, "source");
	remove_children(drive, "backingStore");
	if (!path)
		return 0;
	xml_begin(&x);
	backend->write_disk_source(&x, path);
	text = xml_finish(&x);
	doc = text ? xml_parse(text) : NULL;
	source = doc ? xmlDocCopyNode(xmlDocGetRootElement(doc), drive->doc, 1) : NULL;
	if (!source)
		return -ENOMEM;
	(void)xmlAddChild(drive, source);
	return xmlSetProp(drive, BAD_CAST "type", BAD_CAST backend->disk_type) ? 0 : -ENOMEM;
}

int hv_cdrom_change(struct hypervisor *hv, const char *host, const char *uuid, int device_id,
		    const char *path, struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	_cleanup_free_ char *present = NULL;
	char where[PATH_SIZE];
	xmlNodePtr drive;
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	if (rc < 0)
		return rc;
	(void)snprintf(where, sizeof(where), "/domain/devices/disk[alias/@name='ua-cdrom-%d']", device_id);
	drive = xml_find(d.doc, where);
	if (!drive)
		return error_set(e, ENOENT, "domain '%s' has no CD-ROM drive %d", uuid, device_id);
	present = storage_read_disk_source(d.doc, drive);
	if (present && path ? strcmp(present, path) == 0 : !present && !path)
		return 0;
	if (set_medium(drive, path) < 0)
		return error_set(e, ENOMEM, "out of memory");
	return guest_devices_update(&d, drive, VIR_DOMAIN_DEVICE_MODIFY_FORCE, "the medium in a CD-ROM drive",
				    e);
}
