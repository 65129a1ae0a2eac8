/* SPDX-License-Identifier: Apache-2.0 */
/* See http_head.h. Sections in comments are those of RFC 9112. */
#include "rest/http_head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Empty lines before a request, which old clients send after the body of the one before (2.2). */
#define EMPTY_LINES 4

bool http_is_token(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_text(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool refuse(struct http_head *head, int status, const char *text)
{
	head->status = status;
	head->text = text;
	return false;
}

/* ------------------------------------------------------------- where it ends */

static size_t skip_empty_lines(const char *data, size_t len)
{
	size_t at = 0;

	for (int i = 0; i < EMPTY_LINES; i++) {
		if (len - at >= 2 && data[at] == '\r' && data[at + 1] == '\n')
			at += 2;
		else if (len - at >= 1 && data[at] == '\n')
			at++;
	}
	return at;
}

size_t http_head_length(const char *data, size_t len, size_t from)
{
	size_t start = skip_empty_lines(data, len);
	const char *at = data + (from > start + 3 ? from - 3 : start), *end = data + len;

	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		if (at < end && *at == '\n')
			return (size_t)(at + 1 - data);
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return (size_t)(at + 2 - data);
	}
	return 0;
}

/* --------------------------------------------------------------------- lines */

/*
 * Cuts the next line out of [*at, end) and sets *ret to it, with a NUL instead of its end. A single line feed
 * ends a line, too (2.2); a carriage return elsewhere, and every other control character, is refused.
 */
static bool next_line(char **at, char *end, char **ret)
{
	char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));

	if (!stop)
		return false;
	*at = stop + 1;
	if (stop > line && stop[-1] == '\r')
		stop--;
	*stop = '\0';
	for (const char *c = line; c < stop; c++)
		if (!http_is_text((unsigned char)*c))
			return false;
	*ret = line;
	return true;
}

static bool is_token(const char *text)
{
	const char *c = text;

	while (http_is_token((unsigned char)*c))
		c++;
	return c > text && !*c;
}

/* The authority of the absolute form becomes the host, the rest the target (3.2.2). */
static bool take_absolute_form(struct http_head *head, char *target)
{
	size_t scheme = strncasecmp(target, "http://", 7) == 0	  ? 7
			: strncasecmp(target, "https://", 8) == 0 ? 8
								  : 0;
	size_t len = scheme ? strcspn(target + scheme, "/?#") : 0;

	if (!len || memchr(target + scheme, '@', len))
		return refuse(head, 400, "the request target must be a path or an http URL");
	/* The host moves by one to make room for its NUL: the target begins behind it. */
	memmove(target + scheme - 1, target + scheme, len);
	target[scheme - 1 + len] = '\0';
	head->host = target + scheme - 1;
	head->target = target + scheme + len;
	if (!*head->target)
		head->target = "/";
	return *head->target == '/' ||
	       refuse(head, 400, "the request target must have a path before its query string");
}

static bool take_request_line(struct http_head *head, char *line)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || strchr(version + 1, ' ') || strchr(line, '\t'))
		return refuse(head, 400,
			      "the request line must be METHOD TARGET VERSION, with single spaces");
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line))
		return refuse(head, 400, "the method is not a token");
	if (strncmp(version, "HTTP/", 5) != 0 || !isdigit((unsigned char)version[5]) || version[6] != '.' ||
	    !isdigit((unsigned char)version[7]) || version[8])
		return refuse(head, 400, "the request line ends with no HTTP version");
	if (version[5] != '1')
		return refuse(head, 505, "only HTTP/1.0 and HTTP/1.1 are supported");
	head->old = version[7] == '0';
	head->method = line;
	head->target = target;
	if (*target == '/' || strcmp(target, "*") == 0)
		return true;
	return take_absolute_form(head, target);
}

