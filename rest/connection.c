/* SPDX-License-Identifier: Apache-2.0 */
/* See connection.h. */
#include "rest/connection.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "model/clock.h"
#include "rest/http_body.h"

#define THREAD_STACK (512 << 10)	      /* bytes */
#define HEAD_MAX     (48 << 10)		      /* bytes of request line and fields */
#define IN_FIRST     (8 << 10)		      /* bytes: first size of the buffer */
#define IN_ROOM	     (8 << 10)		      /* bytes for the body, behind the head */
#define BODY_MAX     ((1 << 20) - (64 << 10)) /* bytes: leaves room for the rest of a call, 1 MiB in all */
#define DISCARD_MAX  (8 << 20) /* bytes of a longer body that are read to keep the connection */
#define IDLE_MS	     60000     /* between requests */
#define HEAD_MS	     20000     /* for a whole head; of a new connection with its handshake */
#define BODY_MS	     60000     /* for a whole body */
#define WRITE_MS     60000     /* for an answer, and one second for each of so many bytes: */
#define WRITE_RATE   (64 << 10)
#define FILE_PIECE   (256 << 10) /* bytes of a file in memory */
#define FOLLOW_MS    200	 /* between two looks at what follows an answer */
#define LINGER_MS    1000	 /* for the client to see the last answer before the connection is closed */

struct connection {
	const struct service *service;
	struct seat seat;
	struct stream *stream;	    /* owned */
	struct call_file call_file; /* owned */
	char peer[INET6_ADDRSTRLEN];
	bool trusted; /* the peer is a proxy */
	bool used;    /* there has been a request */
	time_t dated; /* the second whose `date` is */
	char date[32];
	/* What has arrived: the head, then what follows from `at` on. */
	char *in; /* owned */
	size_t at, len, room;
	/* Of the body that is being received. */
	struct http_body framing;
	size_t body_at; /* where it is received in `in`: behind the head */
	bool wants_100; /* the client waits for being told to go on */
};

/* The body of a request. */
struct body {
	char *data; /* owned */
	size_t len, room;
	bool too_long; /* and discarded */
};

static void body_done(struct body *body)
{
	free(body->data);
}

/* --------------------------------------------------------------------- answers */

/* Appends to the text in @to, of *len bytes. */
static void append(char *to, size_t size, size_t *len, const char *format, ...) _printf_(4, 5);
static void append(char *to, size_t size, size_t *len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(to + *len, size - *len, format, args);
	va_end(args);
	*len += n > 0 && (size_t)n < size - *len ? (size_t)n : 0;
}

/* The part of a file that is the body. When it cannot be read any more, the connection has to end. */
static int write_file(struct connection *c, const struct response *response, int64_t deadline)
{
	_cleanup_free_ char *piece = malloc(FILE_PIECE);
	size_t done = 0;

	while (piece && done < response->len) {
		size_t want = response->len - done < FILE_PIECE ? response->len - done : FILE_PIECE;
		ssize_t n = pread(response->fd, piece, want, (off_t)(response->offset + (int64_t)done));
		struct iovec part = {piece, n > 0 ? (size_t)n : 0};
		int r = n > 0 ? stream_write(c->stream, &part, 1, deadline) : -EIO;

		if (r < 0)
			return r;
		done += (size_t)n;
	}
	return piece ? 0 : -ENOMEM;
}

/* What comes after the body, until it or the client ends. */
static int write_following(struct connection *c, const struct follow *follow)
{
	int r = 0;

	while (r == 0 && stream_wait_while_open(c->stream, FOLLOW_MS)) {
		_cleanup_free_ char *text = NULL;
		size_t len = 0;
		struct iovec part;
		int written = 0;

		r = follow->next(follow->state, &c->call_file, &text, &len);
		part = (struct iovec){text, len};
		if (r >= 0 && len)
			written = stream_write(c->stream, &part, 1, clock_monotonic_ms() + WRITE_MS);
		if (written < 0)
			return written;
	}
	return r;
}

