/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DHCP entries of a running network.
 *
 * They are compared with what the pool wants and then changed one by one, which is
 * the only way that does not touch the bridge that guests use. What is not wanted
 * goes first: libvirt refuses an entry that has the MAC, the address or the name of
 * another one, so addresses and names can change owners only then.
 *
 * dnsmasq itself remembers who has leased an address, for an hour, and gives it to
 * nobody else even when its entry says so. Nothing but the guest itself can give a
 * lease back, and a guest that is gone does not. So dnsmasq is started again when a
 * lease stands in the way; it begins with an empty list (network_xml.c). libvirt
 * starts it again for any change of a DNS record of the running network.
 */
#include "hypervisor/network_leases.h"

#include <string.h>

#include "hypervisor/errors.h"
#include "hypervisor/network_xml.h"

struct hosts {
	struct network_host *list;
	size_t count;
};

static void hosts_done(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		network_host_done(&hosts->list[i]);
	free(hosts->list);
}
#define _cleanup_hosts_ _cleanup_(hosts_done)

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_mac(const struct network_host *a, const struct network_host *b)
{
	return strcasecmp(a->mac ? a->mac : "", b->mac ? b->mac : "") == 0;
}

static int compare_macs(const void *a, const void *b)
{
	const struct network_host *x = a;
	const struct network_host *y = b;

	return strcasecmp(x->mac ? x->mac : "", y->mac ? y->mac : "");
}

/* The hosts of @spec, sorted by MAC. */
static int wanted_hosts(const struct hv_network_def *spec, struct hosts *ret)
{
	ret->list = calloc(spec->lease_count + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (; ret->count < spec->lease_count; ret->count++)
		if (network_host_of_lease(&spec->leases[ret->count], &ret->list[ret->count]) < 0)
			return -ENOMEM;
	qsort(ret->list, ret->count, sizeof(*ret->list), compare_macs);
	return 0;
}

static const struct network_host *find(const struct hosts *hosts, const struct network_host *host)
{
	return bsearch(host, hosts->list, hosts->count, sizeof(*hosts->list), compare_macs);
}

static int update(const struct hv_call *call, virNetworkPtr network, unsigned int command,
		  const struct network_host *host, struct error *e)
{
	_cleanup_free_ char *text = network_host_xml(host);

	if (!text)
		return error_oom(e);
	if (virNetworkUpdate(network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, text,
			     VIR_NETWORK_UPDATE_AFFECT_LIVE) == 0)
		return 0;
	return error_set_virt(e, call->conn, "cannot change the address of '%s' in network '%s'",
			      host->mac ? host->mac : host->ip, virNetworkGetName(network));
}

/* Whether an entry of another MAC has the address or the name, so that @host can only come after it. */
static bool is_taken(const struct hosts *present, const struct network_host *host)
{
	for (size_t i = 0; i < present->count; i++) {
		const struct network_host *other = &present->list[i];

		if (!same_mac(other, host) &&
		    (same(other->ip, host->ip) || (host->name && same(other->name, host->name))))
			return true;
	}
	return false;
}

/* Removes what is not wanted, and changes in place what can be: there is no moment without an entry then. */
static int change_present(const struct hv_call *call, virNetworkPtr network, const struct hosts *present,
			  const struct hosts *wanted, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < present->count; i++) {
		struct network_host *now = &present->list[i];
		const struct network_host *then = find(wanted, now);

		if (then && network_host_equal(now, then))
			continue;
		if (then && !is_taken(present, then)) {
			rc = update(call, network, VIR_NETWORK_UPDATE_COMMAND_MODIFY, then, e);
			continue;
		}
		rc = update(call, network, VIR_NETWORK_UPDATE_COMMAND_DELETE, now, e);
		network_host_done(now); /* not there any more */
	}
	return rc;
}

static int add_missing(const struct hv_call *call, virNetworkPtr network, const struct hosts *present,
		       const struct hosts *wanted, struct error *e)
{
	int rc = 0;

	qsort(present->list, present->count, sizeof(*present->list), compare_macs);
	for (size_t i = 0; rc == 0 && i < wanted->count; i++)
		if (!find(present, &wanted->list[i]))
			rc = update(call, network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, &wanted->list[i], e);
	return rc;
}

