/* SPDX-License-Identifier: Apache-2.0 */
/* Websockets: the handshake, and frames however their bytes arrive. */
#include "rest/websocket.h"

#include <stdio.h>
#include <string.h>

#include "model/cleanup.h"
#include "tests/unit/test.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ASK                                                                                                  \
	"GET /websockify?token=x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"

static struct websocket_handshake shake(const char *text)
{
	char copy[1024];
	struct http_head head;
	size_t len = strlen(text);

	assert_true(len < sizeof(copy));
	memcpy(copy, text, len);
	if (!http_head_parse(copy, len, &head))
		fail_msg("the head is refused: %s", head.text);
	assert_true(websocket_is_asked(&head));
	return websocket_shake_hands(&head);
}

/* The key and its answer are those of RFC 6455, 1.3. */
static void hands_are_shaken(void **state)
{
	struct websocket_handshake s = shake(ASK KEY "Sec-WebSocket-Version: 13\r\n\r\n");

	(void)state;
	assert_int_equal(s.status, 101);
	assert_string_equal(s.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_false(s.is_binary);
	s = shake(ASK KEY "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: base64, binary\r\n\r\n");
	assert_int_equal(s.status, 101);
	assert_true(s.is_binary);
}

static void what_is_no_handshake_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ASK KEY "\r\n", 426},
		{ASK KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426},
		{ASK "Sec-WebSocket-Version: 13\r\n\r\n", 400},
		{ASK "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\nSec-WebSocket-Version: 13\r\n\r\n", 400},
		{ASK "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\nSec-WebSocket-Version: 13\r\n\r\n", 400},
		{ASK "Sec-WebSocket-Key: dGhlIHNhbXBsZ-Bub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", 400},
		{ASK KEY "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: base64\r\n\r\n", 400},
		{ASK KEY "Sec-WebSocket-Version: 13\r\nContent-Length: 1\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY
		 "Sec-WebSocket-Version: 13\r\n\r\n",
		 400},
		{"GET / HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" KEY
		 "Sec-WebSocket-Version: 13\r\n\r\n",
		 400},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close\r\n" KEY
		 "Sec-WebSocket-Version: 13\r\n\r\n",
		 400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (shake(rows[i].text).status != rows[i].status)
			fail_msg("%s is answered with %d", rows[i].text, shake(rows[i].text).status);
}

/* What was read: data as it is, whole control frames in brackets. */
struct read {
	char text[512];
	long refused;
};

static struct read read_in_pieces(const char *frames, size_t all, size_t piece)
{
	struct websocket ws = {0};
	struct read r = {.refused = 0};
	size_t len = 0;

	for (size_t start = 0; start < all; start += piece) {
		unsigned char copy[512];
		size_t left = all - start < piece ? all - start : piece, at = 0;

		memcpy(copy, frames + start, left);
		while (at < left) {
			struct websocket_piece p;
			long taken = websocket_take(&ws, copy + at, left - at, &p);

			if (taken < 0) {
				r.refused = -taken;
				return r;
			}
			assert_true(taken > 0 && (size_t)taken <= left - at);
			at += (size_t)taken;
			assert_true(len + p.len + 8 < sizeof(r.text));
			if (p.opcode != WEBSOCKET_BINARY)
				len += (size_t)snprintf(r.text + len, 8, "[%d:", (int)p.opcode);
			memcpy(r.text + len, p.data, p.len);
			len += p.len;
			if (p.opcode != WEBSOCKET_BINARY)
				r.text[len++] = ']';
		}
	}
	return r;
}

/* A masked frame; the mask is "abcd". */
static size_t frame(char *to, unsigned first, const char *data, size_t len)
{
	size_t at = 0;

	to[at++] = (char)first;
	if (len < 126) {
		to[at++] = (char)(0x80 | len);
	} else {
		to[at++] = (char)(0x80 | 126);
		to[at++] = (char)(len >> 8);
		to[at++] = (char)len;
	}
	memcpy(to + at, "abcd", 4);
	at += 4;
	for (size_t i = 0; i < len; i++)
		to[at++] = (char)(data[i] ^ "abcd"[i % 4]);
	return at;
}

static void frames_are_read_in_any_pieces(void **state)
{
	char all[512], data[200], expected[512];
	size_t len = 0;

	(void)state;
	memset(data, 'x', sizeof(data));
	len += frame(all + len, 0x82, "RFB 003.008\n", 12);
	len += frame(all + len, 0x02, "one ", 4);
	len += frame(all + len, 0x89, "are you there", 13);
	len += frame(all + len, 0x00, "", 0);
	len += frame(all + len, 0x80, "message", 7);
	len += frame(all + len, 0x8A, "", 0);
	len += frame(all + len, 0x82, data, sizeof(data));
	len += frame(all + len, 0x88, "\x03\xe8", 2);
	snprintf(expected, sizeof(expected),
		 "RFB 003.008\none [9:are you there]message[10:]%.200s[8:\x03\xe8]", data);
	for (size_t piece = 1; piece <= len; piece++) {
		struct read r = read_in_pieces(all, len, piece);

		assert_int_equal(r.refused, 0);
		/* in pieces, control frames come whole and in their place */
		assert_string_equal(r.text, expected);
	}
}

static void what_clients_must_not_send_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		long why;
	} rows[] = {
		{"\x82\x01x", 3, WEBSOCKET_PROTOCOL_ERROR}, /* not masked */
		{"\xc2\x81", 2, WEBSOCKET_PROTOCOL_ERROR},  /* a reserved bit */
		{"\x81\x81", 2, WEBSOCKET_WRONG_DATA},	    /* text */
		{"\x83\x81", 2, WEBSOCKET_PROTOCOL_ERROR},  /* no opcode */
		{"\x8b\x81", 2, WEBSOCKET_PROTOCOL_ERROR},  /* no control opcode */
		{"\x80\x81", 2, WEBSOCKET_PROTOCOL_ERROR},  /* the rest of no message */
		{"\x09\x81", 2, WEBSOCKET_PROTOCOL_ERROR},  /* a ping in parts */
		{"\x89\xfe", 2, WEBSOCKET_PROTOCOL_ERROR},  /* a long ping */
		{"\x02\x80"
		 "abcd\x82\x81",
		 8, WEBSOCKET_PROTOCOL_ERROR},					  /* a message in a message */
		{"\x82\xff\x80\0\0\0\0\0\0\0abcd", 14, WEBSOCKET_PROTOCOL_ERROR}, /* a negative length */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t piece = 1; piece <= rows[i].len; piece++)
			assert_int_equal(read_in_pieces(rows[i].bytes, rows[i].len, piece).refused,
					 rows[i].why);
}

static void heads_are_as_long_as_they_must_be(void **state)
{
	static const struct {
		uint64_t len;
		const char *head;
		size_t head_len;
	} rows[] = {
		{0, "\x82\x00", 2},
		{125, "\x82\x7d", 2},
		{126, "\x82\x7e\x00\x7e", 4},
		{65535, "\x82\x7e\xff\xff", 4},
		{65536, "\x82\x7f\0\0\0\0\0\x01\0\0", 10},
	};
	unsigned char head[WEBSOCKET_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(websocket_head(WEBSOCKET_BINARY, rows[i].len, head), rows[i].head_len);
		assert_memory_equal(head, rows[i].head, rows[i].head_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_are_shaken),
		cmocka_unit_test(what_is_no_handshake_is_refused),
		cmocka_unit_test(frames_are_read_in_any_pieces),
		cmocka_unit_test(what_clients_must_not_send_is_refused),
		cmocka_unit_test(heads_are_as_long_as_they_must_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
