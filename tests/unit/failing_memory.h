/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail, for programs that are linked with `failing_memory` (meson.build). */
#ifndef POOLFS_FAILING_MEMORY_H
#define POOLFS_FAILING_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Allocations of this thread that succeed before one fails; negative: none fails. */
static _Thread_local int fail_after = -1;
/* Only that one fails; otherwise all further ones do, too. */
static _Thread_local bool fail_once;

static bool allocation_fails(void)
{
	bool fails = fail_after == 0;

	if (fail_after > 0 || (fails && fail_once))
		fail_after--;
	return fails;
}

#define WRAP_ALLOCATION(type, name, parameters, arguments)                                                   \
	type __real_##name parameters;                                                                       \
	type __wrap_##name parameters;                                                                       \
	type __wrap_##name parameters                                                                        \
	{                                                                                                    \
		return allocation_fails() ? NULL : __real_##name arguments;                                  \
	}
WRAP_ALLOCATION(void *, malloc, (size_t size), (size))
WRAP_ALLOCATION(void *, calloc, (size_t n, size_t size), (n, size))
WRAP_ALLOCATION(void *, realloc, (void *p, size_t size), (p, size))
WRAP_ALLOCATION(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP_ALLOCATION(char *, strdup, (const char *text), (text))
WRAP_ALLOCATION(char *, strndup, (const char *text, size_t size), (text, size))

#endif
