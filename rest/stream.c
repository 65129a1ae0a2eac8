/* SPDX-License-Identifier: Apache-2.0 */
/* See stream.h. */
#include "rest/stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "model/clock.h"

/* Encrypted at once: what a record of TLS holds. */
#define RECORD (16 << 10)

struct stream_tls {
	SSL_CTX *context;
};

struct stream {
	int fd;		    /* blocks, unless there is TLS */
	SSL *ssl;	    /* owned; NULL: no TLS */
	int64_t timeout_ms; /* of recv(2); 0: not set yet */
};

/* ----------------------------------------------------------------------- TLS */

/* The client offers protocols; this server speaks one. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
			   const unsigned char *offered, unsigned len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *context, const char *certificate, const char *key)
{
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_use_certificate_chain_file(context, certificate) == 1 &&
	       SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(context) == 1;
}

static int check_readable(const char *path, struct error *e)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	return f ? 0 : error_set(e, errno, "cannot read '%s': %s", path, strerror(errno));
}

int stream_tls_new(const char *certificate, const char *key, struct stream_tls **ret, struct error *e)
{
	struct stream_tls *tls;
	int r = check_readable(certificate, e);

	if (r == 0)
		r = check_readable(key, e);
	if (r < 0)
		return r;
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return error_oom(e);
	tls->context = SSL_CTX_new(TLS_server_method());
	if (!tls->context || !set_up(tls->context, certificate, key)) {
		stream_tls_free(tls);
		ERR_clear_error();
		return error_set(e, EINVAL, "cannot serve with the certificate '%s' and the key '%s'",
				 certificate, key);
	}
	*ret = tls;
	return 0;
}

void stream_tls_free(struct stream_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

/* ---------------------------------------------------------------- a connection */

struct stream *stream_new(int fd, struct stream_tls *tls)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->fd = fd;
	stream->ssl = tls ? SSL_new(tls->context) : NULL;
	if (tls && (!stream->ssl || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || SSL_set_fd(stream->ssl, fd) != 1)) {
		SSL_free(stream->ssl);
		free(stream);
		return NULL;
	}
	return stream;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	SSL_free(stream->ssl);
	(void)close(stream->fd);
	free(stream);
}

void stream_shut_down(struct stream *stream)
{
	(void)shutdown(stream->fd, SHUT_RDWR);
}

void stream_end(struct stream *stream)
{
	if (stream->ssl)
		(void)SSL_shutdown(stream->ssl);
	ERR_clear_error();
	(void)shutdown(stream->fd, SHUT_WR);
}

static int wait_for(const struct stream *stream, short events, int64_t deadline)
{
	struct pollfd p = {.fd = stream->fd, .events = events};
	int64_t left = deadline - clock_monotonic_ms();
	int r = left > 0 ? poll(&p, 1, (int)(left < 3600000 ? left : 3600000)) : 0;

	if (r < 0)
		return errno == EINTR ? 0 : -EIO;
	return r ? 0 : -ETIMEDOUT;
}

/* What to do after a call of OpenSSL gave @result: 0 to repeat it, else an error; -EPIPE at the end. */
static int wait_for_tls(const struct stream *stream, int result, int64_t deadline)
{
	int why = SSL_get_error(stream->ssl, result);

	ERR_clear_error();
	switch (why) {
	case SSL_ERROR_WANT_READ:
		return wait_for(stream, POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(stream, POLLOUT, deadline);
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return -EIO;
	}
}

bool stream_wait_while_open(struct stream *stream, int ms)
{
	struct pollfd fd = {.fd = stream->fd, .events = POLLRDHUP};

	return poll(&fd, 1, ms) == 0 || errno == EINTR;
}

int stream_accept(struct stream *stream, int64_t deadline)
{
	int result, r = 0;

	while (stream->ssl && r == 0 && (result = SSL_accept(stream->ssl)) != 1)
		r = wait_for_tls(stream, result, deadline);
	return r;
}

static ssize_t read_tls(struct stream *stream, void *buffer, size_t room, int64_t deadline)
{
	int result, r;

	while ((result = SSL_read(stream->ssl, buffer, (int)(room < RECORD ? room : RECORD))) <= 0) {
		r = wait_for_tls(stream, result, deadline);
		if (r < 0)
			return r == -EPIPE ? 0 : r;
	}
	return result;
}

/* Has recv(2) end at the deadline. Between requests it is always as far away: no system call then. */
static int set_timeout(struct stream *stream, int64_t deadline)
{
	int64_t left = deadline - clock_monotonic_ms();
	const struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};

	if (left <= 0)
		return -ETIMEDOUT;
	if (left == stream->timeout_ms)
		return 0;
	if (setsockopt(stream->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -EIO;
	stream->timeout_ms = left;
	return 0;
}

ssize_t stream_read(struct stream *stream, void *buffer, size_t room, int64_t deadline)
{
	ssize_t n;
	int r;

	if (stream->ssl)
		return read_tls(stream, buffer, room, deadline);
	do {
		r = set_timeout(stream, deadline);
		if (r < 0)
			return r;
		n = recv(stream->fd, buffer, room, 0);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	return n < 0 ? -EIO : n;
}

int stream_wait(struct stream *stream, int other, int64_t deadline, bool *ret_stream, bool *ret_other)
{
	struct pollfd fds[] = {{.fd = stream->fd, .events = POLLIN}, {.fd = other, .events = POLLIN}};
	bool has_bytes = stream->ssl && SSL_pending(stream->ssl) > 0;
	int64_t left = has_bytes ? 0 : deadline - clock_monotonic_ms();
	int r = poll(fds, ARRAY_SIZE(fds), left < 0 ? 0 : (int)(left < 3600000 ? left : 3600000));

	if (r < 0 && errno != EINTR)
		return -EIO;
	if (r <= 0 && !has_bytes)
		return -ETIMEDOUT;
	*ret_stream = has_bytes || fds[0].revents;
	*ret_other = r > 0 && fds[1].revents;
	return 0;
}

/* Writes some of @parts. Returns how many bytes, 0 after waiting for room. */
static ssize_t write_some(struct stream *stream, const struct iovec *parts, int count, int64_t deadline)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
	ssize_t n;

	if (stream->ssl) {
		n = SSL_write(stream->ssl, parts->iov_base,
			      (int)(parts->iov_len < RECORD ? parts->iov_len : RECORD));
		return n > 0 ? n : wait_for_tls(stream, (int)n, deadline);
	}
	n = sendmsg(stream->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return wait_for(stream, POLLOUT, deadline);
	return errno == EINTR ? 0 : -EIO;
}

int stream_write(struct stream *stream, struct iovec *parts, int count, int64_t deadline)
{
	while (count) {
		ssize_t n = parts->iov_len ? write_some(stream, parts, count, deadline) : 0;

		if (n < 0)
			return (int)n;
		while (count && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return 0;
}
