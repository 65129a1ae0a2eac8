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
	struct passage *text; /* owned */
	size_t skip, start;
};
/* The data of a joined document. */
struct joined {
	struct keep *keep; /* keep_lock; which has it; NULL: none */
	uint64_t number;   /* keep_lock; under this number */
	struct placed pieces[];
};
_Static_assert(offsetof(struct document, data) % _Alignof(struct joined) == 0, "");

/*
 * A piece of a document that is kept. There is one for each, then come the bytes of those that are in no place, one after the
 * other.
 */
struct kept_piece {
	uint64_t place; /* keep_text_place() of its passage; 0: none */
	uint64_t len;	/* of the passage */
	uint64_t skip;
};
/* What comes before them. */
struct kept_pieces {
	uint64_t count;
};
_Static_assert(sizeof(struct kept_piece) == 24 && sizeof(struct kept_pieces) == 8 && KEEP_LAYOUT == 2,
	       KEEP_LAYOUT_CHANGED);

static pthread_mutex_t keep_lock = PTHREAD_MUTEX_INITIALIZER; /* numbers are given out under it, too */

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

	/* Before its passages go: what is kept must not name memory that others use. */
	if (joined_of(d)->keep)
		keep_remove_now(joined_of(d)->keep, KEEP_DOCUMENT, joined_of(d)->number);
	for (size_t i = 0; i < d->pieces; i++)
		passage_unref(pieces_of(d)[i].text);
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
			.text = passage_ref(pieces[i].text), .skip = pieces[i].skip, .start = d->len};
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
			ret[count++] = (struct iovec){(char *)(uintptr_t)p->text->bytes + at, rest};
		start += rest;
		len -= rest;
	}
	return count;
}

void document_copy(const struct document *d, char *to)
{
	for (size_t i = 0; i < d->pieces; i++) {
		const struct placed *p = &pieces_of(d)[i];

		memcpy(to + p->start, p->text->bytes + p->skip, p->text->len - p->skip);
	}
	if (!d->pieces)
		memcpy(to, d->data, d->len);
}

/* ------------------------------------------------------------------ keeping */

static struct kept_piece kept_piece(const struct keep *keep, const struct placed *p)
{
	if (p->text->keep == keep)
		return (struct kept_piece){keep_text_place(keep, p->text->bytes), p->text->len, p->skip};
	return (struct kept_piece){.len = p->text->len - p->skip};
}

/* Bytes that document_keep() needs. */
static size_t kept_length(const struct document *d, const struct keep *keep)
{
	size_t len = sizeof(struct kept_pieces) + d->pieces * sizeof(struct kept_piece);

	for (size_t i = 0; i < d->pieces; i++)
		if (pieces_of(d)[i].text->keep != keep)
			len += pieces_of(d)[i].text->len - pieces_of(d)[i].skip;
	return len;
}

struct keeping {
	const struct document *d;
	const struct keep *keep;
};

static void write_kept(void *to, const void *arg)
{
	const struct keeping *k = arg;
	const struct kept_pieces head = {.count = k->d->pieces};
	char *at = (char *)to + sizeof(head), *bytes = at + k->d->pieces * sizeof(struct kept_piece);

	memcpy(to, &head, sizeof(head));
	for (size_t i = 0; i < k->d->pieces; i++) {
		const struct placed *p = &pieces_of(k->d)[i];
		const struct kept_piece kept = kept_piece(k->keep, p);

		memcpy(at, &kept, sizeof(kept));
		at += sizeof(kept);
		if (kept.place)
			continue;
		memcpy(bytes, p->text->bytes + p->skip, kept.len);
		bytes += kept.len;
	}
}

uint64_t document_keep(struct document *d, struct keep *keep, size_t most)
{
	struct joined *j = joined_of(d);
	size_t len = kept_length(d, keep);
	uint64_t number = 0;

	scoped_lock(&keep_lock);
	if (j->keep)
		return j->number;
	if (keep_bytes(keep, KEEP_DOCUMENT) + len > most)
		return 0;
	/* Of all processes: what names one that is lost must not find another. */
	(void)keep_read(keep, KEEP_DOCUMENT_LAST, 0, &number, sizeof(number));
	number++;
	if (keep_set_now(keep, KEEP_DOCUMENT_LAST, 0, &number, sizeof(number)) < 0 ||
	    keep_set_by(keep, KEEP_DOCUMENT, number, len, write_kept, &(struct keeping){d, keep}, true) < 0)
		return 0;
	j->keep = keep;
	j->number = number;
	return number;
}

/*
 * The piece @i of a kept document of @len bytes, with a reference; if it has no place, its bytes are at *@at. False: it cannot
 * be, or no memory.
 */
static bool load_piece(struct keep *keep, const char *kept, size_t len, size_t i, size_t *at,
		       struct piece *ret)
{
	struct kept_piece p;

	memcpy(&p, kept + sizeof(struct kept_pieces) + i * sizeof(p), sizeof(p));
	if (p.skip > p.len || (!p.place && p.len > len - *at))
		return false;
	ret->skip = p.skip;
	ret->text = p.place ? passage_load(keep, p.place, p.len) : passage_new(NULL, kept + *at, p.len);
	*at += p.place ? 0 : p.len;
	return ret->text;
}

/* All of them, allocated; NULL as above. */
static struct piece *load_pieces(struct keep *keep, const char *kept, size_t len, size_t *ret_count)
{
	struct kept_pieces head;
	struct piece *pieces;
	size_t at, i = 0;

	if (len < sizeof(head))
		return NULL;
	memcpy(&head, kept, sizeof(head));
	if (head.count > (len - sizeof(head)) / sizeof(struct kept_piece))
		return NULL;
	at = sizeof(head) + head.count * sizeof(struct kept_piece);
	pieces = calloc(head.count + 1, sizeof(*pieces));
	while (pieces && i < head.count && load_piece(keep, kept, len, i, &at, &pieces[i]))
		i++;
	if (pieces && i == head.count) {
		*ret_count = i;
		return pieces;
	}
	while (i)
		passage_unref(pieces[--i].text);
	free(pieces);
	return NULL;
}

struct document *document_load(struct keep *keep, uint64_t number, int64_t mtime)
{
	size_t len = 0, count = 0;
	_cleanup_free_ char *kept = keep_get(keep, KEEP_DOCUMENT, number, &len);
	_cleanup_free_ struct piece *pieces = kept ? load_pieces(keep, kept, len, &count) : NULL;
	struct document *d = pieces ? document_join(pieces, count, mtime) : NULL;

	for (size_t i = 0; i < count; i++)
		passage_unref(pieces[i].text);
	scoped_lock(&keep_lock);
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
