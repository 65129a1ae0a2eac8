/* SPDX-License-Identifier: Apache-2.0 */
/* See ipv4.h. */
#include "actions/network/ipv4.h"

#include <sodium.h>
#include <string.h>

#include "model/text.h"

/* Reads a decimal number up to @max without leading zeros and advances *p past it; -1 on a mismatch. */
static int read_number(const char **p, int max)
{
	const char *s = *p;
	int value = 0;

	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
		return -1;
	while (*s >= '0' && *s <= '9') {
		value = value * 10 + (*s++ - '0');
		if (value > max)
			return -1;
	}
	*p = s;
	return value;
}

/* Reads an address at *p and advances *p past it; false on a mismatch. */
static bool read_address(const char **p, uint32_t *ret)
{
	uint32_t address = 0;

	for (int i = 0; i < 4; i++) {
		int byte;

		if (i > 0 && *(*p)++ != '.')
			return false;
		byte = read_number(p, 255);
		if (byte < 0)
			return false;
		address = address << 8 | (uint32_t)byte;
	}
	*ret = address;
	return true;
}

int ipv4_parse(const char *text, uint32_t *ret_address, struct error *e)
{
	const char *p = text;
	uint32_t address;

	if (!read_address(&p, &address) || *p != '\0')
		return error_set(
			e, EINVAL,
			"'%s' is not an IPv4 address, expected four numbers 0..255 without leading zeros",
			text);
	*ret_address = address;
	return 0;
}

char *ipv4_format(uint32_t address, char ret[static IPV4_STRLEN])
{
	(void)snprintf(ret, IPV4_STRLEN, "%u.%u.%u.%u", (unsigned)(address >> 24),
		       (unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
		       (unsigned)(address & 255));
	return ret;
}

int ipv4_netmask_prefix(uint32_t netmask)
{
	int prefix = __builtin_popcount(netmask);

	return ipv4_prefix_netmask((uint8_t)prefix) == netmask ? prefix : -1;
}

uint32_t ipv4_prefix_netmask(uint8_t prefix)
{
	return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

int ipv4_netmask_parse(const char *text, uint8_t *ret_prefix, struct error *e)
{
	const char *p = text;
	uint32_t netmask;

	if (!read_address(&p, &netmask) || *p != '\0' || ipv4_netmask_prefix(netmask) < 0)
		return error_set(e, EINVAL, "'%s' is not a netmask, expected one like 255.255.255.0", text);
	*ret_prefix = (uint8_t)ipv4_netmask_prefix(netmask);
	return 0;
}

int ipv4_network_parse(const char *text, struct ipv4_network *ret, struct error *e)
{
	char expected[IPV4_CIDR_STRLEN];
	struct ipv4_network network;
	const char *p = text;
	uint32_t address;
	int prefix = -1;

	if (read_address(&p, &address) && *p++ == '/')
		prefix = read_number(&p, 32);
	if (prefix < 0 || *p != '\0')
		return error_set(e, EINVAL, "'%s' is not a network, expected one like 192.168.0.0/24", text);
	network = ipv4_network_of(address, (uint8_t)prefix);
	if (network.address != address)
		return error_set(e, EINVAL, "'%s' has bits set beyond its prefix, the network is %s", text,
				 ipv4_network_format(network, expected));
	*ret = network;
	return 0;
}

char *ipv4_network_format(struct ipv4_network network, char ret[static IPV4_CIDR_STRLEN])
{
	char address[IPV4_STRLEN];

	(void)snprintf(ret, IPV4_CIDR_STRLEN, "%s/%u", ipv4_format(network.address, address),
		       network.prefix % 100u);
	return ret;
}

struct ipv4_network ipv4_network_of(uint32_t address, uint8_t prefix)
{
	return (struct ipv4_network){.address = address & ipv4_prefix_netmask(prefix), .prefix = prefix};
}

bool ipv4_network_contains(struct ipv4_network network, uint32_t address)
{
	return (address & ipv4_prefix_netmask(network.prefix)) == network.address;
}

struct ipv4_range ipv4_network_range(struct ipv4_network network)
{
	return (struct ipv4_range){network.address, network.address | ~ipv4_prefix_netmask(network.prefix)};
}

struct ipv4_range ipv4_network_hosts(struct ipv4_network network)
{
	struct ipv4_range range = ipv4_network_range(network);

	if (network.prefix < 31) {
		range.first++;
		range.last--;
	}
	return range;
}

int ipv4_range_parse(const char *first, const char *last, struct ipv4_range *ret, struct error *e)
{
	struct ipv4_range range;
	int r;

	r = ipv4_parse(first, &range.first, e);
	if (r < 0)
		return r;
	r = ipv4_parse(last, &range.last, e);
	if (r < 0)
		return r;
	if (range.first > range.last)
		return error_set(e, EINVAL, "the range starts at '%s', above its end '%s'", first, last);
	*ret = range;
	return 0;
}

uint64_t ipv4_range_size(struct ipv4_range range)
{
	return (uint64_t)range.last - range.first + 1;
}

bool ipv4_range_contains(struct ipv4_range range, uint32_t address)
{
	return address >= range.first && address <= range.last;
}

bool ipv4_range_overlaps(struct ipv4_range a, struct ipv4_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

int ipv4_range_find_free(struct ipv4_range range, uint32_t from, ipv4_used_fn *used, void *ctx,
			 uint32_t *ret_address, struct error *e)
{
	const uint32_t start = from > range.first ? from : range.first;
	char first[IPV4_STRLEN], last[IPV4_STRLEN];
	uint64_t candidate = start; /* 64 bits, since it may pass 255.255.255.255 */

	while (candidate <= range.last && used(ctx, (uint32_t)candidate))
		candidate++;
	if (candidate > range.last)
		return error_set(e, ENOSPC, "no free address from '%s' to '%s'", ipv4_format(start, first),
				 ipv4_format(range.last, last));
	*ret_address = (uint32_t)candidate;
	return 0;
}

/* Reads two hex digits; -1 on a mismatch. Never reads past a NUL. */
static int read_hex_byte(const char *p)
{
	int high = text_hex_digit(p[0]);
	int low = high < 0 ? -1 : text_hex_digit(p[1]);

	return low < 0 ? -1 : high * 16 + low;
}

int mac_parse(const char *text, struct mac *ret, struct error *e)
{
	struct mac mac;
	const char *p = text;

	for (int i = 0; i < 6; i++, p += 3) {
		int byte = read_hex_byte(p);

		if (byte < 0 || p[2] != (i < 5 ? ':' : '\0'))
			return error_set(e, EINVAL,
					 "'%s' is not a MAC address, expected one like fa:16:3e:00:0a:01",
					 text);
		mac.bytes[i] = (uint8_t)byte;
	}
	*ret = mac;
	return 0;
}

char *mac_format(const struct mac *mac, char ret[static MAC_STRLEN])
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(ret, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return ret;
}

bool mac_is_host(const struct mac *mac)
{
	static const struct mac zero;

	return (mac->bytes[0] & 1) == 0 && memcmp(mac, &zero, sizeof(zero)) != 0;
}

void mac_generate(uint8_t device_id, struct mac *ret)
{
	ret->bytes[0] = 0xfa; /* bit 0 clear: unicast; bit 1 set: locally administered */
	randombytes_buf(&ret->bytes[1], 4);
	ret->bytes[5] = device_id;
}
