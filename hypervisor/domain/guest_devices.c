/* SPDX-License-Identifier: Apache-2.0 */
/* See guest_devices.h. */
#include "hypervisor/domain/guest_devices.h"

#include <string.h>

#include "hypervisor/errors.h"

void guest_devices_done(struct guest_devices *d)
{
	xmlFreeDoc(d->doc);
	domain_free(&d->domain);
	hv_call_end(&d->call);
}

/* Reads them anew. */
static int read_devices(struct guest_devices *d, struct error *e)
{
	unsigned int flags = VIR_DOMAIN_XML_SECURE | (d->call.simulated ? VIR_DOMAIN_XML_INACTIVE : 0);
	_cleanup_free_ char *text = NULL;
	int rc = d->call.driver->is_active(&d->call, &d->domain, e);

	if (rc == 0)
		return error_set(e, EBUSY, "domain '%s' is not running", d->uuid);
	if (rc > 0)
		rc = d->call.driver->get_xml(&d->call, &d->domain, flags, d->uuid, &text, e);
	if (rc < 0)
		return rc;
	xmlFreeDoc(d->doc);
	d->doc = xml_parse(text);
	return d->doc ? 0 : error_set(e, EIO, "unexpected XML of domain '%s'", d->uuid);
}

int guest_devices_read(struct guest_devices *d, const char *uuid, struct error *e)
{
	(void)snprintf(d->uuid, sizeof(d->uuid), "%s", uuid);
	return read_devices(d, e);
}

int guest_devices_enter(struct hypervisor *hv, const char *host, const char *uuid, struct guest_devices *ret,
			struct error *e)
{
	int rc = domain_enter(hv, host, uuid, &ret->call, &ret->domain, e);

	return rc < 0 ? rc : guest_devices_read(ret, uuid, e);
}

/* @doc becomes the definition. */
static int redefine(struct guest_devices *d, xmlDocPtr doc, struct error *e)
{
	_cleanup_free_ char *text = xml_dump(doc, NULL);
	_cleanup_domain_ struct domain again = {0};
	struct domain_definition definition = {.uuid = d->uuid, .xml = text};

	if (!text)
		return error_set(e, ENOMEM, "out of memory");
	definition.cpus = (int)xml_get_int(doc, NULL, "/domain/vcpu/@current",
					   xml_get_int(doc, NULL, "/domain/vcpu", 1));
	definition.memory = xml_get_int(doc, NULL, "/domain/memory", 0) * 1024;
	return d->call.driver->define(&d->call, &definition, &again, e);
}

int guest_devices_redefine(struct guest_devices *d, struct error *e)
{
	return redefine(d, d->doc, e);
}

/* ------------------------------------------------------------------ plugging */

static int simulate_attach(struct guest_devices *d, const char *xml, struct error *e)
{
	_cleanup_xml_ xmlDocPtr device = xml_parse(xml);
	xmlNodePtr parent = xml_find(d->doc, "/domain/devices");
	xmlNodePtr node = device ? xmlDocCopyNode(xmlDocGetRootElement(device), d->doc, 1) : NULL;

	if (!node || !parent || !xmlAddChild(parent, node))
		return error_set(e, ENOMEM, "out of memory");
	return guest_devices_redefine(d, e);
}

int guest_devices_attach(struct guest_devices *d, const char *xml, unsigned int flags, const char *what,
			 struct error *e)
{
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (d->call.simulated)
		return simulate_attach(d, xml, e);
	if (virDomainAttachDeviceFlags(d->domain.virt, xml, VIR_DOMAIN_AFFECT_LIVE | flags) == 0)
		return 0;
	return error_set_virt(e, d->call.conn, "cannot attach %s to domain '%s'", what, d->uuid);
}

int guest_devices_update(struct guest_devices *d, xmlNodePtr node, unsigned int flags, const char *what,
			 struct error *e)
{
	_cleanup_free_ char *xml = NULL;

	if (d->call.simulated)
		return guest_devices_redefine(d, e);
	xml = xml_dump(d->doc, node);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	if (virDomainUpdateDeviceFlags(d->domain.virt, xml, VIR_DOMAIN_AFFECT_LIVE | flags) == 0)
		return 0;
	return error_set_virt(e, d->call.conn, "cannot change %s of domain '%s'", what, d->uuid);
}

/* ----------------------------------------------------------------- unplugging */

/* Waits until no device at @path is left. A stopped domain has none. */
static int wait_until_gone(struct guest_devices *d, struct waiter *waiter, const char *path, int timeout_ms,
			   struct error *e)
{
	struct timespec deadline = deadline_in(timeout_ms);

