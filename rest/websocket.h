/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the WebSocket protocol (RFC 6455): the handshake, and frames. Pure.
 *
 * Messages are streams of bytes here: what is in a frame is passed on as it arrives, however long the frame is and into
 * however many a message is cut, so nothing is gathered. What a client must not send ends the connection.
 */
#ifndef POOLFS_REST_WEBSOCKET_H
#define POOLFS_REST_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rest/http_head.h"

/* Bytes of the value of Sec-WebSocket-Accept, with its NUL. */
#define WEBSOCKET_ACCEPT_SIZE 29
/* The most bytes of a head of a frame of the server. */
#define WEBSOCKET_HEAD_MAX 10
/* The most bytes in a control frame. */
#define WEBSOCKET_CONTROL_MAX 125

/* Why a connection ends, as the close frame says it. */
enum websocket_end {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL_ERROR = 1002,
	WEBSOCKET_WRONG_DATA = 1003,
	WEBSOCKET_POLICY = 1008,
};

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* What a head that asks for a websocket is answered with. */
struct websocket_handshake {
	int status;			    /* 101; or of the refusal */
	const char *text;		    /* of the refusal: one sentence, static */
	char accept[WEBSOCKET_ACCEPT_SIZE]; /* 101: Sec-WebSocket-Accept */
	bool is_binary;			    /* 101: the client knows the subprotocol `binary` */
};

/** True for a head that asks for a websocket. */
bool websocket_is_asked(const struct http_head *head);
/** Checks such a head. A client that offers subprotocols must offer `binary`. */
struct websocket_handshake websocket_shake_hands(const struct http_head *head);

/* What arrives from the client; all zero at first. */
struct websocket {
	unsigned char head[14]; /* of the present frame, as far as it has arrived */
	size_t head_len;
	uint64_t left; /* bytes of it that have not arrived */
	unsigned mask_at;
	bool in_message; /* the last data frame was not the end of its message */
	unsigned char control[WEBSOCKET_CONTROL_MAX];
	size_t control_len;
};

/* A piece of what has arrived. */
struct websocket_piece {
	enum websocket_opcode opcode; /* BINARY for data, CLOSE, PING or PONG for whole control frames */
	const unsigned char *data;    /* unmasked; borrowed from the buffer, or the websocket */
	size_t len;
};

/**
 * Takes bytes from @data, which it unmasks in place, up to the end of a piece. Returns how many, and the piece, whose
 * length may be 0 for data; -WEBSOCKET_... for what a client must not send.
 */
long websocket_take(struct websocket *ws, unsigned char *data, size_t len, struct websocket_piece *ret);
/** Writes the head of a frame of @len bytes. Returns its length. */
size_t websocket_head(enum websocket_opcode opcode, uint64_t len, unsigned char ret[WEBSOCKET_HEAD_MAX]);

#endif
