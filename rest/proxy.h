/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proxies in front of the server, and what they say about their clients: the
 * fields X-Forwarded-For, -Host and -Proto, or Forwarded (RFC 7239) where there is
 * no X-Forwarded-For. Everybody can write these fields, so only configured
 * addresses are believed. Pure.
 */
#ifndef POOLFS_REST_PROXY_H
#define POOLFS_REST_PROXY_H

#include <netinet/in.h>

#include "model/error.h"
#include "rest/http_head.h"

#define PROXY_NETWORKS 64

struct proxies {
	struct proxy_network {
		struct in6_addr address; /* of IPv4: mapped */
		int bits;
	} networks[PROXY_NETWORKS];
	size_t count;
	bool local; /* clients of a Unix socket */
};

/** Adds the networks in @list, "ADDRESS[/BITS],..." or "unix". -EINVAL. */
int proxies_add(struct proxies *proxies, const char *list, struct error *e);
/** True when @address (numeric, or "local") is one of a proxy. */
bool proxies_trust(const struct proxies *proxies, const char *address);

/* What a trusted proxy says about a request. */
struct forwarded {
	char client[INET6_ADDRSTRLEN]; /* the nearest address that is not one of a trusted proxy */
	char host[256];		       /* "": not said */
	bool https;
};

/** Reads @head, a request that came from the trusted proxy @peer. */
void forwarded_read(const struct proxies *proxies, const struct http_head *head, const char *peer,
		    struct forwarded *ret);

#endif
