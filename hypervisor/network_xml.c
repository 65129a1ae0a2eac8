/* SPDX-License-Identifier: Apache-2.0 */
/*
 * L3 networks in libvirt's XML.
 *
 * The pool assigns addresses, DHCP only tells guests which they have. So the XML
 * has <host> entries and no <range>: libvirt then starts dnsmasq with
 * "dhcp-range=<network>,static", which answers known MACs and nobody else.
 *
 * libvirt passes a <host> on as the line "mac,ip,name" of dnsmasq's --dhcp-hostsfile,
 * and each field of such a line may be a MAC, an address, a host name or more
 * (dnsmasq(8), --dhcp-host). A NIC that is not in its VM's default network has its own
 * MAC once more in the name, which means nothing to dnsmasq. A script in the
 * network's options (<dnsmasq:options>), which dnsmasq runs when it starts, tags these
 * MACs, and other options withhold the router and the DNS servers from them. The
 * hosts file itself cannot tag them: dnsmasq 2.90 crashes when it reads a file with
 * "set:" again after a lease.
 *
 * dnsmasq keeps leases in a file over its end. The entries are the truth here, and
 * an old lease of an address keeps its new owner from getting it ("not using
 * configured address ... because it is leased to ..."), so the script also empties
 * that file. A guest that has a lease renews it as if nothing had happened, since
 * libvirt makes dnsmasq authoritative.
 *
 * So a running network must start its dnsmasq again when NICs become secondary. A
 * TXT record carries the mark of those that the dnsmasq which runs knows.
 */
#include "hypervisor/network_xml.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DNSMASQ_NAMESPACE "http://libvirt.org/schemas/network/dnsmasq/1.0"
#define TAG_SECONDARY	  "poolfs-secondary"
/* The names of these files in libvirt are not configurable: leases of a bridge, hosts of a network. */
#define LEASE_FILE "/var/lib/libvirt/dnsmasq/%s.status"
#define HOSTS_FILE "/var/lib/libvirt/dnsmasq/%s.hostsfile"
/*
 * Only what the shell itself can do: dnsmasq may be confined. The names of bridges and networks are made of letters and
 * digits, so nothing needs to be quoted.
 */
#define SCRIPT                                                                                               \
	": >" LEASE_FILE "; { while IFS=, read -r mac rest; do case ,$rest, in *,$mac,*) "                   \
	"echo dhcp-mac=set:" TAG_SECONDARY ",$mac;; esac; done <" HOSTS_FILE "; } 2>/dev/null; :"

/* ---------------------------------------------------------------------- hosts */

/*
 * dnsmasq would take these for something else than a host name: a lease time, or the order to ignore the
 * guest.
 */
static bool is_keyword(const char *name)
{
	const char *p = name + strspn(name, "0123456789");

	if (p > name && (*p == '\0' || (strchr("smhdwSMHDW", *p) && p[1] == '\0')))
		return true;
	return strcasecmp(name, "ignore") == 0 || strcasecmp(name, "infinite") == 0;
}

int network_host_of_lease(const struct hv_lease *lease, struct network_host *ret)
{
	bool named = lease->hostname && lease->hostname[0] != '\0' && !is_keyword(lease->hostname);

	*ret = (struct network_host){.mac = strdup(lease->mac), .ip = strdup(lease->ip)};
	if ((named || lease->secondary) &&
	    asprintf(&ret->name, "%s%s%s", named ? lease->hostname : "", named && lease->secondary ? "," : "",
		     lease->secondary ? lease->mac : "") < 0)
		ret->name = NULL;
	if (ret->mac && ret->ip && (ret->name || !(named || lease->secondary)))
		return 0;
	network_host_done(ret);
	return -ENOMEM;
}

void network_host_done(struct network_host *host)
{
	free(host->mac);
	free(host->ip);
	free(host->name);
	*host = (struct network_host){0};
}

static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool network_host_equal(const struct network_host *a, const struct network_host *b)
{
	return strcasecmp(a->mac ? a->mac : "", b->mac ? b->mac : "") == 0 && same(a->ip, b->ip) &&
	       same(a->name, b->name);
}

/* FNV-1a of each MAC, in any order. */
void network_mark(const struct hv_network_def *spec, char ret_mark[NETWORK_MARK_SIZE])
{
	uint64_t all = 0;

	for (size_t i = 0; i < spec->lease_count; i++) {
		uint64_t hash = UINT64_C(14695981039346656037);

		for (const char *p = spec->leases[i].mac; spec->leases[i].secondary && *p != '\0'; p++)
			hash = (hash ^ (uint64_t)tolower((unsigned char)*p)) * UINT64_C(1099511628211);
		all ^= spec->leases[i].secondary ? hash : 0;
	}
	(void)snprintf(ret_mark, NETWORK_MARK_SIZE, "%016" PRIx64, all);
}

void network_write_mark(struct xml *x, const struct hv_network_def *spec)
{
	char mark[NETWORK_MARK_SIZE];

	network_mark(spec, mark);
	xml_leaf(x, "txt", "name", NETWORK_MARK, "value", mark, NULL);
}

static void write_host(struct xml *x, const struct network_host *host)
{
	xml_leaf(x, "host", "mac", host->mac, "name", host->name, "ip", host->ip, NULL);
}

char *network_host_xml(const struct network_host *host)
{
	struct xml x;

	xml_begin(&x);
	write_host(&x, host);
	return xml_finish(&x);
}

struct host_list {
	struct network_host *hosts;
	size_t count;
};

