/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door to the pool: the `call` files below `sessions` in the mount. A
 * call is written, its answer is read on the same descriptor; what both look
 * like, and what the words of an answer mean, is said in the mount's README.
 *
 * No text of a client becomes a part of a path, but a session's uuid once it is
 * known to be 32 hex digits.
 */
#ifndef POOLFS_REST_DOOR_H
#define POOLFS_REST_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "model/error.h"

#define DOOR_UUID_SIZE 33

struct door;

/** Opens the mount and reads its table of operations. -EINVAL when there is no pool. */
int door_open(const char *mountpoint, struct door **ret_door, json_t **ret_operations, struct error *e);
/** Accepts NULL. */
void door_close(struct door *door);

/* An open `call` file: kept by a connection for its next requests. Used by one thread at a time. */
struct line {
	int fd; /* -1: closed */
	char session[DOOR_UUID_SIZE];
};
#define LINE_INIT ((struct line){.fd = -1})
void line_close(struct line *line);

/* What the pool says of a call. */
enum answer_word {
	ANSWER_OK,
	ANSWER_JOB,
	ANSWER_ERROR,
	ANSWER_INVALID,
	ANSWER_WAIT,
	ANSWER_GONE,
	ANSWER_CONFLICT,
	ANSWER_SESSION,
};

struct answer {
	enum answer_word word;
	char *text;    /* owned */
	char *body;    /* in text; ends with NUL */
	size_t len;    /* of the body */
	int64_t stamp; /* of the state of the pool that it shows; 0: it depends on more than that */
};
void answer_done(struct answer *answer);

/**
 * Makes the call @text in the session @session ("" for none). Blocks. The word ANSWER_SESSION comes without
 * body when there is no such session. -EFBIG and -EINVAL when the call is too long or too deep, -ENOTCONN
 * without pool.
 */
int door_call(struct door *door, struct line *line, const char *session, const char *text, size_t len,
	      struct answer *ret_answer, struct error *e);

/** The stamp of the pool's present state; 0 when it is not known. Costs a system call, and no work of the
 * pool. */
int64_t door_stamp(const struct door *door);

/** True for 32 lower-case hex digits. */
bool door_uuid_is_valid(const char *text);

#endif
