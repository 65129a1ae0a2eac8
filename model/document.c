/* SPDX-License-Identifier: Apache-2.0 */
/* See document.h. */
#include "model/document.h"

#include <stdlib.h>
#include <string.h>

static void document_destroy(struct ref *self)
{
	free(self);
}

struct document *document_alloc(size_t len, int64_t mtime)
{
	struct document *d = malloc(sizeof(*d) + len + 1);

	if (!d)
		return NULL;
	ref_init(&d->ref, document_destroy);
	d->mtime = mtime;
	d->len = len;
	d->data[len] = '\0';
	return d;
}

struct document *document_new(const char *data, size_t len, int64_t mtime)
{
	struct document *d = document_alloc(len, mtime);

	if (d)
		memcpy(d->data, data, len);
	return d;
}
