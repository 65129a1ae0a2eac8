/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: libmicrohttpd with a thread for each connection. A call of
 * the pool may wait (for a commit, or for a host that is asked), and a thread of
 * its own lets it wait without keeping anybody else. What a connection may cost is
 * bounded: its memory, the time for one request, and the number of connections.
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

/** Starts serving in threads of its own. */
int server_start(const struct server_options *options, struct server **ret_server, struct error *e);
/** Stops taking connections, lets those under way end. Accepts NULL. */
void server_stop(struct server *server);
/**
 * Closes connections on which a request takes too long to come. To be called about once a second. Returns for
 * how many seconds there has been no connection; 0 while there is one.
 */
int server_tend(struct server *server);

#endif
