/* SPDX-License-Identifier: Apache-2.0 */
/* See proxy.h. */
#include "rest/proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool parse_address(const char *text, struct in6_addr *ret, bool *ret_v4)
{
	struct in_addr v4;

	*ret_v4 = inet_pton(AF_INET, text, &v4) == 1;
	if (!*ret_v4)
		return inet_pton(AF_INET6, text, ret) == 1;
	*ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
	memcpy(&ret->s6_addr[12], &v4, 4);
	return true;
}

static int add_network(struct proxies *proxies, char *text, struct error *e)
{
	struct proxy_network network;
	char *slash = strchr(text, '/'), *end = NULL;
	bool v4;
	long bits;

	if (strcmp(text, "unix") == 0) {
		proxies->local = true;
		return 0;
	}
	if (slash)
		*slash++ = '\0';
	if (!parse_address(text, &network.address, &v4))
		return error_set(e, EINVAL,
				 "'%s' is not the address of a proxy: expected ADDRESS[/BITS] or 'unix'",
				 text);
	bits = v4 ? 32 : 128;
	if (slash) {
		long given = strtol(slash, &end, 10);

		if (!isdigit((unsigned char)*slash) || *end || given > bits)
			return error_set(e, EINVAL, "'%s' is not a number of bits of the address '%s'", slash,
					 text);
		bits = given;
	}
	if (proxies->count == PROXY_NETWORKS)
		return error_set(e, EINVAL, "there are more than %d networks of proxies", PROXY_NETWORKS);
	network.bits = (int)bits + (v4 ? 96 : 0);
	proxies->networks[proxies->count++] = network;
	return 0;
}

int proxies_add(struct proxies *proxies, const char *list, struct error *e)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy, *part;
	int r = 0;

	if (!copy)
		return error_oom(e);
	while (r == 0 && (part = strsep(&rest, ",")))
		r = add_network(proxies, part, e);
	return r;
}

static bool contains(const struct proxy_network *network, const struct in6_addr *address)
{
	int whole = network->bits / 8, rest = network->bits % 8;

	if (memcmp(&network->address, address, (size_t)whole) != 0)
		return false;
	return !rest || !((network->address.s6_addr[whole] ^ address->s6_addr[whole]) >> (8 - rest));
}

bool proxies_trust(const struct proxies *proxies, const char *text)
{
	struct in6_addr address;
	bool v4;

	if (!parse_address(text, &address, &v4))
		return proxies->local && strcmp(text, "local") == 0;
	for (size_t i = 0; i < proxies->count; i++)
		if (contains(&proxies->networks[i], &address))
			return true;
	return false;
}

/* ------------------------------------------------------------- what they say */

/* Copies an address without quotes, brackets and port, in its usual form. False when it is none. */
static bool clean_address(const char *text, size_t len, char ret[INET6_ADDRSTRLEN])
{
	char copy[64], *start = copy, *end;
	struct in6_addr address;
	bool v4;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (*start == '"')
		start++;
	start[strcspn(start, "\"")] = '\0';
	if (*start == '[') {
		start++;
		start[strcspn(start, "]")] = '\0';
	} else if ((end = strchr(start, ':')) && !strchr(end + 1, ':')) {
		*end = '\0';
	}
	if (!parse_address(start, &address, &v4))
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&address))
		return inet_ntop(AF_INET, &address.s6_addr[12], ret, INET6_ADDRSTRLEN) != NULL;
	return inet_ntop(AF_INET6, &address, ret, INET6_ADDRSTRLEN) != NULL;
}

/* The value of the parameter @name in an element of Forwarded. */
static bool find_parameter(const char *text, size_t len, const char *name, const char **ret, size_t *ret_len)
{
	size_t wanted = strlen(name);
	const char *at = text, *end = text + len;

	while (at < end) {
		size_t part = strcspn(at, ";,");

		if (part > (size_t)(end - at))
			part = (size_t)(end - at);
		while (part && (*at == ' ' || *at == '\t')) {
			at++;
			part--;
		}
		if (part > wanted && strncasecmp(at, name, wanted) == 0 && at[wanted] == '=') {
			*ret = at + wanted + 1;
			*ret_len = part - wanted - 1;
			return true;
		}
		at += part + 1;
	}
	return false;
}

/* The client as the element of a list says it. */
static bool client_of(const char *text, size_t len, bool standard, char ret[INET6_ADDRSTRLEN])
{
	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (standard && !find_parameter(text, len, "for", &text, &len))
		return false;
	return clean_address(text, len, ret);
}

/*
 * Each proxy appends the address that it has the request from, so the list is read from its end. What stands
 * before the first address that is not one of a trusted proxy was written by anybody. False: go on.
 */
static bool walk(const struct proxies *proxies, const char *value, bool standard, struct forwarded *ret)
{
	size_t end = strlen(value);

	for (;;) {
		size_t start = end;
		char address[INET6_ADDRSTRLEN];

		while (start && value[start - 1] != ',')
			start--;
		if (!client_of(value + start, end - start, standard, address))
			return true;
		memcpy(ret->client, address, sizeof(address));
		if (!proxies_trust(proxies, address))
			return true;
		if (!start)
			return false;
		end = start - 1;
	}
}

static void read_client(const struct proxies *proxies, const struct http_head *head, const char *name,
			bool standard, struct forwarded *ret)
{
	for (size_t i = head->count; i-- > 0;)
		if (strcasecmp(head->fields[i].name, name) == 0 &&
		    walk(proxies, head->fields[i].value, standard, ret))
			return;
}

static void copy_host(const char *text, size_t len, struct forwarded *ret)
{
	if (len && *text == '"') {
		text++;
		len = strcspn(text, "\"");
	}
	if (len < sizeof(ret->host))
		snprintf(ret->host, sizeof(ret->host), "%.*s", (int)len, text);
}

void forwarded_read(const struct proxies *proxies, const struct http_head *head, const char *peer,
		    struct forwarded *ret)
{
	const char *list = http_head_field(head, "X-Forwarded-For");
	const char *standard = list ? NULL : http_head_field(head, "Forwarded");
	const char *host = http_head_field(head, "X-Forwarded-Host");
	const char *scheme = http_head_field(head, "X-Forwarded-Proto");
	size_t len = scheme ? strlen(scheme) : 0;

	*ret = (struct forwarded){0};
	snprintf(ret->client, sizeof(ret->client), "%s", peer);
	read_client(proxies, head, standard ? "Forwarded" : "X-Forwarded-For", standard != NULL, ret);
	if (host)
		copy_host(host, strcspn(host, ", "), ret);
	else if (standard && find_parameter(standard, strlen(standard), "host", &host, &len))
		copy_host(host, len, ret);
	if (standard && !scheme && !find_parameter(standard, strlen(standard), "proto", &scheme, &len))
		scheme = NULL;
	ret->https = scheme && len >= 5 && strncasecmp(scheme, "https", 5) == 0;
}
