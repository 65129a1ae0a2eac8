/* SPDX-License-Identifier: Apache-2.0 */
/* Modes and owners of files, and who may use them, with other users on the mount. */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/image/upload.h"
#include "actions/image/upload_list.h"
#include "fs/class/scratches.h"
#include "fs/table.h"
#include "fs/tree/by_name.h"
#include "fs/tree/class.h"
#include "fs/tree/permissions.h"
#include "fs/tree/queries.h"
#include "model/event.h"

#define ROOT_UID  10
#define ALICE_UID 4001
#define TEAM_GID  4100

static struct fs fs = {.nodes = node_table, .uid = ROOT_UID, .gid = 20, .has_others = true};

static const char alice[] = "a11ce000000000000000000000000000", team[] = "7ea30000000000000000000000000000",
		  admin[] = "ad310000000000000000000000000000";

static struct object *make(struct view *view, enum kind_id kind, int64_t id, const char *uuid)
{
	struct object *o = object_new(kind_get(kind));

	object_set_str(o, FIELD_UUID, uuid);
	if (o->kind->name_field >= 0)
		object_set_str(o, o->kind->name_field, "same");
	o->id = id;
	(void)view;
	return o;
}

static void put(struct view *view, struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static void put_account(struct view *view, int64_t id, const char *uuid, const char *type, const char *uid,
			const char *gid)
{
	struct object *o = make(view, KIND_ACCOUNT, id, uuid);

	object_set_str(o, ACCOUNT_TYPE, type);
	object_set_str(o, ACCOUNT_UNIX_UID, uid);
	object_set_str(o, ACCOUNT_UNIX_GID, gid);
	put(view, o);
}

static void put_group(struct view *view, int64_t id, const char *uuid, const char *account)
{
	struct object *o = make(view, KIND_AFFINITY_GROUP, id, uuid);

	object_set_str(o, AFFINITY_GROUP_ACCOUNT_UUID, account);
	put(view, o);
}

static const char hers[] = "00000000000000000000000000000001", theirs[] = "00000000000000000000000000000002",
		  admins[] = "00000000000000000000000000000003",
		  nobodys[] = "00000000000000000000000000000004", zone[] = "00000000000000000000000000000005",
		  tag[] = "00000000000000000000000000000006";

/* An affinity group of each account and of none, all of one name; a zone; a secret tag on alice's. */
static struct view *make_view(void)
{
	struct view *view = view_new();
	struct object *o;

	put_account(view, 1, alice, "Normal", "4001", NULL);
	put_account(view, 2, team, "Normal", NULL, "4100");
	put_account(view, 3, admin, "SystemAdmin", NULL, NULL);
	put_group(view, 1, admins, admin);
	put_group(view, 2, hers, alice);
	put_group(view, 3, theirs, team);
	put_group(view, 4, nobodys, NULL);
	put(view, make(view, KIND_ZONE, 1, zone));
	o = make(view, KIND_SYSTEM_TAG, 1, tag);
	object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, hers);
	object_set_str(o, SYSTEM_TAG_TAG, "consolePassword::secret");
	put(view, o);
	return view;
}

/* Walks down @path as @caller. */
static struct place find(const struct view *view, const char *path, const struct caller *caller)
{
	_cleanup_free_ char *copy = strdup(path);
	char *save = NULL;
	struct place p;

	place_init(&fs, view, NODE_ROOT, &p);
	p.caller = *caller;
	for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		struct place dir = p;

		if (place_lookup(&dir, name, &p) < 0)
			fail_msg("%s: no '%s'", path, name);
	}
	return p;
}

static const struct caller administrator = {.uid = ROOT_UID}, is_alice = {ALICE_UID, GID_NONE, true, alice},
			   is_team = {4002, TEAM_GID, true, team}, stranger = {4003, GID_NONE, true, ""};

