/* SPDX-License-Identifier: Apache-2.0 */
/* See nic.h. */
#include "hypervisor/domain/nic.h"

#include <inttypes.h>

#include "hypervisor/adopted.h"
#include "hypervisor/domain/guest_devices.h"
#include "hypervisor/errors.h"
#include "hypervisor/nic_filter.h"
#include "hypervisor/xml.h"

#define PATH_SIZE 256

/* ---------------------------------------------------------------------- NICs */

/* By its alias, which libvirt has made up in a domain that was adopted: there it is known by its MAC. */
static void nic_path(const char *host, const char *domain, int device_id, char ret_path[PATH_SIZE])
{
	char mac[ADOPTED_MAC_SIZE];

	if (adopted_find_nic(host, domain, device_id, mac))
		(void)snprintf(ret_path, PATH_SIZE, "/domain/devices/interface[mac/@address='%s']", mac);
	else
		(void)snprintf(ret_path, PATH_SIZE, "/domain/devices/interface[alias/@name='ua-nic-%d']",
			       device_id);
}

int hv_nic_attach(struct hypervisor *hv, const char *host, const char *uuid, const struct hv_nic *nic,
		  struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	_cleanup_free_ char *xml = NULL;
	char path[PATH_SIZE];
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	nic_path(host, uuid, nic->device_id, path);
	if (rc < 0 || xml_has(d.doc, path))
		return rc;
	rc = nic->only_ip ? nic_filter_define(&d.call, e) : 0;
	if (rc < 0)
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

	nic_path(host, uuid, device_id, path);
	return rc < 0 ? rc : guest_devices_detach(&d, path, 0, timeout_ms, e);
}

int hv_nic_is_gone(struct hypervisor *hv, const char *host, const char *uuid, int device_id, bool *ret,
		   struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	char path[PATH_SIZE];
	int rc = guest_devices_enter(hv, host, uuid, &d, e);

	nic_path(host, uuid, device_id, path);
	if (rc == 0)
		*ret = !xml_has(d.doc, path);
	return rc;
}

/* False without memory. */
static bool write_limit(xmlNodePtr parent, const char *direction, int64_t kib)
{
	xmlNodePtr limit;
	char number[24];

	if (kib <= 0)
		return true;
	(void)snprintf(number, sizeof(number), "%" PRId64, kib);
	limit = xmlNewChild(parent, NULL, BAD_CAST direction, NULL);
	return limit && xmlNewProp(limit, BAD_CAST "average", BAD_CAST number);
}

static int simulate_bandwidth(struct guest_devices *d, const char *mac, int64_t inbound_kib,
			      int64_t outbound_kib, struct error *e)
{
	char path[PATH_SIZE], below[PATH_SIZE + 16];
	xmlNodePtr nic, bandwidth;

	(void)snprintf(path, sizeof(path), "/domain/devices/interface[mac/@address='%s']", mac);
	(void)snprintf(below, sizeof(below), "%s/bandwidth", path);
	nic = xml_find(d->doc, path);
	if (!nic)
		return error_set(e, ENOENT, "domain '%s' has no NIC '%s'", d->uuid, mac);
	bandwidth = xml_find(d->doc, below);
	if (bandwidth) {
		xmlUnlinkNode(bandwidth);
		xmlFreeNode(bandwidth);
	}
	if (inbound_kib > 0 || outbound_kib > 0) {
		bandwidth = xmlNewChild(nic, NULL, BAD_CAST "bandwidth", NULL);
		if (!bandwidth || !write_limit(bandwidth, "inbound", inbound_kib) ||
		    !write_limit(bandwidth, "outbound", outbound_kib))
			return error_oom(e);
	}
	return guest_devices_redefine(d, e);
}

int hv_nic_set_bandwidth(struct hypervisor *hv, const char *host, const char *uuid, const char *mac,
			 int64_t inbound_bps, int64_t outbound_bps, struct error *e)
{
	_cleanup_guest_devices_ struct guest_devices d = {0};
	const struct hv_call *call = &d.call;
	virTypedParameterPtr params = NULL;
	int count = 0, room = 0;
	int rc = domain_enter(hv, host, uuid, &d.call, &d.domain, e);

	if (rc == 0 && call->simulated) {
		rc = guest_devices_read(&d, uuid, e);
		return rc < 0 ? rc
			      : simulate_bandwidth(&d, mac, kib_per_second(inbound_bps),
						   kib_per_second(outbound_bps), e);
	}
	if (rc < 0)
		return rc;
	if (!call->connection->info.bandwidth)
		return error_set(e, EOPNOTSUPP, "traffic control does not work on host '%s'",
				 call->connection->info.hostname);
	if (virTypedParamsAddUInt(&params, &count, &room, VIR_DOMAIN_BANDWIDTH_IN_AVERAGE,
				  (unsigned int)kib_per_second(inbound_bps)) < 0 ||
	    virTypedParamsAddUInt(&params, &count, &room, VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE,
				  (unsigned int)kib_per_second(outbound_bps)) < 0 ||
	    virDomainSetInterfaceParameters(d.domain.virt, mac, params, count, VIR_DOMAIN_AFFECT_LIVE) < 0)
		rc = error_set_virt(e, call->conn, "cannot limit NIC '%s' of domain '%s'", mac, uuid);
	virTypedParamsFree(params, count);
	return rc;
}
