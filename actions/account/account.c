/* SPDX-License-Identifier: Apache-2.0 */
/* See account.h. */
#include "actions/account/account.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "actions/engine/access.h"
#include "actions/engine/pool.h"
#include "model/durable.h"
#include "model/log.h"

/* That of the manual, which everybody knows. */
#define MANUAL_PASSWORD "password"
/* Of a new pool: as many random bytes, in letters and digits, and the file that holds it. */
#define FIRST_BYTES 15
#define FIRST_FILE  "admin-password"

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

bool account_password_is_empty(const char *digest)
{
	char of_nothing[ACCOUNT_DIGEST_SIZE];

	account_digest("", 0, of_nothing);
	return !*digest || strcasecmp(digest, of_nothing) == 0;
}

/* ----------------------------------------------------------- first password */

static int read_first(const char *path, char *line, size_t size, struct error *e)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f)
		return error_set(e, errno, "cannot read the password file '%s': %s", path, strerror(errno));
	if (!fgets(line, (int)size, f))
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return *line ? 0 : error_set(e, EINVAL, "the first line of '%s' contains no password", path);
}

static bool write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	return write(fd, text, len) == (ssize_t)len;
}

/* Makes a password and writes it down, before the pool has it. A file of an attempt that failed is replaced. */
static int make_first(const char *state_dir, char *line, size_t size, struct error *e)
{
	unsigned char random[FIRST_BYTES];
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (sodium_init() < 0)
		return error_set(e, EIO, "no source of random numbers");
	if (asprintf(&path, "%s/" FIRST_FILE, state_dir) < 0) {
		path = NULL;
		return error_oom(e);
	}
	randombytes_buf(random, sizeof(random));
	(void)sodium_bin2base64(line, size - 1, random, sizeof(random),
				sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(random, sizeof(random));
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, line) || !write_all(fd, "\n"))
		return error_set(e, errno, "cannot write '%s': %s", path, strerror(errno));
	r = durable_file(fd, path, e);
	if (r < 0)
		return r;
	log_info("account", "admin", "the first password is in '%s'", path);
	return 0;
}

void account_forget_first(const char *state_dir)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/" FIRST_FILE, state_dir) >= 0)
		(void)unlink(path);
	else
		path = NULL;
}

int account_hash_first(const char *path, const char *state_dir, char ret_hash[ACCOUNT_HASH_SIZE],
		       struct error *e)
{
	char digest[ACCOUNT_DIGEST_SIZE], line[1024] = "";
	int r = path ? read_first(path, line, sizeof(line), e) : make_first(state_dir, line, sizeof(line), e);

	if (r < 0)
		return r;
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

	account_digest(MANUAL_PASSWORD, strlen(MANUAL_PASSWORD), digest);
	if (admin && account_hash_matches(object_text(admin, ACCOUNT_PASSWORD_HASH), digest))
		log_warning("account", "admin", "it has the password of the manual, '" MANUAL_PASSWORD "'");
}

/* ------------------------------------------------------------------- lookup */

const struct object *account_by_name(const struct view *view, const char *name)
{
	return view_next_where(view, KIND_ACCOUNT, ACCOUNT_NAME, name, 0);
}
