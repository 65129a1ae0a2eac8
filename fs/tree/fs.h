/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounted pool: what the parts of fs/ share.
 *
 * Threads: one thread receives all requests of the kernel and never waits. A
 * request that takes long is parked: it is answered later from a worker of the
 * pool or from the store's writer thread. No lock is held while answering.
 *
 * All members are set before the first request and never change; the objects
 * they point to are thread-safe.
 */
#ifndef POOLFS_FS_TREE_FS_H
#define POOLFS_FS_TREE_FS_H

#include <fuse_lowlevel.h>

#include "actions/engine/operation.h"
#include "actions/engine/pool.h"

struct aside;
struct caches;
struct forget_names;
struct handles;
struct keep;
struct kept;
struct last_errors;
struct listings;
struct node_entry;
struct paged;
struct polls;
struct queries;
struct ranks;
struct scratches;
struct uploads;
struct waits;
struct watchers;
struct workers;

#define UID_NONE ((uid_t)-1)

struct fs {
	const struct node_entry *nodes; /* the node table, a row for each class */
	struct pool *pool;
	struct store *store;	  /* the pool's */
	struct event_log *events; /* the store's */
	struct keep *keep;	  /* NULL in tests */
	struct handles *handles;
	struct aside *aside;
	struct caches *caches;
	struct kept *kept;
	struct paged *paged; /* NULL in tests */
	struct forget_names *forget_names;
	struct last_errors *errors;
	struct listings *listings;
	struct polls *polls;
	struct queries *queries;
	struct scratches *scratches;
	struct uploads *uploads; /* the pool's */
	struct waits *waits;
	struct watchers *watchers;	/* NULL without `-o inotify` */
	struct workers *readers;	/* of `data` files */
	struct ranks *ranks;		/* for lookups in `by-name`; used by the receiving thread only */
	struct document *_Atomic *made; /* by enum made; each is NULL until it is (fs/class/once.h) */
	int64_t born;			/* ns: timestamp of files that change only with the program */
	uid_t uid;			/* owner of the mount, and of all files that are no account's */
	gid_t gid;
	bool has_others;	  /* other users reach the mount (allow_other) */
	uid_t rest_uid;		  /* the user who serves REST; UID_NONE */
	unsigned max_read;	  /* option of the mount, bytes; 0 = none */
	void (*ready)(void *arg); /* called once, upon the kernel's INIT; may be NULL */
	void *ready_arg;
};

/* Longest request in JSON, bytes. */
#define REQUEST_LENGTH 1048576

#endif
