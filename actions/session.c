/* SPDX-License-Identifier: Apache-2.0 */
/* See session.h; and the operations on sessions. */
#include "actions/session.h"

#include <inttypes.h>
#include <string.h>

#include "model/render.h"
#include "actions/account.h"
#include "actions/config.h"
#include "actions/handlers.h"
#include "actions/login_limit.h"
#include "actions/object_ops.h"
#include "actions/pool_internal.h"

#define NS_PER_S INT64_C(1000000000)
/* A session's end is moved when it would move by more than this part of the timeout. */
#define TOUCH_PART 64

static int64_t timeout_ns(const struct view *view)
{
	return config_int(view, "identity.session.timeout") * NS_PER_S;
}

static bool has_ended(const struct object *session, int64_t now)
{
	return object_int(session, SESSION_EXPIRED_DATE) <= now;
}

const struct object *session_find(const struct view *view, const char *uuid)
{
	const struct object *session = view_get(view, KIND_SESSION, uuid);

	return session && !has_ended(session, store_now()) ? session : NULL;
}

/* ------------------------------------------------------------ sliding expiry */

struct touch {
	char uuid[UUID_SIZE];
	int64_t expires;
};

static int move_end(struct txn *t, const struct object *session, int64_t expires, struct error *e)
{
	struct object *copy = object_copy(session);

	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_int(copy, SESSION_EXPIRED_DATE, expires);
	return txn_put(t, copy, NULL, e);
}

static int touch_fn(struct txn *t, void *arg, struct error *e)
{
	struct touch *touch = arg;
	const struct object *session = view_get(txn_view(t), KIND_SESSION, touch->uuid);

	if (!session || object_int(session, SESSION_EXPIRED_DATE) >= touch->expires)
		return 0;
	return move_end(t, session, touch->expires, e);
}

static void touch_done(void *arg, int result, struct error *e)
{
	(void)result; /* the next use tries again */
	(void)e;
	free(arg);
}

void session_touch(struct pool *pool, const struct view *view, const struct object *session)
{
	int64_t timeout = timeout_ns(view), expires = store_now() + timeout;
	struct touch *touch;

	if (pool->read_only || expires - object_int(session, SESSION_EXPIRED_DATE) <= timeout / TOUCH_PART)
		return;
	touch = malloc(sizeof(*touch));
	if (!touch)
		return;
	memcpy(touch->uuid, object_uuid(session), sizeof(touch->uuid));
	touch->expires = expires;
	if (store_post(pool->store, touch_fn, touch, touch_done) < 0)
		free(touch);
}

static int remove_ended_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *session;
	int64_t after = 0;

	(void)arg;
	while ((session = view_next(txn_view(t), KIND_SESSION, after))) {
		int r;

		after = session->id;
		if (!has_ended(session, txn_now(t)))
			continue;
		r = txn_remove(t, session, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int session_remove_ended(struct pool *pool, struct error *e)
{
	return store_run(pool->store, remove_ended_fn, NULL, e);
}

/* ------------------------------------------------------------------- login */

static int count_sessions(const struct view *view, const char *account, int64_t now)
{
	int count = 0;

	view_for_each_where (session, view, KIND_SESSION, SESSION_ACCOUNT_UUID, account)
		count += !has_ended(session, now);
	return count;
}

struct login {
	const char *account;
	json_t *result;
};

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
		return error_set_code(e, EACCES, "ID.1000", "wrong account name or password");
	if (count_sessions(txn_view(t), login->account, txn_now(t)) >= limit)
		return error_set_code(
			e, EDQUOT, "SYS.1006",
			"Login sessions hit limit of max allowed concurrent login sessions, max allowed: %" PRId64,
			limit);
	o = object_new(kind_get(KIND_SESSION));
	if (!o)
		return error_set(e, ENOMEM, "out of memory");
	uuid_make(uuid);
	object_set_str(o, SESSION_UUID, uuid);
	object_set_str(o, SESSION_ACCOUNT_UUID, login->account);
	object_set_str(o, SESSION_USER_UUID, login->account);
	object_set_int(o, SESSION_EXPIRED_DATE, txn_now(t) + timeout_ns(txn_view(t)));
	r = txn_put(t, o, &session, e);
	if (r < 0)
		return r;
	inventory = render_inventory_json(txn_view(t), session);
	login->result = inventory ? json_pack("{s:o}", "inventory", inventory) : NULL;
	return login->result ? 0 : error_set(e, ENOMEM, "out of memory");
}

/* Takes as long for an account that does not exist as for one that does. */
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
	return error_set_code(e, EACCES, "ID.1000", "wrong account name or password");
}

/* These two answer in the call itself and so do here what else pool_submit() does for a dry run. */
static int change(struct pool *pool, const struct request *req, txn_fn *fn, void *arg, struct error *e)
{
	return req->dry_run ? store_try(pool->store, fn, arg, e) : store_run(pool->store, fn, arg, e);
}

int session_login_get(struct pool *pool, const struct view *view, const struct request *req,
		      json_t **ret_result, struct error *e)
{
	const char *name = request_str(req, "accountName");
	const struct object *account = account_by_name(view, name);
	struct login login = {.account = account ? object_uuid(account) : NULL};
	int r = pool->read_only ? error_set(e, EROFS, "the pool is mounted read-only") : 0;

	if (r == 0) /* the attempt has been counted: OP_LOGIN */
		r = check_password(account, request_str(req, "password"), e);
	if (r < 0)
		return r;
	login_limit_forgive(pool->login_limit, req->actor.address, name);
	r = change(pool, req, login_fn, &login, e);
	if (req->dry_run) {
		/* a session that there is not */
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

	return session ? txn_remove(t, session, e) : 0;
}

int session_logout_get(struct pool *pool, const struct view *view, const struct request *req,
		       json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(req, "sessionUuid");

	(void)ret_result;
	if (!view_get(view, KIND_SESSION, uuid))
		return 0;
	if (pool->read_only)
		return error_set(e, EROFS, "the pool is mounted read-only");
	return change(pool, req, logout_fn, (void *)(uintptr_t)uuid, e);
}

int session_validate_get(struct pool *pool, const struct view *view, const struct request *req,
			 json_t **ret_result, struct error *e)
{
	bool valid = session_find(view, request_str(req, "sessionUuid")) != NULL;

	(void)pool;
	*ret_result = json_pack("{s:b}", "valid", valid);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

int session_renew_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *session = session_find(txn_view(t), request_str(req, "sessionUuid"));
	int64_t duration = request_int(req, "duration", 0) * NS_PER_S;
	json_t *inventory;
	int r;

	if (!session || !object_str_is(session, SESSION_ACCOUNT_UUID, req->actor.account))
		return error_set_code(e, EACCES, "ID.1001", "Session expired");
	r = move_end(t, session, txn_now(t) + (duration ? duration : timeout_ns(txn_view(t))), e);
	if (r < 0)
		return r;
	/* The result of a job is for all to read, so it does not name the session. */
	session = view_get(txn_view(t), KIND_SESSION, request_str(req, "sessionUuid"));
	inventory = render_inventory_json(txn_view(t), session);
	(void)json_object_del(inventory, "uuid");
	*ret_result = inventory ? json_pack("{s:o}", "inventory", inventory) : NULL;
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}
