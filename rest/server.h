/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: libmicrohttpd with one thread per connection. A call to the
 * pool may wait (for a commit, or for a host), and with a thread of its own it
 * delays no other client. The cost of a connection is bounded: its memory, the
 * time for one request, and the number of connections.
 */
#ifndef POOLFS_REST_SERVER_H
#define POOLFS_REST_SERVER_H

#include "model/error.h"

struct server;

struct server_options {
	const char *mountpoint;
	int socket;		       /* listening; taken over */
	const char *certificate, *key; /* files in PEM; NULL: no TLS */
};

/** Starts the server in threads of its own. */
int server_start(const struct server_options *options, struct server **ret_server, struct error *e);
/** Accepts no more connections and waits for the open ones. Accepts NULL. */
void server_stop(struct server *server);
/**
 * Closes connections whose next request is overdue. To be called about once a second. Returns the number of
 * seconds since the last connection was closed; 0 while there is one.
 */
int server_tend(struct server *server);

#endif
