/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where tests kill the daemon: between two steps of an operation.
 *
 * In a build with -Dtests=true, a daemon with POOLFS_TEST_KILL_AT=<name> in its
 * environment ends itself with SIGKILL when it comes to the point of that name.
 * In other builds a kill point is nothing.
 */
#ifndef POOLFS_ENGINE_KILL_POINT_H
#define POOLFS_ENGINE_KILL_POINT_H

#ifdef POOLFS_TESTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void kill_point(const char *name)
{
	const char *wanted = getenv("POOLFS_TEST_KILL_AT");

	if (wanted && strcmp(wanted, name) == 0)
		(void)raise(SIGKILL);
}
#else
#define kill_point(name) ((void)0)
#endif

#endif
