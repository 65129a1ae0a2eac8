/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fence command: an executable of the machine's administrator that cuts the
 * power of a host and tells whether it is off.
 *
 *	COMMAND ACTION UUID ADDRESS
 *
 * ACTION is "status" or "off", UUID the host's uuid, ADDRESS its managementIp. The
 * same is in the environment, with the name: POOLFS_FENCE_ACTION, POOLFS_HOST_UUID,
 * POOLFS_HOST_ADDRESS, POOLFS_HOST_NAME; besides these only PATH and LC_ALL=C. The
 * exit status is that of Debian's fence-agents: of "off" 0 for done; of "status" 0
 * for on and 2 for off. Anything else means that it does not know.
 *
 * It runs as the daemon's user, leads a process group of its own, which is killed
 * with it, and has /dev/null as its standard input. Nobody but root may be able to
 * replace it: the file and each folder above it belong to root, and nobody else may
 * write them.
 */
#ifndef POOLFS_HOST_FENCE_COMMAND_H
#define POOLFS_HOST_FENCE_COMMAND_H

#include "actions/engine/job.h"

enum fence_power { FENCE_POWER_UNKNOWN, FENCE_POWER_ON, FENCE_POWER_OFF };

/* Output beyond this is not kept. */
#define FENCE_OUTPUT_MAX 1024

struct fence_answer {
	int status;			   /* exit status; 128 + signal when it was killed */
	char output[FENCE_OUTPUT_MAX + 1]; /* the beginning of what it printed */
};

/** -EINVAL unless @path could be one: absolute, no "." and ".." in it. Looks at no file. */
int fence_command_check_path(const char *path, struct error *e);
/** Whether the file may be run, as above: -ENOENT, -EPERM, -EINVAL, -errno. Blocking. */
int fence_command_check_file(const char *path, struct error *e);
/**
 * Runs it with @action, "status" or "off". 0 when it has ended, with any exit status; -ETIMEDOUT after
 * @timeout_ms; errors of fence_command_check_file() and of starting it; job_stop_reason() when @job (may be
 * NULL) is to stop. It does not run any more then. Blocking.
 */
int fence_command_run(const char *path, const char *action, const struct object *host, int timeout_ms,
		      const struct job *job, struct fence_answer *ret_answer, struct error *e);
/** What the exit status of "status" says. */
enum fence_power fence_power_of_status(int status);

#endif