static bool take_field(struct http_head *head, char *line)
{
	char *colon = strchr(line, ':'), *value, *end;

	if (*line == ' ' || *line == '\t')
		return refuse(head, 400, "a header field continues on a second line");
	if (!colon)
		return refuse(head, 400, "a header field has no colon");
	*colon = '\0';
	if (!is_token(line))
		return refuse(head, 400, "the name of a header field is not a token");
	if (head->count == HTTP_FIELDS)
		return refuse(head, 431, "there are too many header fields");
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	head->fields[head->count++] = (struct http_field){line, value};
	return true;
}

const char *http_head_field(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->count; i++)
		if (strcasecmp(head->fields[i].name, name) == 0)
			return head->fields[i].value;
	return NULL;
}

static size_t count_fields(const struct http_head *head, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < head->count; i++)
		count += strcasecmp(head->fields[i].name, name) == 0;
	return count;
}

/* ------------------------------------------------------- what the fields mean */

/* Fields of which the first of several could be taken here, and the last elsewhere. */
static bool check_singles(struct http_head *head)
{
	static const char *const names[] = {
		"Authorization", "Content-Encoding", "Content-Length", "Expect",
		"Host",		 "X-JSON-Schema",    "X-Job-UUID",     "X-Web-Hook"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (count_fields(head, names[i]) > 1)
			return refuse(head, 400, "a header field that may occur once occurs twice");
	return true;
}

/* Sets the length of the body (6.1 to 6.3). */
static bool take_framing(struct http_head *head)
{
	const char *coding = http_head_field(head, "Transfer-Encoding");
	const char *length = http_head_field(head, "Content-Length");

	if (coding && length)
		return refuse(head, 400, "Content-Length and Transfer-Encoding exclude each other");
	if (coding &&
	    (head->old || count_fields(head, "Transfer-Encoding") > 1 || strcasecmp(coding, "chunked") != 0))
		return refuse(head, 400, "the only transfer coding is chunked, in HTTP/1.1");
	head->chunked = coding != NULL;
	if (!length)
		return true;
	if (!*length || length[strspn(length, "0123456789")])
		return refuse(head, 400, "Content-Length is not a number");
	for (; *length; length++) {
		if (head->length > UINT64_MAX / 16)
			return refuse(head, 413, "the body is too long");
		head->length = 10 * head->length + (uint64_t)(*length - '0');
	}
	return true;
}

/* True when the field Connection lists @option. */
static bool has_option(const struct http_head *head, const char *option)
{
	size_t wanted = strlen(option);

	for (size_t i = 0; i < head->count; i++) {
		const char *at = head->fields[i].value;

		if (strcasecmp(head->fields[i].name, "Connection") != 0)
			continue;
		while (*(at += strspn(at, ", \t"))) {
			size_t len = strcspn(at, ", \t");

			if (len == wanted && strncasecmp(at, option, len) == 0)
				return true;
			at += len;
		}
	}
	return false;
}

static bool take_fields(struct http_head *head)
{
	const char *expect = http_head_field(head, "Expect");

	if (!check_singles(head))
		return false;
	if (!head->old && !http_head_field(head, "Host"))
		return refuse(head, 400, "the header field Host is missing");
	if (!head->host)
		head->host = http_head_field(head, "Host");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return refuse(head, 417, "only 100-continue can be expected");
	head->wants_100 = expect && !head->old;
	head->persistent = !has_option(head, "close") && (!head->old || has_option(head, "keep-alive"));
	return take_framing(head);
}

bool http_head_parse(char *data, size_t len, struct http_head *ret)
{
	char *at = data + skip_empty_lines(data, len), *end = data + len, *line;

	*ret = (struct http_head){0};
	if (!next_line(&at, end, &line))
		return refuse(ret, 400, "the request line contains a control character");
	if (!take_request_line(ret, line))
		return false;
	while (at < end) {
		if (!next_line(&at, end, &line))
			return refuse(ret, 400, "a header field contains a control character");
		if (!*line)
			break;
		if (!take_field(ret, line))
			return false;
	}
	return take_fields(ret);
}
