/* SPDX-License-Identifier: Apache-2.0 */
/* What has much to do is done in many small changes of the store, so that nobody waits for it for long. */
#include "tests/unit/pool_fixture.h"

#include "actions/account/session.h"
#include "actions/engine/access.h"
#include "actions/engine/steps.h"
#include "model/access.h"

#define VMS	10000
#define OTHERS	500 /* snapshots, sessions, shares with the account */
#define SHARED	50  /* VMs that are shared with all */
#define USER_ID "4001"

static const char account[] = "a0000000000000000000000000000000";

static void set_owner(struct object *o)
{
	object_set_str(o, o->kind->owner_field, account);
}

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *o = make(KIND_ACCOUNT, account);
	int r;

	(void)arg;
	txn_set_fact(t);
	object_set_str(o, ACCOUNT_TYPE, "Normal");
	object_set_str(o, ACCOUNT_UNIX_UID, USER_ID);
	r = txn_put(t, o, NULL, e);
	for (unsigned i = 0; r >= 0 && i < VMS; i++) {
		o = make(KIND_VM, test_uuid(0x100000 + i));
		object_set_str(o, VM_STATE, "Stopped");
		set_owner(o);
		r = txn_put(t, o, NULL, e);
	}
	for (unsigned i = 0; r >= 0 && i < OTHERS; i++) {
		char key[SHARE_KEY_SIZE];

		o = make(KIND_VOLUME, test_uuid(0x200000 + i));
		object_set_str(o, VOLUME_VM_UUID, test_uuid(0x100000 + i / 10));
		set_owner(o);
		r = txn_put(t, o, NULL, e);
		if (r < 0)
			break;
		o = make(KIND_SESSION, test_uuid(0x300000 + i));
		object_set_int(o, SESSION_EXPIRED_DATE, txn_now(t) + 3600 * NS_PER_S);
		set_owner(o);
		r = txn_put(t, o, NULL, e);
		if (r < 0)
			break;
		o = make(KIND_SHARED_RESOURCE, test_uuid(0x400000 + i));
		object_set_str(o, SHARED_RESOURCE_UUID, test_uuid(0x100000 + i));
		object_set_str(o, SHARED_KEY,
			       access_share_key(test_uuid(0x100000 + i), i < SHARED ? NULL : account, key));
		object_set_str(o, SHARED_RECEIVER_UUID, i < SHARED ? NULL : account);
		object_set_str(o, SHARED_OWNER_UUID, i < SHARED ? account : ADMIN_ACCOUNT_UUID);
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

struct seen {
	size_t largest, commits; /* changes in one commit; commits while the account was there, closed */
	bool acted;		 /* a closed account could do something */
	const struct request *request;
};

static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct seen *seen = ctx;

	(void)changes;
	if (count > seen->largest)
		seen->largest = count;
	if (!view_get(view, KIND_ACCOUNT, account) || !access_is_closed(view, account))
		return;
	seen->commits++;
	if (session_find(view, test_uuid(0x300000 + OTHERS - 1)) ||
	    access_user_account(view, (uint32_t)strtoul(USER_ID, NULL, 10)) ||
	    access_check(view, seen->request, &e) != -EACCES)
		seen->acted = true;
}

/* Deleting an account that has much: it can do nothing from the first change on. */
static void test_account(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct actor actor = {.source = "fs",
				    .account = "a0000000000000000000000000000000"}; /* as above */
	/* The observer stays until the pool is closed. */
	static struct seen seen;
	_cleanup_view_ struct view *before = NULL, *after = NULL;
	struct request *request;

	assert_true(store_run(pool_store(f->pool), fill_fn, NULL, &e) >= 0);
	before = view_now(f);
	assert_non_null(session_find(before, test_uuid(0x300000)));
	assert_non_null(access_user_account(before, 4001));
	assert_int_equal(request_new(operation_by_name("QueryVmInstance"), NULL, NULL, &actor, &request, &e),
			 0);
	assert_int_equal(access_check(before, request, &e), 0);
	seen.request = request;
	assert_int_equal(store_observe(pool_store(f->pool), observe, &seen), 0);
	must(f, "DeleteAccount", account, NULL, NULL);
	print_message("%zu commits, at most %zu changes\n", seen.commits, seen.largest);
	assert_false(seen.acted);
	assert_true(seen.commits >= VMS / STEP_ROWS);
	/* A volume's owner is a change of its VM's inventory, too; and the job writes its own row. */
	assert_true(seen.largest <= 2 * STEP_ROWS + 4);
	after = view_now(f);
	assert_null(view_get(after, KIND_ACCOUNT, account));
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);

		if (kind->owner == OWNER_SHAREABLE ||
		    (kind->owner == OWNER_ACCOUNT && k != KIND_RESOURCE_REF && k != KIND_LONG_JOB))
			view_for_each (o, after, kind->id)
				assert_false(object_str_is(o, kind->owner_field, account));
	}
	view_for_each (share, after, KIND_SHARED_RESOURCE)
		assert_false(object_str_is(share, SHARED_RECEIVER_UUID, account));
	assert_true(field_is(f, KIND_VM, test_uuid(0x100000), VM_ACCOUNT_UUID, ADMIN_ACCOUNT_UUID));
	request_free(request);
}

/* -------------------------------------------------------------------- old rows */

#define OLD 1000

static int fill_old_fn(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	(void)arg;
	for (unsigned i = 0; r >= 0 && i < OLD; i++) {
		struct object *o = make(KIND_SESSION, test_uuid(0x500000 + i));

		object_set_str(o, SESSION_ACCOUNT_UUID, ADMIN_ACCOUNT_UUID);
		object_set_int(o, SESSION_EXPIRED_DATE, 1);
		r = txn_put(t, o, NULL, e);
		if (r < 0)
			break;
		o = make(KIND_JOB, test_uuid(0x600000 + i));
		object_set_str(o, JOB_STATE, "Done");
		object_set_str(o, JOB_OPERATION, "UpdateZone");
		object_set_int(o, JOB_FINISHED, 1);
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

static bool no_old_job(const struct view *view, const void *arg)
{
	(void)arg;
	return !view_get(view, KIND_JOB, test_uuid(0x600000 + OLD - 1));
}

static void test_old_rows(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	static struct seen seen;
	_cleanup_view_ struct view *view = NULL;

	assert_true(store_run(pool_store(f->pool), fill_old_fn, NULL, &e) >= 0);
	assert_int_equal(store_observe(pool_store(f->pool), observe, &seen), 0);
	assert_int_equal(session_remove_ended(f->pool, &e), 0);
	view = view_now(f);
	assert_null(view_get(view, KIND_SESSION, test_uuid(0x500000 + OLD - 1)));
	view_for_each (setting, view, KIND_GLOBAL_CONFIG)
		if (object_str_is(setting, GLOBAL_CONFIG_CATEGORY, "rest") &&
		    object_str_is(setting, GLOBAL_CONFIG_NAME, "expiredApi.scanInterval"))
			must(f, "UpdateGlobalConfig", object_uuid(setting), json_pack("{s:s}", "value", "1"),
			     NULL);
	wait_until(f, no_old_job, NULL);
	print_message("at most %zu changes\n", seen.largest);
	assert_true(seen.largest > 0 && seen.largest <= STEP_ROWS + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_account, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_old_rows, pool_fixture_setup, pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
