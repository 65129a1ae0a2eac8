/* SPDX-License-Identifier: Apache-2.0 */
/* See passage.h. */
#include "model/passage.h"

#include <stdlib.h>
#include <string.h>

#include "model/keep.h"

/* Shorter ones would waste too much of a page. */
#define KEPT_MIN 4096

static void passage_destroy(struct ref *self)
{
	struct passage *p = (struct passage *)self;

	if (p->keep)
		keep_text_free(p->keep, p->bytes, p->len);
	free(p);
}

/* With room for @own bytes behind it. */
static struct passage *make(struct keep *keep, const char *bytes, size_t len, size_t own)
{
	struct passage *p = malloc(sizeof(*p) + own);

	if (!p)
		return NULL;
	*p = (struct passage){.keep = keep, .bytes = bytes, .len = len};
	ref_init(&p->ref, passage_destroy);
	return p;
}

struct passage *passage_new(struct keep *keep, const char *bytes, size_t len)
{
	char *kept = len >= KEPT_MIN ? keep_text_new(keep, len) : NULL;
	struct passage *p = make(kept ? keep : NULL, kept, len, kept ? 0 : len);

	if (p && !kept)
		p->bytes = (char *)(p + 1);
	if (p)
		memcpy((char *)(uintptr_t)p->bytes, bytes, len);
	else if (kept)
		keep_text_free(keep, kept, len);
	return p;
}

struct passage *passage_load(struct keep *keep, uint64_t place, size_t len)
{
	char *kept = keep_text_claim(keep, place, len);
	struct passage *p = kept ? make(keep, kept, len, 0) : NULL;

	if (kept && !p)
		keep_text_free(keep, kept, len);
	return p;
}