/* ------------------------------------------------------------------ older leases */

static int compare_ips(const void *a, const void *b)
{
	const struct network_host *x = a;
	const struct network_host *y = b;

	return strcmp(x->ip ? x->ip : "", y->ip ? y->ip : "");
}

/* Whether a guest would be refused its address, because another one has leased it. Sorts by address. */
static int is_obstructed(const struct hv_call *call, virNetworkPtr network, const struct hosts *wanted,
			 bool *ret, struct error *e)
{
	virNetworkDHCPLeasePtr *leases = NULL;
	int count = virNetworkGetDHCPLeases(network, NULL, &leases, 0);

	if (count < 0)
		return error_set_virt(e, call->conn, "cannot read the leases of network '%s'",
				      virNetworkGetName(network));
	qsort(wanted->list, wanted->count, sizeof(*wanted->list), compare_ips);
	*ret = false;
	for (int i = 0; i < count; i++) {
		const struct network_host lease = {.mac = leases[i]->mac, .ip = leases[i]->ipaddr};
		const struct network_host *owner =
			bsearch(&lease, wanted->list, wanted->count, sizeof(*wanted->list), compare_ips);

		*ret = *ret || (owner && !same_mac(owner, &lease));
		virNetworkDHCPLeaseFree(leases[i]);
	}
	free(leases);
	return 0;
}

/*
 * dnsmasq starts anew, without leases and knowing which NICs are secondary. The bridge and the guests on it do not
 * notice. The mark comes last, so that it is done again when something fails before.
 */
static int restart_server(const struct hv_call *call, virNetworkPtr network, xmlDocPtr doc,
			  const struct hv_network_def *spec, struct error *e)
{
	bool present = xml_has(doc, "/network/dns/txt[@name='" NETWORK_MARK "']");
	_cleanup_free_ char *record = NULL;
	struct xml x;

	xml_begin(&x);
	network_write_mark(&x, spec);
	record = xml_finish(&x);
	if (!record)
		return error_oom(e);
	if ((present &&
	     virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_DELETE, VIR_NETWORK_SECTION_DNS_TXT, -1,
			      record, VIR_NETWORK_UPDATE_AFFECT_LIVE) < 0) ||
	    virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, VIR_NETWORK_SECTION_DNS_TXT, -1,
			     record, VIR_NETWORK_UPDATE_AFFECT_LIVE) < 0)
		return error_set_virt(e, call->conn, "cannot restart the DHCP server of network '%s'",
				      virNetworkGetName(network));
	return 0;
}

int network_leases_apply(const struct hv_call *call, virNetworkPtr network, const char *running,
			 const struct hv_network_def *spec, struct error *e)
{
	_cleanup_xml_ xmlDocPtr doc = xml_parse(running);
	_cleanup_hosts_ struct hosts present = {0};
	_cleanup_hosts_ struct hosts wanted = {0};
	_cleanup_free_ char *known =
		doc ? xml_get(doc, NULL, "/network/dns/txt[@name='" NETWORK_MARK "']/@value") : NULL;
	char mark[NETWORK_MARK_SIZE];
	bool obstructed = false;
	int rc;

	if (!doc)
		return error_set(e, EIO, "unexpected XML of network '%s'", spec->uuid);
	if (wanted_hosts(spec, &wanted) < 0 || network_hosts_read(doc, &present.list, &present.count) < 0)
		return error_oom(e);
	rc = change_present(call, network, &present, &wanted, e);
	if (rc == 0)
		rc = add_missing(call, network, &present, &wanted, e);
	if (rc == 0)
		rc = is_obstructed(call, network, &wanted, &obstructed, e);
	network_mark(spec, mark);
	if (rc < 0 || (!obstructed && same(mark, known)))
		return rc;
	return restart_server(call, network, doc, spec, e);
}
