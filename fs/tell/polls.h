/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll(2) on a value file, `inventory` or `spec` wakes when it changes, as in
 * /sys; on `events`, when there is more to read.
 *
 * A value is always readable; POLLPRI and POLLERR say that it differs from what
 * was read through this descriptor. Reading it again from the start after that, or opening
 * it again, gives the new one. A separate thread, which holds no lock meanwhile,
 * notifies the kernel. Self-locking.
 */
#ifndef POOLFS_FS_TELL_POLLS_H
#define POOLFS_FS_TELL_POLLS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

struct polls;

/** Starts the thread. NULL if there is no memory or thread. */
struct polls *polls_new(const struct fs *fs);
/** Ends the thread. Accepts NULL. */
void polls_free(struct polls *polls);
/** Something was committed. Called in the store's writer thread. */
void polls_observe(struct polls *polls);

/**
 * The answer to a poll: the events that are ready now. Unless something has changed already, the kernel will
 * be notified of the next change through @kernel (taken over; NULL: not wanted). -ENOMEM.
 */
int poll_start(const struct fs *fs, struct handle *h, struct fuse_pollhandle *kernel, unsigned *ret_events);
/** Records which content a new handle shows, to detect later changes. */
void poll_note(const struct place *p, struct handle *h);
/**
 * Called when a handle is read from its start: if it was polled, updates the content, unless that takes long. One that is
 * read through the kernel's pages (paged.h) shows the same until poll(2) tells of a change.
 */
void poll_refresh(const struct fs *fs, struct handle *h);
/** It is read, perhaps after that. */
void poll_note_read(struct handle *h);
/** Called before poll_refresh(): drops a content that has changed and whose update takes long, as if it had been lost. */
void poll_outdate(const struct fs *fs, struct handle *h);

#endif
