/* SPDX-License-Identifier: Apache-2.0 */
/* See ip_network.h. */
#include "actions/engine/ip_network.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};
/* The well-known prefix of NAT64 (RFC 6052). */
static const uint8_t nat64_prefix[12] = {0x00, 0x64, 0xff, 0x9b};

#define V4(a, b, c, d, length)                                                                               \
	{                                                                                                    \
		{{[10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c), [15] = (d)}}, 96 + (length)  \
	}
#define V6(length, ...)                                                                                      \
	{                                                                                                    \
		{{__VA_ARGS__}}, (length)                                                                    \
	}

/*
 * The special-purpose registries of IANA (RFC 6890 and its successors), without the rows that are globally
 * reachable. The first match counts.
 */
static const struct special {
	struct ip_network network;
	const char *what;
} specials[] = {
	{V4(0, 0, 0, 0, 8), "an unspecified address"},
	{V4(10, 0, 0, 0, 8), "a private address"},
	{V4(100, 64, 0, 0, 10), "a shared address of a provider"},
	{V4(127, 0, 0, 0, 8), "a loopback address"},
	{V4(169, 254, 0, 0, 16), "a link-local address"}, /* with the metadata servers of clouds */
	{V4(172, 16, 0, 0, 12), "a private address"},
	{V4(192, 0, 0, 0, 24), "an address of the IETF"},
	{V4(192, 0, 2, 0, 24), "an address for documentation"},
	{V4(192, 88, 99, 0, 24), "an address of 6to4 relays"},
	{V4(192, 168, 0, 0, 16), "a private address"},
	{V4(198, 18, 0, 0, 15), "an address for benchmarks"},
	{V4(198, 51, 100, 0, 24), "an address for documentation"},
	{V4(203, 0, 113, 0, 24), "an address for documentation"},
	{V4(224, 0, 0, 0, 4), "a multicast address"},
	{V4(240, 0, 0, 0, 4), "a reserved address"},
	{V6(128, 0), "an unspecified address"},
	{V6(128, [15] = 1), "a loopback address"},
	{V6(7, 0xfc), "a private address"},
	{V6(10, 0xfe, 0x80), "a link-local address"},
	{V6(10, 0xfe, 0xc0), "a private address"},
	{V6(8, 0xff), "a multicast address"},
	{V6(23, 0x20, 0x01), "an address of the IETF"}, /* with Teredo */
	{V6(32, 0x20, 0x01, 0x0d, 0xb8), "an address for documentation"},
	{V6(16, 0x20, 0x02), "an address of 6to4"},
	{V6(20, 0x3f, 0xff), "an address for documentation"},
};
/* All global unicast addresses of IPv6 that exist; what is neither here nor of IPv4 is reserved. */
static const struct ip_network global_v6 = V6(3, 0x20);

/* Gives the forms of an IPv4 address one form. */
static void unify(struct ip_address *a)
{
	if (memcmp(a->bytes, nat64_prefix, sizeof(nat64_prefix)) == 0)
		memcpy(a->bytes, mapped_prefix, sizeof(mapped_prefix));
}

static void set_v4(struct ip_address *a, const struct in_addr *v4)
{
	memcpy(a->bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(a->bytes + sizeof(mapped_prefix), v4, sizeof(*v4));
}

bool ip_address_of_socket(const struct sockaddr *socket, struct ip_address *ret_address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (socket->sa_family == AF_INET) {
		memcpy(&v4, socket, sizeof(v4)); /* it need not be aligned */
		set_v4(ret_address, &v4.sin_addr);
		return true;
	}
	if (socket->sa_family != AF_INET6)
		return false;
	memcpy(&v6, socket, sizeof(v6));
	memcpy(ret_address->bytes, &v6.sin6_addr, sizeof(ret_address->bytes));
	unify(ret_address);
	return true;
}

bool ip_address_parse(const char *text, struct ip_address *ret_address)
{
	size_t len = strlen(text);
	struct in_addr v4;
	struct in6_addr v6;
	char copy[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, text, &v4) == 1) {
		set_v4(ret_address, &v4);
		return true;
	}
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	len = strcspn(text, "]%"); /* of a zone only the address counts */
	if (len >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	if (inet_pton(AF_INET6, copy, &v6) != 1)
		return false;
	memcpy(ret_address->bytes, &v6, sizeof(ret_address->bytes));
	unify(ret_address);
	return true;
}

bool ip_network_has(const struct ip_network *network, const struct ip_address *address)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (memcmp(network->first.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || ((network->first.bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

/* True if all bits behind the prefix are 0. */
static bool is_aligned(const struct ip_network *n)
{
	for (unsigned bit = n->bits; bit < 128; bit++)
		if (n->first.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

/* Parses @text, "address" or "address/bits". */
static bool parse(char *text, struct ip_network *ret)
{
	bool v4 = !strchr(text, ':');
	char *slash = strchr(text, '/');
	unsigned long bits = v4 ? 32 : 128;
	char *end;

	if (slash) {
		*slash = '\0';
		if (!isdigit((unsigned char)slash[1]))
			return false;
		errno = 0;
		bits = strtoul(slash + 1, &end, 10);
		if (errno || *end || bits > (v4 ? 32 : 128))
			return false;
	}
	if (strpbrk(text, "[]%") || !ip_address_parse(text, &ret->first))
		return false;
	/* a form of IPv4 would be that network of IPv4, which is not what it looks like */
	if (!v4 && memcmp(ret->first.bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
		return false;
	ret->bits = v4 ? 96 + (unsigned)bits : (unsigned)bits;
	return is_aligned(ret);
}

int ip_network_next(const char **text, struct ip_network *ret_network, struct error *e)
{
	char word[64], copy[sizeof(word)];
	size_t len;

	*text += strspn(*text, " ,");
	len = strcspn(*text, " ,");
	if (len == 0)
		return 0;
	snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), *text);
	memcpy(copy, word, sizeof(copy));
	if (len >= sizeof(word) || !parse(copy, ret_network))
		return error_set(
			e, EINVAL,
			"'%s' is not a network; 10.0.0.0/8, 192.0.2.7 and fd00::/8 are examples of one",
			word);
	*text += len;
	return 1;
}

const char *ip_address_special(const struct ip_address *address)
{
	static const struct ip_network v4 = V4(0, 0, 0, 0, 0);

	for (size_t i = 0; i < ARRAY_SIZE(specials); i++)
		if (ip_network_has(&specials[i].network, address))
			return specials[i].what;
	return ip_network_has(&v4, address) || ip_network_has(&global_v6, address) ? NULL
										   : "a reserved address";
}
