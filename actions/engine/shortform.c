/* SPDX-License-Identifier: Apache-2.0 */
/* See shortform.h, which has the grammar. */
#include "actions/engine/shortform.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "model/json.h"

/* Longest verb or parameter name; the longest of the manual has 40 bytes. */
#define WORD_MAX 64
/* How much of a wrong word an error message quotes, bytes. */
#define QUOTE_MAX 64

struct cursor {
	const char *p, *end;
	char *out;	/* buffer of the value; as large as the line, so it never overflows */
	size_t out_len; /* bytes used of out */
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool is_word_char(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
}

/* Length of the UTF-8 character at @s (RFC 3629: shortest form, no surrogates), 0 if it is malformed. */
static size_t utf8_char_len(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	n = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (n > len)
		return 0;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (s[i] < 0x80 || s[i] > 0xBF)
			return 0;
	return n;
}

/* Refuses what cannot be part of a line, so that the parser below need not check for it. */
static int text_check(const char *text, size_t len, struct error *e)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_char_len((const unsigned char *)text + i, len - i);

		if (n == 0)
			return error_set(e, EINVAL, "byte %zu of the request is not UTF-8", i + 1);
		if (text[i] == '\n' || text[i] == '\r')
			return error_set(
				e, EINVAL,
				"a short request is one line, write line breaks as \"\\n\" in double quotes");
		if (is_control(text[i]))
			return error_set(e, EINVAL,
					 "byte %zu of the request is a control character, "
					 "write it as an escape in double quotes",
					 i + 1);
		i += n;
	}
	return 0;
}

/* Bytes from @p to the next blank, at most QUOTE_MAX, without splitting a character. */
static int quoted_len(const char *p, const char *end)
{
	size_t len = 0;

	while (p + len < end && !is_blank(p[len]) && len < QUOTE_MAX)
		len++;
	while (len > 0 && p + len < end && ((unsigned char)p[len] & 0xC0) == 0x80)
		len--;
	return (int)len;
}

static void out_put_utf8(struct cursor *c, uint32_t ch)
{
	char *o = c->out + c->out_len;

	if (ch < 0x80) {
		o[0] = (char)ch;
		c->out_len += 1;
	} else if (ch < 0x800) {
		o[0] = (char)(0xC0 | ch >> 6);
		o[1] = (char)(0x80 | (ch & 0x3F));
		c->out_len += 2;
	} else if (ch < 0x10000) {
		o[0] = (char)(0xE0 | ch >> 12);
		o[1] = (char)(0x80 | (ch >> 6 & 0x3F));
		o[2] = (char)(0x80 | (ch & 0x3F));
		c->out_len += 3;
	} else {
		o[0] = (char)(0xF0 | ch >> 18);
		o[1] = (char)(0x80 | (ch >> 12 & 0x3F));
		o[2] = (char)(0x80 | (ch >> 6 & 0x3F));
		o[3] = (char)(0x80 | (ch & 0x3F));
		c->out_len += 4;
	}
}

/* Reads the four hex digits of \uXXXX at the cursor; -1 if there are fewer. */
static int32_t read_hex4(struct cursor *c)
{
	int32_t value = 0;

	if (c->end - c->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char d = c->p[i];

		if (is_digit(d))
			value = value * 16 + (d - '0');
		else if (d >= 'a' && d <= 'f')
			value = value * 16 + (d - 'a' + 10);
		else if (d >= 'A' && d <= 'F')
			value = value * 16 + (d - 'A' + 10);
		else
			return -1;
	}
	c->p += 4;
	return value;
}

/* After "\u". Six bytes of input make at most three of output, twelve make four, so out is large enough. */
static int read_unicode(struct cursor *c, struct error *e)
{
	int32_t ch = read_hex4(c);

	if (ch < 0)
		return error_set(e, EINVAL, "'\\u' must be followed by four hex digits");
	if (ch >= 0xD800 && ch <= 0xDBFF) {
		int32_t low = -1;

		if (c->end - c->p >= 2 && c->p[0] == '\\' && c->p[1] == 'u') {
			c->p += 2;
			low = read_hex4(c);
		}
		if (low < 0xDC00 || low > 0xDFFF)
			return error_set(e, EINVAL, "'\\u%04x' must be followed by a low surrogate",
					 (unsigned)ch);
		ch = 0x10000 + ((ch - 0xD800) << 10) + (low - 0xDC00);
	} else if (ch >= 0xDC00 && ch <= 0xDFFF) {
		return error_set(e, EINVAL, "'\\u%04x' is a low surrogate without a high one", (unsigned)ch);
	}
	if (ch == 0)
		return error_set(e, EINVAL, "'\\u0000' is not allowed in a value");
	out_put_utf8(c, (uint32_t)ch);
	return 0;
}

