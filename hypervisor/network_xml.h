/* SPDX-License-Identifier: Apache-2.0 */
/* An L3 network in libvirt's XML. Internal to hypervisor/. See network_xml.c. */
#ifndef POOLFS_HYPERVISOR_NETWORK_XML_H
#define POOLFS_HYPERVISOR_NETWORK_XML_H

#include "hypervisor/network.h"
#include "hypervisor/xml.h"

#define NETWORK_NAME_SIZE 32

/* The name of the network for the L3 network @uuid. */
void network_name(const char *uuid, char ret_name[NETWORK_NAME_SIZE]);
/* The definition of a network, allocated; NULL when memory is short. */
char *network_xml(const struct hv_network_def *spec);
/*
 * Whether two definitions agree in everything but the leases and what libvirt fills in. What one of them
 * leaves to libvirt (the bridge's name) is not compared.
 */
bool network_xml_match(const char *wanted, const char *present);

/* One <host>, as written and as read. Strings are owned; NULL when absent. */
struct network_host {
	char *mac, *ip;
	char *name; /* the fields for dnsmasq that follow the address, not only a host name */
};

/* The <host> of a lease. -ENOMEM. */
int network_host_of_lease(const struct hv_lease *lease, struct network_host *ret);
/* All <host> of a network, allocated. -ENOMEM. */
int network_hosts_read(xmlDocPtr doc, struct network_host **ret_hosts, size_t *ret_count);
void network_host_done(struct network_host *host);
/*
 * The mark of the secondary NICs, as a DNS record of the network: dnsmasq learns which they are when it starts,
 * so the record of the running network tells what it knows.
 */
#define NETWORK_MARK	  "poolfs"
#define NETWORK_MARK_SIZE 17
void network_mark(const struct hv_network_def *spec, char ret_mark[NETWORK_MARK_SIZE]);
void network_write_mark(struct xml *x, const struct hv_network_def *spec);
/* Whether both say the same; an absent text is one without characters. */
bool network_host_equal(const struct network_host *a, const struct network_host *b);
/* The element, allocated; NULL when memory is short. */
char *network_host_xml(const struct network_host *host);

#endif
