/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail, for programs that are linked with `failing_memory` (meson.build). */
#ifndef POOLFS_FAILING_MEMORY_H
#define POOLFS_FAILING_MEMORY_H

#include <jansson.h>
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

/* Of many allocations, each so many-th fails. */
#define STRIDE_FROM 500

/* Each allocation fails once: what is made of @arg is made without it, or it is whole. Of those behind the first 500 each @stride-th. */
static inline void is_whole_or_none(json_t *(*made_of)(const void *arg), const void *arg, int stride)
{
	json_t *whole = made_of(arg);
	int none = 0;

	assert_non_null(whole);
	for (int n = 0;; n += n < STRIDE_FROM ? 1 : stride) {
		json_t *made;
		bool failed;

		fail_once = true;
		fail_after = n;
		made = made_of(arg);
		failed = fail_after < 0;
		fail_after = -1;
		if (made && !json_equal(made, whole)) {
			char *text = json_dumps(made, 0);

			fail_msg("without allocation %d: %.400s", n, text);
			free(text);
		}
		none += !made;
		json_decref(made);
		if (!failed)
			break;
	}
	json_decref(whole);
	assert_true(none > 0);
}

#endif
