/* SPDX-License-Identifier: Apache-2.0 */
/* See websocket.h. */
#include "rest/websocket.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "model/cleanup.h"

#define FIN	 0x80u
#define RESERVED 0x70u
#define OPCODE	 0x0Fu
#define MASK	 0x80u
#define LENGTH	 0x7Fu
#define KEY_LEN	 24 /* of 16 bytes in base64 */

/* ------------------------------------------------------------------ handshake */

/* True when a field @name has @token in its list. */
static bool has_token(const struct http_head *head, const char *name, const char *token, bool *ret_any)
{
	for (size_t i = 0; i < head->count; i++) {
		const char *at = head->fields[i].value;

		if (strcasecmp(head->fields[i].name, name) != 0)
			continue;
		*ret_any = true;
		while (*at) {
			size_t len = strcspn(at, ", \t");

			if (len == strlen(token) && strncasecmp(at, token, len) == 0)
				return true;
			at += len;
			at += strspn(at, ", \t");
		}
	}
	return false;
}

bool websocket_is_asked(const struct http_head *head)
{
	bool any;

	return has_token(head, "Upgrade", "websocket", &any);
}

static bool is_key(const char *key)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return key && strlen(key) == KEY_LEN && strspn(key, letters) == KEY_LEN - 2 &&
	       strcmp(key + KEY_LEN - 2, "==") == 0;
}

/* RFC 6455, 4.2.2: it shows that the server knows the protocol, and is no secret. */
static bool accept_of(const char *key, char ret[WEBSOCKET_ACCEPT_SIZE])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[KEY_LEN + sizeof(magic)];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int n = snprintf(text, sizeof(text), "%s%s", key, magic);

	if (EVP_Digest(text, (size_t)n, hash, &len, EVP_sha1(), NULL) != 1)
		return false;
	return EVP_EncodeBlock((unsigned char *)ret, hash, (int)len) == WEBSOCKET_ACCEPT_SIZE - 1;
}

static struct websocket_handshake refusal(int status, const char *text)
{
	return (struct websocket_handshake){.status = status, .text = text};
}

struct websocket_handshake websocket_shake_hands(const struct http_head *head)
{
	const char *version = http_head_field(head, "Sec-WebSocket-Version"),
		   *key = http_head_field(head, "Sec-WebSocket-Key");
	struct websocket_handshake ret = {.status = 101};
	bool any = false, offers = false;

	if (strcmp(head->method, "GET") != 0 || head->old || head->chunked || head->length)
		return refusal(400, "a websocket is asked for by a GET of HTTP/1.1 without a body");
	if (!has_token(head, "Connection", "Upgrade", &any))
		return refusal(400, "the field Connection does not say Upgrade");
	if (!version || strcmp(version, "13") != 0)
		return refusal(426, "the version of the websocket must be 13");
	if (!is_key(key) || !accept_of(key, ret.accept))
		return refusal(400, "the field Sec-WebSocket-Key is not that of a websocket");
	ret.is_binary = has_token(head, "Sec-WebSocket-Protocol", "binary", &offers);
	return ret.is_binary || !offers ? ret
					: refusal(400, "the only subprotocol of the websocket is 'binary'");
}

/* --------------------------------------------------------------------- frames */

static size_t head_size(const struct websocket *ws)
{
	unsigned length = ws->head_len > 1 ? ws->head[1] & LENGTH : 0;

	return ws->head_len < 2 ? 2 : 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4u;
}

static enum websocket_opcode opcode_of(const struct websocket *ws)
{
	return (enum websocket_opcode)(ws->head[0] & OPCODE);
}

static bool is_control(const struct websocket *ws)
{
	return ws->head[0] & 0x08u;
}

