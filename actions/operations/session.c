/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on sessions. What a session is: account/session.h. */
#include <inttypes.h>
#include <string.h>

#include "actions/account/account.h"
#include "actions/account/session.h"
#include "actions/engine/config.h"
#include "actions/engine/pool_internal.h"
#include "actions/operations/table.h"
#include "model/render.h"

/* ------------------------------------------------------------------- login */

/* The sessions of an account that have not ended. */
static int count_sessions(const struct view *view, const char *account, int64_t now)
{
	int count = 0;

	view_for_each_where (session, view, KIND_SESSION, SESSION_ACCOUNT_UUID, account)
		count += !session_has_ended(session, now);
	return count;
}

/* The same for an unknown account as for a wrong password. */
static int refuse_login(struct error *e)
{
	return error_set_code(e, EACCES, "ID.1000", "wrong account name or password");
}

static int check_writable(const struct pool *pool, struct error *e)
{
	return pool->read_only ? error_set(e, EROFS, "the pool is mounted read-only") : 0;
}

struct login {
	const char *account, *address;
	json_t *result;
};

/* From now on, nobody can lock the account out at this address (login_limit.h). */
static int remember_address(struct txn *t, const struct login *login, struct error *e)
{
	const struct object *account = view_get(txn_view(t), KIND_ACCOUNT, login->account);
	_cleanup_free_ char *list = NULL;
	struct object *copy;

	if (!*login->address ||
	    login_address_is_known(object_text(account, ACCOUNT_LOGIN_ADDRESSES), login->address))
		return 0;
	list = login_addresses_add(object_text(account, ACCOUNT_LOGIN_ADDRESSES), login->address);
	if (!list)
		return error_oom(e);
	copy = object_copy(account);
	object_set_str(copy, ACCOUNT_LOGIN_ADDRESSES, list);
	return txn_put(t, copy, NULL, e);
}

static int login_fn(struct txn *t, void *arg, struct error *e)
{
	struct login *login = arg;
	int64_t limit = config_int(txn_view(t), "identity.session.maxConcurrent");
	const struct object *session;
	json_t *inventory;
	char uuid[UUID_SIZE];
	struct object *o;
	int r;

	if (!view_get(txn_view(t), KIND_ACCOUNT, login->account))
		return refuse_login(e);
	if (count_sessions(txn_view(t), login->account, txn_now(t)) >= limit)
		return error_set_code(
			e, EDQUOT, "SYS.1006",
			"Login sessions hit limit of max allowed concurrent login sessions, max allowed: %" PRId64,
			limit);
	r = remember_address(t, login, e);
	if (r == 0)
		r = session_forget_oldest(t, login->account, e);
	if (r < 0)
		return r;
	o = object_new(kind_get(KIND_SESSION));
	if (!o)
		return error_oom(e);
	uuid_make(uuid);
	object_set_str(o, SESSION_UUID, uuid);
	object_set_str(o, SESSION_ACCOUNT_UUID, login->account);
	object_set_str(o, SESSION_USER_UUID, login->account);
	object_set_int(o, SESSION_EXPIRED_DATE, txn_now(t) + session_timeout_ns(txn_view(t)));
	r = txn_put(t, o, &session, e);
	if (r < 0)
		return r;
	inventory = render_inventory_json(txn_view(t), session);
	login->result = inventory ? json_pack("{s:o}", "inventory", inventory) : NULL;
	return login->result ? 0 : error_oom(e);
}

/* Takes as long for an account that does not exist, so that the time does not tell which ones do. */
static int check_password(const struct object *account, const char *password, struct error *e)
{
	char hash[ACCOUNT_HASH_SIZE];
	int r;

	if (!account) {
		r = account_hash(password, hash, e);
		if (r < 0)
			return r;
	} else if (account_hash_matches(object_text(account, ACCOUNT_PASSWORD_HASH), password)) {
		return 0;
	}
	return refuse_login(e);
}

/* Login and logout are no jobs: they do not pass pool_submit() and handle a dry run here. */
static int change(struct pool *pool, const struct request *req, txn_fn *fn, void *arg, struct error *e)
{
	return req->dry_run ? store_try(pool->store, fn, arg, e) : store_run(pool->store, fn, arg, e);
}

/* An account has one user, who has its name. */
static const struct object *login_account(const struct view *view, const struct request *req)
{
	const char *name = request_str(req, "accountName"), *user = request_str(req, "userName");
	const struct object *account = name ? account_by_name(view, name)
					    : view_get(view, KIND_ACCOUNT, request_str(req, "accountUuid"));

	return account && user && strcmp(user, object_name(account)) != 0 ? NULL : account;
}

static int session_login_get(struct pool *pool, const struct view *view, const struct request *req,
			     json_t **ret_result, struct error *e)
{
	const struct object *account = login_account(view, req);
	struct login login = {.account = account ? object_uuid(account) : NULL,
			      .address = req->actor.address};
	int r = check_writable(pool, e);

	if (r < 0)
		return r;
	r = check_password(account, request_str(req, "password"), e); /* the attempt is counted: OP_LOGIN */
	if (r < 0)
		return r;
	if (!login_address_is_known(object_text(account, ACCOUNT_LOGIN_ADDRESSES), req->actor.address))
		login_limit_forgive(pool->login_limit, req->actor.address, object_name(account));
	r = change(pool, req, login_fn, &login, e);
	if (req->dry_run) {
		/* no session has been created */
		json_decref(login.result);
		login.result = NULL;
	}
	*ret_result = login.result;
	return r;
}

