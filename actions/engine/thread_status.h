/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of the thread of another process, mostly the one whose system call the kernel has sent us. */
#ifndef POOLFS_ENGINE_THREAD_STATUS_H
#define POOLFS_ENGINE_THREAD_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Reads the start of a file of /proc/<thread>, at most @room - 1 bytes and a null byte. False if the thread is gone or
 * hidden.
 */
bool thread_read_proc(pid_t thread, const char *name, char *buffer, size_t room);
/** The number after @key, "\n<name>:", in /proc/<thread>/status; 0 if there is none. */
uint64_t thread_status_number(pid_t thread, const char *key, int base);
/** True if a signal is about to end the thread, as soon as the system call that it is in returns. */
bool thread_is_dying(pid_t thread);
/**
 * True if the thread has to return from its system call: a signal is pending that it handles, or that ends it.
 * Signals that only stop it, or that it ignores, are not. Also true if nothing is known of the thread.
 */
bool thread_must_return(pid_t thread);

#endif
