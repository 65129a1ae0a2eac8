/* SPDX-License-Identifier: Apache-2.0 */
/* See source.h. */
#include "actions/image/source.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

int image_source_read(const struct image_source *s, void *buf, size_t len, int64_t offset, struct error *e)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = s->read(s->ctx, (char *)buf + got, len - got, offset + (int64_t)got);

		if (n <= 0)
			return error_set(e, EIO, "cannot read the image at byte %" PRId64 ": %s",
					 offset + (int64_t)got,
					 n < 0 ? strerror((int)-n) : "unexpected end of file");
		got += (size_t)n;
	}
	return 0;
}

uint32_t image_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

uint64_t image_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}
