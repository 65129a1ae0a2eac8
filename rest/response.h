/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to HTTP requests. They are immutable once they are shared, and counted by references. */
#ifndef POOLFS_REST_RESPONSE_H
#define POOLFS_REST_RESPONSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/cleanup.h"
#include "model/error.h"

struct call_file;

/* The field of an answer that nobody may keep. */
#define RESPONSE_NO_STORE "Cache-Control: no-store\r\n"
/* Seconds after which a client that is refused for now may try again. */
#define RESPONSE_RETRY "1"

/* What an answer says by its status. */
struct response_status {
	int status;
	const char *reason; /* the words beside it */
	const char *name; /* of the answer in the OpenAPI document; NULL: its body depends on the operation */
	const char *description; /* when any request can be answered so, with a sentence as the body */
	const char *field;	 /* the header field that comes with it; NULL: none */
};

/* Who causes the failure that a response tells of. */
enum cause {
	CAUSE_ANYBODY, /* no session is known */
	CAUSE_SESSION, /* the client has one, so it is known who it is */
	CAUSE_NO_POOL, /* the pool could not be asked */
	CAUSE_COUNT
};

/* A body that goes on while the client listens; for one connection. */
struct follow {
	/*
	 * What comes next: a text for the caller, *ret_text stays NULL or *ret_len 0 for nothing at present. Called every few
	 * hundred milliseconds; may ask the pool. 0, FOLLOW_LAST when that is the end, -errno when it is without a text.
	 */
	int (*next)(void *state, struct call_file *file, char **ret_text, size_t *ret_len);
	void (*free)(void *state);
	void *state; /* owned; NULL: the body is complete */
};
#define FOLLOW_LAST 1

struct seat;
struct stream;

/* What goes on with a connection after the answer 101. */
struct takeover {
	/*
	 * Serves the connection to its end; blocks. @data: bytes that have arrived after the request. @file as in struct
	 * service.
	 */
	void (*serve)(struct takeover *takeover, struct stream *stream, struct seat *seat, const char *data,
		      size_t len, struct call_file *file);
	void (*free)(struct takeover *takeover);
};

struct response {
	atomic_int refs;
	int status;
	const char *type;   /* static: of the body */
	const char *fields; /* static: further lines of the head, each with its CR LF */
	char own[256];	    /* the same, of response_add_field() */
	bool failed;	    /* it tells of a failure, whatever its status is */
	enum cause cause;   /* of the failure, if it is one */
	bool last;	    /* close the connection after it */
	const char *body;
	size_t len;
	char *storage; /* owned: that of the body; NULL: it is static */
	int fd;	       /* owned: in place of a body, `len` bytes of this file from `offset` on; -1: none */
	int64_t offset;
	struct follow follow;	   /* what comes after the body, which then has no length */
	struct takeover *takeover; /* owned: of a 101; NULL: none */
};

/** A response with @data, which is copied, that nobody may keep. NULL when memory is short. */
struct response *response_new(int status, const char *type, const char *data, size_t len);
/** The same with a text that is taken over, and @body in it. On failure it is freed. */
struct response *response_take(int status, const char *type, char *text, const char *body, size_t len);
/** A response with @len bytes of the file @fd from @offset on. Takes over @fd. */
struct response *response_file(int status, const char *type, int fd, int64_t offset, size_t len);
/** A response with a sentence. */
struct response *response_text(int status, const char *text);
/**
 * The refusal @e of the pool, or of the way there, as a sentence: 403 who may not, 400 what cannot be meant; else 503,
 * which may be over when the client tries again.
 */
struct response *response_error(const struct error *e);
/** Adds a line to the head. Before the response is shared; accepts NULL. A line for which there is no room is left out. */
void response_add_field(struct response *response, const char *name, const char *format, ...) _printf_(3, 4);
/** The answer 101 of a protocol that goes on as @takeover (taken over). The fields of the protocol are still to be added. */
struct response *response_switch(struct takeover *takeover);
/** Another reference. */
struct response *response_ref(struct response *response);
/** Accepts NULL. */
void response_unref(struct response *response);
DEFINE_CLEANUP(struct response *, response_unref)

/** All statuses of answers, ended by the status 0. */
const struct response_status *response_statuses(void);
/** The words that stand beside @status in a response. */
const char *response_reason(int status);

#endif
