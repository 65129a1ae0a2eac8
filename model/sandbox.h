/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program that reads the bytes of others takes from itself before it does:
 * resources (setrlimit(2)) and system calls (seccomp(2), by libseccomp). What was
 * taken does not come back, not by execve(2) either.
 */
#ifndef POOLFS_SANDBOX_H
#define POOLFS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

/* Sanitizers need system calls, threads and address space of their own: no filter and no limit on memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/** Sets both limits of a resource. 0 or a negative errno. */
int sandbox_limit(__rlimit_resource_t resource, rlim_t value);
/** No core dump, no new privileges, no ptrace(2) by others. 0 or a negative errno. */
int sandbox_close(void);
/**
 * Allows only the @count system calls at @calls, by libseccomp's numbers: another one kills the process.
 * Without seccomp in the kernel the other limits remain. 0 or a negative errno.
 */
int sandbox_allow_calls(const int *calls, size_t count);
/**
 * Refuses with EPERM what a program that reads, writes and computes does not need: other processes and new ones,
 * namespaces, mounts, the kernel's keys, modules, clocks and devices; unless @network, also sockets that are not
 * local. execve(2) is only possible with the path at the address @program. As sandbox_allow_calls() otherwise.
 */
int sandbox_refuse_calls(bool network, const char *program);

#endif
