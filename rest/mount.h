/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounted pool, as a client of its `call` files: the only way by which this
 * program reaches the pool. A call is written to such a file and its answer read
 * from the same descriptor; the README of the mount describes both, and the words
 * that an answer begins with.
 *
 * No text from a client becomes part of a path, except the uuid of a session
 * after a check that it consists of 32 hex digits.
 */
#ifndef POOLFS_REST_MOUNT_H
#define POOLFS_REST_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/error.h"

#define MOUNT_UUID_SIZE 33

/* The code of an error on the way to the pool, which answers nothing then; no client sees it. */
#define MOUNT_ERROR "REST.MOUNT"

struct mount;

/** Opens the mount and reads its table of operations. -EINVAL when no pool is mounted there. */
int mount_open(const char *mountpoint, struct mount **ret_mount, json_t **ret_operations, struct error *e);
/** Accepts NULL. */
void mount_close(struct mount *mount);

/* An open `call` file, which a connection reuses for its next requests. Used by one thread at a time. */
struct call_file {
	int fd; /* -1: closed */
	char session[MOUNT_UUID_SIZE];
	size_t last; /* bytes of the last answer */
};
#define CALL_FILE_INIT ((struct call_file){.fd = -1})
void call_file_close(struct call_file *file);

/* The outcome of a call. */
enum answer_word {
	ANSWER_OK,
	ANSWER_JOB,
	ANSWER_ERROR,
	ANSWER_INVALID,
	ANSWER_WAIT,
	ANSWER_GONE,
	ANSWER_CONFLICT,
	ANSWER_SESSION,
	ANSWER_FORBIDDEN, /* the signature is not accepted: a sentence */
};

struct answer {
	enum answer_word word;
	char *text;    /* owned */
	char *body;    /* in text; ends with NUL */
	size_t len;    /* of the body */
	int64_t stamp; /* of the state of the pool that it shows; 0: it depends on other things, too */
};
void answer_done(struct answer *answer);

/**
 * Makes the call @text in the session @session ("" for none). Blocks. When there is no such session the
 * answer is ANSWER_SESSION without a body. -EFBIG when the call is too long, -EINVAL when it is nested too
 * deep, -ENOTCONN when no pool is mounted. The sentence is for the client.
 */
int mount_call(struct mount *mount, struct call_file *file, const char *session, const char *text, size_t len,
	       struct answer *ret_answer, struct error *e);

/**
 * Opens the exported image with this secret (32 hex digits) for reading. A descriptor; -ENOENT when there is none; -EIO
 * when it cannot be read, others when the pool cannot be asked, with a sentence for the client.
 */
int mount_open_export(const struct mount *mount, const char *secret, struct error *e);

/**
 * Opens the file of the image that is to be uploaded with this secret for writing. As mount_open_export(); -ENOENT also
 * when the upload has ended, -EBUSY while another client sends it.
 */
int mount_open_upload(const struct mount *mount, const char *secret, struct error *e);

/** The stamp of the pool's current state; 0 when unknown. Costs one system call and no work in the pool. */
int64_t mount_stamp(const struct mount *mount);

/** True for 32 lower-case hex digits. */
bool mount_uuid_is_valid(const char *text);

#endif
