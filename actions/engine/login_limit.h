/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many logins may fail: a bounded number a minute from one address, and for
 * one account from all addresses together. An attempt counts when it begins, so
 * that many at one time do not slip through, and no more once it succeeded.
 * Takes constant memory; self-locking.
 */
#ifndef POOLFS_ENGINE_LOGIN_LIMIT_H
#define POOLFS_ENGINE_LOGIN_LIMIT_H

#include "model/error.h"

/* Failed logins a minute. */
#define LOGIN_FAILURES_OF_ADDRESS 20
#define LOGIN_FAILURES_OF_ACCOUNT 60

struct login_limit;

struct login_limit *login_limit_new(void);
/** Accepts NULL. */
void login_limit_free(struct login_limit *limit);
/** Counts an attempt at @now (ns of any clock). -EAGAIN, ID.1000 when there have been too many. */
int login_limit_begin(struct login_limit *limit, const char *address, const char *account, int64_t now,
		      struct error *e);
/** Takes the attempt back, since it succeeded. */
void login_limit_forgive(struct login_limit *limit, const char *address, const char *account);

#endif
