/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes that inherit nothing from the daemon: no descriptors but the
 * three standard ones, no blocked and no ignored signals, whatever the threads
 * of the parent are doing.
 */
#ifndef POOLFS_CHILD_H
#define POOLFS_CHILD_H

#include <sys/types.h>

#include "model/error.h"

enum child_flags {
	CHILD_GROUP = 1, /* leads a process group of its own, so that kill(-pid) reaches all that it starts */
};

/**
 * Opens /dev/null for each of the descriptors 0 to 2 that is closed, so that no other file gets its number and
 * what is printed, or what a child prints. To be called first.
 */
void child_open_standard(void);
/**
 * Starts @file (searched in PATH unless it contains a slash) with standard input from /dev/null, standard
 * output to @out and standard error to @err (-1: the parent's). @envp: NULL = the parent's environment. 0 or
 * a negative errno; -ENOENT when there is no such program.
 */
int child_spawn(const char *file, const char *const argv[], const char *const envp[], int out, int err,
		unsigned flags, pid_t *ret_pid);

/**
 * The path of one of the programs that belong to this one, for the caller to free: in the folder that the
 * environment variable POOLFS_LIBEXEC names, else in that of the running program, else where they are
 * installed. NULL if it is not found, or without memory.
 */
char *child_find_helper(const char *name);
/** -EIO in a sentence that says where the helper @name was not found. */
int error_no_helper(const char *name, struct error *e);

#endif
