/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rendered content of a file: the bytes that a reader sees from open to
 * close. Immutable and shared by reference, so a large listing is rendered once
 * for all its readers.
 */
#ifndef POOLFS_DOCUMENT_H
#define POOLFS_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "model/cleanup.h"
#include "model/passage.h"
#include "model/ref.h"

struct document {
	struct ref ref;
	int64_t mtime; /* ns: last change of this content */
	size_t len;
	size_t pieces; /* of passages, which its bytes are made of; 0: they are in `data` */
	char data[];   /* len bytes and a NUL that is not counted; or the pieces */
};

/** A document with a copy of @data; NULL when memory is short. */
struct document *document_new(const char *data, size_t len, int64_t mtime);
/** A document of @len bytes, which the caller fills before sharing it; NULL when memory is short. */
struct document *document_alloc(size_t len, int64_t mtime);

struct keep;

/* What is behind the first @skip bytes of @text. */
struct piece {
	struct passage *text;
	size_t skip;
};
/**
 * A document of the bytes of passages, one after the other, which it refers to (one reference each); NULL when memory is short.
 * Only document_slice() and document_copy() read it: for long contents that are shared in parts.
 */
struct document *document_join(const struct piece *pieces, size_t count, int64_t mtime);
/**
 * Where @len bytes from @start on are, which must be inside: up to @most places, of as many bytes as these have. Valid as
 * long as the document. Returns the number of places.
 */
int document_slice(const struct document *d, size_t start, size_t len, struct iovec *ret, int most);
/** Copies all bytes. */
void document_copy(const struct document *d, char *to);

/**
 * Keeps a joined document once for all who show it (KEEP_DOCUMENT), until it is freed, or for the next process after
 * keep_end(): of which passages it is made, and a copy of those that are not in @keep. The number of what is kept; 0: there
 * is no room, or more than @most bytes would be kept so. Any thread.
 */
uint64_t document_keep(struct document *d, struct keep *keep, size_t most);
/**
 * The document that another process has kept so, as a joined one, owned by the caller; NULL: there is none, or no memory.
 * Before keep_texts_settle().
 */
struct document *document_load(struct keep *keep, uint64_t number, int64_t mtime);

static inline struct document *document_ref(struct document *d)
{
	ref_get((struct ref *)d);
	return d;
}
static inline void document_unref(struct document *d)
{
	ref_put((struct ref *)d);
}
DEFINE_CLEANUP(struct document *, document_unref)
#define _cleanup_document_ _cleanup_(document_unref_p)

/* A document that is being written. All zeros: an empty one. */
struct draft {
	struct document *d; /* owned; NULL: nothing yet */
	size_t room;	    /* bytes of its data */
	bool failed;	    /* memory was short; what is added is dropped */
};

/** Room for @len more bytes behind those that are there; NULL when memory is short. The caller counts what it writes. */
char *draft_grow(struct draft *t, size_t len);
static inline char *draft_room(struct draft *t, size_t len)
{
	return t->d && t->room - t->d->len >= len ? t->d->data + t->d->len : draft_grow(t, len);
}
static inline void draft_add(struct draft *t, const char *data, size_t len)
{
	char *to = draft_room(t, len);

	if (!to)
		return;
	memcpy(to, data, len);
	t->d->len += len;
}
static inline size_t draft_len(const struct draft *t)
{
	return t->d ? t->d->len : 0;
}
/** Drops what has been written; its room stays. */
static inline void draft_clear(struct draft *t)
{
	if (t->d)
		t->d->len = 0;
}
/** The document, owned by the caller; NULL when memory was short. The draft is empty then. */
struct document *draft_end(struct draft *t, int64_t mtime);
/** Drops what has been written. */
void draft_done(struct draft *t);

#endif
