/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says when a JSON document that arrives in pieces is whole.
 *
 * A document written with `cat vm.json > create` comes as writes of any size;
 * the write that brings the last bracket must be the one that answers. This is
 * a scan of each byte once, aware of strings and of nesting: it does not parse.
 * What it calls complete may still be bad JSON, which the parser then says.
 * But what can never become a document is refused at the first byte that shows
 * it, because a write can answer and a close cannot:
 *
 *     anything but a bracket at the start       "garbage"
 *     a closing bracket of the wrong kind       "mismatch"
 *     a control character (not a blank)         "control" (in a string nearly always a forgotten quote)
 *     more than JSON_GATHER_DEPTH brackets open "too deep"
 *     more bytes than the limit                 "too long"
 *     anything but blanks behind the end        "garbage after the end"
 *
 * States other than incomplete and complete are final. The object holds no
 * memory and keeps no bytes: the caller gathers them.
 */
#ifndef POOLFS_ENGINE_JSON_GATHER_H
#define POOLFS_ENGINE_JSON_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

/* Brackets that may be open at once; jansson itself would take 2048. */
#define JSON_GATHER_DEPTH 64

enum json_gather_state {
	JSON_GATHER_INCOMPLETE, /* more is needed */
	JSON_GATHER_COMPLETE,	/* the document is bytes [0, end) */
	JSON_GATHER_NOT_JSON,	/* does not begin with { or [ */
	JSON_GATHER_MISMATCH,	/* { closed by ], or the reverse */
	JSON_GATHER_CONTROL,	/* raw control character, in a string a line break too */
	JSON_GATHER_TRAILING,	/* text behind the end */
	JSON_GATHER_TOO_DEEP,	/* above JSON_GATHER_DEPTH */
	JSON_GATHER_TOO_LONG,	/* above the limit before its end */
};

struct json_gather {
	uint64_t limit; /* bytes a document may have, leading blanks included */
	uint64_t fed;	/* bytes seen so far; stops at the byte that made a final error state */
	uint64_t end;	/* offset just behind the last bracket once complete, else 0 */
	uint64_t kinds; /* bit n: the bracket at depth n+1 is { (1) or [ (0) */
	unsigned depth; /* brackets open now */
	bool in_string, escaped;
	enum json_gather_state state;
};

/** Starts a new document of at most @limit bytes. */
void json_gather_init(struct json_gather *g, uint64_t limit);

/** Scans the next @len bytes and returns the state after them. Any split into pieces gives the same states.
 */
enum json_gather_state json_gather_feed(struct json_gather *g, const void *bytes, size_t len);

/**
 * 0 while the document is incomplete or complete; otherwise the errno and sentence of the state:
 * -EFBIG for one that is too long, -EINVAL for all others.
 */
int json_gather_check(const struct json_gather *g, struct error *e);

/** As json_gather_check(), at the end of the input: an unfinished or empty document is -EINVAL too. */
int json_gather_finish(const struct json_gather *g, struct error *e);

#endif
