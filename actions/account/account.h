/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: who acts, and what one may do to what is not one's own.
 *
 * Clients send the hex digits of the SHA-512 of a password (behaviour.md 1.11).
 * Of these only an argon2id hash is kept, which takes tens of milliseconds and 64
 * MiB to make or to compare: never in the store's thread or that of FUSE.
 */
#ifndef POOLFS_ACCOUNT_ACCOUNT_H
#define POOLFS_ACCOUNT_ACCOUNT_H

#include "model/error.h"
#include "model/view.h"

/* Room for a hash, and for a password as clients send it. */
#define ACCOUNT_HASH_SIZE   128
#define ACCOUNT_DIGEST_SIZE 129
/** The hash to be kept of a password as clients send it. Slow. -ENOMEM. */
int account_hash(const char *digest, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e);
/** True when @hash is of this password. Slow. */
bool account_hash_matches(const char *hash, const char *digest);
/** The hash of the password in the first line of a file, or, with @path NULL, of the manual's `password`.
 * Slow. */
int account_hash_first(const char *path, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e);

/** The account of this name; NULL when there is none. */
const struct object *account_by_name(const struct view *view, const char *name);

/** Says on stderr that the administrator still has the manual's password, if so. Slow; @pool as in
 * pool_background(). */
void account_warn_of_first_password(void *pool);

#endif
