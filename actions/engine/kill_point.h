/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points between two steps of an operation at which tests kill the daemon.
 *
 * In a build with -Dtests=true and -Dbuildtype=debug, a daemon with POOLFS_TEST_KILL_AT=<name> in its
 * environment kills itself with SIGKILL when it reaches the point of that name, and
 * its supervisor before (fs/supervisor.h), as when the machine stops; with
 * POOLFS_TEST_KILL_WORKER in the environment, too, only the worker dies; if that is
 * "crash", by SIGABRT instead, as of a fault of its own. In other builds a kill point
 * does nothing.
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
	const char *wanted = getenv("POOLFS_TEST_KILL_AT"), *supervisor = getenv("POOLFS_TEST_SUPERVISOR");
	const char *worker = getenv("POOLFS_TEST_KILL_WORKER");

	if (!wanted || strcmp(wanted, name) != 0)
		return;
	if (supervisor && !worker)
		(void)kill((pid_t)atoi(supervisor), SIGKILL);
	(void)raise(worker && strcmp(worker, "crash") == 0 ? SIGABRT : SIGKILL);
}
#else
#define kill_point(name) ((void)0)
#endif

#endif
