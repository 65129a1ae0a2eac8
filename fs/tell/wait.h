/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for jobs: fsync of `actions`, `create` and value files, and rmdir.
 *
 * A wait is for the jobs of a set that have been accepted when it begins; later
 * ones do not prolong it. It is no thread but an entry in a list, answered from
 * the store's writer thread when the last of the jobs ends, or when the waiting
 * process is interrupted. Self-locking; nothing is held while answering.
 */
#ifndef POOLFS_FS_TELL_WAIT_H
#define POOLFS_FS_TELL_WAIT_H

#include <fuse_lowlevel.h>

#include "actions/engine/operation.h"

struct waits;

/* Which jobs. What is not set does not matter. */
struct job_set {
	char job[UUID_SIZE];	    /* this one; or */
	char resource[UUID_SIZE];   /* those of this object, and */
	const struct operation *op; /* of this operation, and */
	int64_t uid;		    /* of this user, -1 = of anybody */
};

/** What the waiting process gets when the last job of the set has failed. */
enum wait_failure {
	WAIT_EIO,	/* EIO */
	WAIT_JOB_ERRNO, /* the errno of the job's error */
};

struct waits *waits_new(struct store *store);
/** Accepts NULL. */
void waits_free(struct waits *waits);
/** Learns of the creations that were accepted before waits_observe() was told of any. */
void waits_load(struct waits *waits);
/** Follows the jobs. In the store's writer thread. */
void waits_observe(struct waits *waits, const struct view *view, const struct change *changes, size_t count);

/* The node numbers of files that the kernel keeps locked until a request on them is answered; 0 = none. */
struct locked {
	uint64_t nodes[2];
};

/** Answers @req with fuse_reply_err() when the jobs have ended; EINTR when it is interrupted. Never blocks.
 */
void waits_add(struct waits *waits, fuse_req_t req, const struct job_set *set, enum wait_failure failure,
	       struct locked locked);
/** True while a request that waits keeps @node locked. */
bool waits_lock(struct waits *waits, uint64_t node);
/** Answers everybody with EINTR; waits that come later too. */
void waits_stop(struct waits *waits);

#endif
