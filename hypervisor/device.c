/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a domain that is active: NICs, CD-ROM media, CPUs, memory and the
 * console's password.
 *
 * Devices are found by the aliases that domain_xml.c gave them, in the XML of
 * the running domain. A change is made to the running domain only: its
 * definition is written anew at each start.
 *
 * libvirt's test driver can change no device. There the definition stands for
 * the running domain: it is what is looked at, edited and defined again.
 */
#include "domain.h"

#include <inttypes.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "errors.h"
#include "xml.h"

#define PATH_SIZE 128
/* What guests can take as one piece: Linux's memory block on x86. */
#define MEMORY_STEP_KIB (128 * 1024)

/* The devices of an active domain, as they are now. */
struct devices {
	struct hv_call call;
	virDomainPtr domain;
	xmlDocPtr doc;
};

static void devices_done(struct devices *d)
{
	xmlFreeDoc(d->doc);
	domain_free(&d->domain);
	hv_call_end(&d->call);
}
#define _cleanup_devices_ _cleanup_(devices_done)

/* Reads them (anew). */
static int devices_read(struct devices *d, struct error *e)
{
	unsigned int flags = VIR_DOMAIN_XML_SECURE | (d->call.simulated ? VIR_DOMAIN_XML_INACTIVE : 0);
	_cleanup_free_ char *text = NULL;

	if (virDomainIsActive(d->domain) != 1)
		return error_set(e, EBUSY, "domain '%s' is not running", virDomainGetName(d->domain));
	text = virDomainGetXMLDesc(d->domain, flags);
	if (!text)
		return error_set_virt(e, d->call.conn, "cannot read the XML of domain '%s'",
				      virDomainGetName(d->domain));
	xmlFreeDoc(d->doc);
	d->doc = xml_parse(text);
	return d->doc ? 0
		      : error_set(e, EIO, "the XML of domain '%s' makes no sense",
				  virDomainGetName(d->domain));
}

static int devices_enter(struct hypervisor *hv, const char *host, const char *uuid, struct devices *ret,
			 struct error *e)
{
	int rc = domain_enter(hv, host, uuid, &ret->call, &ret->domain, e);

	return rc < 0 ? rc : devices_read(ret, e);
}

/* The test driver's change: what was done to the document becomes the definition. */
static int devices_redefine(struct devices *d, struct error *e)
{
	_cleanup_free_ char *text = xml_dump(d->doc, NULL);
	_cleanup_domain_ virDomainPtr again = NULL;

	if (!text)
		return error_set(e, ENOMEM, "out of memory");
	again = virDomainDefineXML(d->call.conn, text);
	return again ? 0
		     : error_set_virt(e, d->call.conn, "cannot change domain '%s'",
				      virDomainGetName(d->domain));
}

static int simulate_attach(struct devices *d, const char *xml, struct error *e)
{
	_cleanup_xml_ xmlDocPtr device = xml_parse(xml);
	xmlNodePtr parent = xml_find(d->doc, "/domain/devices");
	xmlNodePtr node = device ? xmlDocCopyNode(xmlDocGetRootElement(device), d->doc, 1) : NULL;

	if (!node || !parent || !xmlAddChild(parent, node))
		return error_set(e, ENOMEM, "out of memory");
	return devices_redefine(d, e);
}

