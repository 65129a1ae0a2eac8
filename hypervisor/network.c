/* SPDX-License-Identifier: Apache-2.0 */
/*
 * L3 networks as libvirt networks, and their fixed leases.
 *
 * The pool assigns addresses, DHCP only tells guests which they have. So
 * the XML has <host> entries and no <range>: libvirt then starts dnsmasq with
 * "dhcp-range=<network>,static", which answers known MACs and nobody else.
 *
 * Leases are set in the definition and in the running network one by one, each
 * compared with what is there first: differences that a crash between two calls
 * has left are reconciled, and a lease that is already right costs one query and
 * does not disturb dnsmasq.
 */
#include "hypervisor/network.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "hypervisor/call.h"
#include "hypervisor/errors.h"
#include "hypervisor/xml.h"

#define NAME_SIZE 32
/* Others may change the same network between reading and changing it. */
#define LEASE_TRIES 5

static void network_free(virNetworkPtr *network)
{
	if (*network)
		(void)virNetworkFree(*network);
}
#define _cleanup_network_ _cleanup_(network_free)

/* -------------------------------------------------------------------- definition */

static void write_lease(struct xml *x, const struct hv_lease *lease)
{
	xml_leaf(x, "host", "mac", lease->mac, "name",
		 lease->hostname && lease->hostname[0] != '\0' ? lease->hostname : NULL, "ip", lease->ip,
		 NULL);
}

static char *network_xml(const struct hv_network_def *spec)
{
	char name[NAME_SIZE];
	char mac[18];
	struct xml x;

	(void)snprintf(name, sizeof(name), "poolfs-%.8s", spec->uuid);
	/* the bridge's address: libvirt would make up another one at each definition */
	(void)snprintf(mac, sizeof(mac), "52:54:00:%.2s:%.2s:%.2s", spec->uuid, spec->uuid + 2,
		       spec->uuid + 4);
	xml_begin(&x);
	xml_open(&x, "network", NULL);
	xml_element(&x, "name", name);
	xml_element(&x, "uuid", spec->uuid);
	if (spec->nat)
		xml_leaf(&x, "forward", "mode", "nat", NULL);
	xml_leaf(&x, "bridge", "name", spec->bridge, "stp", "on", "delay", "0", NULL);
	xml_leaf(&x, "mac", "address", mac, NULL);
	if (spec->dns_domain && spec->dns_domain[0] != '\0')
		xml_leaf(&x, "domain", "name", spec->dns_domain, NULL);
	if (spec->dns_count > 0) {
		xml_open(&x, "dns", NULL);
		for (size_t i = 0; i < spec->dns_count; i++)
			xml_leaf(&x, "forwarder", "addr", spec->dns[i], NULL);
		xml_close(&x);
	}
	xml_open(&x, "ip", "address", spec->gateway, "netmask", spec->netmask, NULL);
	if (spec->range_start && spec->lease_count > 0) {
		xml_open(&x, "dhcp", NULL);
		for (size_t i = 0; i < spec->lease_count; i++)
			write_lease(&x, &spec->leases[i]);
		xml_close(&x);
	}
	xml_close(&x);
	xml_close(&x);
	return xml_finish(&x);
}

