/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an image. So that a small input can be a large file, it is
 *
 *     8 bytes   size of the file, big endian
 *     8 bytes   bytes at the volume descriptor of an ISO (32768); the last bit: the file is still partial
 *     16 bytes  bytes that are 512 bytes before the end
 *     the rest  the beginning of the file
 *
 * and zeros elsewhere. Checked: reads stay within the file and are few, and
 * the result is consistent.
 */
#include "tests/fuzz/fuzz.h"

#include <endian.h>
#include <string.h>

#include "actions/image/header.h"

#define PREFIX 32
/* The most that may be read of a file: headers, an L1 table, and the last L2 tables. */
#define HEADERS	  4096
#define L1_TABLE  (32 << 20)
#define L2_TABLES (16 * (2 << 20))

struct file {
	const uint8_t *data;
	size_t size;
	int64_t file_size;
	size_t bytes_read;
};

/* Copies the part of @data, @size bytes that are at @at in the file, that lies in the read at @offset. */
static void lay(uint8_t *buf, size_t len, int64_t offset, const uint8_t *data, size_t size, int64_t at)
{
	int64_t from = at > offset ? at : offset;
	int64_t to = at + (int64_t)size < offset + (int64_t)len ? at + (int64_t)size : offset + (int64_t)len;

	if (from < to)
		memcpy(buf + (from - offset), data + (from - at), (size_t)(to - from));
}

static ssize_t file_read(void *ctx, void *buf, size_t len, int64_t offset)
{
	struct file *f = ctx;
	size_t n = f->file_size - offset < (int64_t)len ? (size_t)(f->file_size - offset) : len;

	fuzz_require(offset >= 0 && offset < f->file_size && len > 0);
	memset(buf, 0, n);
	lay(buf, n, offset, f->data + PREFIX, f->size - PREFIX, 0);
	lay(buf, n, offset, f->data + 16, 16, f->file_size - 512);
	lay(buf, n, offset, f->data + 8, 8, 32768);
	f->bytes_read += n;
	fuzz_require(f->bytes_read < HEADERS + L1_TABLE + L2_TABLES);
	return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct file file = {.data = data, .size = size};
	struct image_source source = {.read = file_read, .ctx = &file, .actual_size = 4096};
	struct image_info info;
	uint64_t file_size;

	if (size < PREFIX)
		return 0;
	memcpy(&file_size, data, sizeof(file_size));
	file.file_size = source.size = (int64_t)be64toh(file_size);
	source.partial = data[15] & 1;
	if (image_header_parse(&source, &info, &e) < 0) {
		fuzz_require(error_is_set(&e) && (e.errnum == EINVAL || e.errnum == EOPNOTSUPP));
		return 0;
	}
	fuzz_require(!error_is_set(&e) && info.virtual_size > 0 && info.virtual_size % 512 == 0 &&
		     info.virtual_size <= IMAGE_VIRTUAL_SIZE_MAX && info.actual_size == 4096);
	fuzz_require(info.format == IMAGE_FORMAT_QCOW2 ||
		     (!info.backing_file && !info.data_file && !info.encrypted && !info.corrupt &&
		      info.virtual_size - file.file_size >= 0 && info.virtual_size - file.file_size < 512));
	(void)image_info_check(&info, &e);
	return 0;
}
