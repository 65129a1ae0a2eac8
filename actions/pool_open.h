/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing the pool: the one place that puts all parts together. */
#ifndef POOLFS_POOL_OPEN_H
#define POOLFS_POOL_OPEN_H

#include "actions/engine/pool.h"

struct pool_options {
	const char *state_dir; /* absolute; must exist */
	const char *uri;       /* the first host's libvirt URI, used when the state folder is empty */
	const char
		*admin_password_file; /* first password of a new pool's administrator; NULL = the manual's */
	bool read_only;		      /* accept no requests */
};

/** Opens the state folder (making the first pool in an empty one), starts the executor and connects the
 * hosts. */
int pool_open(const struct pool_options *options, struct pool **ret_pool, struct error *e);
/** Ends the executor (running jobs are given a few seconds), closes everything. Accepts NULL. */
void pool_close(struct pool *pool);

#endif
