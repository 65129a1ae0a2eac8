/* SPDX-License-Identifier: Apache-2.0 */
/* See once.h. */
#include "fs/class/once.h"

#include <stdatomic.h>

struct document *once_made(const struct place *p, unsigned which,
			   struct document *(*make)(const struct place *p))
{
	/* programs that only describe the mount keep nothing */
	struct document *_Atomic *kept = p->fs->made ? &p->fs->made[which] : NULL;
	struct document *d = kept ? atomic_load(kept) : NULL, *none = NULL;

	if (d)
		return document_ref(d);
	d = make(p);
	if (d && kept && atomic_compare_exchange_strong(kept, &none, d))
		return document_ref(d);
	return d;
}
