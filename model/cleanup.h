/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound cleanup: the macros behind every `_cleanup_` in the project.
 *
 *     _cleanup_(error_done) struct error e = ERROR_INIT;
 *     _cleanup_free_ char *path = NULL;
 *     ...
 *     return steal(&path);          // ownership visibly leaves this scope
 *
 * A type that owns something declares its cleanup function with DEFINE_CLEANUP
 * next to its other functions.
 */
#ifndef POOLFS_CLEANUP_H
#define POOLFS_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <pthread.h>

#define _cleanup_(fn)	   __attribute__((cleanup(fn)))
#define _cleanup_free_	   _cleanup_(cleanup_free)
#define _cleanup_close_	   _cleanup_(cleanup_close)
#define _cleanup_fclose_   _cleanup_(cleanup_fclose)
#define _cleanup_unlock_   _cleanup_(cleanup_unlock)
#define _printf_(fmt, arg) __attribute__((format(printf, fmt, arg)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/** Moves the pointer out of *@p: returns it and sets *@p to NULL. */
#define steal(p)                                                                                             \
	({                                                                                                   \
		__typeof__(*(p)) steal_ = *(p);                                                              \
		*(p) = NULL;                                                                                 \
		steal_;                                                                                      \
	})

/** Moves the descriptor out of *@fd: returns it and sets *@fd to -1. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

/** Closes *@fd, unless it is negative, and sets it to -1. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(steal_fd(fd));
}

/** Declares name_p(type **), for _cleanup_(name_p), that calls fn(*p). fn must accept NULL. */
#define DEFINE_CLEANUP(type, fn)                                                                             \
	static inline void fn##_p(type *p)                                                                   \
	{                                                                                                    \
		fn(*p);                                                                                      \
	}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void cleanup_unlock(pthread_mutex_t **m)
{
	if (*m)
		(void)pthread_mutex_unlock(*m);
}

/** Locks @m until the end of the scope. */
#define scoped_lock(m)                                                                                       \
	_cleanup_unlock_ __attribute__((unused)) pthread_mutex_t *scoped_lock_ = (m);                        \
	pthread_mutex_lock(scoped_lock_)

#endif
