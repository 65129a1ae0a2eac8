/* SPDX-License-Identifier: Apache-2.0 */
/* See response.h. */
#include "rest/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rest/mount.h"

struct response *response_take(int status, const char *type, char *text, const char *body, size_t len)
{
	struct response *response = calloc(1, sizeof(*response));

	if (!response) {
		free(text);
		return NULL;
	}
	atomic_init(&response->refs, 1);
	response->status = status;
	response->type = type;
	response->fields = RESPONSE_NO_STORE;
	response->storage = text;
	response->body = body;
	response->len = len;
	response->fd = -1;
	return response;
}

struct response *response_file(int status, const char *type, int fd, int64_t offset, size_t len)
{
	struct response *response = response_take(status, type, NULL, "", len);

	if (!response) {
		(void)close(fd);
		return NULL;
	}
	response->fd = fd;
	response->offset = offset;
	return response;
}

struct response *response_switch(struct takeover *takeover)
{
	struct response *response = response_take(101, NULL, NULL, "", 0);

	if (!response) {
		takeover->free(takeover);
		return NULL;
	}
	response->fields = "";
	response->takeover = takeover;
	return response;
}

struct response *response_new(int status, const char *type, const char *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, data, len);
	copy[len] = '\0';
	return response_take(status, type, copy, copy, len);
}

struct response *response_text(int status, const char *text)
{
	return response_new(status, "text/plain;charset=UTF-8", text, strlen(text));
}

struct response *response_error(const struct error *e)
{
	static const struct {
		const char *code;
		int status;
	} rows[] = {{"ID.1000", 403}, {"ID.1002", 403}, {"SYS.1007", 400}};
	struct response *response;
	int status = 503;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].code, e->code) == 0)
			status = rows[i].status;
	response = response_text(status, error_sentence(e));
	if (response && strcmp(e->code, MOUNT_ERROR) == 0)
		response->cause = CAUSE_NO_POOL;
	if (status == 503)
		response_add_field(response, "Retry-After", RESPONSE_RETRY);
	return response;
}

void response_add_field(struct response *response, const char *name, const char *format, ...)
{
	size_t len = response ? strlen(response->own) : 0, room = sizeof(response->own) - len;
	va_list args;
	char value[200];
	int n;

	if (!response)
		return;
	va_start(args, format);
	n = vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(value) ||
	    (size_t)snprintf(response->own + len, room, "%s: %s\r\n", name, value) >= room)
		response->own[len] = '\0';
}

struct response *response_ref(struct response *response)
{
	atomic_fetch_add_explicit(&response->refs, 1, memory_order_relaxed);
	return response;
}

void response_unref(struct response *response)
{
	if (!response || atomic_fetch_sub_explicit(&response->refs, 1, memory_order_acq_rel) > 1)
		return;
	if (response->fd >= 0)
		(void)close(response->fd);
	if (response->follow.state)
		response->follow.free(response->follow.state);
	if (response->takeover)
		response->takeover->free(response->takeover);
	free(response->storage);
	free(response);
}

const struct response_status *response_statuses(void)
{
	static const struct response_status statuses[] = {
		{101, "Switching Protocols"},
		{200, "OK"},
		{202, "Accepted"},
		{206, "Partial Content"},
		{400, "Bad Request", "Invalid", "the request is not well formed; the text says why"},
		{401, "Unauthorized"},
		{403, "Forbidden", "NotSigned", "the signature with an access key is not accepted"},
		{404, "Not Found", "NotFound", "there is no such route, or the job has been forgotten"},
		{405, "Method Not Allowed", "NoMethod", "the route has other methods", "Allow"},
		{408, "Request Timeout", "TooSlow", "the request took too long to arrive"},
		{413, "Content Too Large", "TooLong", "the body is too long"},
		{414, "URI Too Long", "TargetTooLong", "the first line of the request is too long"},
		{415, "Unsupported Media Type", "Compressed", "a body must not be compressed",
		 "Accept-Encoding"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed", "Unexpected", "nothing but 100-continue can be expected"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests", "TooMany", "too many requests at a time", "Retry-After"},
		{431, "Request Header Fields Too Large", "HeadTooLong", "the header fields are too long"},
		{500, "Internal Server Error", "Failed",
		 "the server has no memory, or the path has no operation of this kind"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported", "NoVersion", "only HTTP/1.0 and HTTP/1.1 are supported"},
		{0},
	};

	return statuses;
}

const char *response_reason(int status)
{
	const struct response_status *s = response_statuses();

	while (s->status && s->status != status)
		s++;
	return s->status ? s->reason : "Unknown";
}