/* Each row: a path, its mode, owner, group, and the errno of place_check() for alice, the team, a stranger. */
static const struct row {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int alice, team, stranger;
} rows[] = {
	{"", 0755, ROOT_UID, 20, 0, 0, 0},
	{"README", 0444, ROOT_UID, 20, 0, 0, 0},
	{"last-error", 0444, ROOT_UID, 20, 0, 0, 0},
	{"sessions/call", 0666, ROOT_UID, 20, 0, 0, 0},
	{"sessions/stamp", 0444, ROOT_UID, 20, 0, 0, 0},
	{"limits", 0444, ROOT_UID, 20, 0, 0, -EACCES},
	{"events", 0400, ROOT_UID, 20, -EACCES, -EACCES, -EACCES}, /* the administrator's */
	{"metrics", 0400, ROOT_UID, 20, -EACCES, -EACCES, -EACCES},
	{"zones", 0755, ROOT_UID, 20, 0, 0, -EACCES},
	{"zones/create", 0644, ROOT_UID, 20, 0, 0, -EACCES},
	{"zones/00000000000000000000000000000005", 0755, ROOT_UID, 20, 0, 0, -EACCES},
	{"zones/00000000000000000000000000000005/name", 0644, ROOT_UID, 20, 0, 0, -EACCES},
	{"affinity-groups/create", 0666, ROOT_UID, 20, 0, 0, -EACCES},
	{"affinity-groups/query", 0666, ROOT_UID, 20, 0, 0, -EACCES},
	{"images/upload", 01733, ROOT_UID, 20, 0, 0, -EACCES},
	{"affinity-groups/00000000000000000000000000000001", 0700, ALICE_UID, 20, 0, -EACCES, -EACCES},
	{"affinity-groups/00000000000000000000000000000001/name", 0600, ALICE_UID, 20, 0, -EACCES, -EACCES},
	{"affinity-groups/00000000000000000000000000000001/inventory", 0400, ALICE_UID, 20, 0, -EACCES,
	 -EACCES},
	{"affinity-groups/00000000000000000000000000000001/tags/00000000000000000000000000000006", 0400,
	 ALICE_UID, 20, 0, -EACCES, -EACCES},
	{"system-tags/00000000000000000000000000000006/tag", 0600, ALICE_UID, 20, 0, -EACCES, -EACCES},
	{"affinity-groups/00000000000000000000000000000002", 0770, ROOT_UID, TEAM_GID, -EACCES, 0, -EACCES},
	{"affinity-groups/00000000000000000000000000000002/actions", 0660, ROOT_UID, TEAM_GID, -EACCES, 0,
	 -EACCES},
	{"affinity-groups/00000000000000000000000000000003", 0700, ROOT_UID, 20, -EACCES, -EACCES, -EACCES},
	{"affinity-groups/00000000000000000000000000000004", 0700, ROOT_UID, 20, -EACCES, -EACCES, -EACCES},
	{"accounts/a11ce000000000000000000000000000/name", 0600, ALICE_UID, 20, 0, -EACCES, -EACCES},
};

static int check_as(const struct view *view, const char *path, const struct caller *caller)
{
	struct place p = find(view, path, &administrator);

	p.caller = *caller;
	return place_check(&p);
}

static void test_modes(void **state)
{
	_cleanup_view_ struct view *view = make_view();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct place p = find(view, row->path, &administrator);
		uid_t uid;
		gid_t gid;

		place_owner(&p, &uid, &gid);
		if ((place_mode(&p) & 07777) != row->mode || uid != row->uid || gid != row->gid)
			fail_msg("%s is %o %u %u", row->path, place_mode(&p) & 07777, uid, gid);
		assert_int_equal(place_check(&p), 0);
		if (check_as(view, row->path, &is_alice) != row->alice ||
		    check_as(view, row->path, &is_team) != row->team ||
		    check_as(view, row->path, &stranger) != row->stranger)
			fail_msg("%s may be used by others than it should", row->path);
	}
}

/* Each account has an `events` of its own, an inode that no other account may use, however it has come by it. */
static void test_events(void **state)
{
	static const struct caller *const callers[] = {&administrator, &is_alice, &is_team};
	_cleanup_view_ struct view *view = make_view();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		struct place p = find(view, "events", callers[i]);
		struct node back;

		assert_int_equal(place_mode(&p) & 07777, i ? 0444 : 0400);
		assert_true(node_unpack(node_pack(p.node), &back));
		assert_int_equal(back.index, i ? view_get(view, KIND_ACCOUNT, callers[i]->account)->id : 0);
		for (size_t k = 1; k < ARRAY_SIZE(callers); k++) {
			p.caller = *callers[k];
			assert_int_equal(place_check(&p), k == i ? 0 : -EACCES);
			assert_int_equal(place_check_attributes(&p), k == i ? 0 : -EACCES);
		}
		p.caller = stranger;
		assert_int_equal(place_check(&p), -EACCES);
		assert_int_equal(place_check_attributes(&p), -EACCES);
	}
}

