/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 addresses, netmasks, ranges and MAC addresses: text to numbers and back,
 * and the arithmetic that handing out addresses needs.
 *
 * An address is a uint32_t in host order, so that ranges are plain comparisons.
 * Texts are read strictly: four decimal numbers without leading zeros, nothing
 * in front or behind. What inet_aton() also takes (octal, hex, short forms) is
 * refused, because two programs reading one text as two addresses is how
 * allocations collide. Everything here is pure except mac_generate().
 */
#ifndef POOLFS_NETWORK_IPV4_H
#define POOLFS_NETWORK_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

#define IPV4_STRLEN	 16 /* "255.255.255.255" and its NUL */
#define IPV4_CIDR_STRLEN 19 /* the same with "/32" */
#define MAC_STRLEN	 18 /* "fa:00:00:00:00:00" and its NUL */

/* A network: the address has no bits behind the prefix. */
struct ipv4_network {
	uint32_t address;
	uint8_t prefix; /* 0..32 */
};

/* Addresses first..last, both included; first <= last. */
struct ipv4_range {
	uint32_t first, last;
};

struct mac {
	uint8_t bytes[6];
};

/** Reads "192.168.0.1". -EINVAL with a sentence. */
int ipv4_parse(const char *text, uint32_t *ret_address, struct error *e);
/** Writes the address and its NUL; returns @ret. */
char *ipv4_format(uint32_t address, char ret[static IPV4_STRLEN]);

/** Reads a contiguous netmask "255.255.255.0" as its prefix length 0..32. -EINVAL. */
int ipv4_netmask_parse(const char *text, uint8_t *ret_prefix, struct error *e);
/** Prefix length of a netmask, -1 when its ones are not contiguous. */
int ipv4_netmask_prefix(uint32_t netmask);
/** The netmask of a prefix length 0..32. */
uint32_t ipv4_prefix_netmask(uint8_t prefix);

/** Reads "10.0.0.0/8". -EINVAL also when there are bits behind the prefix; the sentence names the network
 * meant. */
int ipv4_network_parse(const char *text, struct ipv4_network *ret, struct error *e);
/** Writes "10.0.0.0/8" and its NUL; returns @ret. */
char *ipv4_network_format(struct ipv4_network network, char ret[static IPV4_CIDR_STRLEN]);
/** The network an address is in. */
struct ipv4_network ipv4_network_of(uint32_t address, uint8_t prefix);
bool ipv4_network_contains(struct ipv4_network network, uint32_t address);
/** All addresses of the network, network and broadcast address included. */
struct ipv4_range ipv4_network_range(struct ipv4_network network);
/**
 * The addresses hosts may have: without network and broadcast address, except
 * that /31 (RFC 3021) and /32 have all theirs.
 */
struct ipv4_range ipv4_network_hosts(struct ipv4_network network);

/** Reads both ends. -EINVAL when one is no address or the first is above the last. */
int ipv4_range_parse(const char *first, const char *last, struct ipv4_range *ret, struct error *e);
/** Number of addresses, 1..2^32. */
uint64_t ipv4_range_size(struct ipv4_range range);
bool ipv4_range_contains(struct ipv4_range range, uint32_t address);
bool ipv4_range_overlaps(struct ipv4_range a, struct ipv4_range b);

/** True when an address is taken; @ctx is the caller's. */
typedef bool ipv4_used_fn(void *ctx, uint32_t address);
/** The lowest address of @range, from @from on, that is not taken: asks @used about each until one is free.
 * -ENOSPC when all are taken. */
int ipv4_range_find_free(struct ipv4_range range, uint32_t from, ipv4_used_fn *used, void *ctx,
			 uint32_t *ret_address, struct error *e);

/** Reads "fa:16:3e:00:0a:01", digits of either case, always two of them, colons. -EINVAL. */
int mac_parse(const char *text, struct mac *ret, struct error *e);
/** Writes lower-case digits and a NUL; returns @ret. */
char *mac_format(const struct mac *mac, char ret[static MAC_STRLEN]);
/** True for an address a NIC may have: unicast and not all zeros. */
bool mac_is_host(const struct mac *mac);
/**
 * A new address fa:xx:xx:xx:xx:<device id>: unicast, locally administered, four
 * bytes from the kernel's random source. Uniqueness is the caller's to check.
 */
void mac_generate(uint8_t device_id, struct mac *ret);

#endif
