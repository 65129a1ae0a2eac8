/* SPDX-License-Identifier: Apache-2.0 */
/* See picture.h. The form of a portable pixmap is in ppm(5). */
#include "hypervisor/domain/picture.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

/* Points in a row or a column. */
#define SIDE_MAX 16384

/* What is read, from `at` on. */
struct reader {
	const char *data;
	size_t len, at;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A number behind white space and comments, which are at the beginning of a line; 0 if there is none of 1 to @max. */
static unsigned read_number(struct reader *r, unsigned max)
{
	unsigned number = 0;

	while (r->at < r->len && (is_space(r->data[r->at]) || r->data[r->at] == '#')) {
		if (r->data[r->at] == '#')
			while (r->at < r->len && r->data[r->at] != '\n')
				r->at++;
		else
			r->at++;
	}
	for (; r->at < r->len && r->data[r->at] >= '0' && r->data[r->at] <= '9'; r->at++) {
		number = number * 10 + (unsigned)(r->data[r->at] - '0');
		if (number > max)
			return 0;
	}
	return number;
}

static int refuse(struct error *e)
{
	return error_set(e, EPROTO, "the host has given a picture that cannot be read");
}

static int encode(png_image *image, const void *points, char **ret_png, size_t *ret_len, struct error *e)
{
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*image);
	_cleanup_free_ char *png = malloc(size);
	bool ok;

	if (!png)
		return error_oom(e);
	/* a picture is looked at once: quick is better than small */
	image->flags |= PNG_IMAGE_FLAG_FAST;
	ok = png_image_write_to_memory(image, png, &size, 0, points, 0, NULL);
	png_image_free(image);
	if (!ok)
		return error_set(e, ENOMEM, "cannot make a PNG of the picture: %s", image->message);
	*ret_png = realloc(png, size);
	if (!*ret_png)
		return error_oom(e);
	(void)steal(&png);
	*ret_len = size;
	return 0;
}

static int convert_pixmap(const char *data, size_t len, char **ret_png, size_t *ret_len, struct error *e)
{
	struct reader r = {.data = data, .len = len, .at = 2};
	png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
	size_t size;

	if (len < 3 || memcmp(data, "P6", 2) != 0)
		return refuse(e);
	image.width = read_number(&r, SIDE_MAX);
	image.height = read_number(&r, SIDE_MAX);
	size = (size_t)image.width * image.height * 3;
	if (!size || read_number(&r, 255) != 255 || r.at >= len || !is_space(data[r.at]) ||
	    len - r.at - 1 < size)
		return refuse(e);
	return encode(&image, data + r.at + 1, ret_png, ret_len, e);
}

static int copy_png(const char *data, size_t len, char **ret_png, size_t *ret_len, struct error *e)
{
	static const char signature[] = "\x89PNG\r\n\x1a\n";

	if (len <= strlen(signature) || memcmp(data, signature, strlen(signature)) != 0)
		return refuse(e);
	*ret_png = malloc(len);
	if (!*ret_png)
		return error_oom(e);
	memcpy(*ret_png, data, len);
	*ret_len = len;
	return 0;
}

int picture_make_png(const char *type, const char *data, size_t len, char **ret_png, size_t *ret_len,
		     struct error *e)
{
	if (strcmp(type, "image/png") == 0)
		return copy_png(data, len, ret_png, ret_len, e);
	if (strcmp(type, "image/x-portable-pixmap") == 0)
		return convert_pixmap(data, len, ret_png, ret_len, e);
	return error_set(e, EOPNOTSUPP,
			 "the host gives pictures of the type '%.64s', which cannot be made a PNG", type);
}
