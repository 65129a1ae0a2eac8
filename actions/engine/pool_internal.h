/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of the pool. Only for the files that own one of them: pool.c (accessors), pool_open.c (opens
 * and closes them), timers.c (timer thread), submit.c, operations/session.c and account.c (login_limit),
 * host/statistics.c, vm/screenshot.c, network/host_prepare.c (prepare_lock, prepares_again), network/l3_network.c (dhcp_locks). Others use pool.h.
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
struct single_flight;
struct uploads;
struct keep;
struct workers;

struct pool {
	struct store *store;
	struct hypervisor *hv;
	struct executor *executor;
	struct scheduler_thread *scheduler_thread; /* runs schedulers */
	struct login_limit *login_limit;
	struct web_hooks *web_hooks;
	struct uploads *uploads;
	struct job_stats *job_stats;
	struct single_flight *statistics;  /* of VMs and hosts */
	struct single_flight *screenshots; /* of VMs */
	struct workers *background;	   /* Gets that ask a host, long renderings */
	pthread_mutex_t prepare_lock; /* held while a host is prepared, also over libvirt and store_run() */
	atomic_bool prepares_again;   /* a background thread is going to prepare hosts that lack something */
	pthread_mutex_t dhcp_locks[16]; /* one for several hosts; held over libvirt and store_view() */
	struct workers *servers;	/* the threads of `turns` */
	struct turns *turns;		/* of clients that request long work */
	char *state_dir;		/* owned */
	bool read_only;			/* immutable */
	struct keep *keep;		/* immutable; or NULL */
	bool resumes;			/* immutable: another process has served the pool before */
	pthread_t starter;		/* the rest of pool_open() */
	bool starter_runs;
	int64_t hosts_due; /* immutable; CLOCK_MONOTONIC in ms: until then jobs wait for hosts that are coming */
	int64_t preparations_due; /* immutable; the same: see pool_was_just_opened() */
	/* immutable: whether a host that is coming has what this job works on */
	bool (*is_away)(const struct view *view, const struct object *job, bool prepared);
	atomic_bool closing;
	pthread_t timer;
	bool timer_runs;
	pthread_mutex_t timer_lock;
	pthread_cond_t timer_cond;
	bool stopping;		  /* timer_lock */
	atomic_bool timer_sleeps; /* until a timer is due, or the pool changes */
	uint64_t jobs_expired_at; /* of its thread: how many had ended when old jobs were removed last */
};

#endif