static int add_host(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	struct host_list *list = ctx;
	struct network_host *longer = reallocarray(list->hosts, list->count + 1, sizeof(*list->hosts));

	if (!longer)
		return -ENOMEM;
	list->hosts = longer;
	list->hosts[list->count++] = (struct network_host){.mac = xml_get(doc, node, "@mac"),
							   .ip = xml_get(doc, node, "@ip"),
							   .name = xml_get(doc, node, "@name")};
	return 0;
}

int network_hosts_read(xmlDocPtr doc, struct network_host **ret_hosts, size_t *ret_count)
{
	struct host_list list = {0};
	int rc = xml_each(doc, "/network/ip/dhcp/host", add_host, &list);

	if (rc < 0) {
		for (size_t i = 0; i < list.count; i++)
			network_host_done(&list.hosts[i]);
		free(list.hosts);
		return rc;
	}
	*ret_hosts = list.hosts;
	*ret_count = list.count;
	return 0;
}

/* -------------------------------------------------------------------- definition */

void network_name(const char *uuid, char ret_name[NETWORK_NAME_SIZE])
{
	(void)snprintf(ret_name, NETWORK_NAME_SIZE, "poolfs-%.8s", uuid);
}

static void write_leases(struct xml *x, const struct hv_network_def *spec)
{
	xml_open(x, "dhcp", NULL);
	for (size_t i = 0; i < spec->lease_count; i++) {
		struct network_host host;

		if (network_host_of_lease(&spec->leases[i], &host) < 0) {
			x->failed = true;
			break;
		}
		write_host(x, &host);
		network_host_done(&host);
	}
	xml_close(x);
}

/* libvirt starts a DHCP server only for a network that has an entry, and its options mean nothing without. */
static void write_dnsmasq_options(struct xml *x, const struct hv_network_def *spec)
{
	static const char *const withheld[] = {"router", "dns-server", "domain-name"};
	char text[512], name[NETWORK_NAME_SIZE];

	network_name(spec->uuid, name);
	xml_open(x, "dnsmasq:options", NULL);
	if (spec->bridge) {
		(void)snprintf(text, sizeof(text), "conf-script=" SCRIPT, spec->bridge, name);
		xml_leaf(x, "dnsmasq:option", "value", text, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(withheld); i++) {
		(void)snprintf(text, sizeof(text), "dhcp-option=tag:" TAG_SECONDARY ",option:%s",
			       withheld[i]);
		xml_leaf(x, "dnsmasq:option", "value", text, NULL);
	}
	xml_close(x);
}

char *network_xml(const struct hv_network_def *spec)
{
	char name[NETWORK_NAME_SIZE];
	char mac[18];
	struct xml x;

	network_name(spec->uuid, name);
	/* the bridge's address: libvirt would make up another one at each definition */
	(void)snprintf(mac, sizeof(mac), "52:54:00:%.2s:%.2s:%.2s", spec->uuid, spec->uuid + 2,
		       spec->uuid + 4);
	xml_begin(&x);
	xml_open(&x, "network", "xmlns:dnsmasq", DNSMASQ_NAMESPACE, NULL);
	xml_element(&x, "name", name);
	xml_element(&x, "uuid", spec->uuid);
	if (spec->nat)
		xml_leaf(&x, "forward", "mode", "nat", NULL);
	xml_leaf(&x, "bridge", "name", spec->bridge, "stp", "on", "delay", "0", NULL);
	xml_leaf(&x, "mac", "address", mac, NULL);
	if (spec->dns_domain && spec->dns_domain[0] != '\0')
		xml_leaf(&x, "domain", "name", spec->dns_domain, NULL);
	xml_open(&x, "dns", NULL);
	for (size_t i = 0; i < spec->dns_count; i++)
		xml_leaf(&x, "forwarder", "addr", spec->dns[i], NULL);
	network_write_mark(&x, spec);
	xml_close(&x);
	xml_open(&x, "ip", "address", spec->gateway, "netmask", spec->netmask, NULL);
	if (spec->range_start && spec->lease_count > 0)
		write_leases(&x, spec);
	xml_close(&x);
	write_dnsmasq_options(&x, spec);
	xml_close(&x);
	return xml_finish(&x);
}

/* Appends the node's value to the string at @ctx. */
static int join_value(xmlDocPtr doc, xmlNodePtr node, void *ctx)
{
	_cleanup_free_ char *value = xml_get(doc, node, ".");
	char **joined = ctx;
	char *longer = NULL;

	if (asprintf(&longer, "%s\n%s", *joined ? *joined : "", value ? value : "") < 0)
		return -ENOMEM;
	free(*joined);
	*joined = longer;
	return 0;
}

bool network_xml_match(const char *wanted, const char *present)
{
	static const char *const paths[] = {
		"/network/forward/@mode",
		"/network/domain/@name",
		"/network/ip/@address",
		"/network/ip/@netmask",
		"/network/dns/forwarder/@addr",
		"/network/*[local-name()='options']/*[local-name()='option']/@value"};
	_cleanup_xml_ xmlDocPtr a = xml_parse(wanted);
	_cleanup_xml_ xmlDocPtr b = xml_parse(present);
	_cleanup_free_ char *bridge = a ? xml_get(a, NULL, "/network/bridge/@name") : NULL;
	_cleanup_free_ char *bridge_now = b ? xml_get(b, NULL, "/network/bridge/@name") : NULL;

	if (!a || !b || (bridge && !same(bridge, bridge_now)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *x = NULL;
		_cleanup_free_ char *y = NULL;

		(void)xml_each(a, paths[i], join_value, &x);
		(void)xml_each(b, paths[i], join_value, &y);
		if (!same(x, y))
			return false;
	}
	return true;
}
