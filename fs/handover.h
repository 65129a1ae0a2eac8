/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a supervisor gets from the one before it, so that the mount goes on: descriptors, and numbers in the
 * environment, of which a program ignores those that it does not know.
 *
 * - From itself, by execve(2): when the program is replaced by another one (fs/upgrade.h).
 * - From systemd's store of descriptors: when the supervisor was killed, or the service restarted (fs/service.h).
 */
#ifndef POOLFS_FS_HANDOVER_H
#define POOLFS_FS_HANDOVER_H

#include <stdbool.h>
#include <fuse_lowlevel.h>

#include "model/error.h"

struct options;

struct handover {
	int device; /* /dev/fuse; -1: there is nothing to go on with */
	int keep;   /* what the workers keep (model/keep.h) */
	int link;   /* to the worker that serves; -1: none does */
	pid_t worker;
	int former;	  /* the program before this one, to go back to; -1: none */
	int caller;	  /* who asked for another program, and waits for the outcome; -1: nobody */
	bool background;  /* detached from the terminal already */
	bool tries;	  /* only say whether this program could go on */
	struct error why; /* why the program in between has failed */
};

/** What this process gets; all of it is owned. Call it once, before threads are started. */
void handover_take(struct handover *ret);
/** Gives up what is of no use, since the mount on @mountpoint is gone. */
void handover_check(struct handover *h, const char *mountpoint);
/** Closes what is left. */
void handover_done(struct handover *h);
/**
 * Becomes @program (a descriptor), with these arguments, and hands @h over. Returns only on failure, with everything
 * as it was: -errno.
 */
int handover_execute(int program, char *const argv[], const struct handover *h, struct error *e);
/** The arguments by which a program has the same options, in any folder. -ENOMEM. For fuse_opt_free_args(). */
int handover_arguments(const struct options *options, const struct fuse_args *args, struct fuse_args *ret);

#endif
