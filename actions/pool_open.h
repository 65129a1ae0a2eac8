/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the pool: the one place that puts all parts together. */
#ifndef POOLFS_POOL_OPEN_H
#define POOLFS_POOL_OPEN_H

#include "actions/engine/pool.h"

struct keep;

#define POOL_DEFAULT_URI "qemu:///system"

struct pool_options {
	const char *state_dir; /* absolute; must exist */
	const char *uri;       /* libvirt URI of the first host of a new pool; NULL: POOL_DEFAULT_URI */
	/*
	 * Has the first password of the administrator of a new pool in its first line; NULL = the manual's.
	 */
	const char *admin_password_file;
	bool read_only; /* accept no requests */
	/* What outlives the process (model/keep.h); NULL: nothing. */
	struct keep *keep;
	bool resumes; /* another process has served this pool until now */
};

/**
 * Opens the state folder (an empty one gets a first pool, bootstrap.h), has the hosts connected, and starts the executor.
 * If the pool is new, it waits up to 5 s for them, so that its host can be used at once; else neither requests nor jobs
 * that need none of them do. Blocks. The options are not
 * needed after the return. Free with pool_close(). Errors of store_open(), pool_bootstrap(), hv_host_add(), ...
 */
int pool_open(const struct pool_options *options, struct pool **ret_pool, struct error *e);
/** All that the process before this one had open is open again: what nobody uses may end. */
void pool_resumed(struct pool *pool);
/**
 * No further job begins until pool_release_jobs(). @idle is called once when none runs any more but those that go on in
 * another process, from any thread, also before the return.
 */
void pool_hold_jobs(struct pool *pool, void (*idle)(void *arg), void *arg);
void pool_release_jobs(struct pool *pool);
/** Asks running jobs to stop, waits for them, and closes everything. Blocks. Accepts NULL. */
void pool_close(struct pool *pool);

#endif
