/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that writes a file, and how it ended.
 *
 * close(2) looks the same whether a program does it, or the kernel when the
 * program ends, or is killed in the middle of its work. What a killed program has
 * written is not what it wanted to write, so it must be told. A pidfd keeps hold
 * of the process, and tells after its end what it died of (Linux 6.15); until its
 * parent has seen the end, so does /proc. Where neither knows, the program is
 * taken to have ended well.
 */
#ifndef POOLFS_IMAGE_WRITER_H
#define POOLFS_IMAGE_WRITER_H

#include <stdbool.h>
#include <sys/types.h>

struct writer {
	pid_t thread; /* that wrote last; 0 = none */
	pid_t pid;    /* its process */
	int pidfd;    /* owned; -1 = none */
};

#define WRITER_INIT ((struct writer){.pidfd = -1})

void writer_done(struct writer *w);
/** The thread @thread writes; it is in write(2) now. 0: not known who. */
void writer_note(struct writer *w, pid_t thread);
/** True when the thread is about to end by a signal, as soon as the call that it is in returns. */
bool thread_is_dying(pid_t thread);
/** True when the process that wrote last was ended by a signal. Does not block. */
bool writer_was_killed(const struct writer *w);

#endif
