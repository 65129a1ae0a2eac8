/* SPDX-License-Identifier: Apache-2.0 */
/* The framing of a request's body: a length, or chunks (RFC 9112, 7.1). Pure. */
#ifndef POOLFS_REST_HTTP_BODY_H
#define POOLFS_REST_HTTP_BODY_H

#include "rest/http_head.h"

struct http_body {
	int state;	/* of the parser */
	uint64_t left;	/* bytes of the body or of the chunk that have not arrived yet */
	size_t framing; /* bytes that were not content, beyond what long content allows */
	bool has_digit;
};

/** The body that follows @head. */
struct http_body http_body_of(const struct http_head *head);
/**
 * Takes bytes off @data: framing, then at most one run of content, *ret_len bytes at *ret_content. Returns how
 * many were taken; -1 for framing that must be refused. To be called until it takes nothing or the body is
 * complete.
 */
long http_body_take(struct http_body *body, const char *data, size_t len, const char **ret_content,
		    size_t *ret_len);
/** True when the body has ended. */
bool http_body_is_complete(const struct http_body *body);

#endif
