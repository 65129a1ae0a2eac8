/* SPDX-License-Identifier: Apache-2.0 */
/* See account.h; and the operations on accounts, behaviour.md 5.4. */
#include "actions/account.h"

#include <sodium.h>
#include <string.h>

#include "model/access.h"
#include "actions/bootstrap.h"
#include "actions/handlers.h"
#include "actions/job.h"
#include "actions/object_ops.h"

#define FIRST_PASSWORD "password"

_Static_assert(ACCOUNT_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash must fit");
_Static_assert(ACCOUNT_DIGEST_SIZE == 2 * crypto_hash_sha512_BYTES + 1, "a digest must fit");

/* --------------------------------------------------------------- passwords */

void account_digest(const char *plain, size_t len, char ret_digest[ACCOUNT_DIGEST_SIZE])
{
	unsigned char digest[crypto_hash_sha512_BYTES];

	crypto_hash_sha512(digest, (const unsigned char *)plain, len);
	(void)sodium_bin2hex(ret_digest, ACCOUNT_DIGEST_SIZE, digest, sizeof(digest));
}

int account_hash(const char *digest, char ret_hash[ACCOUNT_HASH_SIZE], struct error *e)
{
	if (sodium_init() < 0)
		return error_set(e, EIO, "this machine has no random numbers");
	if (crypto_pwhash_str(ret_hash, digest, strlen(digest), crypto_pwhash_OPSLIMIT_INTERACTIVE,
			      crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0)
		return error_set(e, ENOMEM, "out of memory");
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
		return error_set(e, EINVAL, "there is no password in the first line of '%s'", path);
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

/* ------------------------------------------------------------- who may what */

const struct object *account_by_name(const struct view *view, const char *name)
{
	return view_next_where(view, KIND_ACCOUNT, ACCOUNT_NAME, name, 0);
}

static int refuse(const struct request *req, const struct object *o, struct error *e)
{
	return error_set_code(e, EACCES, "ID.1002", "the account '%s' may not do '%s' to %s '%s'",
			      req->actor.account, req->op->name, o->kind->noun, object_uuid(o));
}

/* What one may see one may use. */
static int check_use(const struct view *view, const struct request *req, const struct object *o,
		     struct error *e)
{
	return !o || access_may_see(view, o, req->actor.account) ? 0 : refuse(req, o, e);
}

static int check_param(const struct view *view, const struct request *req, const struct param *p,
		       struct error *e)
{
	json_t *value = json_object_get(req->params, p->name), *item;
	int r = check_use(view, req, view_get(view, p->resource, json_string_value(value)), e);
	size_t i;

	json_array_foreach (value, i, item) {
		if (r == 0)
			r = check_use(view, req, view_get(view, p->resource, json_string_value(item)), e);
	}
	return r;
}

int account_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct operation *op = req->op;
	int r = 0;

	if (!*req->actor.account || access_is_admin(view, req->actor.account))
		return 0;
	if (op->flags & OP_ADMIN)
		return error_set_code(e, EACCES, "ID.1002",
				      "'%s' is for administrators, the account '%s' is none", op->name,
				      req->actor.account);
	if (op->target)
		r = check_use(view, req, request_object(view, req), e);
	for (const struct param *p = op->params; r == 0 && p && p->name; p++)
		if (p->resource != KIND_NONE)
			r = check_param(view, req, p, e);
	return r;
}

/* -------------------------------------------------------------- operations */

static int check_name(const struct view *view, const struct request *req, struct error *e)
{
	const char *name = request_str(req, "name");
	const struct object *other = name ? account_by_name(view, name) : NULL;

	if (other && strcmp(object_uuid(other), req->target) != 0)
		return error_set_code(e, EEXIST, "SYS.1006", "there is an account '%s' already", name);
	return 0;
}

int account_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	return r < 0 ? r : check_name(view, req, e);
}

int account_update_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_name(view, req, e);
}

struct keep {
	const struct request *req;
	char hash[ACCOUNT_HASH_SIZE];
	json_t *result;
};

