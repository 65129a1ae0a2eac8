/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1 request: request line and header fields (RFC 9112). Pure.
 *
 * The parser is strict. What another program on the way (a proxy) could read in
 * another way than this one is refused, so that nobody can hide a request in
 * another: more than one length, a length beside chunks, codings other than
 * chunked, folded lines, spaces around names, control characters. A refusal is
 * final: where the next request begins is unknown, so the connection must be closed.
 */
#ifndef POOLFS_REST_HTTP_HEAD_H
#define POOLFS_REST_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_FIELDS 100

struct http_field {
	const char *name, *value; /* the value without the spaces around it */
};

struct http_head {
	const char *method;
	const char *target; /* origin form; of an absolute form, what follows the authority; "*" */
	const char *host;   /* of the absolute form, else of the field Host; NULL: none */
	struct http_field fields[HTTP_FIELDS];
	size_t count;
	bool chunked;	  /* the body comes in chunks */
	uint64_t length;  /* bytes of the body, unless `chunked` */
	bool old;	  /* HTTP/1.0 */
	bool persistent;  /* the client wants to keep the connection */
	bool wants_100;	  /* the client waits for 100 Continue */
	int status;	  /* of a refusal; 0: none */
	const char *text; /* of a refusal: one sentence */
};

/**
 * The length of the head at the beginning of @data, with its empty line; 0 when it is incomplete. @from: so
 * many bytes have been searched by earlier calls.
 */
size_t http_head_length(const char *data, size_t len, size_t from);
/**
 * Parses a head of @len bytes, as found by http_head_length(), in place: *ret borrows from @data. False for a
 * head that must be refused with ret->status and ret->text.
 */
bool http_head_parse(char *data, size_t len, struct http_head *ret);
/** The value of the first field @name; NULL when there is none. */
const char *http_head_field(const struct http_head *head, const char *name);
/** True for a character of a method or of the name of a field. */
bool http_is_token(unsigned char c);
/** True for a character that may stand in the value of a field. */
bool http_is_text(unsigned char c);

#endif
