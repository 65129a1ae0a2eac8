/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a connection, with or without TLS. Reading and writing wait until a
 * deadline, clock_monotonic_ms(). Used by one thread at a time, except
 * stream_shut_down().
 */
#ifndef POOLFS_REST_STREAM_H
#define POOLFS_REST_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "model/error.h"

struct stream_tls; /* certificate and key, for all connections */

/** Reads the files, in PEM. TLS 1.2 and later only. -EINVAL when they do not fit. */
int stream_tls_new(const char *certificate, const char *key, struct stream_tls **ret, struct error *e);
/** Accepts NULL. */
void stream_tls_free(struct stream_tls *tls);

struct stream;

/** Takes over @fd, a socket that blocks. @tls: NULL without TLS. NULL when memory is short. */
struct stream *stream_new(int fd, struct stream_tls *tls);
/** Closes the connection. Accepts NULL. */
void stream_free(struct stream *stream);

/** Waits for the other side's handshake of TLS. -ETIMEDOUT, -EIO. */
int stream_accept(struct stream *stream, int64_t deadline);
/** Waits for some bytes. Returns their number, 0 at the end; -ETIMEDOUT, -EIO. */
ssize_t stream_read(struct stream *stream, void *buffer, size_t room, int64_t deadline);
/**
 * Waits until there may be bytes to read, from the other side or from the descriptor @other. -ETIMEDOUT, -EIO. A read
 * that finds none has a deadline of its own.
 */
int stream_wait(struct stream *stream, int other, int64_t deadline, bool *ret_stream, bool *ret_other);
/** Writes all @count parts, whose lengths it uses up. 0; -ETIMEDOUT, -EIO. */
int stream_write(struct stream *stream, struct iovec *parts, int count, int64_t deadline);
/** Waits @ms. False: the other side has gone meanwhile. */
bool stream_wait_while_open(struct stream *stream, int ms);
/** Ends the side of the server: the client sees the end after what was written. */
void stream_end(struct stream *stream);
/** Makes waiting calls return. Safe in any thread. */
void stream_shut_down(struct stream *stream);

#endif
