/* SPDX-License-Identifier: Apache-2.0 */
/* See running_sum.h. */
#include "actions/image/running_sum.h"

#include <stdio.h>
#include <stdlib.h>

#include "actions/image/digest.h"

struct running_sum {
	struct digest *md5;
	int64_t end;   /* bytes summed */
	int64_t holes; /* bytes of these that are in holes */
	bool lost;     /* the sum is not known, and cannot become known */
};

struct running_sum *running_sum_new(void)
{
	struct running_sum *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->md5 = digest_new("md5");
	s->lost = !s->md5;
	return s;
}

void running_sum_free(struct running_sum *s)
{
	if (!s)
		return;
	digest_free(s->md5);
	free(s);
}

void running_sum_write(struct running_sum *s, const void *data, size_t len, int64_t offset)
{
	if (s->lost)
		return;
	if (offset < s->end || offset - s->end > RUNNING_SUM_HOLES - s->holes) {
		s->lost = true;
		return;
	}
	digest_add_zeros(s->md5, offset - s->end);
	digest_add(s->md5, data, len);
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
	char md5[DIGEST_STRLEN];

	if (s->lost || size < s->end || size - s->end > RUNNING_SUM_HOLES - s->holes ||
	    !digest_get(s->md5, size - s->end, md5))
		return false;
	(void)snprintf(ret_md5, RUNNING_SUM_STRLEN, "%.32s", md5);
	return true;
}
