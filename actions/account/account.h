/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts and their passwords.
 *
 * Clients send the SHA-512 of a password as hex digits (behaviour.md 1.11). Only an
 * argon2id hash of these is stored. Computing or verifying it takes tens of
 * milliseconds and 64 MiB: functions marked slow must not run in the store's thread
 * or the FUSE thread.
 */
#ifndef POOLFS_ACCOUNT_ACCOUNT_H
#define POOLFS_ACCOUNT_ACCOUNT_H

#include "model/error.h"
#include "model/view.h"

/* Sizes of a hash, and of a password as clients send it, with their final NUL. */
#define ACCOUNT_HASH_SIZE   128
#define ACCOUNT_DIGEST_SIZE 129

/** Computes the hash to be stored of a password as clients send it. Slow. -ENOMEM, -EIO. */
int account_hash(const char *digest, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e);
/** True when @hash belongs to the password that clients send as @digest. Slow. */
bool account_hash_matches(const char *hash, const char *digest);
/**
 * Computes the hash of the password in the first line of the file @path, or of the manual's `password` if
 * @path is NULL. Slow. -EINVAL for an empty line, errors of fopen() and account_hash().
 */
int account_hash_first(const char *path, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e);

/** The account of this name, borrowed from @view; NULL when there is none. */
const struct object *account_by_name(const struct view *view, const char *name);

/**
 * Warns on stderr if the administrator still has the manual's password. Slow: for pool_background(), with the
 * pool as its argument.
 */
void account_warn_of_first_password(void *pool);

#endif