/* Checks a head of which the first two bytes are there. 0, or -WEBSOCKET_... */
static int check_head(const struct websocket *ws)
{
	bool fin = ws->head[0] & FIN;

	if ((ws->head[0] & RESERVED) || !(ws->head[1] & MASK))
		return -WEBSOCKET_PROTOCOL_ERROR;
	switch (opcode_of(ws)) {
	case WEBSOCKET_CONTINUATION:
		return ws->in_message ? 0 : -WEBSOCKET_PROTOCOL_ERROR;
	case WEBSOCKET_BINARY:
		return ws->in_message ? -WEBSOCKET_PROTOCOL_ERROR : 0;
	case WEBSOCKET_TEXT:
		return -WEBSOCKET_WRONG_DATA;
	case WEBSOCKET_CLOSE:
	case WEBSOCKET_PING:
	case WEBSOCKET_PONG:
		return fin && (ws->head[1] & LENGTH) <= WEBSOCKET_CONTROL_MAX ? 0 : -WEBSOCKET_PROTOCOL_ERROR;
	}
	return -WEBSOCKET_PROTOCOL_ERROR;
}

/* Begins the frame whose head is complete. */
static int begin_frame(struct websocket *ws)
{
	unsigned length = ws->head[1] & LENGTH;
	size_t bytes = length == 126 ? 2 : length == 127 ? 8 : 0;

	ws->left = bytes ? 0 : length;
	for (size_t i = 0; i < bytes; i++)
		ws->left = ws->left << 8 | ws->head[2 + i];
	if (ws->left > INT64_MAX)
		return -WEBSOCKET_PROTOCOL_ERROR;
	ws->mask_at = 0;
	ws->control_len = 0;
	if (!is_control(ws))
		ws->in_message = !(ws->head[0] & FIN);
	return 0;
}

/* Takes a byte of the head. True when that is complete; *ret_r is 0, or -WEBSOCKET_... */
static bool take_head(struct websocket *ws, unsigned char byte, int *ret_r)
{
	ws->head[ws->head_len++] = byte;
	*ret_r = ws->head_len == 2 ? check_head(ws) : 0;
	if (*ret_r < 0 || ws->head_len < head_size(ws))
		return false;
	*ret_r = begin_frame(ws);
	return true;
}

static void unmask(struct websocket *ws, unsigned char *data, size_t len)
{
	const unsigned char *mask = ws->head + ws->head_len - 4;

	for (size_t i = 0; i < len; i++)
		data[i] ^= mask[(ws->mask_at + i) % 4];
	ws->mask_at = (unsigned)((ws->mask_at + len) % 4);
}

/* Takes @len bytes of the payload; at the end of the frame, its head is forgotten. */
static void take_payload(struct websocket *ws, unsigned char *data, size_t len, struct websocket_piece *ret)
{
	unmask(ws, data, len);
	ws->left -= len;
	if (!is_control(ws)) {
		*ret = (struct websocket_piece){WEBSOCKET_BINARY, data, len};
	} else {
		memcpy(ws->control + ws->control_len, data, len);
		ws->control_len += len;
		if (!ws->left)
			*ret = (struct websocket_piece){opcode_of(ws), ws->control, ws->control_len};
	}
	if (!ws->left)
		ws->head_len = 0;
}

long websocket_take(struct websocket *ws, unsigned char *data, size_t len, struct websocket_piece *ret)
{
	size_t at = 0, part;

	*ret = (struct websocket_piece){.opcode = WEBSOCKET_BINARY, .data = data};
	while (at < len) {
		int r;

		/* A frame is under way when its head is complete, which an empty one is left with at once. */
		if (ws->head_len < head_size(ws)) {
			if (!take_head(ws, data[at++], &r)) {
				if (r < 0)
					return r;
				continue;
			}
			if (r < 0)
				return r;
			if (ws->left)
				continue;
		}
		part = ws->left < len - at ? (size_t)ws->left : len - at;
		take_payload(ws, data + at, part, ret);
		at += part;
		return (long)at;
	}
	return (long)at;
}

size_t websocket_head(enum websocket_opcode opcode, uint64_t len, unsigned char ret[WEBSOCKET_HEAD_MAX])
{
	size_t bytes = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;

	ret[0] = (unsigned char)(FIN | (unsigned)opcode);
	ret[1] = (unsigned char)(bytes == 0 ? len : bytes == 2 ? 126 : 127);
	for (size_t i = 0; i < bytes; i++)
		ret[2 + i] = (unsigned char)(len >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}
