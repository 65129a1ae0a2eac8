/* SPDX-License-Identifier: Apache-2.0 */
/* See document.h. */
#include "model/document.h"

#include <stdlib.h>

/* The first room of a draft, bytes. */
#define DRAFT_MIN 2000

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

char *draft_grow(struct draft *t, size_t len)
{
	size_t written = draft_len(t), room = 2 * t->room + len + DRAFT_MIN;
	struct document *grown = t->failed ? NULL : realloc(t->d, sizeof(*grown) + room + 1);

	if (!grown) {
		t->failed = true;
		return NULL;
	}
	grown->len = written;
	t->d = grown;
	t->room = room;
	return grown->data + written;
}

int draft_dump(const char *data, size_t len, void *draft)
{
	struct draft *t = draft;

	draft_add(t, data, len);
	return t->failed ? -1 : 0;
}

struct document *draft_end(struct draft *t, int64_t mtime)
{
	struct document *d = NULL, *fit;

	if (!t->failed && draft_room(t, 0)) {
		d = steal(&t->d);
		fit = realloc(d, sizeof(*d) + d->len + 1);
		d = fit ? fit : d;
		ref_init(&d->ref, document_destroy);
		d->mtime = mtime;
		d->data[d->len] = '\0';
	}
	draft_done(t);
	return d;
}

void draft_done(struct draft *t)
{
	free(t->d);
	*t = (struct draft){0};
}
