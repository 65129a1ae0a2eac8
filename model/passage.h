/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of long documents (document_join()), shared by reference: immutable bytes. If they take a page or more, they are
 * where the next process finds them (keep_text_new()), so that to keep a document costs the list of its parts.
 */
#ifndef POOLFS_PASSAGE_H
#define POOLFS_PASSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "model/cleanup.h"
#include "model/ref.h"

struct keep;

struct passage {
	struct ref ref;
	struct keep *keep; /* borrowed; in which the bytes are; NULL: they are behind this */
	const char *bytes;
	size_t len;
};

/** One with a copy of the bytes, in @keep if they fit there (NULL: none); NULL when memory is short. */
struct passage *passage_new(struct keep *keep, const char *bytes, size_t len);
/** That which another process has left at @place (keep_text_place()); NULL: there can be none, or no memory. */
struct passage *passage_load(struct keep *keep, uint64_t place, size_t len);

static inline struct passage *passage_ref(struct passage *p)
{
	ref_get((struct ref *)p);
	return p;
}
/** Accepts NULL. */
static inline void passage_unref(struct passage *p)
{
	ref_put((struct ref *)p);
}
DEFINE_CLEANUP(struct passage *, passage_unref)
#define _cleanup_passage_ _cleanup_(passage_unref_p)

#endif
