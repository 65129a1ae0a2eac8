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
/** True for the empty password, also as clients send it: as its SHA-512. */
bool account_password_is_empty(const char *digest);
/**
 * Computes the hash of a new pool's first password: that in the first line of the file @path, or a random one if
 * @path is NULL, which is written to the file `admin-password` in @state_dir for the administrator to read. Slow.
 * -EINVAL for an empty line, errors of files and of account_hash().
 */
int account_hash_first(const char *path, const char *state_dir, char ret_hash[ACCOUNT_HASH_SIZE],
		       struct error *e);
/** Removes the file with the first password, which is not valid any more. */
void account_forget_first(const char *state_dir);

/** The account of this name, borrowed from @view; NULL when there is none. */
const struct object *account_by_name(const struct view *view, const char *name);

/**
 * Warns on stderr if the administrator has the manual's password. Slow: for pool_background(), with the
 * pool as its argument.
 */
void account_warn_of_first_password(void *pool);

#endif
