/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes that inherit nothing of ours: no descriptor beyond the three
 * standard ones, no blocked and no ignored signal, whatever the threads of the
 * parent do.
 */
#ifndef POOLFS_CHILD_H
#define POOLFS_CHILD_H

#include <sys/types.h>

/**
 * Starts @file (looked up in PATH unless it has a slash) with standard input from nowhere, output to @out,
 * and error output to @err, -1 = where ours goes. @envp: NULL = our environment. 0, or a negative errno:
 * -ENOENT when there is no such program.
 */
int child_spawn(const char *file, const char *const argv[], const char *const envp[], int out, int err,
		pid_t *ret_pid);

#endif
