/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to HTTP requests. They are immutable once they are shared, and counted by references. */
#ifndef POOLFS_REST_RESPONSE_H
#define POOLFS_REST_RESPONSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/cleanup.h"

struct response {
	atomic_int refs;
	int status;
	const char *type;   /* static: of the body */
	const char *fields; /* static: further lines of the head, each with its CR LF; NULL: none */
	char allow[64];	    /* the methods that are possible, after a 405 */
	bool last;	    /* close the connection after it */
	const char *body;
	size_t len;
	char *storage; /* owned: that of the body; NULL: it is static */
};

/** A response with @data, which is copied. NULL when memory is short. */
struct response *response_new(int status, const char *type, const char *data, size_t len);
/** The same with a text that is taken over, and @body in it. On failure it is freed. */
struct response *response_take(int status, const char *type, char *text, const char *body, size_t len);
/** A response with a sentence. */
struct response *response_text(int status, const char *text);
/** Another reference. */
struct response *response_ref(struct response *response);
/** Accepts NULL. */
void response_unref(struct response *response);
DEFINE_CLEANUP(struct response *, response_unref)

/** The words that stand beside @status in a response. */
const char *response_reason(int status);

#endif
