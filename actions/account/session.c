/* SPDX-License-Identifier: Apache-2.0 */
/* See session.h. */
#include "actions/account/session.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/steps.h"
#include "model/access.h"

/* How many ended sessions of an account stay at most. */
#define KEEP_ENDED_MAX 100

/* The end of a session is only written when it moves by more than this fraction of the timeout. */
#define TOUCH_PART 64

int64_t session_timeout_ns(const struct view *view)
{
	return config_int(view, "identity.session.timeout") * NS_PER_S;
}

bool session_has_ended(const struct object *session, int64_t now)
{
	return object_int(session, SESSION_EXPIRED_DATE) <= now;
}

const struct object *session_find(const struct view *view, const char *uuid)
{
	const struct object *session = view_get(view, KIND_SESSION, uuid);

	return session && !session_has_ended(session, store_now()) &&
			       !access_is_closed(view, object_str(session, SESSION_ACCOUNT_UUID))
		       ? session
		       : NULL;
}

const char *session_ended_account(const struct view *view, const char *uuid)
{
	const struct object *session = uuid ? view_get(view, KIND_SESSION, uuid) : NULL;

	return session && session_has_ended(session, store_now()) ? object_text(session, SESSION_ACCOUNT_UUID)
								  : NULL;
}

/* ----------------------------------------------------------------- the end */

int session_put_end(struct txn *t, const struct object *session, int64_t expires, struct error *e)
{
	struct object *copy = object_copy(session);

	object_set_int(copy, SESSION_EXPIRED_DATE, expires);
	return txn_put(t, copy, NULL, e);
}

int session_end(struct txn *t, const struct object *session, struct error *e)
{
	return session_has_ended(session, txn_now(t)) ? 0 : session_put_end(t, session, txn_now(t), e);
}

int session_end_all(struct txn *t, const char *account, struct error *e)
{
	const struct object *session;
	int64_t after = 0;
	int r = 0;

	while (r == 0 &&
	       (session = view_next_where(txn_view(t), KIND_SESSION, SESSION_ACCOUNT_UUID, account, after))) {
		after = session->id;
		r = session_end(t, session, e);
	}
	return r;
}

int session_forget_oldest(struct txn *t, const char *account, struct error *e)
{
	const struct object *oldest = NULL;
	int ended = 0;

	view_for_each_where (session, txn_view(t), KIND_SESSION, SESSION_ACCOUNT_UUID, account) {
		if (!session_has_ended(session, txn_now(t)))
			continue;
		ended++;
		if (!oldest ||
		    object_int(session, SESSION_EXPIRED_DATE) < object_int(oldest, SESSION_EXPIRED_DATE))
			oldest = session;
	}
	return ended > KEEP_ENDED_MAX ? txn_remove(t, oldest, e) : 0;
}

/* ------------------------------------------------------------ sliding expiry */

struct touch {
	char uuid[UUID_SIZE];
	int64_t expires;
};

static int touch_fn(struct txn *t, void *arg, struct error *e)
{
	struct touch *touch = arg;
	const struct object *session = view_get(txn_view(t), KIND_SESSION, touch->uuid);

	if (!session || object_int(session, SESSION_EXPIRED_DATE) >= touch->expires)
		return 0;
	return session_put_end(t, session, touch->expires, e);
}

static void touch_done(void *arg, int result, struct error *e)
{
	(void)result; /* the next use tries again */
	(void)e;
	free(arg);
}

void session_touch(struct pool *pool, const struct view *view, const struct object *session)
{
	int64_t timeout = session_timeout_ns(view), expires = store_now() + timeout;
	struct touch *touch;

	if (pool_is_read_only(pool) ||
	    expires - object_int(session, SESSION_EXPIRED_DATE) <= timeout / TOUCH_PART)
		return;
	touch = malloc(sizeof(*touch));
	if (!touch)
		return;
	memcpy(touch->uuid, object_uuid(session), sizeof(touch->uuid));
	touch->expires = expires;
	if (store_post(pool_store(pool), touch_fn, touch, touch_done) < 0)
		free(touch);
}

/* Rows stay as long as results of jobs do: calls that come too late are answered to their web hooks. */
static int remove_ended_step(struct txn *t, void *arg, size_t *left, struct error *e)
{
	int64_t keep = config_int(txn_view(t), "rest.completedApi.expiredPeriod") * NS_PER_S;
	const struct object *session;
	int64_t after = 0;

	(void)arg;
	while (*left && (session = view_next(txn_view(t), KIND_SESSION, after))) {
		int r;

		after = session->id;
		if (!session_has_ended(session, txn_now(t) - keep))
			continue;
		(*left)--;
		r = txn_remove(t, session, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int session_remove_ended(struct pool *pool, struct error *e)
{
	return pool_run_steps(pool, remove_ended_step, NULL, e);
}
