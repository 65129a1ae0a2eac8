/* SPDX-License-Identifier: Apache-2.0 */
/* The mount: opens the pool, mounts, and runs the loop that serves requests. */
#ifndef POOLFS_SESSION_H
#define POOLFS_SESSION_H

#include "actions/pool_open.h"
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
};

/**
 * Opens the pool, mounts, serves until it is told to end, unmounts, closes the pool. Starts threads, so call
 * it in the process that is to stay. -EINVAL for an unknown option, and others.
 */
int session_run(const struct session_options *options, struct error *e);

#endif
