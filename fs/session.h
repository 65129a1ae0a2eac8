/* SPDX-License-Identifier: Apache-2.0 */
/* The worker of a mount: opens the pool, and runs the loop that serves requests. */
#ifndef POOLFS_SESSION_H
#define POOLFS_SESSION_H

#include "actions/pool_open.h"
#include "fs/handover.h"
#include "fs/tree/fs.h"

struct session_options {
	struct fuse_args *args; /* -o options for the mount, as libfuse reads them */
	const char *mountpoint; /* absolute */
	unsigned max_read;	/* that of args, bytes; 0 = none */
	struct pool_options pool;
	bool inotify;		  /* see fs/tell/watchers.h */
	bool allow_other;	  /* `args` say so */
	uid_t rest_uid;		  /* the user who serves REST; UID_NONE */
	void (*ready)(void *arg); /* called once, when the mount can be used */
	void *ready_arg;
	const int
		*ready_fd; /* what `ready` writes to, not for workers; -1 when it was called; NULL: nothing */
	bool background;   /* the program leaves its process group then */
	char **argv;	   /* the arguments by which another program goes on */
	struct handover *handover; /* what the supervisor goes on with, which takes it over */
};

/**
 * Opens the pool, serves the mount until it is told to end, closes the pool. @link: to the supervisor (fs/link.h);
 * @keep_fd: what the worker before this one has kept. Starts threads. -errno.
 */
int session_serve(const struct session_options *options, int link, int keep_fd, struct error *e);

#endif
