/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of the pool, for its accessors (pool.h), for what opens, closes and runs it, and for the few
 * parts that have a lock or a limit of their own in it.
 */
#ifndef POOLFS_ENGINE_POOL_INTERNAL_H
#define POOLFS_ENGINE_POOL_INTERNAL_H

#include <pthread.h>

#include "actions/engine/executor.h"
#include "actions/engine/login_limit.h"
#include "actions/engine/turns.h"
#include "actions/engine/web_hook.h"
#include "hypervisor/hypervisor.h"

struct scheduler_thread;
struct uploads;
struct workers;

struct pool {
	struct store *store;
	struct hypervisor *hv;
	struct executor *executor;
	struct scheduler_thread *scheduler_thread; /* runs schedulers */
	struct login_limit *login_limit;
	struct web_hooks *web_hooks;
	struct uploads *uploads;
	struct workers *background;   /* Gets that ask a host, long renderings */
	pthread_mutex_t prepare_lock; /* one host is made ready at a time, and once */
	struct workers *servers;      /* threads for `turns` alone */
	struct turns *turns;	      /* of those who ask for long work */
	char *state_dir;	      /* owned */
	bool read_only;		      /* immutable */
	pthread_t timer;
	bool timer_runs;
	pthread_mutex_t timer_lock;
	pthread_cond_t timer_cond;
	bool stopping; /* timer_lock */
};

#endif
