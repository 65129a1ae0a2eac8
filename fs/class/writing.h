/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a write: texts that arrive in pieces.
 *
 * A program may cut what it writes anywhere: a shell's printf writes line by line,
 * jq in blocks, an editor the two halves of its buffer, Java and Python the line
 * end by itself. All pieces that are written through one open, or through copies of
 * its descriptor, form one text. The kernel tells us of each write(2) and of each
 * close(2) (FLUSH), but not of the last one in time to refuse it, and shells look at
 * the errors of write(2) only. So:
 *
 *	             piece                 whole: the pool is asked
 *	  empty ──────────────> held ──────────────────────────────> taken
 *	    ^                    │ ^ close, fsync: the pool is asked   │
 *	    │                    │ └───────────── piece ───────────────┘
 *	    └─ a write at offset 0, truncation to 0: a new text begins
 *
 * - The pool is asked at once when a text is certainly whole for the first time (a
 *   value: its line ends; a document: its last bracket closes), and the write is
 *   answered when the change is durable or refused.
 * - A piece that follows amends the text. The pool is asked for the whole text, once,
 *   at the next close(2) or fsync(2). So is a text that was never certainly whole.
 * - A held text is checked at each piece, and refused there if it would be refused
 *   and no further piece could change that.
 * - A refused piece in the middle spoils the text: what follows is refused with the
 *   same errno, until a new text begins. Nothing more of it reaches the pool.
 * - Copies of a descriptor are closed by several processes, and only one of these
 *   closes asks the pool. The others are answered after it and with the same result,
 *   until more is written: which process looks at its close(2) is not known.
 * - What a program has written that was then killed is dropped, unless it is taken.
 * - With O_APPEND, or at the end of what was read, a text begins with what is in the
 *   file: the value, as it is when the pool is asked.
 * - Truncation to 0, O_TRUNC too, changes nothing by itself: `: > f` writes no text,
 *   `echo > f` the empty one.
 *
 * Requests (`actions`, `create`, `call`) are texts too, but each whole one is a
 * request of its own, and a blank piece between them is nothing.
 *
 * What is whole, and what the pool is asked, is said by the members `part`, `may_grow`,
 * `take` and `amends` of the file class. For the thread that receives requests.
 */
#ifndef POOLFS_FS_CLASS_WRITING_H
#define POOLFS_FS_CLASS_WRITING_H

#include "fs/tree/class.h"

/* Members of file classes. */
void writing_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t len,
		   off_t offset, int flags);
void writing_flush(fuse_req_t req, const struct place *p, struct handle *h);
void writing_fsync(fuse_req_t req, const struct place *p, struct handle *h);
void writing_revive(const struct fs *fs, struct handle *h);
int writing_cut(const struct place *p, struct handle *h, off_t size, struct error *e);

/** The text of a JSON document, for `part`. */
int writing_part_of_json(const struct gather *g, struct error *e);

#endif
