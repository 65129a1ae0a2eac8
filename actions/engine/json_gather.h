/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detects when a JSON document that arrives in pieces is complete.
 *
 * A document written with `cat vm.json > create` arrives in writes of any size;
 * the write with the last bracket must return the result. Each byte is scanned
 * once, with regard to strings and nesting only; nothing is parsed, so a complete
 * document may still be invalid JSON, which the parser then reports. But what can
 * never become a document is refused at the first byte that shows it, because a
 * write can report an error and a close cannot:
 *
 *     anything but a bracket at the start       "garbage"
 *     a closing bracket of the wrong kind       "mismatch"
 *     a control character (not white space)     "control" (in a string nearly always a missing quote)
 *     more than JSON_GATHER_DEPTH brackets open "too deep"
 *     more bytes than the limit                 "too long"
 *     anything but white space after the end    "garbage after the end"
 *
 * States other than incomplete and complete are final. The object owns no memory
 * and does not store the bytes: the caller does.
 */
#ifndef POOLFS_ENGINE_JSON_GATHER_H
#define POOLFS_ENGINE_JSON_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

/* Brackets that may be open at once; the limit of jansson is 2048. */
#define JSON_GATHER_DEPTH 64

enum json_gather_state {
	JSON_GATHER_INCOMPLETE, /* more is needed */
	JSON_GATHER_COMPLETE,	/* the document is bytes [0, end) */
	JSON_GATHER_NOT_JSON,	/* does not begin with { or [ */
	JSON_GATHER_MISMATCH,	/* { closed by ], or the reverse */
	JSON_GATHER_CONTROL,	/* unescaped control character, in a string also a line break */
	JSON_GATHER_TRAILING,	/* text after the end */
	JSON_GATHER_TOO_DEEP,	/* above JSON_GATHER_DEPTH */
	JSON_GATHER_TOO_LONG,	/* above the limit before its end */
};

struct json_gather {
	uint64_t limit; /* maximum size of a document in bytes, leading white space included */
	uint64_t fed;	/* bytes scanned so far, up to the one that caused a final error state */
	uint64_t end;	/* offset just after the last bracket once complete, else 0 */
	uint64_t kinds; /* bit n: the bracket at depth n+1 is { (1) or [ (0) */
	unsigned depth; /* brackets open now */
	bool in_string, escaped;
	enum json_gather_state state;
};

/** Starts a new document of at most @limit bytes. */
void json_gather_init(struct json_gather *g, uint64_t limit);

/**
 * Scans the next @len bytes and returns the state after them. It does not depend on the split into pieces.
 */
enum json_gather_state json_gather_feed(struct json_gather *g, const void *bytes, size_t len);

/**
 * Returns 0 while the document is incomplete or complete, else the error of the state: -EFBIG for a document
 * that is too long, -EINVAL for all others.
 */
int json_gather_check(const struct json_gather *g, struct error *e);

/** As json_gather_check(), at the end of the input: an unfinished or empty document is -EINVAL too. */
int json_gather_finish(const struct json_gather *g, struct error *e);

#endif