/* As HTTP writes it. */
static const char *date_of(struct connection *c, time_t now)
{
	struct tm tm;

	if (now != c->dated)
		(void)strftime(c->date, sizeof(c->date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	c->dated = now;
	return c->date;
}

static int write_response(struct connection *c, const struct response *response, const struct http_head *head,
			  bool persistent)
{
	bool none = head->method && strcmp(head->method, "HEAD") == 0, bare = none || response->fd >= 0;
	char text[1024];
	size_t len = 0;

	append(text, sizeof(text), &len, "HTTP/1.1 %d %s\r\nDate: %s\r\n", response->status,
	       response_reason(response->status), date_of(c, time(NULL)));
	if (!response->takeover)
		append(text, sizeof(text), &len, "Content-Type: %s\r\n", response->type);
	if (!response->takeover && !response->follow.state)
		append(text, sizeof(text), &len, "Content-Length: %zu\r\n", response->len);
	append(text, sizeof(text), &len, "%s%s%s\r\n", response->own, response->fields,
	       response->takeover ? "Connection: Upgrade\r\n"
	       : !persistent	  ? "Connection: close\r\n"
	       : head->old	  ? "Connection: keep-alive\r\n"
				  : "");
	struct iovec parts[] = {{text, len}, {(void *)(uintptr_t)response->body, bare ? 0 : response->len}};
	int64_t deadline = clock_monotonic_ms() + WRITE_MS + (int64_t)(response->len / WRITE_RATE) * 1000;
	int r = stream_write(c->stream, parts, ARRAY_SIZE(parts), deadline);

	if (r < 0 || none)
		return r;
	if (response->fd >= 0)
		return write_file(c, response, deadline);
	return response->follow.state ? write_following(c, &response->follow) : 0;
}

/* A closed socket with unread bytes resets the connection, and the client might lose the answer: read on. */
static void linger(struct connection *c)
{
	int64_t deadline = clock_monotonic_ms() + LINGER_MS;
	char trash[4096];

	stream_end(c->stream);
	while (stream_read(c->stream, trash, sizeof(trash), deadline) > 0)
		;
}

/* Returns false, as the connection ends. */
static bool refuse(struct connection *c, const struct http_head *head, int status, const char *text)
{
	_cleanup_(response_unref_p) struct response *response = response_text(status, text);

	if (response && write_response(c, response, head, false) == 0)
		linger(c);
	return false;
}

/* -------------------------------------------------------------------- requests */

/* Reads more bytes behind those that are there. Returns as stream_read(). */
static ssize_t read_more(struct connection *c, int64_t deadline)
{
	ssize_t n = stream_read(c->stream, c->in + c->len, c->room - c->len, deadline);

	if (n > 0)
		c->len += (size_t)n;
	return n;
}

static bool grow(struct connection *c, size_t room)
{
	char *grown = room > c->room ? realloc(c->in, room) : c->in;

	if (!grown)
		return false;
	c->in = grown;
	c->room = room > c->room ? room : c->room;
	return true;
}

/* Waits for the first byte. */
static bool wait_for_request(struct connection *c, int64_t begun)
{
	if (!seat_wait(&c->seat))
		return false;
	/* What followed the last request may be the beginning of the next one. */
	memmove(c->in, c->in + c->at, c->len - c->at);
	c->len -= c->at;
	c->at = 0;
	return c->len || read_more(c, c->used ? clock_monotonic_ms() + IDLE_MS : begun + HEAD_MS) > 0;
}

/* Reads a whole head. */
static bool read_head(struct connection *c, int64_t deadline, struct http_head *ret)
{
	size_t searched = 0, end;
	ssize_t n;

	*ret = (struct http_head){0};
	while (!(end = http_head_length(c->in, c->len, searched))) {
		unsigned char first = (unsigned char)*c->in;

		if (!http_is_token(first) && first != '\r' && first != '\n')
			return refuse(c, ret, 400, "this is no HTTP request");
		searched = c->len;
		if (c->len >= HEAD_MAX)
			return refuse(c, ret, memchr(c->in, '\n', c->len) ? 431 : 414,
				      "the head of the request is too long");
		if (c->len == c->room && !grow(c, c->room < HEAD_MAX / 2 ? 2 * c->room : HEAD_MAX))
			return false;
		n = read_more(c, deadline);
		if (n == -ETIMEDOUT)
			return refuse(c, ret, 408, "the head of the request took too long");
		if (n <= 0)
			return false;
	}
	c->at = end;
	if (!grow(c, end + IN_ROOM)) /* before anything points into it */
		return false;
	return http_head_parse(c->in, end, ret) || refuse(c, ret, ret->status, ret->text);
}

/* False when memory is short. */
static bool gather(struct body *body, const char *data, size_t len)
{
	if (body->too_long || len > BODY_MAX - body->len) {
		body->too_long = true;
		body->len += len;
		return true;
	}
	if (body->room - body->len < len) {
		size_t room = 2 * body->room > body->len + len ? 2 * body->room : body->len + len;
		char *grown = realloc(body->data, room);

		if (!grown)
			return false;
		body->data = grown;
		body->room = room;
	}
	memcpy(body->data + body->len, data, len);
	body->len += len;
	return true;
}

static void begin_body(struct connection *c, const struct http_head *head)
{
	c->framing = http_body_of(head);
	c->body_at = c->at;
	c->wants_100 = head->wants_100;
}

/* Receives more of the body. 0, -EIO, -ETIMEDOUT. */
static int receive(struct connection *c, int64_t deadline)
{
	static char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec line = {go_on, sizeof(go_on) - 1};
	ssize_t n;

	if (c->wants_100 && stream_write(c->stream, &line, 1, deadline) < 0)
		return -EIO;
	c->wants_100 = false;
	c->at = c->len = c->body_at;
	n = read_more(c, deadline);
	return n > 0 ? 0 : n == -ETIMEDOUT ? -ETIMEDOUT : -EIO;
}

/* The next bytes of the body, as exchange_read(). */
static ssize_t next_bytes(struct connection *c, int64_t deadline, const char **ret_data)
{
	size_t len = 0;
	int r;

	while (!http_body_is_complete(&c->framing)) {
		long taken = http_body_take(&c->framing, c->in + c->at, c->len - c->at, ret_data, &len);

		if (taken < 0)
			return -EPROTO;
		c->at += (size_t)taken;
		if (len)
			return (ssize_t)len;
		if (c->at < c->len || http_body_is_complete(&c->framing))
			continue;
		r = receive(c, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

ssize_t exchange_read(const struct exchange *x, const char **ret_data)
{
	struct connection *c = x->source;
	ssize_t n;

	if (!seat_wait(&c->seat))
		return -ECANCELED;
	n = next_bytes(c, clock_monotonic_ms() + BODY_MS, ret_data);
	return seat_work(&c->seat) ? n : -ECANCELED;
}

static bool read_body(struct connection *c, const struct http_head *head, struct body *body)
{
	int64_t deadline = clock_monotonic_ms() + BODY_MS;
	const char *data;
	ssize_t n;

	if (head->length > DISCARD_MAX || (head->length > BODY_MAX && head->wants_100))
		return refuse(c, head, 413, "the body is too long");
	while ((n = next_bytes(c, deadline, &data)) > 0) {
		if (!gather(body, data, (size_t)n))
			return refuse(c, head, 500, "out of memory");
		if (body->len > DISCARD_MAX)
			return refuse(c, head, 413, "the body is too long");
	}
	if (n == -EPROTO)
		return refuse(c, head, 400, "the body is not well formed in chunks");
	if (n == -ETIMEDOUT)
		return refuse(c, head, 408, "the body of the request took too long");
	return n == 0;
}

/* ------------------------------------------------------------------ the thread */

static struct response *answer(struct connection *c, const struct exchange *x, const struct body *body)
{
	const char *coding = http_head_field(x->head, "Content-Encoding");
	struct response *response;

	if (body->too_long)
		return response_text(413, "the body is too long");
	if (coding && (body->len || x->source) && strcasecmp(coding, "identity") != 0) {
		response = response_text(415, "a body must not be compressed");
		response_add_field(response, "Accept-Encoding", "identity");
		return response;
	}
	return c->service->answer(c->service->arg, x, &c->call_file);
}

/* Answers for a client that is connected, or that a trusted proxy speaks for. */
static struct response *answer_client(struct connection *c, const struct http_head *head,
				      const struct body *body, bool reads_body)
{
	struct exchange x = {.head = head,
			     .method = strcmp(head->method, "HEAD") == 0 ? "GET" : head->method,
			     .client = c->peer,
			     .host = head->host,
			     .https = c->service->tls != NULL,
			     .body = body->data,
			     .len = body->len,
			     .source = reads_body ? c : NULL};
	struct response *response;
	struct forwarded forwarded;
	struct client *client;

	if (!c->trusted)
		return answer(c, &x, body);
	forwarded_read(c->service->proxies, head, c->peer, &forwarded);
	x.client = forwarded.client;
	x.host = *forwarded.host ? forwarded.host : x.host;
	x.https = x.https || forwarded.https;
	client = clients_begin_request(c->service->clients, x.client);
	response = client ? answer(c, &x, body) : response_text(429, "too many requests at a time");
	if (!client)
		response_add_field(response, "Retry-After", RESPONSE_RETRY);
	clients_end_request(c->service->clients, client);
	return response;
}

/* Serves one request. False when the connection ends. */
static bool serve_request(struct connection *c, int64_t begun)
{
	_cleanup_(body_done) struct body body = {0};
	_cleanup_(response_unref_p) struct response *response = NULL;
	struct http_head head;
	bool reads_body, persistent;

	if (!wait_for_request(c, begun) ||
	    !read_head(c, c->used ? clock_monotonic_ms() + HEAD_MS : begun + HEAD_MS, &head))
		return false;
	begin_body(c, &head);
	reads_body = c->service->reads_body && c->service->reads_body(&head);
	if ((!reads_body && !read_body(c, &head, &body)) || !seat_work(&c->seat))
		return false;
	c->used = true;
	response = answer_client(c, &head, &body, reads_body);
	if (!response || !seat_wait(&c->seat))
		return false;
	persistent = head.persistent && !response->last && !response->follow.state &&
		     http_body_is_complete(&c->framing);
	if (write_response(c, response, &head, persistent) < 0)
		return false;
	if (response->takeover) {
		response->takeover->serve(response->takeover, c->stream, &c->seat, c->in + c->at,
					  c->len - c->at, &c->call_file);
		persistent = false;
	}
	if (!persistent)
		linger(c);
	return persistent;
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	int64_t begun = clock_monotonic_ms();

	if (stream_accept(c->stream, begun + HEAD_MS) == 0)
		while (serve_request(c, begun))
			;
	call_file_close(&c->call_file);
	clients_leave(c->service->clients, &c->seat); /* the service may end from here on */
	stream_free(c->stream);
	free(c->in);
	free(c);
	return NULL;
}

static bool start_thread(struct connection *c)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool ok;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attributes, THREAD_STACK);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	ok = pthread_create(&thread, &attributes, serve, c) == 0;
	(void)pthread_attr_destroy(&attributes);
	return ok;
}

void connection_start(const struct service *service, int fd, const char *address)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct stream *stream = c ? stream_new(fd, service->tls) : NULL;

	if (!stream) {
		free(c);
		(void)close(fd);
		return;
	}
	c->service = service;
	c->stream = stream;
	c->call_file = CALL_FILE_INIT;
	c->trusted = proxies_trust(service->proxies, address);
	snprintf(c->peer, sizeof(c->peer), "%s", address);
	if (grow(c, IN_FIRST) && clients_seat(service->clients, &c->seat, address, c->trusted, stream)) {
		if (start_thread(c))
			return;
		clients_leave(service->clients, &c->seat);
	}
	stream_free(stream);
	free(c->in);
	free(c);
}
