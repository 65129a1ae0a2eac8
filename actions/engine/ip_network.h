/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP networks of both versions, and which of them are not the public internet.
 *
 * An IPv4 address has several forms as an IPv6 address (mapped, NAT64). All of them are turned into the mapped
 * one before anything is compared, so a network of IPv4 addresses matches each form. Pure functions.
 */
#ifndef POOLFS_ENGINE_IP_NETWORK_H
#define POOLFS_ENGINE_IP_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "model/error.h"

/* An address: that of IPv6, or of IPv4 as ::ffff:a.b.c.d. */
struct ip_address {
	uint8_t bytes[16];
};

struct ip_network {
	struct ip_address first;
	unsigned bits; /* of the prefix, 0..128; IPv4: 96 more than usual */
};

/** The address of a socket address. False for a family other than AF_INET and AF_INET6. */
bool ip_address_of_socket(const struct sockaddr *socket, struct ip_address *ret_address);
/** Parses "10.0.0.1", "fe80::1%eth0" or "[::1]". False for anything else. */
bool ip_address_parse(const char *text, struct ip_address *ret_address);

/**
 * Parses the next network of a list that is separated by commas, "10.0.0.0/8, fd00::1", and moves *@text
 * behind it. Returns 1, 0 at the end of the list, -EINVAL with a sentence for text that is no network, and for
 * one with bits behind its prefix.
 */
int ip_network_next(const char **text, struct ip_network *ret_network, struct error *e);
/** True if the address is in the network. */
bool ip_network_has(const struct ip_network *network, const struct ip_address *address);
/** What an address is that is not public, such as "a loopback address"; NULL for a public one. Static. */
const char *ip_address_special(const struct ip_address *address);

#endif
