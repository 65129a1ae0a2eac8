/* SPDX-License-Identifier: Apache-2.0 */
/* See json_gather.h. */
#include "actions/engine/json_gather.h"

#include <inttypes.h>

void json_gather_init(struct json_gather *g, uint64_t limit)
{
	*g = (struct json_gather){.limit = limit};
}

/* The white space of RFC 8259; no other character separates tokens. */
static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum json_gather_state scan_in_string(struct json_gather *g, unsigned char c)
{
	if (c < 0x20)
		return JSON_GATHER_CONTROL;
	if (g->escaped)
		g->escaped = false;
	else if (c == '\\')
		g->escaped = true;
	else if (c == '"')
		g->in_string = false;
	return JSON_GATHER_INCOMPLETE;
}

static enum json_gather_state scan_open(struct json_gather *g, bool object)
{
	uint64_t bit;

	if (g->depth == JSON_GATHER_DEPTH)
		return JSON_GATHER_TOO_DEEP;
	bit = UINT64_C(1) << g->depth++;
	g->kinds = object ? g->kinds | bit : g->kinds & ~bit;
	return JSON_GATHER_INCOMPLETE;
}

static enum json_gather_state scan_close(struct json_gather *g, bool object)
{
	g->depth--;
	if ((g->kinds >> g->depth & 1) != object)
		return JSON_GATHER_MISMATCH;
	return g->depth == 0 ? JSON_GATHER_COMPLETE : JSON_GATHER_INCOMPLETE;
}

static enum json_gather_state scan_byte(struct json_gather *g, unsigned char c)
{
	if (g->in_string)
		return scan_in_string(g, c);
	if (g->depth == 0 && c != '{' && c != '[')
		return is_blank(c) ? JSON_GATHER_INCOMPLETE : JSON_GATHER_NOT_JSON;
	switch (c) {
	case '{':
	case '[':
		return scan_open(g, c == '{');
	case '}':
	case ']':
		return scan_close(g, c == '}');
	case '"':
		g->in_string = true;
		return JSON_GATHER_INCOMPLETE;
	default:
		/* jansson drops a NUL that follows a number, so this is not left to the parser */
		return c < 0x20 && !is_blank(c) ? JSON_GATHER_CONTROL : JSON_GATHER_INCOMPLETE;
	}
}

enum json_gather_state json_gather_feed(struct json_gather *g, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	_Static_assert(JSON_GATHER_DEPTH <= 64, "one bit of kinds for each depth");
	for (size_t i = 0; i < len && g->state <= JSON_GATHER_COMPLETE; i++) {
		if (g->state == JSON_GATHER_COMPLETE) {
			if (!is_blank(p[i]))
				g->state = JSON_GATHER_TRAILING;
		} else if (g->fed >= g->limit) {
			g->state = JSON_GATHER_TOO_LONG;
		} else {
			g->state = scan_byte(g, p[i]);
			if (g->state == JSON_GATHER_COMPLETE)
				g->end = g->fed + 1;
		}
		g->fed++;
	}
	return g->state;
}

int json_gather_check(const struct json_gather *g, struct error *e)
{
	switch (g->state) {
	case JSON_GATHER_INCOMPLETE:
	case JSON_GATHER_COMPLETE:
		return 0;
	case JSON_GATHER_NOT_JSON:
		return error_set(e, EINVAL, "byte %" PRIu64 " does not begin a JSON document, expected '{'",
				 g->fed);
	case JSON_GATHER_MISMATCH:
		return error_set(e, EINVAL,
				 "the bracket at byte %" PRIu64
				 " of the JSON document does not match the open bracket",
				 g->fed);
	case JSON_GATHER_CONTROL:
		if (!g->in_string)
			return error_set(e, EINVAL,
					 "byte %" PRIu64 " of the JSON document is a control character",
					 g->fed);
		return error_set(e, EINVAL,
				 "byte %" PRIu64
				 " of the JSON document is a control character within a string: "
				 "a closing '\"' is missing, or it must be escaped",
				 g->fed);
	case JSON_GATHER_TRAILING:
		return error_set(e, EINVAL,
				 "byte %" PRIu64
				 " follows the end of the JSON document, a write may contain only one",
				 g->fed);
	case JSON_GATHER_TOO_DEEP:
		return error_set(e, EINVAL,
				 "the JSON document has more than %d brackets open at byte %" PRIu64,
				 JSON_GATHER_DEPTH, g->fed);
	case JSON_GATHER_TOO_LONG:
		return error_set(e, EFBIG, "the JSON document is longer than %" PRIu64 " bytes", g->limit);
	}
	return error_set(e, EINVAL, "unknown state of the JSON document");
}

int json_gather_finish(const struct json_gather *g, struct error *e)
{
	if (g->state != JSON_GATHER_INCOMPLETE)
		return json_gather_check(g, e);
	if (g->depth == 0)
		return error_set(e, EINVAL, "the request is empty");
	if (g->in_string)
		return error_set(e, EINVAL, "the JSON document ends within a string");
	return error_set(e, EINVAL, "the JSON document ends with %u bracket%s open", g->depth,
			 g->depth == 1 ? "" : "s");
}