static int devices_attach(struct devices *d, const char *xml, const char *what, struct error *e)
{
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (d->call.simulated)
		return simulate_attach(d, xml, e);
	if (virDomainAttachDeviceFlags(d->domain, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	return error_set_virt(e, d->call.conn, "cannot attach %s to domain '%s'", what,
			      virDomainGetName(d->domain));
}

/* Makes the domain take @node, a changed piece of the document, in the place of what it has. */
static int devices_update(struct devices *d, xmlNodePtr node, unsigned int flags, const char *what,
			  struct error *e)
{
	_cleanup_free_ char *xml = NULL;

	if (d->call.simulated)
		return devices_redefine(d, e);
	xml = xml_dump(d->doc, node);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (virDomainUpdateDeviceFlags(d->domain, xml, VIR_DOMAIN_AFFECT_LIVE | flags) == 0)
		return 0;
	return error_set_virt(e, d->call.conn, "cannot change %s of domain '%s'", what,
			      virDomainGetName(d->domain));
}

/* ------------------------------------------------------------------- removal */

/* Waits until no device at @path is left. A domain that stops has none. */
static int wait_until_gone(struct devices *d, struct waiter *waiter, const char *path, int timeout_ms,
			   struct error *e)
{
	struct timespec deadline = deadline_in(timeout_ms);

	for (;;) {
		int rc;

		if (virDomainIsActive(d->domain) == 0)
			return 0;
		rc = devices_read(d, e);
		if (rc < 0 || !xml_has(d->doc, path))
			return rc;
		rc = host_wait(&d->call, waiter, &deadline);
		if (rc == -ETIMEDOUT)
			return error_set(e, ETIMEDOUT,
					 "the guest in domain '%s' did not let device '%s' go within %d ms",
					 virDomainGetName(d->domain), waiter->alias, timeout_ms);
		if (rc < 0)
			return error_set_code(e, ENOTCONN, "HOST.1010",
					      "the host went away while domain '%s' let device '%s' go",
					      virDomainGetName(d->domain), waiter->alias);
	}
}

/* Detaches the device at @path. libvirt only asks the guest; the device is gone when the event says so. */
static int devices_detach(struct devices *d, const char *uuid, const char *path, const char *alias,
			  int timeout_ms, struct error *e)
{
	xmlNodePtr node = xml_find(d->doc, path);
	struct waiter waiter;
	int rc;

	if (!node)
		return 0;
	if (d->call.simulated) {
		xmlUnlinkNode(node);
		xmlFreeNode(node);
		return devices_redefine(d, e);
	}
	host_wait_begin(d->call.host, &waiter, uuid, alias);
	rc = virDomainDetachDeviceAlias(d->domain, alias, VIR_DOMAIN_AFFECT_LIVE) == 0
		     ? wait_until_gone(d, &waiter, path, timeout_ms, e)
		     : error_set_virt(e, d->call.conn, "cannot detach device '%s' from domain '%s'", alias,
				      uuid);
	host_wait_end(d->call.host, &waiter);
	return rc;
}

/* ---------------------------------------------------------------------- NICs */

static void nic_path(int device_id, char ret_alias[32], char ret_path[PATH_SIZE])
{
	(void)snprintf(ret_alias, 32, "ua-nic-%d", device_id);
	(void)snprintf(ret_path, PATH_SIZE, "/domain/devices/interface[alias/@name='%s']", ret_alias);
}

int hv_nic_attach(struct hypervisor *hv, const char *host, const char *uuid, const struct hv_nic *nic,
		  struct error *e)
{
	_cleanup_devices_ struct devices d = {0};
	_cleanup_free_ char *xml = NULL;
	char alias[32], path[PATH_SIZE];
	int rc = devices_enter(hv, host, uuid, &d, e);

	nic_path(nic->device_id, alias, path);
	if (rc < 0 || xml_has(d.doc, path))
		return rc;
	xml = nic_xml(nic);
	return devices_attach(&d, xml, "a NIC", e);
}

int hv_nic_detach(struct hypervisor *hv, const char *host, const char *uuid, int device_id, int timeout_ms,
		  struct error *e)
{
	_cleanup_devices_ struct devices d = {0};
	char alias[32], path[PATH_SIZE];
	int rc = devices_enter(hv, host, uuid, &d, e);

	nic_path(device_id, alias, path);
	return rc < 0 ? rc : devices_detach(&d, uuid, path, alias, timeout_ms, e);
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
	if (!call.link->info.bandwidth)
		return error_set(e, EOPNOTSUPP, "traffic control does not work on host '%s'",
				 call.link->info.hostname);
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
	xmlNodePtr source;

	remove_children(drive, "source");
	remove_children(drive, "backingStore");
	if (!path)
		return 0;
	source = xmlNewChild(drive, NULL, BAD_CAST "source", NULL);
	return source && xmlNewProp(source, BAD_CAST "file", BAD_CAST path) ? 0 : -ENOMEM;
}

int hv_cdrom_change(struct hypervisor *hv, const char *host, const char *uuid, int device_id,
		    const char *path, struct error *e)
{
	_cleanup_devices_ struct devices d = {0};
	_cleanup_free_ char *present = NULL;
	char where[PATH_SIZE];
	xmlNodePtr drive;
	int rc = devices_enter(hv, host, uuid, &d, e);

	if (rc < 0)
		return rc;
	(void)snprintf(where, sizeof(where), "/domain/devices/disk[alias/@name='ua-cdrom-%d']", device_id);
	drive = xml_find(d.doc, where);
	if (!drive)
		return error_set(e, ENOENT, "domain '%s' has no CD-ROM drive %d", uuid, device_id);
	present = xml_get(d.doc, drive, "source/@file");
	if (present && path ? strcmp(present, path) == 0 : !present && !path)
		return 0;
	if (set_medium(drive, path) < 0)
		return error_set(e, ENOMEM, "out of memory");
	return devices_update(&d, drive, VIR_DOMAIN_DEVICE_MODIFY_FORCE, "the medium in a CD-ROM drive", e);
}

/* -------------------------------------------------------------------- console */

int hv_console_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *password,
			    struct error *e)
{
	_cleanup_devices_ struct devices d = {0};
	char made[CONSOLE_PASSWORD_LENGTH + 1];
	_cleanup_free_ char *cut = NULL;
	xmlNodePtr graphics;
	int rc = devices_enter(hv, host, uuid, &d, e);

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
	return devices_update(&d, graphics, 0, "the console's password", e);
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
static int simulate_memory(struct devices *d, int64_t kib, struct error *e)
{
	xmlNodePtr memory = xml_find(d->doc, "/domain/memory");
	char number[24];

	if (!memory)
		return error_set(e, EIO, "domain '%s' has no memory", virDomainGetName(d->domain));
	(void)snprintf(number, sizeof(number), "%" PRId64, kib);
	xmlNodeSetContent(memory, BAD_CAST number);
	return devices_redefine(d, e);
}

int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 struct error *e)
{
	_cleanup_devices_ struct devices d = {0};
	_cleanup_free_ char *xml = NULL;
	int64_t now, most, more;
	int rc = devices_enter(hv, host, uuid, &d, e);

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
	return devices_attach(&d, xml, "memory", e);
}