static int create_fn(struct txn *t, void *arg, struct error *e)
{
	struct keep *keep = arg;
	struct object *o = NULL;
	int r = account_create_check(txn_view(t), keep->req, e);

	if (r == 0)
		r = object_from_request(txn_view(t), KIND_ACCOUNT, keep->req, &o, e);
	if (r < 0)
		return r;
	object_set_str(o, ACCOUNT_PASSWORD_HASH, keep->hash);
	return object_create(t, o, keep->req, &keep->result, e);
}

static int update_fn(struct txn *t, void *arg, struct error *e)
{
	struct keep *keep = arg;
	const struct object *before = request_object(txn_view(t), keep->req);
	struct object *o = before ? object_copy(before) : NULL;
	int r;

	if (!before)
		return error_set(e, ENOENT, "account '%s' is gone", keep->req->target);
	if (!o)
		return error_set(e, ENOMEM, "out of memory");
	object_set_from_param(o, ACCOUNT_NAME, keep->req, "name");
	object_set_from_param(o, ACCOUNT_DESCRIPTION, keep->req, "description");
	object_set_str(o, ACCOUNT_PASSWORD_HASH, keep->hash);
	r = txn_put(t, o, NULL, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_ACCOUNT, keep->req->target, &keep->result, e);
}

/* Hashes the password, then changes the pool. */
static int run_with_hash(struct job *job, txn_fn *change, json_t **ret_result, struct error *e)
{
	struct keep keep = {.req = job->req};
	int r = account_hash(request_str(job->req, "password"), keep.hash, e);

	if (r == 0)
		r = store_run(pool_store(job->pool), change, &keep, e);
	sodium_memzero(keep.hash, sizeof(keep.hash));
	*ret_result = keep.result;
	return r;
}

int account_create_run(struct job *job, json_t **ret_result, struct error *e)
{
	return run_with_hash(job, create_fn, ret_result, e);
}

/* The change is one commit: it is there, or nothing is. */
int account_change_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *o = view_get(view, KIND_ACCOUNT, job->req->target);
	const char *password = request_str(job->req, "password");

	if (!o || !password || !account_hash_matches(object_text(o, ACCOUNT_PASSWORD_HASH), password))
		return error_set_code(e, EINTR, "SYS.1000", "the daemon ended while the job ran");
	return result_inventory(view, KIND_ACCOUNT, job->req->target, ret_result, e);
}

int account_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	return request_has(req, "password") ? OP_NEEDS_RUN : object_update_apply(t, req, ret_result, e);
}

int account_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	return run_with_hash(job, update_fn, ret_result, e);
}

int account_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	if (strcmp(req->target, ADMIN_ACCOUNT_UUID) == 0)
		return error_set_code(e, EPERM, "SYS.1006",
				      "the first administrator's account cannot be deleted");
	return 0;
}

/* What the account owns becomes the administrator's, so that nothing is left without an owner. */
static int hand_over(struct txn *t, enum kind_id kind, const char *account, struct error *e)
{
	int field = kind_field(kind_get(kind), "accountUuid");
	int64_t after = 0;
	const struct object *o;

	if (field < 0 || kind == KIND_JOB || kind == KIND_SESSION)
		return 0;
	while ((o = view_next(txn_view(t), kind, after))) {
		struct object *copy;
		int r;

		after = o->id;
		if (!object_str_is(o, field, account))
			continue;
		copy = object_copy(o);
		if (!copy)
			return error_set(e, ENOMEM, "out of memory");
		object_set_str(copy, field, ADMIN_ACCOUNT_UUID);
		r = txn_put(t, copy, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int account_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r = object_remove_where(t, KIND_SESSION, SESSION_ACCOUNT_UUID, req->target, e);

	(void)ret_result;
	for (int kind = KIND_NONE + 1; r == 0 && kind < KIND_COUNT; kind++)
		r = hand_over(t, (enum kind_id)kind, req->target, e);
	return r < 0 ? r : object_remove(t, request_object(txn_view(t), req), e);
}
