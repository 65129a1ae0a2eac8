/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: accepts connections (connection.h) and answers their requests
 * by calls to the pool. It reads HTTP itself, because the libraries of Debian 12 hide
 * from their users what must be refused (http_head.h).
 */
#ifndef POOLFS_REST_SERVER_H
#define POOLFS_REST_SERVER_H

#include "model/error.h"
#include "rest/proxy.h"

struct server;

struct server_options {
	const char *mountpoint;
	int socket;		       /* listening; taken over */
	const char *certificate, *key; /* files in PEM; NULL: no TLS */
	bool metrics;		       /* serve /metrics, too */
	const struct proxies *proxies; /* must exist as long as the server */
};

/** Starts the server in threads of its own. */
int server_start(const struct server_options *options, struct server **ret_server, struct error *e);
/** Accepts no more connections, and waits for the answers that are being made. Accepts NULL. */
void server_stop(struct server *server);
/**
 * Drops cached answers that are too old, and tells of failures that the log has left out. To be called about once a second. Returns the number of seconds since
 * the last connection was closed; 0 while there is one.
 */
int server_tend(struct server *server);

#endif
