/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rendered content of a file: the bytes that a reader sees from open to
 * close. Immutable and shared by reference, so a large listing is rendered once
 * for all its readers.
 */
#ifndef POOLFS_DOCUMENT_H
#define POOLFS_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "model/cleanup.h"
#include "model/ref.h"

struct document {
	struct ref ref;
	int64_t mtime; /* ns: last change of this content */
	size_t len;
	char data[]; /* len bytes and a NUL that is not counted */
};

/** A document with a copy of @data; NULL when memory is short. */
struct document *document_new(const char *data, size_t len, int64_t mtime);
/** A document of @len bytes, which the caller fills before sharing it; NULL when memory is short. */
struct document *document_alloc(size_t len, int64_t mtime);

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

#endif