/* The file of an account that is gone has no attributes, wakes who waits for it, and leaves no reader in the log. */
static void test_events_of_the_gone(void **state)
{
	_cleanup_view_ struct view *view = make_view(), *empty = view_new();
	struct place p = find(view, "events", &is_alice);
	size_t counted, before;
	struct stat st;

	(void)state;
	assert_non_null(empty);
	assert_int_equal(place_stat(&p, NULL, &st), 0);
	before = event_log_readers(fs.events, &counted);
	assert_true(before > 0);
	event_log_forget(fs.events, p.node.index);
	assert_int_equal(event_log_readers(fs.events, &counted), before - 1);
	p.view = empty;
	assert_int_equal(place_stat(&p, NULL, &st), -ESTALE);
	assert_int_not_equal(p.entry->io->version(&p), 0);
	assert_int_equal(event_log_readers(fs.events, &counted), before - 1);
}

/* Without other users the modes are those of the table. */
static void test_alone(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place p;
	uid_t uid;
	gid_t gid;

	(void)state;
	fs.has_others = false;
	p = find(view, "affinity-groups/00000000000000000000000000000001/name", &administrator);
	place_owner(&p, &uid, &gid);
	assert_int_equal(place_mode(&p) & 07777, 0644);
	assert_int_equal(uid, ROOT_UID);
	p = find(view, "affinity-groups/create", &administrator);
	assert_int_equal(place_mode(&p) & 07777, 0644);
	fs.has_others = true;
}

/* A user sees only their own objects by name, and those count. */
static void test_names(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place p = find(view, "affinity-groups/by-name", &is_team);
	char name[NAME_SIZE];
	struct node node;

	(void)state;
	assert_true(name_links_find(&p, "same", &node));
	assert_int_equal(node.row, 3);
	assert_false(name_links_find(&p, "same~2", &node));
	assert_int_equal(name_links_next(&p, 0, name, &node), 3);
	assert_string_equal(name, "same");
	assert_int_equal(name_links_next(&p, 3, name, &node), 0);
	p.caller = administrator;
	assert_true(name_links_find(&p, "same~3", &node));
	assert_int_equal(node.row, 3);
}

/* Attributes are for whoever may list the object, those of its directory for all accounts. */
static void test_attributes(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct place p = find(view, "affinity-groups/00000000000000000000000000000001", &administrator);

	(void)state;
	p.caller = is_team;
	assert_int_equal(place_check_attributes(&p), 0);
	assert_false(place_is_listed(&p));
	p.caller = stranger;
	assert_int_equal(place_check_attributes(&p), -EACCES);
	p = find(view, "affinity-groups/00000000000000000000000000000001/name", &administrator);
	p.caller = is_team;
	assert_int_equal(place_check_attributes(&p), -EACCES);
	p.caller = is_alice;
	assert_int_equal(place_check_attributes(&p), 0);
}

/* A handle's user loses the account when the account loses the user. */
static void test_renewal(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	struct caller caller = {.uid = ALICE_UID, .gid = GID_NONE, .limited = true};

	(void)state;
	caller_renew(&caller, view);
	assert_string_equal(caller.account, alice);
	put_account(view, 1, alice, "Normal", NULL, NULL);
	caller_renew(&caller, view);
	assert_true(caller_is_stranger(&caller));
	caller = (struct caller){.uid = 4002, .gid = TEAM_GID, .limited = true};
	caller_renew(&caller, view);
	assert_string_equal(caller.account, team);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_of_the_gone),
	};

	fs.uploads = uploads_new(NULL);
	fs.scratches = scratches_new(NULL);
	fs.queries = queries_new(NULL);
	fs.events = event_log_new();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	event_log_free(fs.events);
	queries_free(fs.queries);
	scratches_free(fs.scratches);
	uploads_free(fs.uploads);
	return failed;
}
