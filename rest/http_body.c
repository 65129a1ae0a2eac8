/* SPDX-License-Identifier: Apache-2.0 */
/* See http_body.h. Within chunks only CR LF ends a line: a lenient reader could be made to see other chunks. */
#include "rest/http_body.h"

#include <ctype.h>

/*
 * Bytes of sizes, extensions and trailers in one body: more of them only keep the server busy. Content makes up for
 * some, so that a long body may come in many chunks.
 */
#define FRAMING_MAX   (64 << 10)
#define FRAMING_SHARE 64 /* bytes of content for one of framing */

enum state {
	STATE_CONTENT, /* of a body with a length */
	STATE_SIZE,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_CHUNK,
	STATE_CHUNK_CR,
	STATE_CHUNK_LF,
	STATE_TRAILER, /* at the beginning of a line */
	STATE_TRAILER_NAME,
	STATE_TRAILER_VALUE,
	STATE_TRAILER_LF,
	STATE_LAST_LF,
	STATE_COMPLETE,
};

struct http_body http_body_of(const struct http_head *head)
{
	if (head->chunked)
		return (struct http_body){.state = STATE_SIZE};
	return (struct http_body){.state = head->length ? STATE_CONTENT : STATE_COMPLETE,
				  .left = head->length};
}

bool http_body_is_complete(const struct http_body *body)
{
	return body->state == STATE_COMPLETE;
}

static int digit(unsigned char c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 0x20) - 'a' + 10 : -1;
}

static bool take_size(struct http_body *body, unsigned char c)
{
	int value = digit(c);

	if (value >= 0) {
		if (body->left > UINT64_MAX >> 8)
			return false;
		body->left = 16 * body->left + (uint64_t)value;
		body->has_digit = true;
		return true;
	}
	if (!body->has_digit || (c != '\r' && c != ';'))
		return false;
	body->state = c == ';' ? STATE_EXTENSION : STATE_SIZE_LF;
	return true;
}

/* Goes on to @next if @c is @wanted. */
static bool expect(struct http_body *body, unsigned char c, char wanted, enum state next)
{
	body->state = next;
	return c == (unsigned char)wanted;
}

/* Takes a byte that is no content. */
static bool take_framing(struct http_body *body, unsigned char c)
{
	switch ((enum state)body->state) {
	case STATE_SIZE:
		return take_size(body, c);
	case STATE_EXTENSION:
		return http_is_text(c) || expect(body, c, '\r', STATE_SIZE_LF);
	case STATE_SIZE_LF:
		body->has_digit = false;
		return expect(body, c, '\n', body->left ? STATE_CHUNK : STATE_TRAILER);
	case STATE_CHUNK_CR:
		return expect(body, c, '\r', STATE_CHUNK_LF);
	case STATE_CHUNK_LF:
		return expect(body, c, '\n', STATE_SIZE);
	case STATE_TRAILER:
		if (c == '\r')
			return expect(body, c, '\r', STATE_LAST_LF);
		body->state = STATE_TRAILER_NAME;
		return http_is_token(c);
	case STATE_TRAILER_NAME:
		return http_is_token(c) || expect(body, c, ':', STATE_TRAILER_VALUE);
	case STATE_TRAILER_VALUE:
		return http_is_text(c) || expect(body, c, '\r', STATE_TRAILER_LF);
	case STATE_TRAILER_LF:
		return expect(body, c, '\n', STATE_TRAILER);
	case STATE_LAST_LF:
		return expect(body, c, '\n', STATE_COMPLETE);
	case STATE_CONTENT:
	case STATE_CHUNK:
	case STATE_COMPLETE:
		break;
	}
	return false;
}

static bool in_content(const struct http_body *body)
{
	return body->state == STATE_CONTENT || body->state == STATE_CHUNK;
}

long http_body_take(struct http_body *body, const char *data, size_t len, const char **ret_content,
		    size_t *ret_len)
{
	size_t at = 0, run;

	*ret_len = 0;
	while (at < len && !in_content(body) && !http_body_is_complete(body))
		if (++body->framing > FRAMING_MAX || !take_framing(body, (unsigned char)data[at++]))
			return -1;
	if (!in_content(body) || at == len)
		return (long)at;
	run = len - at < body->left ? len - at : (size_t)body->left;
	*ret_content = data + at;
	*ret_len = run;
	body->left -= run;
	body->framing -= run / FRAMING_SHARE < body->framing ? run / FRAMING_SHARE : body->framing;
	if (!body->left)
		body->state = body->state == STATE_CONTENT ? STATE_COMPLETE : STATE_CHUNK_CR;
	return (long)(at + run);
}
