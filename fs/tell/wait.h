/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for jobs: fsync of `actions`, `create`, `spec` and value files.
 *
 * A wait is for the jobs of a set that are accepted when it begins; later ones do
 * not prolong it. It is an entry in a list rather than a thread, and is answered
 * from the store's writer thread when the last job ends, or when the waiting
 * thread has a signal to handle or to die of. One that is only stopped, by Ctrl-Z
 * say, goes on waiting. Self-locking; no lock is held while answering.
 */
#ifndef POOLFS_FS_TELL_WAIT_H
#define POOLFS_FS_TELL_WAIT_H

#include <fuse_lowlevel.h>

#include "actions/engine/operation.h"

struct keep;
struct waits;

/* A set of jobs. Members that are not set match all. */
struct job_set {
	char resource[UUID_SIZE];   /* jobs of this object, */
	const struct operation *op; /* of this operation */
	int64_t uid;		    /* and of this user, -1 = any */
};

/** @keep: may be NULL. */
struct waits *waits_new(struct store *store, struct keep *keep);
/** Accepts NULL. */
void waits_free(struct waits *waits);
/** Follows the jobs. Called in the store's writer thread. */
void waits_observe(struct waits *waits, const struct view *view, const struct change *changes, size_t count);

/**
 * Answers the fsync @req of the file @node when the jobs have ended: EIO if the last one has failed, EINTR if
 * the waiting process gets a signal that it handles, or is killed. Never blocks.
 */
void waits_add(struct waits *waits, fuse_req_t req, const struct job_set *set, uint64_t node);
/** True while the kernel keeps @node locked for a waiting request. */
bool waits_lock(struct waits *waits, uint64_t node);
/** Answers all waits with EINTR, later ones too. */
void waits_stop(struct waits *waits);

#endif
