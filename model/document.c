/* SPDX-License-Identifier: Apache-2.0 */
/* See document.h. */
#include "model/document.h"

#include <pthread.h>
#include <stdlib.h>

#include "model/keep.h"

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
	d->pieces = 0;
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

/* ------------------------------------------------------------------- pieces */

/* A piece, and where it begins in the whole. */
struct placed {
	struct document *text; /* owned */
	size_t skip, start;
};
/* The data of a joined document. */
struct joined {
	struct keep *keep; /* keep_lock; which has its bytes; NULL: none */
	uint64_t number;   /* keep_lock; under this number */
	struct placed pieces[];
};
_Static_assert(offsetof(struct document, data) % _Alignof(struct joined) == 0, "");

static pthread_mutex_t keep_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_number; /* keep_lock; that was given out */

static struct joined *joined_of(const struct document *d)
{
	return (struct joined *)(void *)(uintptr_t)d->data;
}

static struct placed *pieces_of(const struct document *d)
{
	return joined_of(d)->pieces;
}

static void joined_destroy(struct ref *self)
{
	struct document *d = (struct document *)self;

	for (size_t i = 0; i < d->pieces; i++)
		document_unref(pieces_of(d)[i].text);
	if (joined_of(d)->keep)
		keep_remove(joined_of(d)->keep, KEEP_DOCUMENT, joined_of(d)->number);
	free(d);
}

struct document *document_join(const struct piece *pieces, size_t count, int64_t mtime)
{
	struct document *d = document_alloc(sizeof(struct joined) + count * sizeof(struct placed), mtime);

	if (!d)
		return NULL;
	ref_init(&d->ref, joined_destroy);
	*joined_of(d) = (struct joined){0};
	d->len = 0;
	d->pieces = count;
	for (size_t i = 0; i < count; i++) {
		pieces_of(d)[i] = (struct placed){
			.text = document_ref(pieces[i].text), .skip = pieces[i].skip, .start = d->len};
		d->len += pieces[i].text->len - pieces[i].skip;
	}
	return d;
}

/* The piece with the byte at @start. */
static size_t find_piece(const struct document *d, size_t start)
{
	size_t low = 0, high = d->pieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (pieces_of(d)[middle].start <= start)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int document_slice(const struct document *d, size_t start, size_t len, struct iovec *ret, int most)
{
	int count = 0;

	if (!d->pieces) {
		*ret = (struct iovec){(char *)(uintptr_t)d->data + start, len};
		return 1;
	}
	for (size_t i = find_piece(d, start); len && count < most && i < d->pieces; i++) {
		const struct placed *p = &pieces_of(d)[i];
		size_t at = p->skip + (start - p->start), rest = p->text->len - at;

		rest = rest < len ? rest : len;
		if (rest)
			ret[count++] = (struct iovec){p->text->data + at, rest};
		start += rest;
		len -= rest;
	}
	return count;
}

void document_copy(const struct document *d, char *to)
{
	for (size_t i = 0; i < d->pieces; i++) {
		const struct placed *p = &pieces_of(d)[i];

		memcpy(to + p->start, p->text->data + p->skip, p->text->len - p->skip);
	}
	if (!d->pieces)
		memcpy(to, d->data, d->len);
}

static void copy_kept(void *to, const void *document)
{
	document_copy(document, to);
}

uint64_t document_keep(struct document *d, struct keep *keep, size_t most)
{
	struct joined *j = joined_of(d);

	scoped_lock(&keep_lock);
	if (j->keep)
		return j->number;
	if (keep_bytes(keep, KEEP_DOCUMENT) + d->len > most)
		return 0;
	if (keep_set_by(keep, KEEP_DOCUMENT, last_number + 1, d->len, copy_kept, d, true) < 0)
		return 0;
	j->keep = keep;
	j->number = ++last_number;
	return j->number;
}

struct document *document_load(struct keep *keep, uint64_t number, int64_t mtime)
{
	size_t len = 0;
	_cleanup_free_ char *kept = keep_get(keep, KEEP_DOCUMENT, number, &len);
	_cleanup_document_ struct document *text = kept ? document_new(kept, len, mtime) : NULL;
	struct document *d = text ? document_join(&(struct piece){.text = text}, 1, mtime) : NULL;

	scoped_lock(&keep_lock);
	last_number = number > last_number ? number : last_number; /* of one that is lost, too */
	if (d) {
		joined_of(d)->keep = keep;
		joined_of(d)->number = number;
	}
	return d;
}

/* -------------------------------------------------------------------- drafts */

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

struct document *draft_end(struct draft *t, int64_t mtime)
{
	struct document *d = NULL, *fit;

	if (!t->failed && draft_room(t, 0)) {
		d = steal(&t->d);
		fit = realloc(d, sizeof(*d) + d->len + 1);
		d = fit ? fit : d;
		ref_init(&d->ref, document_destroy);
		d->mtime = mtime;
		d->pieces = 0;
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
