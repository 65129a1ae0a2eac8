/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that writes a file, and how it ended.
 *
 * The close of a file looks the same whether the program calls close(2), exits,
 * or is killed in the middle of its work. What a killed program has written is
 * incomplete, so the cases must be told apart. A pidfd refers to the process and,
 * after its end, has its exit status (Linux 6.15); so has /proc until the parent
 * has waited for it. Where neither is available, the program is assumed to have
 * ended normally.
 */
#ifndef POOLFS_IMAGE_WRITER_H
#define POOLFS_IMAGE_WRITER_H

#include <stdbool.h>
#include <sys/types.h>

struct writer {
	pid_t thread; /* wrote last; 0 = none */
	pid_t pid;    /* its process */
	int pidfd;    /* owned; -1 = none */
};

#define WRITER_INIT ((struct writer){.pidfd = -1})

/** Closes what @w holds and makes it WRITER_INIT again. */
void writer_done(struct writer *w);
/** Notes that @thread is in write(2), 0 = an unknown one. Calls of the same thread cost nothing. */
void writer_note(struct writer *w, pid_t thread);
/** True if the process that wrote last was killed by a signal. Does not block. */
bool writer_was_killed(const struct writer *w);

#endif
