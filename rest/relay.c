/* SPDX-License-Identifier: Apache-2.0 */
/* See relay.h. */
#include "rest/relay.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "model/cleanup.h"
#include "model/clock.h"

#define BUFFER	   (32 << 10) /* bytes */
#define TICK_MS	   2000	      /* between two questions whether it is still allowed */
#define PING_MS	   30000      /* without a byte of the client, until it is pinged */
#define SILENCE_MS 90000      /* until it is given up */
#define READ_MS	   10	      /* for the rest of a record of TLS */
#define WRITE_MS   60000      /* until either side has taken a buffer */

struct state {
	const struct relay *relay;
	struct websocket ws;
	char *buffer;	/* owned */
	int64_t heard;	/* ms: the last byte of the client */
	int64_t pinged; /* ms */
};

/* Sends a frame. 0, or a negative errno: the client is gone. */
static int send_frame(struct state *s, enum websocket_opcode opcode, const void *data, size_t len)
{
	unsigned char head[WEBSOCKET_HEAD_MAX];
	struct iovec parts[] = {{head, websocket_head(opcode, len, head)}, {(void *)(uintptr_t)data, len}};

	return stream_write(s->relay->stream, parts, ARRAY_SIZE(parts), clock_monotonic_ms() + WRITE_MS);
}

/* Says why the connection ends, and returns -ECANCELED. */
static int say_end(struct state *s, enum websocket_end why)
{
	const unsigned char code[] = {(unsigned char)(why >> 8), (unsigned char)why};

	(void)send_frame(s, WEBSOCKET_CLOSE, code, sizeof(code));
	return -ECANCELED;
}

/* Writes to the other connection. */
static int pass_on(const struct state *s, const unsigned char *data, size_t len)
{
	int64_t deadline = clock_monotonic_ms() + WRITE_MS;

	while (len) {
		struct pollfd p = {.fd = s->relay->fd, .events = POLLOUT};
		ssize_t n = send(s->relay->fd, data, len, MSG_NOSIGNAL);
		int64_t left = deadline - clock_monotonic_ms();

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if ((errno != EAGAIN && errno != EINTR) || left <= 0 || poll(&p, 1, (int)left) < 0)
			return -EIO;
	}
	return 0;
}

/* Does what a piece asks for. A client that says that it ends is answered the same. */
static int take_piece(struct state *s, const struct websocket_piece *piece)
{
	switch (piece->opcode) {
	case WEBSOCKET_BINARY:
		return pass_on(s, piece->data, piece->len) < 0 ? say_end(s, WEBSOCKET_GOING_AWAY) : 0;
	case WEBSOCKET_PING:
		return send_frame(s, WEBSOCKET_PONG, piece->data, piece->len);
	case WEBSOCKET_CLOSE:
		(void)send_frame(s, WEBSOCKET_CLOSE, piece->data, piece->len < 2 ? piece->len : 2);
		return -ECANCELED;
	case WEBSOCKET_CONTINUATION:
	case WEBSOCKET_TEXT:
	case WEBSOCKET_PONG:
		break;
	}
	return 0;
}

/* Takes what has arrived from the client; @data is changed. */
static int take(struct state *s, unsigned char *data, size_t len)
{
	s->heard = clock_monotonic_ms();
	while (len) {
		struct websocket_piece piece;
		long n = websocket_take(&s->ws, data, len, &piece);
		int r;

		if (n < 0)
			return say_end(s, (enum websocket_end) - n);
		data += n;
		len -= (size_t)n;
		r = take_piece(s, &piece);
		if (r < 0)
			return r;
	}
	return 0;
}

static int from_client(struct state *s)
{
	ssize_t n = stream_read(s->relay->stream, s->buffer, BUFFER, clock_monotonic_ms() + READ_MS);

	if (n == -ETIMEDOUT)
		return 0;
	return n > 0 ? take(s, (unsigned char *)s->buffer, (size_t)n) : -EIO;
}

static int from_other(struct state *s)
{
	ssize_t n = recv(s->relay->fd, s->buffer, BUFFER, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? send_frame(s, WEBSOCKET_BINARY, s->buffer, (size_t)n) : say_end(s, WEBSOCKET_NORMAL);
}

/* What is due when some time has passed. */
static int tend(struct state *s, int64_t now)
{
	if (now - s->heard > SILENCE_MS)
		return say_end(s, WEBSOCKET_GOING_AWAY);
	if (now - s->heard > PING_MS && now - s->pinged > PING_MS) {
		s->pinged = now;
		return send_frame(s, WEBSOCKET_PING, NULL, 0);
	}
	return s->relay->is_allowed(s->relay->arg) ? 0 : say_end(s, WEBSOCKET_POLICY);
}

/* Waits for something to do, and does it. */
static int step(struct state *s, int64_t *tick)
{
	bool stream = false, other = false;
	int64_t now;
	int r;

	if (!seat_wait(s->relay->seat))
		return say_end(s, WEBSOCKET_GOING_AWAY);
	r = stream_wait(s->relay->stream, s->relay->fd, *tick, &stream, &other);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	r = stream ? from_client(s) : 0;
	if (r == 0 && other)
		r = from_other(s);
	now = clock_monotonic_ms();
	if (r < 0 || now < *tick)
		return r;
	*tick = now + TICK_MS;
	return tend(s, now);
}

void relay_run(const struct relay *relay, const char *data, size_t len)
{
	int64_t now = clock_monotonic_ms(), tick = now + TICK_MS;
	struct state s = {.relay = relay, .heard = now, .buffer = malloc(BUFFER > len ? BUFFER : len)};
	int r = s.buffer ? 0 : -ENOMEM;

	if (r == 0) {
		memcpy(s.buffer, data, len);
		r = take(&s, (unsigned char *)s.buffer, len);
	}
	while (r == 0)
		r = step(&s, &tick);
	free(s.buffer);
}
