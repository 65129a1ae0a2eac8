/* SPDX-License-Identifier: Apache-2.0 */
/* See image_upload.h. */
#include "rest/image_upload.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "rest/multipart.h"
#include "rest/request.h"

#define PIECE (1 << 20) /* bytes that are written at a time */

static const char path_uploads[] = "/uploads/";

bool image_upload_is_target(const char *target)
{
	const char *api = request_api_path(target);

	return api && strncmp(api, path_uploads, strlen(path_uploads)) == 0;
}

static bool is_sent(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

bool image_upload_reads_body(const struct http_head *head)
{
	return is_sent(head->method) && image_upload_is_target(head->target);
}

struct upload {
	const struct exchange *x;
	const char *secret, *image; /* in the target; of 32 characters each */
	bool is_form;
	struct multipart form;
	int64_t size; /* bytes that must arrive */
	int fd;	      /* owned: the file; -1: closed */
	int64_t written;
	char *piece; /* owned: what is not written yet */
	size_t held;
};

static void upload_done(struct upload *u)
{
	if (u->fd >= 0)
		(void)close(u->fd); /* without all its bytes, it becomes no image */
	free(u->piece);
}

/* --------------------------------------------------------------------- request */

/* The value of a field with a number of bytes; -1 without the field, -2 for anything else. */
static int64_t take_size(const struct http_head *head, const char *name)
{
	const char *value = http_head_field(head, name);
	char *end;
	long long size;

	if (!value)
		return -1;
	errno = 0;
	size = strtoll(value, &end, 10);
	return isdigit((unsigned char)*value) && !*end && !errno ? size : -2;
}

static int find_size(struct upload *u, struct error *e)
{
	const struct http_head *head = u->x->head;
	int64_t slice = take_size(head, "X-SLICE-SIZE"), offset = take_size(head, "X-SLICE-OFFSET");

	u->size = take_size(head, "X-IMAGE-SIZE");
	if (u->size == -2 || u->size == 0)
		return error_set(e, EINVAL, "X-IMAGE-SIZE must be the number of bytes of the image");
	if (u->size < 0 && !u->is_form && !head->chunked)
		u->size = head->length > INT64_MAX ? -1 : (int64_t)head->length;
	if (u->size <= 0)
		return error_set(
			e, EINVAL,
			"the size of the image is needed: X-IMAGE-SIZE, or the length of a body that is the file");
	if ((offset != -1 && offset != 0) || (slice != -1 && slice != u->size))
		return error_set(e, EINVAL, "an image is sent as a whole, not in slices");
	return 0;
}

static int check_request(struct upload *u, struct error *e)
{
	const struct http_head *head = u->x->head;
	const char *type = http_head_field(head, "Content-Type"),
		   *image = http_head_field(head, "X-IMAGE-UUID");
	const char *at = request_api_path(head->target) + strlen(path_uploads);

	u->secret = at;
	u->image = strchr(at, '/') ? strchr(at, '/') + 1 : "";
	if (image && strncmp(u->image, image, strlen(image)) != 0)
		return error_set(e, EINVAL, "X-IMAGE-UUID is not that of the image in the URL");
	u->is_form = multipart_is(type);
	if (u->is_form && !multipart_init(&u->form, type))
		return error_set(e, EINVAL, "the form has no valid boundary");
	return find_size(u, e);
}

/* ------------------------------------------------------------------------ body */

/* The daemon tells why in the result of the job of the upload. */
static int error_of_file(const struct upload *u, int errnum, struct error *e)
{
	return error_set(e, errnum, "the image is refused: %s; /v1/api-jobs/%.32s tells why",
			 strerror(errnum), u->secret);
}

static int write_piece(struct upload *u, struct error *e)
{
	size_t done = 0;

	while (done < u->held) {
		ssize_t n = pwrite(u->fd, u->piece + done, u->held - done, u->written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_of_file(u, errno, e);
		done += (size_t)n;
		u->written += n;
	}
	u->held = 0;
	return 0;
}

static int take_file(struct upload *u, const char *data, size_t len, struct error *e)
{
	if ((int64_t)len > u->size - u->written - (int64_t)u->held)
		return error_set(e, EINVAL,
				 "the file has more than the %" PRId64 " bytes that were announced", u->size);
	while (len) {
		size_t room = PIECE - u->held < len ? PIECE - u->held : len;
		int r;

		memcpy(u->piece + u->held, data, room);
		u->held += room;
		data += room;
		len -= room;
		r = u->held == PIECE ? write_piece(u, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_form(struct upload *u, const char *data, size_t len, struct error *e)
{
	while (len) {
		const char *content = NULL;
		size_t content_len;
		long taken = multipart_take(&u->form, data, len, &content, &content_len);
		int r = taken < 0 ? error_set(e, EINVAL, "the form is malformed")
				  : take_file(u, content, content_len, e);

		if (r < 0)
			return r;
		data += taken;
		len -= (size_t)taken;
	}
	return 0;
}

static int receive(struct upload *u, struct error *e)
{
	const char *data;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = exchange_read(u->x, &data)) > 0)
		r = u->is_form ? take_form(u, data, (size_t)n, e) : take_file(u, data, (size_t)n, e);
	if (r < 0)
		return r;
	if (n < 0)
		return error_set(e, (int)-n, "%s",
				 n == -EPROTO ? "the body is not well formed in chunks"
					      : "the body did not arrive");
	if (u->is_form && !u->form.complete)
		return error_set(e, EINVAL, "the form has no complete file");
	if (u->written + (int64_t)u->held != u->size)
		return error_set(e, EINVAL, "the file has %" PRId64 " bytes, but %" PRId64 " were announced",
				 u->written + (int64_t)u->held, u->size);
	return write_piece(u, e);
}

/* ---------------------------------------------------------------------- answer */

static int run(struct upload *u, const struct mount *mount, struct error *e)
{
	char secret[MOUNT_UUID_SIZE] = "";
	int r = check_request(u, e);

	if (r < 0)
		return r;
	if (strcspn(u->secret, "/?") == MOUNT_UUID_SIZE - 1)
		snprintf(secret, sizeof(secret), "%s", u->secret);
	u->piece = malloc(PIECE);
	if (!u->piece)
		return error_oom(e);
	u->fd = mount_open_upload(mount, secret, e);
	if (u->fd < 0)
		return u->fd;
	if (fallocate(u->fd, FALLOC_FL_KEEP_SIZE, 0, u->size) < 0)
		return error_of_file(u, errno, e);
	r = receive(u, e);
	if (r < 0)
		return r;
	r = close(u->fd) < 0 ? error_of_file(u, errno, e) : 0;
	u->fd = -1;
	return r;
}

static struct response *refuse(int r, const struct error *e)
{
	if (r == -ENOENT)
		return response_text(404, error_sentence(e));
	if (r == -EINVAL || r == -EOPNOTSUPP || r == -EPROTO)
		return response_text(400, error_sentence(e));
	if (r == -ETIMEDOUT)
		return response_text(408, error_sentence(e));
	return response_error(e);
}

struct response *image_upload_answer(const struct mount *mount, const struct exchange *x)
{
	_cleanup_(upload_done) struct upload u = {.x = x, .fd = -1};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct response *response;
	char text[128];
	int r;

	if (!is_sent(x->head->method)) {
		response = response_text(405, "an image can only be sent here");
		response_add_field(response, "Allow", "POST, PUT");
		return response;
	}
	r = run(&u, mount, &e);
	if (r < 0)
		return refuse(r, &e);
	snprintf(text, sizeof(text), "{\"imageUuid\":\"%.32s\",\"size\":%" PRId64 "}", u.image, u.size);
	return response_new(200, "application/json;charset=UTF-8", text, strlen(text));
}
