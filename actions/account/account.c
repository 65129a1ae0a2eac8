/* SPDX-License-Identifier: Apache-2.0 */
/* See account.h. */
#include "actions/account/account.h"

#include <sodium.h>
#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/pool.h"

#define FIRST_PASSWORD "password"

_Static_assert(ACCOUNT_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash must fit");
_Static_assert(ACCOUNT_DIGEST_SIZE == 2 * crypto_hash_sha512_BYTES + 1, "a digest must fit");

/* --------------------------------------------------------------- passwords */

static void account_digest(const char *plain, size_t len, char ret_digest[ACCOUNT_DIGEST_SIZE])
{
	unsigned char digest[crypto_hash_sha512_BYTES];

	crypto_hash_sha512(digest, (const unsigned char *)plain, len);
	(void)sodium_bin2hex(ret_digest, ACCOUNT_DIGEST_SIZE, digest, sizeof(digest));
}

int account_hash(const char *digest, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e)
{
	if (sodium_init() < 0)
		return error_set(e, EIO, "no source of random numbers");
	if (crypto_pwhash_str(ret_hash, digest, strlen(digest), crypto_pwhash_OPSLIMIT_INTERACTIVE,
			      crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0)
		return error_oom(e);
	return 0;
}

bool account_hash_matches(const char *hash, const char *digest)
{
	return crypto_pwhash_str_verify(hash, digest, strlen(digest)) == 0;
}

int account_hash_first(const char *path, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e)
{
	char digest[ACCOUNT_DIGEST_SIZE], line[1024] = FIRST_PASSWORD;
	_cleanup_fclose_ FILE *f = path ? fopen(path, "re") : NULL;
	int r;

	if (path && !f)
		return error_set(e, errno, "cannot read the password file '%s': %s", path, strerror(errno));
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (!*line)
		return error_set(e, EINVAL, "the first line of '%s' contains no password", path);
	account_digest(line, strlen(line), digest);
	r = account_hash(digest, ret_hash, e);
	sodium_memzero(line, sizeof(line));
	sodium_memzero(digest, sizeof(digest));
	return r;
}

void account_warn_of_first_password(void *pool)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *admin = view_get(view, KIND_ACCOUNT, ADMIN_ACCOUNT_UUID);
	char digest[ACCOUNT_DIGEST_SIZE];

	account_digest(FIRST_PASSWORD, strlen(FIRST_PASSWORD), digest);
	if (admin && account_hash_matches(object_text(admin, ACCOUNT_PASSWORD_HASH), digest))
		fprintf(stderr,
			"poolfs: the account 'admin' still has its first password '" FIRST_PASSWORD "'\n");
}

/* ------------------------------------------------------------------- lookup */

const struct object *account_by_name(const struct view *view, const char *name)
{
	return view_next_where(view, KIND_ACCOUNT, ACCOUNT_NAME, name, 0);
}