/* Appends the node's address to the string at @ctx. */
static int join_address(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	_cleanup_free_ char *address = xml_get(doc, node, "@addr");
	char **joined = ctx;
	char *longer = NULL;

	if (asprintf(&longer, "%s %s", *joined ? *joined : "", address ? address : "") < 0)
		return -ENOMEM;
	free(*joined);
	*joined = longer;
	return 0;
}

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Whether two definitions agree in everything but the leases and what libvirt fills in. */
static bool definitions_match(const char *wanted, const char *present)
{
	static const char *const paths[] = {"/network/forward/@mode", "/network/domain/@name",
					    "/network/ip/@address", "/network/ip/@netmask"};
	_cleanup_xml_ xmlDocPtr a = xml_parse(wanted);
	_cleanup_xml_ xmlDocPtr b = xml_parse(present);
	_cleanup_free_ char *bridge = a ? xml_get(a, NULL, "/network/bridge/@name") : NULL;
	_cleanup_free_ char *bridge_now = b ? xml_get(b, NULL, "/network/bridge/@name") : NULL;
	_cleanup_free_ char *dns = NULL;
	_cleanup_free_ char *dns_now = NULL;

	if (!a || !b || (bridge && !same(bridge, bridge_now)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *x = xml_get(a, NULL, paths[i]);
		_cleanup_free_ char *y = xml_get(b, NULL, paths[i]);

		if (!same(x, y))
			return false;
	}
	(void)xml_each(a, "/network/dns/forwarder", join_address, &dns);
	(void)xml_each(b, "/network/dns/forwarder", join_address, &dns_now);
	return same(dns, dns_now);
}

/* ----------------------------------------------------------------------- leases */

/* The XML of the running network, or of the definition. The test driver has one for both. */
static char *network_xml_now(const struct hv_call *call, virNetworkPtr network, unsigned int flag)
{
	bool definition = flag == VIR_NETWORK_UPDATE_AFFECT_CONFIG && !call->simulated;

	return virNetworkGetXMLDesc(network, definition ? VIR_NETWORK_XML_INACTIVE : 0);
}

/* What a network has for a lease that is looked for. Strings are owned. */
struct lease_search {
	const struct hv_lease *wanted;
	bool found;	     /* the MAC has an entry ... */
	char *ip, *hostname; /* ... with these */
	char *rival;	     /* another MAC that has the wanted address */
};

static void lease_search_done(struct lease_search *search)
{
	free(search->ip);
	free(search->hostname);
	free(search->rival);
}

static int lease_look(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct lease_search *search = ctx;
	_cleanup_free_ char *mac = xml_get(doc, node, "@mac");
	_cleanup_free_ char *ip = xml_get(doc, node, "@ip");

	if (mac && strcasecmp(mac, search->wanted->mac) == 0 && !search->found) {
		search->found = true;
		search->ip = steal(&ip);
		search->hostname = xml_get(doc, node, "@name");
	} else if (mac && same(ip, search->wanted->ip) && !search->rival) {
		search->rival = steal(&mac);
	}
	return 0;
}

/* Looks in the running network or in its definition, as @flag says. */
static int lease_search(const struct hv_call *call, virNetworkPtr network, unsigned int flag,
			const struct hv_lease *wanted, struct lease_search *ret)
{
	_cleanup_free_ char *text = network_xml_now(call, network, flag);
	_cleanup_xml_ xmlDocPtr doc = text ? xml_parse(text) : NULL;

	*ret = (struct lease_search){.wanted = wanted};
	if (!doc)
		return -EIO;
	return xml_each(doc, "/network/ip/dhcp/host", lease_look, ret);
}

static int lease_update(virNetworkPtr network, unsigned int flag, unsigned int command,
			const struct hv_lease *lease)
{
	_cleanup_free_ char *text = NULL;
	struct xml x;

	xml_begin(&x);
	write_lease(&x, lease);
	text = xml_finish(&x);
	if (!text)
		return -1;
	return virNetworkUpdate(network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, text, flag);
}

/* Makes the lease the one of its MAC, and the MAC the one of its address. */
static int lease_store(const struct hv_call *call, virNetworkPtr network, unsigned int flag,
		       const struct hv_lease *lease, struct error *e)
{
	const char *name = virNetworkGetName(network);

	/* A new NIC's lease is simply added; the list is read only when that fails. */
	if (lease_update(network, flag, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, lease) == 0)
		return 0;
	for (int i = 0; i < LEASE_TRIES; i++) {
		_cleanup_(lease_search_done) struct lease_search search = {0};

		if (lease_search(call, network, flag, lease, &search) < 0)
			return error_set_virt(e, call->conn, "cannot read the leases of network '%s'", name);
		if (search.found && !search.rival && same(search.ip, lease->ip) &&
		    same(search.hostname, lease->hostname))
			return 0;
		if (search.rival) {
			const struct hv_lease rival = {.mac = search.rival, .ip = lease->ip};

			(void)lease_update(network, flag, VIR_NETWORK_UPDATE_COMMAND_DELETE, &rival);
		}
		if (lease_update(network, flag,
				 search.found ? VIR_NETWORK_UPDATE_COMMAND_MODIFY
					      : VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
				 lease) == 0)
			return 0;
		if (virt_error_code() != VIR_ERR_OPERATION_INVALID)
			break;
	}
	return error_set_virt(e, call->conn, "cannot set the lease of '%s' in network '%s'", lease->mac,
			      name);
}

static int lease_drop(const struct hv_call *call, virNetworkPtr network, unsigned int flag,
		      const struct hv_lease *lease, struct error *e)
{
	const char *name = virNetworkGetName(network);

	for (int i = 0; i < LEASE_TRIES; i++) {
		_cleanup_(lease_search_done) struct lease_search search = {0};
		struct hv_lease present;

		if (lease_search(call, network, flag, lease, &search) < 0)
			return error_set_virt(e, call->conn, "cannot read the leases of network '%s'", name);
		if (!search.found || (lease->ip && !same(search.ip, lease->ip)))
			return 0;
		present = (struct hv_lease){.mac = lease->mac, .ip = search.ip, .hostname = search.hostname};
		if (lease_update(network, flag, VIR_NETWORK_UPDATE_COMMAND_DELETE, &present) == 0)
			return 0;
		if (virt_error_code() != VIR_ERR_OPERATION_INVALID)
			break;
	}
	return error_set_virt(e, call->conn, "cannot remove the lease of '%s' in network '%s'", lease->mac,
			      name);
}

typedef int lease_step(const struct hv_call *call, virNetworkPtr network, unsigned int flag,
		       const struct hv_lease *lease, struct error *e);

/* Does @step to the definition, and to the network that runs. */
static int lease_apply(const struct hv_call *call, virNetworkPtr network, lease_step *step,
		       const struct hv_lease *lease, struct error *e)
{
	bool active = virNetworkIsActive(network) == 1;
	int rc = 0;

	if (!active || !call->simulated)
		rc = step(call, network, VIR_NETWORK_UPDATE_AFFECT_CONFIG, lease, e);
	if (rc == 0 && active)
		rc = step(call, network, VIR_NETWORK_UPDATE_AFFECT_LIVE, lease, e);
	return rc;
}

static int lease_change(struct hypervisor *hv, const char *host, const char *uuid, lease_step *step,
			bool absent_is_success, const struct hv_lease *lease, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_network_ virNetworkPtr network = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	network = virNetworkLookupByUUIDString(call.conn, uuid);
	if (!network && absent_is_success && virt_error_code() == VIR_ERR_NO_NETWORK)
		return 0;
	if (!network)
		return error_set_virt(e, call.conn, "cannot find network '%s'", uuid);
	/* No guest of the test driver ever asks for an address, and its update copies the whole network each
	 * time. */
	return call.simulated ? 0 : lease_apply(&call, network, step, lease, e);
}

int hv_lease_set(struct hypervisor *hv, const char *host, const char *network_uuid,
		 const struct hv_lease *lease, struct error *e)
{
	return lease_change(hv, host, network_uuid, lease_store, false, lease, e);
}

int hv_lease_remove(struct hypervisor *hv, const char *host, const char *network_uuid, const char *mac,
		    const char *ip, struct error *e)
{
	const struct hv_lease lease = {.mac = mac, .ip = ip};

	return lease_change(hv, host, network_uuid, lease_drop, true, &lease, e);
}

/* ------------------------------------------------------------ opening and closing */

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

/* Brings the definition that is there up to date: leases one by one, anything else by a new definition. */
static int network_update(const struct hv_call *call, virNetworkPtr network,
			  const struct hv_network_def *spec, const char *xml, struct error *e)
{
	_cleanup_free_ char *present = network_xml_now(call, network, VIR_NETWORK_UPDATE_AFFECT_CONFIG);
	int rc = 0;

	if (!present)
		return error_set_virt(e, call->conn, "cannot read network '%s'", spec->uuid);
	if (!definitions_match(xml, present)) {
		_cleanup_network_ virNetworkPtr renewed = NULL;

		/* with guests on it, it stays as it is until its next start */
		if (virNetworkIsActive(network) == 1 && is_idle(call, network))
			(void)virNetworkDestroy(network);
		rc = network_define(call, xml, spec->uuid, &renewed, e);
	}
	for (size_t i = 0; rc == 0 && spec->range_start && i < spec->lease_count; i++)
		rc = lease_apply(call, network, lease_store, &spec->leases[i], e);
	return rc;
}

int hv_network_open(struct hypervisor *hv, const char *host, const struct hv_network_def *spec,
		    char ret_name[NAME_SIZE], struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_network_ virNetworkPtr network = NULL;
	_cleanup_free_ char *xml = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	xml = network_xml(spec);
	if (!xml)
		return error_set(e, ENOMEM, "out of memory");
	network = virNetworkLookupByUUIDString(call.conn, spec->uuid);
	if (network)
		rc = network_update(&call, network, spec, xml, e);
	else if (virt_error_code() == VIR_ERR_NO_NETWORK)
		rc = network_define(&call, xml, spec->uuid, &network, e);
	else
		rc = error_set_virt(e, call.conn, "cannot find network '%s'", spec->uuid);
	if (rc < 0)
		return rc;
	if (virNetworkIsActive(network) != 1 && virNetworkCreate(network) < 0) {
		rc = error_set_virt(e, call.conn, "cannot start network '%s'", spec->uuid);
		if (virNetworkIsActive(network) != 1)
			return rc;
		error_done(e); /* started by somebody else at the same time */
	}
	(void)snprintf(ret_name, NAME_SIZE, "%s", virNetworkGetName(network));
	return 0;
}

int hv_network_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_network_ virNetworkPtr network = NULL;
	int rc = hv_call_begin(hv, host, &call, e);

	if (rc < 0)
		return rc;
	network = virNetworkLookupByUUIDString(call.conn, uuid);
	if (!network && virt_error_code() == VIR_ERR_NO_NETWORK)
		return 0;
	if (!network)
		return error_set_virt(e, call.conn, "cannot find network '%s'", uuid);
	if (virNetworkIsActive(network) == 1 && virNetworkDestroy(network) < 0)
		return error_set_virt(e, call.conn, "cannot stop network '%s'", uuid);
	if (virNetworkUndefine(network) < 0 && virt_error_code() != VIR_ERR_NO_NETWORK)
		return error_set_virt(e, call.conn, "cannot undefine network '%s'", uuid);
	return 0;
}
