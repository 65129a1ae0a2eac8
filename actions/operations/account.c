/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on accounts (behaviour.md 5.4). What an account is: account/account.h. */
#include <sodium.h>
#include <string.h>

#include "actions/account/account.h"
#include "actions/account/account_remove.h"
#include "actions/account/quota.h"
#include "actions/account/session.h"
#include "actions/account/sharing.h"
#include "actions/account/unix_users.h"
#include "actions/engine/access.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "model/access.h"

static int check_name(const struct view *view, const struct request *req, struct error *e)
{
	const char *name = request_str(req, "name");
	const struct object *other = name ? account_by_name(view, name) : NULL;

	if (other && strcmp(object_uuid(other), req->target) != 0)
		return error_set_code(e, EEXIST, "SYS.1006", "account '%s' already exists", name);
	return 0;
}

static int check_password(const struct request *req, struct error *e)
{
	const char *password = request_str(req, "password");

	if (password && account_password_is_empty(password))
		return error_set_code(e, EINVAL, "SYS.1007", "the password must not be empty");
	return 0;
}

/* @type: of the account. */
static int check_unix_users(const struct request *req, const char *type, struct error *e)
{
	const char *users = request_str(req, "unixUsers");

	if (users && *users && type && strcmp(type, "SystemAdmin") == 0)
		return error_set(
			e, EINVAL,
			"an administrator's account cannot have local users: those who administer the "
			"mount are root and its owner");
	return users ? unix_users_check(users, e) : 0;
}

static int account_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	if (r == 0)
		r = check_password(req, e);
	if (r == 0)
		r = check_unix_users(req, request_str(req, "type"), e);
	return r < 0 ? r : check_name(view, req, e);
}

/* True when an account changes its own password: whoever has found one of its sessions must not keep it. */
static bool needs_old_password(const struct request *req)
{
	return request_has(req, "password") && strcmp(req->actor.account, req->target) == 0;
}

static int account_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *o = request_object(view, req);
	int r = check_password(req, e);

	if (r == 0)
		r = check_unix_users(req, o ? object_str(o, ACCOUNT_TYPE) : NULL, e);
	if (r < 0)
		return r;
	if (needs_old_password(req) && !request_str(req, "oldPassword"))
		return error_set_code(
			e, EINVAL, "SYS.1007",
			"an account that changes its own password must give the old one in 'oldPassword'");
	return check_name(view, req, e);
}

/* A change of an account with what takes long to compute. */
struct account_change {
	const struct request *req;
	char hash[ACCOUNT_HASH_SIZE]; /* "": no new password */
	char old[ACCOUNT_HASH_SIZE];  /* that the given old password belongs to; "": none was needed */
	struct unix_users users;      /* if the request has them */
	json_t *result;
};

/* Sets the computed members. */
static int set_computed(struct txn *t, struct object *account, const struct account_change *c,
			struct error *e)
{
	int r = 0;

	if (*c->hash)
		object_set_str(account, ACCOUNT_PASSWORD_HASH, c->hash);
	if (request_has(c->req, "unixUsers")) {
		r = unix_users_check_free(txn_view(t), object_uuid(account), &c->users, e);
		if (r == 0)
			unix_users_set(account, &c->users);
	}
	return r;
}

static int create_fn(struct txn *t, void *arg, struct error *e)
{
	struct account_change *c = arg;
	struct object *o;
	int r = account_create_check(txn_view(t), c->req, e);

	if (r < 0)
		return r;
	r = object_from_request(txn_view(t), KIND_ACCOUNT, c->req, &o, e);
	if (r < 0)
		return r;
	r = set_computed(t, o, c, e);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	r = object_create(t, o, c->req, &c->result, e);
	if (r < 0 || access_is_admin(txn_view(t), c->req->target))
		return r;
	return quota_put_defaults(t, c->req->target, e);
}

/* All sessions end with a new password, that of the caller, too: the account has to log in again everywhere. */
static int update_fn(struct txn *t, void *arg, struct error *e)
{
	struct account_change *c = arg;
	const struct object *now = view_get(txn_view(t), KIND_ACCOUNT, c->req->target);
	struct object *account;
	int r = 0;

	if (now && *c->old && !object_str_is(now, ACCOUNT_PASSWORD_HASH, c->old))
		return error_set_code(e, EBUSY, "SYS.1006", "the password has been changed meanwhile");
	if (*c->hash)
		r = session_end_all(t, c->req->target, e);
	if (r == 0)
		r = txn_edit(t, KIND_ACCOUNT, c->req->target, &account, e);
	if (r < 0)
		return r;
	object_set_from_param(account, ACCOUNT_NAME, c->req, "name");
	object_set_from_param(account, ACCOUNT_DESCRIPTION, c->req, "description");
	r = set_computed(t, account, c, e);
	if (r < 0) {
		object_unref(account);
		return r;
	}
	r = txn_put(t, account, NULL, e);
	if (r < 0)
		return r;
	return result_inventory(txn_view(t), KIND_ACCOUNT, c->req->target, &c->result, e);
}

/* Hashes the password and looks up users, which takes long, then changes the pool. */
static int run_change(struct job *job, struct account_change *c, txn_fn *fn, json_t **ret_result,
		      struct error *e)
{
	const char *password = request_str(job->req, "password"), *users = request_str(job->req, "unixUsers");
	int r = users ? unix_users_resolve(users, &c->users, e) : 0;

