/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to the kernel: receiving requests, and what outlives the process
 * that does it.
 *
 * The kernel does not notice when the process that serves a mount is killed, as
 * long as another has /dev/fuse open (fs/supervisor.h). The next process goes on
 * with the same session:
 *
 * - It answers the same FUSE_INIT that the first one got. The kernel takes no second
 *   answer.
 * - Each request is kept (model/keep.h) from the moment it is received until it is
 *   answered. The next process does what is kept before it receives anything. So
 *   requests are neither lost nor refused, with any kernel: FUSE_NOTIFY_RESEND does
 *   the same for Linux 6.9 and newer only. Only long ones for which the keep has
 *   no room are refused by the next process, with EIO and a sentence; the operator is told.
 * - What a request has changed in the keep and its answer become valid together
 *   (keep_begin()). If the process dies then, the answer is given again, and the
 *   request is not done twice. A request that changes the pool is known by the job
 *   that was kept before it was started (fs/tree/submission.h).
 * - A request of which processes die is not given to one after the other for ever: when
 *   REQUEST_DEATHS have died with it in hand (model/in_hand.h), it alone is refused, with
 *   EIO and a sentence in `last-error`. A request that waits is in nobody's hand. What was in hand at several
 *   deaths is repeated one by one: most of it has only been there at the same time.
 * - Polls that waited are woken; the programs poll again.
 *
 * And it is agreed on with the kernel what libfuse 3.14 does not know. Each open file
 * shows its reader one rendering, so reads go past the page cache (FOPEN_DIRECT_IO), but for small ones (fs/tree/paged.h).
 * Linux refuses shared mappings of such files unless the file system allows them:
 * FUSE_DIRECT_IO_ALLOW_MMAP, since Linux 6.6. libfuse has no name for the flag, so it
 * is added to its reply on the way. On an older kernel shared mappings fail with
 * ENODEV, private ones work.
 */
#ifndef POOLFS_FS_RECEIVE_H
#define POOLFS_FS_RECEIVE_H

#include <stdbool.h>
#include <fuse_lowlevel.h>

#include "model/keep.h"

struct fs;

/* Before the supervisor gives up (NOT_SERVING_DEATHS); often enough for processes that are killed from outside. */
#define REQUEST_DEATHS 4

/**
 * Connects @session with the descriptor @fd of /dev/fuse, which the session closes at its end. @served (may be NULL) is
 * called when this process has shown that it serves: see receive_repeat() and receive_requests(). -ENOMEM.
 */
int receive_start(struct fuse_session *session, int fd, const struct fs *fs, void (*served)(void *arg),
		  void *arg);
/**
 * Counts the end of the process before this one for the requests that it had in hand. The closes among those that are to be
 * refused for that are done: for handles_load(), before which it is called.
 */
void receive_count_deaths(struct keep *keep);
/**
 * After receive_count_deaths(): does what the process before this one has received and not answered, and refuses what too many have died of, which
 * serves the others. What several have died with is done one by one, also while requests are received already.
 * @resumed (may be NULL) is called when all of that is begun, in this thread.
 */
void receive_repeat(void (*resumed)(void *arg), void *arg);
/**
 * Receives and does requests, until the mount is gone or fuse_session_exit(). It serves when a request has been answered, or
 * there was none for a while. 0, -errno.
 */
int receive_requests(void);
/**
 * Answers all requests that are kept with @error, those that are done with their answer, and forgets them. For a process
 * without a session.
 */
void receive_refuse_kept(int fd, struct keep *keep, int error);
/** Receives a request, for which this may wait, and answers it with @error. -ENODEV: the mount is gone. */
int receive_refuse(int fd, struct keep *keep, int error);

#endif
