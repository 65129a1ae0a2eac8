/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits failed logins: per minute, those from one address, and those to one account
 * from all addresses together. An attempt counts from its beginning, so that many
 * concurrent ones cannot exceed the limit, and is subtracted if it succeeds. Uses
 * constant memory; self-locking.
 */
#ifndef POOLFS_ENGINE_LOGIN_LIMIT_H
#define POOLFS_ENGINE_LOGIN_LIMIT_H

#include "model/error.h"

/* Failed logins per minute. */
#define LOGIN_FAILURES_OF_ADDRESS 20
#define LOGIN_FAILURES_OF_ACCOUNT 60

struct login_limit;

/** NULL when memory is short or there is no source of random numbers. Free with login_limit_free(). */
struct login_limit *login_limit_new(void);
/** Accepts NULL. */
void login_limit_free(struct login_limit *limit);
/** Counts an attempt at @now (ns of any clock). -EAGAIN with ID.1000 when there have been too many. */
int login_limit_begin(struct login_limit *limit, const char *address, const char *account, int64_t now,
		      struct error *e);
/** Subtracts an attempt that succeeded. */
void login_limit_forgive(struct login_limit *limit, const char *address, const char *account);

#endif
