/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A websocket in front of another connection: the bytes of the messages of one side are those of the other. It holds
 * one buffer, and reads from a side only when the other has taken what came before. While nothing comes from the client
 * it is pinged, and given up in the end; its seat can be given to a newcomer at any time.
 */
#ifndef POOLFS_REST_RELAY_H
#define POOLFS_REST_RELAY_H

#include "rest/clients.h"
#include "rest/websocket.h"

struct relay {
	struct stream *stream; /* borrowed: of the client, whose handshake is done */
	struct seat *seat;     /* borrowed: its */
	int fd;		       /* borrowed: the other connection; does not block */
	/* Asked now and then; false ends the relay with WEBSOCKET_POLICY. */
	bool (*is_allowed)(void *arg);
	void *arg;
};

/** Serves until one side ends. @data: what the client has sent after its handshake. Blocks. */
void relay_run(const struct relay *relay, const char *data, size_t len);

#endif
