/* SPDX-License-Identifier: Apache-2.0 */
/* The clock for periods and deadlines. (store_now() is the one for moments: it jumps when it is set.) */
#ifndef POOLFS_CLOCK_H
#define POOLFS_CLOCK_H

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

#endif
