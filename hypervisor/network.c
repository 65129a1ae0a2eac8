/* SPDX-License-Identifier: Apache-2.0 */
/*
 * L3 networks as libvirt networks.
 *
 * The definition is replaced whenever it differs from what is wanted, which costs
 * nothing and disturbs nobody. The running network gets its leases one by one
 * (network_leases.c) and everything else by a restart, for which it must be idle.
 */
#include "hypervisor/network.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/call.h"
#include "hypervisor/errors.h"
#include "hypervisor/network_leases.h"
#include "hypervisor/network_xml.h"

static void network_free(virNetworkPtr *network)
{
	if (*network)
		(void)virNetworkFree(*network);
}
#define _cleanup_network_ _cleanup_(network_free)

/* No domain uses the network, so it can be restarted. In the test driver none ever does. */
static bool is_idle(const struct hv_call *call, virNetworkPtr network)
{
	return call->simulated || virNetworkListAllPorts(network, NULL, 0) == 0;
}

static int network_define(const struct hv_call *call, const char *xml, const char *uuid,
			  virNetworkPtr *ret_network, struct error *e)
{
	virNetworkPtr network = virNetworkDefineXML(call->conn, xml);

	if (!network)
		return error_set_virt(e, call->conn, "cannot define network '%s'", uuid);
	(void)virNetworkSetAutostart(network, 1);
	*ret_network = network;
	return 0;
}

/* The XML of the running network, or of the definition. The test driver has one for both. */
static char *definition_xml(const struct hv_call *call, virNetworkPtr network)
{
	return virNetworkGetXMLDesc(network, call->simulated ? 0 : VIR_NETWORK_XML_INACTIVE);
}

static bool same_leases(const char *wanted, const char *present)
{
	_cleanup_xml_ xmlDocPtr a = xml_parse(wanted);
	_cleanup_xml_ xmlDocPtr b = xml_parse(present);
	struct network_host *x = NULL, *y = NULL;
	size_t n = 0, m = 0;
	bool equal =
		a && b && network_hosts_read(a, &x, &n) == 0 && network_hosts_read(b, &y, &m) == 0 && n == m;

	for (size_t i = 0; i < n; i++) {
		equal = equal && network_host_equal(&x[i], &y[i]);
		network_host_done(&x[i]);
	}
	for (size_t i = 0; i < m; i++)
		network_host_done(&y[i]);
	free(x);
	free(y);
	return equal;
}

/* 1, 0, or an error. */
static int is_active(const struct hv_call *call, virNetworkPtr network, struct error *e)
{
	int active = virNetworkIsActive(network);

	return active < 0 ? error_set_virt(e, call->conn, "cannot tell whether network '%s' is active",
					   virNetworkGetName(network))
			  : active;
}

/*
 * Brings the definition that is there up to date, and stops the network when that needs a restart. *@ret_running, owned by the
 * caller, is the XML of the network if it runs; NULL: it may not.
 */
static int network_update(const struct hv_call *call, virNetworkPtr network,
			  const struct hv_network_def *spec, const char *xml, char **ret_running,
			  struct error *e)
{
	_cleanup_free_ char *present = definition_xml(call, network);
	_cleanup_network_ virNetworkPtr renewed = NULL;
	_cleanup_free_ char *running = NULL;
	int active;

	if (!present)
		return error_set_virt(e, call->conn, "cannot read network '%s'", spec->uuid);
	active = is_active(call, network, e);
	if (active < 0)
		return active;
	if (active) {
		running = virNetworkGetXMLDesc(network, 0);
		/* with guests on it, it stays as it is until its next start */
		if (running && !network_xml_match(xml, running) && is_idle(call, network)) {
			(void)virNetworkDestroy(network);
			free(steal(&running));
		}
	}
	*ret_running = steal(&running);
	if (network_xml_match(xml, present) && same_leases(xml, present))
		return 0;
	return network_define(call, xml, spec->uuid, &renewed, e);
}

/* Starts the network; one that runs gets its leases. @running is its XML, if it is known to run. */
static int network_run(const struct hv_call *call, virNetworkPtr network, const struct hv_network_def *spec,
		       const char *running, struct error *e)
{
	_cleanup_free_ char *read = NULL;
	int active = running ? 1 : is_active(call, network, e);

	if (active < 0)
		return active;
	if (!active) {
		int rc;

		if (virNetworkCreate(network) == 0)
			return 0;
		rc = error_set_virt(e, call->conn, "cannot start network '%s'", virNetworkGetName(network));
		if (virNetworkIsActive(network) != 1)
			return rc;
		error_done(e); /* started by somebody else at the same time */
	}
	if (call->simulated || !spec->range_start)
		return 0;
	if (!running)
		running = read = virNetworkGetXMLDesc(network, 0);
	if (!running)
		return error_set_virt(e, call->conn, "cannot read network '%s'", spec->uuid);
	return network_leases_apply(call, network, running, spec, e);
}

int hv_network_open(struct hypervisor *hv, const char *host, const struct hv_network_def *spec,
		    char ret_name[NETWORK_NAME_SIZE], struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_network_ virNetworkPtr network = NULL;
	_cleanup_free_ char *xml = NULL, *running = NULL;
	struct hv_network_def def = *spec;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	/* no guest of a simulated host ever asks for an address */
	if (call.simulated)
		def.lease_count = 0;
	if (call.host->simulator) {
		network_name(spec->uuid, ret_name);
		return 0;
	}
	xml = network_xml(&def);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	network = virNetworkLookupByUUIDString(call.conn, spec->uuid);
	if (network)
		rc = network_update(&call, network, &def, xml, &running, e);
	else if (virt_error_code() == VIR_ERR_NO_NETWORK)
		rc = network_define(&call, xml, spec->uuid, &network, e);
	else
		rc = error_set_virt(e, call.conn, "cannot find network '%s'", spec->uuid);
	if (rc == 0)
		rc = network_run(&call, network, &def, running, e);
	if (rc < 0)
		return rc;
	(void)snprintf(ret_name, NETWORK_NAME_SIZE, "%s", virNetworkGetName(network));
	return 0;
}

int hv_network_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_network_ virNetworkPtr network = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	if (call.host->simulator)
		return 0;
	network = virNetworkLookupByUUIDString(call.conn, uuid);
	if (!network && virt_error_code() == VIR_ERR_NO_NETWORK)
		return 0;
	if (!network)
		return error_set_virt(e, call.conn, "cannot find network '%s'", uuid);
	rc = is_active(&call, network, e);
	if (rc < 0)
		return rc;
	if (rc && virNetworkDestroy(network) < 0)
		return error_set_virt(e, call.conn, "cannot stop network '%s'", uuid);
	if (virNetworkUndefine(network) < 0 && virt_error_code() != VIR_ERR_NO_NETWORK)
		return error_set_virt(e, call.conn, "cannot undefine network '%s'", uuid);
	return 0;
}
