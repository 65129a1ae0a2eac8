/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll(2): who has a value file or `inventory` open is woken when it changes, as
 * in /sys; who has `events` open, when there is more to read.
 *
 * A value is always readable; POLLPRI and POLLERR say that it is another one
 * than what was read through this descriptor. Reading it again from the start,
 * or opening it again, shows the new one. The kernel is told by a thread of its
 * own, which holds no lock meanwhile. Self-locking.
 */
#ifndef POOLFS_FS_TELL_POLLS_H
#define POOLFS_FS_TELL_POLLS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

struct polls;

/** Starts the thread. NULL without memory or thread. */
struct polls *polls_new(const struct fs *fs);
/** Ends the thread. Accepts NULL. */
void polls_free(struct polls *polls);
/** Something was committed. In the store's writer thread. */
void polls_observe(struct polls *polls);

/**
 * Answers a poll: what can be done with the handle now, and unless there is news already, the kernel is told
 * of them through @kernel (taken over; NULL: it does not want that). -ENOMEM.
 */
int poll_start(const struct fs *fs, struct handle *h, struct fuse_pollhandle *kernel, unsigned *ret_events);
/** Notes what a new handle shows, so that a later change is told from it. */
void poll_note(const struct place *p, struct handle *h);
/** A handle that was polled is read from its start: the content as it is now, if it is another one. */
void poll_refresh(const struct fs *fs, struct handle *h);

#endif
