/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of a client: reads requests and writes answers, in a thread of its
 * own. A call to the pool may wait (for a commit, or for a host), and so delays no
 * other client. What a connection costs is bounded: its memory, the time for the
 * head and for the body of a request, and that for reading an answer. A refused
 * request does not end the connection unless the end of the request is unknown.
 */
#ifndef POOLFS_REST_CONNECTION_H
#define POOLFS_REST_CONNECTION_H

#include "rest/clients.h"
#include "rest/http_head.h"
#include "rest/mount.h"
#include "rest/proxy.h"
#include "rest/response.h"

struct connection;

/* A request with its body. Borrowed. */
struct exchange {
	const struct http_head *head;
	const char *method; /* that of the head, but GET for HEAD */
	const char *client; /* address, numeric or "local" */
	const char *host;   /* that the client called; NULL: none */
	bool https;	    /* the client, or its proxy, uses TLS */
	const char *body;   /* NULL: none */
	size_t len;
	struct connection *source; /* in place of `body`: see exchange_read(); NULL: none */
};

/* What connections have in common. */
struct service {
	struct clients *clients;
	const struct proxies *proxies;
	struct stream_tls *tls; /* NULL: none */
	/* Answers a request; blocks. @file is that of the connection. A reference; NULL when memory is short.
	 */
	struct response *(*answer)(void *arg, const struct exchange *x, struct call_file *file);
	/* True for a request whose body is read by what answers it, since it is long. */
	bool (*reads_body)(const struct http_head *head);
	void *arg;
};

/**
 * The next bytes of a body that comes from `source`, valid until the next call. Returns their number, 0 at the end;
 * -EPROTO for malformed chunks, -ETIMEDOUT, -EIO when the client is gone, -ECANCELED when it must go. Blocks. What is
 * not read when the request is answered ends the connection.
 */
ssize_t exchange_read(const struct exchange *x, const char **ret_data);

/**
 * Serves the connection @fd, which must not block, in a thread of its own. @address: of the other side, numeric
 * or "local". @service must exist until clients_free(). Takes over @fd, also when it must be closed at once.
 */
void connection_start(const struct service *service, int fd, const char *address);

#endif
