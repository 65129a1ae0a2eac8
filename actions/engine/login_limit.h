/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits failed logins: per minute, those from one address, and those to one account
 * from all addresses together. An attempt counts from its beginning, so that many
 * concurrent ones cannot exceed the limit, and is subtracted if it succeeds. Uses
 * constant memory; self-locking.
 *
 * Such limits alone would let everybody lock an account out, by failing on its
 * behalf. So they do not hold for an address from which the account has logged in
 * before: its attempts are neither counted nor refused, but verified one at a time
 * (pool_get()), which takes argon2id some tens of milliseconds each. Nobody gets
 * more guesses by that but who shares the address with the owner of the account, and
 * these are limited by the time. A new address may have to wait for the end of the
 * minute while somebody else guesses.
 */
#ifndef POOLFS_ENGINE_LOGIN_LIMIT_H
#define POOLFS_ENGINE_LOGIN_LIMIT_H

#include <stdbool.h>

#include "model/error.h"

/* Failed logins per minute. */
#define LOGIN_FAILURES_OF_ADDRESS 20
#define LOGIN_FAILURES_OF_ACCOUNT 60

/* Addresses that an account is known to log in from; the one that was used least recently is forgotten. */
#define LOGIN_ADDRESSES 16

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

/** True when @address is one of @known, a list made by login_addresses_add(). The addresses of an IPv6 network of
 * 64 bits count as one, here as for the limits. An empty address is not known. */
bool login_address_is_known(const char *known, const char *address);
/** A list of @known with @address in front, to be freed; NULL when memory is short. */
char *login_addresses_add(const char *known, const char *address);

#endif
