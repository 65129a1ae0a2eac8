/* SPDX-License-Identifier: Apache-2.0 */
/* See class.h. */
#include "fs/tree/class.h"

void content_start(const struct place *p, content_fn *done, void *arg)
{
	struct document *d;

	if (p->entry->io->start) {
		p->entry->io->start(p, done, arg);
		return;
	}
	d = p->entry->render(p);
	done(arg, d ? 0 : -ENOMEM, d, NULL);
}