	c->req = job->req;
	if (r == 0 && password)
		r = account_hash(password, c->hash, e);
	if (r < 0)
		return r;
	kill_point("account-hashed");
	r = store_run(pool_store(job->pool), fn, c, e);
	sodium_memzero(c->hash, sizeof(c->hash));
	*ret_result = c->result;
	return r;
}

static int account_create_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct account_change c = {0};

	return run_change(job, &c, create_fn, ret_result, e);
}

/* Compares the old password, which takes long. Guesses are limited as those of a login. */
static int check_old_password(struct job *job, struct account_change *c, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *account = view_get(view, KIND_ACCOUNT, job->req->target);
	const char *old = request_str(job->req, "oldPassword");
	int r;

	if (!account)
		return error_gone(e, KIND_ACCOUNT, job->req->target);
	r = login_limit_begin(job->pool->login_limit, "", object_uuid(account), store_now(), e);
	if (r < 0)
		return r;
	snprintf(c->old, sizeof(c->old), "%s", object_text(account, ACCOUNT_PASSWORD_HASH));
	if (!old || !account_hash_matches(c->old, old))
		return error_set_code(e, EACCES, "ID.1000", "the old password is wrong");
	login_limit_forgive(job->pool->login_limit, "", object_uuid(account));
	return 0;
}

static int account_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct account_change c = {0};
	int r = needs_old_password(job->req) ? check_old_password(job, &c, e) : 0;

	if (r == 0)
		r = run_change(job, &c, update_fn, ret_result, e);
	if (r == 0 && request_has(job->req, "password") && strcmp(job->req->target, ADMIN_ACCOUNT_UUID) == 0)
		account_forget_first(job->pool->state_dir);
	return r;
}

/*
 * The change is one commit, so the account has the new password or nothing was changed. Without a password it
 * can be made again, since nobody else has changed the account meanwhile.
 */
static int account_change_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *o = view_get(view, KIND_ACCOUNT, job->req->target);
	const char *password = request_str(job->req, "password");

	if (o && !password)
		return account_update_run(job, ret_result, e);
	if (!o || !password || !account_hash_matches(object_text(o, ACCOUNT_PASSWORD_HASH), password))
		return error_undone(e, "the daemon ended before the account was changed");
	if (strcmp(object_uuid(o), ADMIN_ACCOUNT_UUID) == 0)
		account_forget_first(job->pool->state_dir);
	return result_inventory(view, KIND_ACCOUNT, job->req->target, ret_result, e);
}

static int account_update_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	return request_has(req, "password") || request_has(req, "unixUsers")
		       ? OP_NEEDS_RUN
		       : object_update_apply(t, req, ret_result, e);
}

static int account_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	if (strcmp(req->target, ADMIN_ACCOUNT_UUID) == 0)
		return error_set_code(e, EPERM, "SYS.1006",
				      "the first administrator's account cannot be deleted");
	return 0;
}

static int account_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return account_remove(job, job->req->target, e);
}

/* Not in the manual. */
#define P_UNIX_USERS                                                                                         \
	{                                                                                                    \
		.name = "unixUsers", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_ADMIN,              \
		.max_length = UNIX_USERS_SIZE / 2 - 1                                                        \
	}

static const struct operation create_account = {
	.section = "5.4",
	.name = "CreateAccount",
	.message = "org.zstack.header.identity.APICreateAccountMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/accounts", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 {.name = "password",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_SECRET,
					  .max_length = 255},
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"SystemAdmin", "Normal", NULL},
					  .default_value = "Normal"},
					 P_DESCRIPTION,
					 P_RESOURCE_UUID,
					 P_UNIX_USERS,
					 {0}},
	.results = (const char *const[]){"inventory:AccountInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_ACCOUNT,
	.where = "accounts",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "creates an account; the password is given as the hex digits of its SHA-512",
	.check = account_create_check,
	.run = account_create_run,
	.recover = account_change_recover,
};

static const struct operation delete_account = {
	.section = "5.4",
	.name = "DeleteAccount",
	.message = "org.zstack.header.identity.APIDeleteAccountMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/accounts/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_ACCOUNT), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_ACCOUNT,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the account and ends its sessions; its objects pass to the administrator",
	.check = account_delete_check,
	.run = account_delete_run,
	.recover = account_delete_run,
};

static const struct operation query_account = {
	.section = "5.4",
	.name = "QueryAccount",
	.message = "org.zstack.header.identity.APIQueryAccountMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts", "/accounts/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_ACCOUNT,
	.flags = OP_SYNC,
	.help = "lists accounts",
};

static const struct operation update_account = {
	.section = "5.4",
	.name = "UpdateAccount",
	.message = "org.zstack.header.identity.APIUpdateAccountMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/{uuid}", "/accounts/{uuid}/actions", NULL},
	.key = "updateAccount",
	.params = (const struct param[]){P_UUID(KIND_ACCOUNT),
					 {.name = "password",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_SECRET,
					  .max_length = 255},
					 {.name = "oldPassword",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_SECRET,
					  .max_length = 255},
					 P_NEW_NAME,
					 P_DESCRIPTION,
					 P_UNIX_USERS,
					 {0}},
	.results = (const char *const[]){"inventory:AccountInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_ACCOUNT,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the account's name, description, local users or password (given as the hex digits of its "
		"SHA-512); a new password ends all sessions of the account, and an account that changes its own gives the "
		"old one, too",
	.check = account_update_check,
	.apply = account_update_apply,
	.run = account_update_run,
	.recover = account_change_recover,
};

const struct operation *const operations_account[] = {
	&create_account, &delete_account, &query_account, &update_account, NULL,
};