	for (;;) {
		int rc = d->call.driver->is_active(&d->call, &d->domain, e);

		if (rc <= 0)
			return rc;
		rc = read_devices(d, e);
		if (rc < 0 || !xml_has(d->doc, path))
			return rc;
		rc = host_wait(d->call.host, d->call.connection, waiter, &deadline);
		if (rc == 0 && waiter->refused)
			return error_set(e, EBUSY, "the guest of domain '%s' refused to release device '%s'",
					 d->uuid, waiter->alias);
		if (rc == -ETIMEDOUT)
			return error_set(e, ETIMEDOUT,
					 "the guest of domain '%s' did not release device '%s' within %d ms",
					 d->uuid, waiter->alias, timeout_ms);
		if (rc < 0)
			return error_set_code(
				e, ENOTCONN, "HOST.1010",
				"the connection to the host was lost while domain '%s' released device '%s'",
				d->uuid, waiter->alias);
	}
}

/* Asks the guest. An earlier request may still be in progress, or have completed just now. */
static int request_removal(struct guest_devices *d, const char *path, const char *alias, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int rc;

	if (virDomainDetachDeviceAlias(d->domain.virt, alias, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	rc = error_set_virt(&why, d->call.conn, "cannot detach device '%s' from domain '%s'", alias, d->uuid);
	/* QEMU's words; there is no code for it */
	if (strstr(error_sentence(&why), "already in the process of unplug"))
		return 0;
	if (rc == -ENOTCONN || read_devices(d, NULL) < 0 || xml_has(d->doc, path))
		return error_move(e, &why);
	return 0;
}

static int read_definition(struct guest_devices *d, xmlDocPtr *ret, struct error *e)
{
	_cleanup_free_ char *text =
		virDomainGetXMLDesc(d->domain.virt, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);

	if (!text)
		return error_set_virt(e, d->call.conn, "cannot read the definition of domain '%s'", d->uuid);
	*ret = xml_parse(text);
	return *ret ? 0 : error_set(e, EIO, "unexpected XML of domain '%s'", d->uuid);
}

int guest_devices_each(struct guest_devices *d, const char *path,
		       int (*each)(xmlDocPtr doc, xmlNodePtr node, void *ctx), void *ctx, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = NULL;
	int rc = xml_each(d->doc, path, each, ctx);

	if (rc || d->call.simulated)
		return rc;
	rc = read_definition(d, &doc, e);
	return rc < 0 ? rc : xml_each(doc, path, each, ctx);
}

/*
 * Removes the device at @path from the definition, from which libvirt would start the domain again by hand, and
 * whose devices' names are taken for a device that is attached later.
 */
static int forget_device(struct guest_devices *d, const char *path, struct error *e)
{
	_cleanup_free_ char *alias = NULL;
	_cleanup_xml_ xmlDocPtr doc = NULL;
	xmlNodePtr node;
	int rc = read_definition(d, &doc, e);

	node = rc < 0 ? NULL : xml_find(doc, path);
	if (!node)
		return rc;
	alias = xml_get(doc, node, "alias/@name");
	if (!alias) { /* only devices of the pool have one there */
		xmlUnlinkNode(node);
		xmlFreeNode(node);
		return redefine(d, doc, e);
	}
	if (virDomainDetachDeviceAlias(d->domain.virt, alias, VIR_DOMAIN_AFFECT_CONFIG) == 0)
		return 0;
	return error_set_virt(e, d->call.conn, "cannot remove device '%s' from the definition of domain '%s'",
			      alias, d->uuid);
}

int guest_devices_forget(struct guest_devices *d, const char *path, struct error *e)
{
	return d->call.simulated || xml_has(d->doc, path) ? 0 : forget_device(d, path, e);
}

int guest_devices_detach(struct guest_devices *d, const char *path, unsigned int flags, int timeout_ms,
			 struct error *e)
{
	xmlNodePtr node = xml_find(d->doc, path);
	_cleanup_free_ char *alias = NULL;
	struct waiter waiter;
	int rc;

	if (!node)
		return flags && !d->call.simulated ? forget_device(d, path, e) : 0;
	if (d->call.simulated) {
		xmlUnlinkNode(node);
		xmlFreeNode(node);
		return guest_devices_redefine(d, e);
	}
	alias = xml_get(d->doc, node, "alias/@name");
	if (!alias)
		return error_set(e, EIO, "a device of domain '%s' has no alias", d->uuid);
	host_wait_begin(d->call.host, &waiter, d->uuid, alias);
	rc = request_removal(d, path, alias, e);
	if (rc == 0)
		rc = wait_until_gone(d, &waiter, path, timeout_ms, e);
	host_wait_end(d->call.host, &waiter);
	return rc == 0 && flags ? forget_device(d, path, e) : rc;
}
