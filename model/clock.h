/* SPDX-License-Identifier: Apache-2.0 */
/* The clock for periods and deadlines. (store_now() is the one for moments: it jumps when it is set.) */
#ifndef POOLFS_CLOCK_H
#define POOLFS_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* The unit of all times of the model is the nanosecond. */
#define NS_PER_S INT64_C(1000000000)

/** CLOCK_MONOTONIC, ns. */
static inline int64_t clock_monotonic(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/** The same in ms. */
static inline int64_t clock_monotonic_ms(void)
{
	return clock_monotonic() / (NS_PER_S / 1000);
}

/** A condition whose pthread_cond_timedwait() takes times of this clock; to be destroyed. */
static inline void clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

#endif
