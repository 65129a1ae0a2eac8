/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a domain that is active: NICs, CD-ROM media, CPUs, memory and the
 * console's password.
 *
 * Devices are found by the aliases that domain_xml.c gave them. A change is made
 * to the running domain only: its definition is written anew at each start.
 */
#include "hypervisor/domain/guest_devices.h"

#include <inttypes.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/errors.h"
#include "hypervisor/storage/ceph.h"
#include "hypervisor/xml.h"

#define PATH_SIZE 128
/* What guests can take as one piece: Linux's memory block on x86. */
#define MEMORY_STEP_KIB (128 * 1024)

/* ---------------------------------------------------------------------- NICs */

static void nic_path(int device_id, char ret_path[PATH_SIZE])
{
	(void)snprintf(ret_path, PATH_SIZE, "/domain/devices/interface[alias/@name='ua-nic-%d']", device_id);
}

int hv_nic_attach(struct hypervisor *hv, const char *host, const char *uuid, const struct hv_nic *nic,
		  struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	_cleanup_free_ char *xml = NULL;
	char path[PATH_SIZE];
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	nic_path(nic->device_id, path);
	if (rc < 0 || xml_has(d.doc, path))
		return rc;
	xml = nic_xml(nic);
	return guest_devices_attach(&d, xml, 0, "a NIC", e);
}

int hv_nic_detach(struct hypervisor *hv, const char *host, const char *uuid, int device_id, int timeout_ms,
		  struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	char path[PATH_SIZE];
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	nic_path(device_id, path);
	return rc < 0 ? rc : guest_devices_detach(&d, path, 0, timeout_ms, e);
}

int hv_nic_set_bandwidth(struct hypervisor *hv, const char *host, const char *uuid, const char *mac,
			 int64_t inbound_bps, int64_t outbound_bps, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	virTypedParameterPtr params = NULL;
	int count = 0, room = 0;
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc < 0)
		return rc;
	if (!call.connection->info.bandwidth)
		return error_set(e, EOPNOTSUPP, "traffic control does not work on host '%s'",
				 call.connection->info.hostname);
	if (virTypedParamsAddUInt(&params, &count, &room, VIR_DOMAIN_BANDWIDTH_IN_AVERAGE,
				  (unsigned int)kib_per_second(inbound_bps)) < 0 ||
	    virTypedParamsAddUInt(&params, &count, &room, VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE,
				  (unsigned int)kib_per_second(outbound_bps)) < 0 ||
	    virDomainSetInterfaceParameters(domain, mac, params, count,
					    call.simulated ? VIR_DOMAIN_AFFECT_CONFIG
							   : VIR_DOMAIN_AFFECT_LIVE) < 0)
		rc = error_set_virt(e, call.conn, "cannot limit NIC '%s' of domain '%s'", mac, uuid);
	virTypedParamsFree(params, count);
	return rc;
}

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
	xmlNodePtr source;
	struct xml x;

	remove_children(drive, "source");
	remove_children(drive, "backingStore");
	if (!path)
		return 0;
	xml_begin(&x);
	domain_write_source(&x, path);
	text = xml_finish(&x);
	doc = text ? xml_parse(text) : NULL;
	source = doc ? xmlDocCopyNode(xmlDocGetRootElement(doc), drive->doc, 1) : NULL;
	if (!source)
		return -ENOMEM;
	(void)xmlAddChild(drive, source);
	return xmlSetProp(drive, BAD_CAST "type", BAD_CAST(ceph_is_path(path) ? "network" : "file"))
		       ? 0
		       : -ENOMEM;
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
	present = domain_source_path(d.doc, drive);
	if (present && path ? strcmp(present, path) == 0 : !present && !path)
		return 0;
	if (set_medium(drive, path) < 0)
		return error_set(e, ENOMEM, "out of memory");
	return guest_devices_update(&d, drive, VIR_DOMAIN_DEVICE_MODIFY_FORCE, "the medium in a CD-ROM drive",
				    e);
}

/* -------------------------------------------------------------------- console */

int hv_console_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *password,
			    struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	char made[CONSOLE_PASSWORD_LENGTH + 1];
	_cleanup_free_ char *cut = NULL;
	xmlNodePtr graphics;
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	if (rc == 0 && !password)
		rc = console_password_make(made, e);
	if (rc < 0)
		return rc;
	graphics = xml_find(d.doc, "/domain/devices/graphics");
	if (!graphics)
		return error_set(e, ENOENT, "domain '%s' has no console", uuid);
	cut = !password ? strdup(made)
	      : xml_has(d.doc, "/domain/devices/graphics[@type='vnc']")
		      ? strndup(password, CONSOLE_PASSWORD_LENGTH)
		      : strdup(password);
	if (!cut || !xmlSetProp(graphics, BAD_CAST "passwd", BAD_CAST cut))
		return error_set(e, ENOMEM, "out of memory");
	return guest_devices_update(&d, graphics, 0, "the console's password", e);
}

/* -------------------------------------------------------------- CPUs and memory */

int hv_domain_set_cpus(struct hypervisor *hv, const char *host, const char *uuid, int count, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ virDomainPtr domain = NULL;
	int now, most;
	int rc = domain_enter(hv, host, uuid, &call, &domain, e);

	if (rc < 0)
		return rc;
	now = virDomainGetVcpusFlags(domain, VIR_DOMAIN_AFFECT_LIVE);
	most = virDomainGetVcpusFlags(domain, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM);
	if (now < 0 || most < 0)
		return error_set_virt(e, call.conn, "cannot count the CPUs of domain '%s'", uuid);
	if (count <= now)
		return 0;
	if (count > most)
		return error_set(e, EOPNOTSUPP, "domain '%s' was started with room for %d CPUs", uuid, most);
	if (virDomainSetVcpusFlags(domain, (unsigned int)count, VIR_DOMAIN_AFFECT_LIVE) < 0)
		return error_set_virt(e, call.conn, "cannot add CPUs to domain '%s'", uuid);
	return 0;
}

static char *memory_xml(int64_t kib)
{
	struct xml x;

	xml_begin(&x);
	xml_open(&x, "memory", "model", "dimm", NULL);
	xml_open(&x, "target", NULL);
	xml_element_size(&x, "size", "KiB", kib);
	xml_element_int(&x, "node", 0);
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* The test driver takes no module: its first memory grows. */
static int simulate_memory(struct guest_devices *d, int64_t kib, struct error *e)
{
	xmlNodePtr memory = xml_find(d->doc, "/domain/memory");
	char number[24];

	if (!memory)
		return error_set(e, EIO, "domain '%s' has no memory", virDomainGetName(d->domain));
	(void)snprintf(number, sizeof(number), "%" PRId64, kib);
	xmlNodeSetContent(memory, BAD_CAST number);
	return guest_devices_redefine(d, e);
}

int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	_cleanup_free_ char *xml = NULL;
	int64_t now, most, more;
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	if (rc < 0)
		return rc;
	now = xml_get_int(d.doc, NULL, "/domain/memory", 0);
	most = xml_get_int(d.doc, NULL, "/domain/maxMemory", now);
	more = (bytes / 1024 - now + MEMORY_STEP_KIB - 1) / MEMORY_STEP_KIB * MEMORY_STEP_KIB;
	if (bytes / 1024 <= now)
		return 0;
	if (now + more > most)
		return error_set(e, EOPNOTSUPP,
				 "domain '%s' was started with room for %" PRId64 " KiB of memory", uuid,
				 most);
	if (d.call.simulated)
		return simulate_memory(&d, now + more, e);
	xml = memory_xml(more);
	return guest_devices_attach(&d, xml, 0, "memory", e);
}