/* ------------------------------------------------- logout, validate, renew */

static int logout_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *session = view_get(txn_view(t), KIND_SESSION, arg);

	return session ? session_end(t, session, e) : 0;
}

static int session_logout_get(struct pool *pool, const struct view *view, const struct request *req,
			      json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(req, "sessionUuid");
	int r;

	(void)ret_result;
	if (!session_find(view, uuid))
		return 0;
	r = check_writable(pool, e);
	if (r < 0)
		return r;
	return change(pool, req, logout_fn, (void *)(uintptr_t)uuid, e);
}

static int session_validate_get(struct pool *pool, const struct view *view, const struct request *req,
				json_t **ret_result, struct error *e)
{
	bool valid = session_find(view, request_str(req, "sessionUuid")) != NULL;

	(void)pool;
	*ret_result = json_pack("{s:b}", "valid", valid);
	return *ret_result ? 0 : error_oom(e);
}

static int session_renew_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *session = session_find(txn_view(t), request_str(req, "sessionUuid"));
	int64_t duration = request_int(req, "duration", 0) * NS_PER_S;
	json_t *inventory;
	int r;

	if (!session || !object_str_is(session, SESSION_ACCOUNT_UUID, req->actor.account))
		return error_set_code(e, EACCES, "ID.1001", "Session expired");
	r = session_put_end(t, session, txn_now(t) + (duration ? duration : session_timeout_ns(txn_view(t))),
			    e);
	if (r < 0)
		return r;
	/* Everyone can read the result of a job, so it must not contain the uuid of the session. */
	session = view_get(txn_view(t), KIND_SESSION, request_str(req, "sessionUuid"));
	inventory = render_inventory_json(txn_view(t), session);
	(void)json_object_del(inventory, "uuid");
	*ret_result = inventory ? json_pack("{s:o}", "inventory", inventory) : NULL;
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation log_in = {
	.section = "1.11",
	.name = "LogInByAccount",
	.message = "org.zstack.header.identity.APILogInByAccountMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/login", NULL},
	.key = "logInByAccount",
	.key_aliases = (const char *const[]){"loginByAccount", NULL},
	.params = (const struct param[]){{.name = "accountName",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {.name = "password",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_SECRET,
					  .max_length = 255},
					 {0}},
	.results = (const char *const[]){"inventory:SessionInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_NO_SESSION | OP_LOGIN,
	.help = "starts a session; the password is given as the hex digits of its SHA-512",
	.get = session_login_get,
};

static const struct operation log_in_by_user = {
	.section = "1.11",
	.name = "LogInByUser",
	.message = "org.zstack.header.identity.APILogInByUserMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/users/login", NULL},
	.key = "logInByUser",
	.params =
		(const struct param[]){
			{.name = "accountUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_MAYBE,
			 .resource = KIND_ACCOUNT,
			 .max_length = 32},
			{.name = "accountName", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "userName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .max_length = 255},
			{.name = "password",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED | PARAM_SECRET,
			 .max_length = 255},
			{0}},
	.results = (const char *const[]){"inventory:SessionInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_NO_SESSION | OP_LOGIN,
	.help = "starts a session as LogInByAccount does; an account has one user, who has its name",
	.get = session_login_get,
};

static const struct operation log_out = {
	.section = "1.11",
	.name = "LogOut",
	.message = "org.zstack.header.identity.APILogOutMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/accounts/sessions/{sessionUuid}", NULL},
	.params = (const struct param[]){{.name = "sessionUuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_SECRET},
					 {0}},
	.form = FORM_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_NO_SESSION,
	.help = "ends a session",
	.get = session_logout_get,
};

static const struct operation validate_session = {
	.section = "1.11",
	.name = "ValidateSession",
	.message = "org.zstack.header.identity.APIValidateSessionMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts/sessions/{sessionUuid}/valid", NULL},
	.params = (const struct param[]){{.name = "sessionUuid",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_SECRET},
					 {0}},
	.results = (const char *const[]){"valid:boolean", NULL},
	.form = FORM_CALL,
	.kind = KIND_SESSION,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "whether a session is valid",
	.get = session_validate_get,
};

static const struct operation renew_session = {
	.section = "1.11",
	.name = "RenewSession",
	.message = "org.zstack.header.identity.APIRenewSessionMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/sessions/{sessionUuid}/renew", NULL},
	.key = "renewSession",
	.params =
		(const struct param[]){
			{.name = "sessionUuid",
			 .type = PARAM_STRING,
			 .in = IN_PATH,
			 .flags = PARAM_REQUIRED | PARAM_SECRET},
			{.name = "duration", .type = PARAM_LONG, .in = IN_BODY, .min = 60, .max = 31536000},
			{0}},
	.results = (const char *const[]){"inventory:SessionInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_ACCOUNT,
	.help = "extends a session: it ends `duration` seconds from now",
	.apply = session_renew_apply,
};

const struct operation *const operations_session[] = {
	&log_in, &log_in_by_user, &log_out, &validate_session, &renew_session, NULL,
};
