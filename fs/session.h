/* SPDX-License-Identifier: Apache-2.0 */
/* The mount: from an open pool to the loop that serves it. */
#ifndef POOLFS_SESSION_H
#define POOLFS_SESSION_H

#include "actions/pool_open.h"
#include "fs/tree/fs.h"

struct session_options {
	struct fuse_args *args; /* -o options for the mount, as libfuse reads them */
	const char *mountpoint; /* absolute */
	struct pool_options pool;
	bool inotify;		  /* see watchers.h */
	void (*ready)(void *arg); /* called once, when the mount answers */
	void *ready_arg;
};

/**
 * Opens the pool, mounts, serves until somebody asks for the end, unmounts, closes the pool. Starts
 * threads, so call it in the process that is to stay. -EINVAL when an option is not known, and so on.
 */
int session_run(const struct session_options *options, struct error *e);

#endif
