/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error object for programs and for people.
 *
 * It carries an errno, which a failing write(2) or open(2) returns; a code of
 * the manual (`SYS.1007`, `VM.1010`, ...), which a REST client reads; and one
 * sentence, which a person reads in `last-error`. It may have a cause, as in the
 * manual: VM.1001 <- VM.1010.
 *
 * Conventions: functions return 0 or a negative errno and take the error last;
 * success leaves it untouched; the first error set wins. The sentence is lower
 * case, has no full stop, and quotes its subject.
 */
#ifndef POOLFS_ERROR_H
#define POOLFS_ERROR_H

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>

#include "model/cleanup.h"

struct error {
	int errnum;	     /* positive errno, 0 = no error */
	const char *code;    /* static string, one of the codes error_description() knows */
	char *details;	     /* the sentence; owned */
	struct error *cause; /* owned; NULL at the innermost error */
	bool may_pass;	     /* something that is expected is not there yet: see error_may_pass() */
	bool undone;	     /* nothing of what was asked for is left: see error_undone() */
};

#define ERROR_INIT ((struct error){0})

/** Frees what @e owns and makes it empty again. */
void error_done(struct error *e);

/** True when an error was set. */
static inline int error_is_set(const struct error *e)
{
	return e->errnum != 0;
}

/**
 * Sets errno, sentence and the code that goes with the errno by default
 * (EINVAL SYS.1007, ENOENT SYS.1003, EBUSY SYS.1006, EOPNOTSUPP SYS.1014, ...).
 * @e may be NULL. Returns -errnum, so that `return error_set(e, EBUSY, ...)` is the one-liner.
 */
int error_set(struct error *e, int errnum, const char *fmt, ...) _printf_(3, 4);

/** As error_set(), with the given code of the manual. @code must be a literal. */
int error_set_code(struct error *e, int errnum, const char *code, const char *fmt, ...) _printf_(4, 5);

/** "out of memory", ENOMEM. Returns -ENOMEM: `return error_oom(e)`. */
int error_oom(struct error *e);

/**
 * Wraps the error in @e into one with @code: the present error becomes the cause; sentence and errno stay the
 * same, as on the manual's server. Does nothing when @e is empty or NULL. Returns -errno of the error.
 */
int error_wrap(struct error *e, const char *code);

/**
 * Marks the error in @e (may be NULL), set or about to be: it is for want of a host that is Connecting, so a job that has
 * changed nothing yet tries again (pool_awaits_hosts()).
 */
void error_may_pass(struct error *e);

/**
 * As error_set() with EINTR, for a job that the end of its daemon stopped, and of which nothing is left, or of which nothing
 * that doing it once more would do twice: so it begins anew (job_begin_anew()).
 */
int error_undone(struct error *e, const char *fmt, ...) _printf_(2, 3);

/** Moves the error from @from into @to (freeing what @to held) and leaves @from empty. Returns -errno. */
int error_move(struct error *to, struct error *from);

/**
 * The description that the manual prints for a code (behaviour.md 4); NULL for an unknown code. Exported for tests,
 * which check that every code in use has one.
 */
const char *error_description(const char *code);

/** The sentence of @e, or "ok" when there is none. Borrowed. */
const char *error_sentence(const struct error *e);

/**
 * The manual's error object: {"code","description","details","cause"?}. The caller owns the result; NULL only
 * when memory is short. The details are truncated to 4096 bytes (behaviour.md 1.4).
 */
json_t *error_to_json(const struct error *e);

/** Parses the output of error_to_json(); the errno follows from the innermost code. */
void error_from_json(const json_t *json, struct error *ret_e);

#endif
