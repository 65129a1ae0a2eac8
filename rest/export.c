/* SPDX-License-Identifier: Apache-2.0 */
/* See export.h. */
#include "rest/export.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "rest/request.h"

static const char path_exports[] = "/exports/";

bool export_is_target(const char *target)
{
	const char *api = request_api_path(target);

	return api && strncmp(api, path_exports, strlen(path_exports)) == 0;
}

/* --------------------------------------------------------------------- ranges */

/* The digits at *text, which is moved behind them; -1 without any. Too large a number is as large as possible. */
static int64_t take_number(const char **text)
{
	int64_t number = isdigit((unsigned char)**text) ? 0 : -1;

	for (; isdigit((unsigned char)**text); ++*text) {
		int digit = **text - '0';

		number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : 10 * number + digit;
	}
	return number;
}

/* A part of a file. */
struct byte_range {
	int64_t offset, length;
};

/* The value of a field Range (NULL: none) for a file of @size bytes: 200 the whole file, 206 a part, 416 none. */
static int byte_range_parse(const char *value, int64_t size, struct byte_range *ret)
{
	int64_t first, last;

	*ret = (struct byte_range){0, size};
	/* What is malformed, or of several parts, may be ignored. */
	if (!value || strncasecmp(value, "bytes=", 6) != 0)
		return 200;
	value += 6;
	first = take_number(&value);
	if (*value++ != '-')
		return 200;
	last = take_number(&value);
	if (*value || (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
		return 200;
	if (first < 0) { /* the last bytes */
		if (last == 0 || size == 0)
			return 416;
		ret->length = last < size ? last : size;
		ret->offset = size - ret->length;
		return 206;
	}
	if (first >= size)
		return 416;
	ret->offset = first;
	ret->length = (last < 0 || last >= size ? size : last + 1) - first;
	return 206;
}

/* --------------------------------------------------------------------- answers */

/* What part is asked for, as a field Range, or NULL. Only GET can ask for one (RFC 9110, 14.2). */
static const char *find_range(const struct exchange *x, const char *etag)
{
	const char *condition = http_head_field(x->head, "If-Range");

	if (strcmp(x->head->method, "GET") != 0 || (condition && strcmp(condition, etag) != 0))
		return NULL;
	return http_head_field(x->head, "Range");
}

static struct response *answer_file(const struct exchange *x, int fd, int64_t size, const char *secret)
{
	char etag[MOUNT_UUID_SIZE + 2];
	struct byte_range range;
	struct response *response;
	int status;

	snprintf(etag, sizeof(etag), "\"%s\"", secret);
	status = byte_range_parse(find_range(x, etag), size, &range);
	if (status == 416) {
		(void)close(fd);
		response = response_text(416, "there are no bytes in this range");
		response_add_field(response, "Content-Range", "bytes */%" PRId64, size);
		return response;
	}
	response = response_file(status, "application/octet-stream", fd, range.offset, (size_t)range.length);
	response_add_field(response, "Accept-Ranges", "bytes");
	response_add_field(response, "ETag", "%s", etag);
	response_add_field(response, "X-Content-Type-Options", "nosniff");
	if (status == 206)
		response_add_field(response, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
				   range.offset, range.offset + range.length - 1, size);
	return response;
}

struct response *export_answer(const struct mount *mount, const struct exchange *x)
{
	const char *at = request_api_path(x->head->target) + strlen(path_exports);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char secret[MOUNT_UUID_SIZE];
	struct response *response;
	struct stat st;
	int fd;

	if (strcmp(x->method, "GET") != 0) {
		response = response_text(405, "an image can only be downloaded");
		response_add_field(response, "Allow", "GET, HEAD");
		return response;
	}
	snprintf(secret, sizeof(secret), "%.*s",
		 (int)(strcspn(at, "/?") < MOUNT_UUID_SIZE ? strcspn(at, "/?") : 0), at);
	fd = mount_open_export(mount, secret, &e);
	if (fd == -ENOENT)
		return response_text(404, "no image is exported here");
	if (fd < 0)
		return response_error(&e);
	if (fstat(fd, &st) < 0) {
		(void)error_set(&e, EIO, "the image cannot be read: %s", strerror(errno));
		(void)close(fd);
		return response_error(&e);
	}
	return answer_file(x, fd, st.st_size, secret);
}
