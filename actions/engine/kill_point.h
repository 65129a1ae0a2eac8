/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points between two steps of an operation at which tests kill the daemon.
 *
 * In a build with -Dtests=true and -Dbuildtype=debug, a daemon with POOLFS_TEST_KILL_AT=<name> in its
 * environment kills itself with SIGKILL when it reaches the point of that name.
 * In other builds a kill point does nothing.
 */
#ifndef POOLFS_ENGINE_KILL_POINT_H
#define POOLFS_ENGINE_KILL_POINT_H

#ifdef POOLFS_TESTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/** Kills the process when @name is the point that the environment names. */
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