/* The cursor is after the backslash, inside double quotes. */
static int read_escape(struct cursor *c, struct error *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;

	if (c->p == c->end)
		return error_set(e, EINVAL, "the request ends within double quotes");
	if (*c->p == 'u') {
		c->p++;
		return read_unicode(c, e);
	}
	hit = memchr(from, *c->p, sizeof(from) - 1);
	if (!hit)
		return error_set(
			e, EINVAL,
			"unknown escape '\\%.*s', known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
			(int)utf8_char_len((const unsigned char *)c->p, (size_t)(c->end - c->p)), c->p);
	c->out[c->out_len++] = to[hit - from];
	c->p++;
	return 0;
}

/* Reads one value, with all of its pieces, into out. */
static int read_value(struct cursor *c, const char *name, int name_len, struct error *e)
{
	char quote = '\0';

	c->out_len = 0;
	for (; c->p < c->end && (quote || !is_blank(*c->p));) {
		char ch = *c->p++;

		if (quote && ch == quote) {
			quote = '\0';
		} else if (!quote && (ch == '\'' || ch == '"')) {
			quote = ch;
		} else if (quote == '"' && ch == '\\') {
			int r = read_escape(c, e);

			if (r < 0)
				return r;
		} else {
			c->out[c->out_len++] = ch;
		}
	}
	if (quote)
		return error_set(e, EINVAL, "the value of '%.*s' has no closing %s quote", name_len, name,
				 quote == '"' ? "double" : "single");
	return 0;
}

/* Adds a value; further values of a name make it a list. Takes @value over, also on failure. */
static int params_add(json_t *params, const char *name, json_t *value, struct error *e)
{
	json_t *present = json_object_get(params, name);
	json_t *list;

	if (!value)
		return error_oom(e);
	if (!present)
		return json_object_set_new(params, name, value) < 0 ? error_oom(e) : 0;
	if (json_is_array(present))
		return json_array_append_new(present, value) < 0 ? error_oom(e) : 0;
	list = json_pack("[O, o]", present, value);
	if (!list || json_object_set_new(params, name, list) < 0)
		return error_oom(e);
	return 0;
}

/* One `name=value` at the cursor, which is not at a blank. */
static int read_param(struct cursor *c, json_t *params, struct error *e)
{
	char name[WORD_MAX + 1];
	const char *start = c->p;
	size_t len;
	int r;

	while (c->p < c->end && is_word_char(*c->p))
		c->p++;
	len = (size_t)(c->p - start);
	if (c->p == c->end || *c->p != '=' || len == 0 || !is_letter(*start))
		return error_set(e, EINVAL, "'%.*s' is not of the form name=value", quoted_len(start, c->end),
				 start);
	if (len > WORD_MAX)
		return error_set(e, EINVAL, "parameter name '%.*s...' is longer than %d bytes", QUOTE_MAX,
				 start, WORD_MAX);
	memcpy(name, start, len);
	name[len] = '\0';
	c->p++;
	r = read_value(c, name, (int)len, e);
	if (r < 0)
		return r;
	return params_add(params, name, json_stringn_nocheck(c->out, c->out_len), e);
}

static int read_verb(struct cursor *c, json_t **ret, struct error *e)
{
	const char *start = c->p;
	size_t len;

	while (c->p < c->end && is_word_char(*c->p) && *c->p != '_' && *c->p != '.')
		c->p++;
	len = (size_t)(c->p - start);
	if (len == 0 || !is_letter(*start) || (c->p < c->end && !is_blank(*c->p)))
		return error_set(e, EINVAL,
				 "'%.*s' is not a verb, a request is a verb followed by name=value",
				 quoted_len(start, c->end), start);
	if (len > WORD_MAX)
		return error_set(e, EINVAL, "verb '%.*s...' is longer than %d bytes", QUOTE_MAX, start,
				 WORD_MAX);
	*ret = json_stringn_nocheck(start, len);
	return *ret ? 0 : error_oom(e);
}

static int read_line(struct cursor *c, json_t *request, struct error *e)
{
	json_t *params = json_object_get(request, "params");
	json_t *verb;
	int r;

	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	if (c->p == c->end)
		return error_set(e, EINVAL, "the request is empty");
	r = read_verb(c, &verb, e);
	if (r < 0)
		return r;
	if (json_object_set_new(request, "verb", verb) < 0)
		return error_oom(e);
	for (;;) {
		while (c->p < c->end && is_blank(*c->p))
			c->p++;
		if (c->p == c->end)
			return 0;
		r = read_param(c, params, e);
		if (r < 0)
			return r;
	}
}

int shortform_parse(const char *text, size_t len, json_t **ret, struct error *e)
{
	_cleanup_free_ char *out = NULL;
	_cleanup_json_ json_t *request = NULL;
	struct cursor c;
	int r;

	if (len > SHORTFORM_MAX)
		return error_set(e, EFBIG, "a short request has at most %d bytes, use JSON for more",
				 SHORTFORM_MAX);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	r = text_check(text, len, e);
	if (r < 0)
		return r;
	out = malloc(len + 1);
	request = json_pack("{s:n, s:{}}", "verb", "params");
	if (!out || !request)
		return error_oom(e);
	c = (struct cursor){.p = text, .end = text + len, .out = out};
	r = read_line(&c, request, e);
	if (r < 0)
		return r;
	*ret = steal(&request);
	return 0;
}
