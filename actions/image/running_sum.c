/* SPDX-License-Identifier: Apache-2.0 */
/* See running_sum.h. */
#include "actions/image/running_sum.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct running_sum {
	EVP_MD_CTX *md5;
	int64_t end;   /* bytes summed */
	int64_t holes; /* bytes of these that are in holes */
	bool lost;     /* the sum is not known, and cannot become known */
};

struct running_sum *running_sum_new(void)
{
	struct running_sum *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->md5 = EVP_MD_CTX_new();
	s->lost = !s->md5 || EVP_DigestInit_ex(s->md5, EVP_md5(), NULL) != 1;
	return s;
}

void running_sum_free(struct running_sum *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->md5);
	free(s);
}

/* Adds zeros to @md5, which has @end bytes, up to @offset; false if all holes exceed the limit then. */
static bool add_hole(EVP_MD_CTX *md5, int64_t end, int64_t offset, int64_t holes)
{
	static const char zeros[1 << 16];

	if (offset - end > RUNNING_SUM_HOLES - holes)
		return false;
	while (end < offset) {
		size_t n = offset - end < (int64_t)sizeof(zeros) ? (size_t)(offset - end) : sizeof(zeros);

		if (EVP_DigestUpdate(md5, zeros, n) != 1)
			return false;
		end += (int64_t)n;
	}
	return true;
}

void running_sum_write(struct running_sum *s, const void *data, size_t len, int64_t offset)
{
	if (s->lost)
		return;
	if (offset < s->end || !add_hole(s->md5, s->end, offset, s->holes) ||
	    EVP_DigestUpdate(s->md5, data, len) != 1) {
		s->lost = true;
		return;
	}
	s->holes += offset - s->end;
	s->end = offset + (int64_t)len;
}

void running_sum_lose(struct running_sum *s)
{
	s->lost = true;
}

void running_sum_cut(struct running_sum *s, int64_t offset)
{
	if (offset < s->end)
		s->lost = true;
}

bool running_sum_get(struct running_sum *s, int64_t size, char ret_md5[static RUNNING_SUM_STRLEN])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_MD_CTX *md5 = s->lost || size < s->end ? NULL : EVP_MD_CTX_new();
	bool known = md5 && EVP_MD_CTX_copy_ex(md5, s->md5) == 1 && add_hole(md5, s->end, size, s->holes) &&
		     EVP_DigestFinal_ex(md5, sum, &len) == 1;

	EVP_MD_CTX_free(md5);
	for (unsigned i = 0; known && i < len; i++)
		(void)snprintf(ret_md5 + 2 * (size_t)i, 3, "%02x", sum[i]);
	return known;
}
