/* SPDX-License-Identifier: Apache-2.0 */
/* See response.h. */
#include "rest/response.h"

#include <string.h>

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
	response->storage = text;
	response->body = body;
	response->len = len;
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

struct response *response_ref(struct response *response)
{
	atomic_fetch_add_explicit(&response->refs, 1, memory_order_relaxed);
	return response;
}

void response_unref(struct response *response)
{
	if (!response || atomic_fetch_sub_explicit(&response->refs, 1, memory_order_acq_rel) > 1)
		return;
	free(response->storage);
	free(response);
}

const char *response_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}
