/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 addresses, netmasks, networks, ranges and MAC addresses: parsing,
 * formatting, and the arithmetic of address allocation.
 *
 * An address is a uint32_t in host byte order, so that ranges are plain
 * comparisons. Parsing is strict: four decimal numbers without leading zeros,
 * and nothing before or after them. The other forms that inet_aton() accepts
 * (octal, hexadecimal, short) are refused: if two programs read one text as two
 * addresses, an address may be allocated twice. Everything here is pure except
 * mac_generate().
 */
#ifndef POOLFS_NETWORK_IPV4_H
#define POOLFS_NETWORK_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

#define IPV4_STRLEN	 16 /* "255.255.255.255" and a NUL */
#define IPV4_CIDR_STRLEN 19 /* "255.255.255.255/32" and a NUL */
#define MAC_STRLEN	 18 /* "fa:00:00:00:00:00" and a NUL */

/* A network; no bits of the address beyond the prefix are set. */
struct ipv4_network {
	uint32_t address;
	uint8_t prefix; /* 0..32 */
};

/* The addresses first..last, inclusive; first <= last. */
struct ipv4_range {
	uint32_t first, last;
};

struct mac {
	uint8_t bytes[6];
};

/** Parses "192.168.0.1". -EINVAL. */
int ipv4_parse(const char *text, uint32_t *ret_address, struct error *e);
/** Writes the address and its NUL; returns @ret. */
char *ipv4_format(uint32_t address, char ret[static IPV4_STRLEN]);

/** Parses a contiguous netmask, "255.255.255.0", into its prefix length 0..32. -EINVAL. */
int ipv4_netmask_parse(const char *text, uint8_t *ret_prefix, struct error *e);
/** Prefix length of a netmask, -1 if its ones are not contiguous. */
int ipv4_netmask_prefix(uint32_t netmask);
/** The netmask of a prefix length 0..32. */
uint32_t ipv4_prefix_netmask(uint8_t prefix);

/** Parses "10.0.0.0/8". -EINVAL also when bits beyond the prefix are set; the message then names the network. */
int ipv4_network_parse(const char *text, struct ipv4_network *ret, struct error *e);
/** Writes "10.0.0.0/8" and its NUL; returns @ret. */
char *ipv4_network_format(struct ipv4_network network, char ret[static IPV4_CIDR_STRLEN]);
/** The network with this prefix length that contains the address. */
struct ipv4_network ipv4_network_of(uint32_t address, uint8_t prefix);
bool ipv4_network_contains(struct ipv4_network network, uint32_t address);
/** All addresses of the network, including its network and broadcast addresses. */
struct ipv4_range ipv4_network_range(struct ipv4_network network);
/**
 * The addresses that hosts may have: all but the network and broadcast addresses, which /31 (RFC 3021) and
 * /32 do not have.
 */
struct ipv4_range ipv4_network_hosts(struct ipv4_network network);

/** Parses both ends. -EINVAL if one is not an address or the first is above the last. */
int ipv4_range_parse(const char *first, const char *last, struct ipv4_range *ret, struct error *e);
/** Number of addresses, 1..2^32. */
uint64_t ipv4_range_size(struct ipv4_range range);
bool ipv4_range_contains(struct ipv4_range range, uint32_t address);
bool ipv4_range_overlaps(struct ipv4_range a, struct ipv4_range b);

/** True if the address is in use; @ctx is the caller's. */
typedef bool ipv4_used_fn(void *ctx, uint32_t address);
/** The lowest address of @range, not below @from, for which @used is false. -ENOSPC if there is none. */
int ipv4_range_find_free(struct ipv4_range range, uint32_t from, ipv4_used_fn *used, void *ctx,
			 uint32_t *ret_address, struct error *e);

/** Parses "fa:16:3e:00:0a:01": six pairs of hex digits of either case, separated by colons. -EINVAL. */
int mac_parse(const char *text, struct mac *ret, struct error *e);
/** Writes the address in lower case and its NUL; returns @ret. */
char *mac_format(const struct mac *mac, char ret[static MAC_STRLEN]);
/** True for an address that a NIC may have: unicast and not all zeros. */
bool mac_is_host(const struct mac *mac);
/**
 * Makes an address fa:xx:xx:xx:xx:<device id>: unicast, locally administered, with four random bytes of the
 * kernel. The caller checks that it is unique.
 */
void mac_generate(uint8_t device_id, struct mac *ret);

#endif
