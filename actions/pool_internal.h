/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's insides, for pool.c, sync.c and timers.c. */
#ifndef POOLFS_POOL_INTERNAL_H
#define POOLFS_POOL_INTERNAL_H

#include <pthread.h>

#include "hypervisor/hypervisor.h"
#include "actions/executor.h"
#include "actions/scheduler.h"
#include "actions/turns.h"
#include "actions/upload.h"
#include "actions/workers.h"

struct pool {
	struct store *store;
	struct hypervisor *hv;
	struct executor *executor;
	struct clockwork *clockwork; /* runs schedulers */
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

/** The callbacks for hv_new(); their context is the pool (sync.c). */
extern const struct hv_events pool_events;
/** Makes every host of the pool known to the hypervisor module, which then connects (sync.c). */
int pool_connect_hosts(struct pool *pool, struct error *e);
/** Waits until no host is Connecting any more, or @ms have passed (sync.c). */
void pool_wait_for_hosts(struct pool *pool, int ms);
/** Starts and ends the timer thread (timers.c). */
int pool_timers_start(struct pool *pool, struct error *e);
void pool_timers_stop(struct pool *pool);

#endif
