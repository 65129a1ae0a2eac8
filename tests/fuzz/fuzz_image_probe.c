/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an image. So that a small input can be a large file, it is
 *
 *     8 bytes   size of the file, big endian
 *     8 bytes   what is at the volume descriptor of an ISO (32768)
 *     16 bytes  what is 512 bytes before the end
 *     the rest  the beginning of the file
 *
 * and zeros elsewhere. Checked: reads stay within the file and are few, and
 * what comes out is consistent.
 */
#include "fuzz.h"

#include <endian.h>
#include <string.h>

#include "../../actions/image_header.h"

#define PREFIX 32

struct file {
	const uint8_t *data;
	size_t size;
	int64_t file_size;
	size_t bytes_read;
};

static uint8_t byte_at(const struct file *f, int64_t offset)
{
	int64_t from_end = f->file_size - 512;

	if (offset >= 32768 && offset < 32776)
		return f->data[8 + offset - 32768];
	if (offset >= from_end && offset < from_end + 16)
		return f->data[16 + offset - from_end];
	if (offset < (int64_t)(f->size - PREFIX))
		return f->data[PREFIX + offset];
	return 0;
}

static ssize_t file_read(void *ctx, void *buf, size_t len, int64_t offset)
{
	struct file *f = ctx;
	size_t n = 0;

	fuzz_require(offset >= 0 && offset < f->file_size && len > 0);
	for (; n < len && offset + (int64_t)n < f->file_size; n++)
		((uint8_t *)buf)[n] = byte_at(f, offset + (int64_t)n);
	f->bytes_read += n;
	fuzz_require(f->bytes_read < 4096); /* headers only */
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
