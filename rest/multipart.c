/* SPDX-License-Identifier: Apache-2.0 */
/* See multipart.h. */
#include "rest/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum state {
	STATE_BEFORE,	 /* the first delimiter */
	STATE_DELIMITER, /* behind one */
	STATE_LAST,	 /* behind one and a hyphen */
	STATE_DELIMITER_END,
	STATE_HEAD,
	STATE_CONTENT,
	STATE_AFTER, /* the last delimiter */
};

static const char type[] = "multipart/form-data";

bool multipart_is(const char *content_type)
{
	return content_type && strncasecmp(content_type, type, strlen(type)) == 0 &&
	       strchr("; \t", content_type[strlen(type)]);
}

/* The value of the parameter @name of a field's value; NULL without one. *ret_len: its length. */
static const char *parameter(const char *value, const char *name, size_t *ret_len)
{
	size_t len = strlen(name);

	for (const char *p = strchr(value, ';'); p; p = strchr(p, ';')) {
		p += 1 + strspn(p + 1, " \t");
		if (strncasecmp(p, name, len) != 0 || p[len] != '=')
			continue;
		p += len + 1;
		*ret_len = *p == '"' ? strcspn(p + 1, "\"") : strcspn(p, "; \t");
		return *p == '"' ? p + 1 : p;
	}
	return NULL;
}

/* The end of the line before may be that of a delimiter. */
static void begin_content(struct multipart *m)
{
	m->matched = m->lent = 2;
}

bool multipart_init(struct multipart *m, const char *content_type)
{
	size_t len;
	const char *boundary = parameter(content_type, "boundary", &len);

	if (!boundary || len < 1 || len > MULTIPART_BOUNDARY)
		return false;
	for (size_t i = 0; i < len; i++)
		if (boundary[i] < ' ' || boundary[i] > '~')
			return false;
	*m = (struct multipart){.state = STATE_BEFORE, .length = len + 4};
	begin_content(m);
	snprintf(m->delimiter, sizeof(m->delimiter), "\r\n--%.*s", (int)len, boundary);
	return true;
}

/* The end of a part. */
static void end_part(struct multipart *m)
{
	m->complete = m->complete || m->is_file;
	m->is_file = false;
	m->line_length = 0;
	m->state = STATE_DELIMITER;
}

/* A line of the head of a part has ended. */
static void take_line(struct multipart *m)
{
	static const char name[] = "Content-Disposition:";
	size_t len;

	if (m->line_length == 0) {
		m->state = STATE_CONTENT;
		m->found = m->found || m->is_file;
		begin_content(m);
		return;
	}
	m->line[m->line_length] = '\0';
	m->line_length = 0;
	if (strncasecmp(m->line, name, strlen(name)) == 0 && !m->found)
		m->is_file = parameter(m->line, "filename", &len) || parameter(m->line, "filename*", &len);
}

/* A byte that belongs to no content. False for a form that must be refused. */
static bool take_byte(struct multipart *m, char c)
{
	switch ((enum state)m->state) {
	case STATE_DELIMITER:
		m->state = c == '-' ? STATE_LAST : c == '\r' ? STATE_DELIMITER_END : STATE_DELIMITER;
		return c == '-' || c == '\r' || c == ' ' || c == '\t';
	case STATE_LAST:
		m->state = STATE_AFTER;
		return c == '-';
	case STATE_DELIMITER_END:
		m->state = STATE_HEAD;
		return c == '\n';
	case STATE_HEAD:
		if (c == '\n')
			take_line(m);
		else if (c != '\r' && m->line_length == sizeof(m->line) - 1)
			return false;
		else if (c != '\r')
			m->line[m->line_length++] = c;
		return true;
	case STATE_AFTER:
		return true;
	case STATE_BEFORE:
	case STATE_CONTENT:
		break;
	}
	return false;
}

/*
 * Takes bytes up to the next delimiter, and one run of content. What has looked like the delimiter and is not is content
 * that may have come with an earlier call: a prefix of the delimiter. A CR is only at its start, so nothing in that
 * prefix can begin another one.
 */
static size_t take_content(struct multipart *m, const char *data, size_t len, const char **ret_content,
			   size_t *ret_len)
{
	size_t at = 0;

	while (at < len && data[at] == m->delimiter[m->matched]) {
		at++;
		if (++m->matched == m->length) {
			end_part(m);
			return at;
		}
	}
	if (at == len)
		return at;
	if (m->matched > m->lent) {
		*ret_content = m->delimiter + m->lent;
		*ret_len = m->matched - m->lent;
	} else {
		*ret_content = data + at;
		while (at < len && data[at] != '\r')
			at++;
		*ret_len = (size_t)(data + at - *ret_content);
	}
	m->matched = m->lent = 0;
	return at;
}

long multipart_take(struct multipart *m, const char *data, size_t len, const char **ret_content,
		    size_t *ret_len)
{
	size_t at = 0;

	*ret_len = 0;
	while (at < len) {
		bool is_file = m->state == STATE_CONTENT && m->is_file;

		if (m->state == STATE_BEFORE || m->state == STATE_CONTENT)
			at += take_content(m, data + at, len - at, ret_content, ret_len);
		else if (!take_byte(m, data[at++]))
			return -1;
		if (*ret_len && is_file)
			break;
		*ret_len = 0;
	}
	return (long)at;
}
