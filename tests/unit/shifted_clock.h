/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that a test sets forward and back; it is linked with --wrap=clock_gettime. */
#ifndef POOLFS_TESTS_SHIFTED_CLOCK_H
#define POOLFS_TESTS_SHIFTED_CLOCK_H

#include <time.h>

/* How far they are ahead, s. */
static _Atomic time_t wall_ahead, monotonic_ahead;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = __real_clock_gettime(clock, ret);

	if (clock == CLOCK_REALTIME)
		ret->tv_sec += wall_ahead;
	if (clock == CLOCK_MONOTONIC)
		ret->tv_sec += monotonic_ahead;
	return result;
}

#endif
