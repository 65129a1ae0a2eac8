/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that rest while memory is short: none is taken for gone, and none hides another. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/request.h"
#include "fs/table.h"
#include "fs/tell/notices.h"
#include "fs/tree/handle.h"
#include "fs/tree/place.h"
#include "fs/tree/where.h"
#include "model/event.h"
#include "model/json.h"
#include "model/relation.h"
#include "model/states.h"
#include "model/view_batch.h"
#include "tests/unit/failing_memory.h"

#define VM    "0af5c3d1b1e74b7e8f1de3b1a1f0e9d2"
#define COUNT 300

static struct fs fs = {.nodes = node_table};

static const char *uuid_of(int64_t n)
{
	static char uuid[33];

	snprintf(uuid, sizeof(uuid), "%016llx%016llx", (long long)n * 7919, (long long)n);
	return uuid;
}

/* A VM with COUNT jobs that rest, and one that is queued. */
static struct view *make_view(void)
{
	struct view *view = view_new();
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_JOB));
	struct object *o;

	for (int64_t id = 1; id <= COUNT; id++) {
		o = object_new(kind_get(KIND_JOB));
		o->id = id;
		object_set_str(o, FIELD_UUID, uuid_of(id));
		object_set_str(o, JOB_STATE, JOB_STATE_DONE);
		object_set_str(o, JOB_OPERATION, "StartVmInstance");
		object_set_str(o, JOB_RESOURCE_UUID, VM);
		object_set_int(o, JOB_FINISHED, id);
		assert_int_equal(view_batch_add(batch, o), 0);
		object_unref(o);
	}
	assert_int_equal(view_batch_put(batch), 0);
	o = object_new(kind_get(KIND_JOB));
	o->id = COUNT + 1;
	object_set_str(o, FIELD_UUID, uuid_of(o->id));
	object_set_str(o, JOB_STATE, JOB_STATE_QUEUED);
	object_set_str(o, JOB_RESOURCE_UUID, VM);
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
	o = object_new(kind_get(KIND_VM));
	o->id = 1;
	object_set_str(o, FIELD_UUID, VM);
	object_set_str(o, VM_NAME, "web01");
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
	return view;
}

/* The place of a path of names. */
static int look_up(const struct view *view, const char *const *names, struct place *ret)
{
	struct place dir;
	int r = 0;

	place_init(&fs, view, NODE_ROOT, &dir);
	for (; r == 0 && *names; names++) {
		r = place_lookup(&dir, *names, ret);
		dir = *ret;
	}
	return r;
}

/* Nothing of the jobs of the view is in memory again. */
static void forget_made(struct view *view)
{
	for (int64_t number = 0; (number = view_rest_again(view, KIND_JOB, number));)
		;
}

static void a_file_of_one_is_not_gone(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	const char *const paths[][5] = {{"api-jobs", uuid_of(7), "state"},
					{"vm-instances", VM, "jobs", uuid_of(7), "state"}};
	const char *const nowhere[] = {"api-jobs", "a56ceb9516134fcf809d113179490891", NULL};
	struct place p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *names[6] = {NULL};
		uint64_t ino;

		memcpy(names, paths[i], sizeof(paths[i]));
		fail_after = 0;
		assert_int_equal(look_up(view, names, &p), -ENOMEM);
		fail_after = -1;
		assert_int_equal(look_up(view, names, &p), 0);
		ino = node_pack(p.node);
		forget_made(view);
		fail_after = 0;
		assert_int_equal(place_find(&fs, view, ino, NULL, &p), -ENOMEM);
		fail_after = -1;
		assert_int_equal(place_find(&fs, view, ino, NULL, &p), 0);
		forget_made(view);
	}
	fail_after = 0;
	assert_int_equal(look_up(view, nowhere, &p), -ENOENT);
	p.node = (struct node){.kind = KIND_JOB, .row = COUNT + 2, .class = N_OBJECT};
	assert_int_equal(place_find(&fs, view, node_pack(p.node), NULL, &p), -ESTALE);
	fail_after = -1;
}

static void a_listing_has_all_of_them(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	const char *const paths[][4] = {{"api-jobs", NULL}, {"vm-instances", VM, "jobs", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct place_walk walk = {.last = NULL};
		struct place dir, p;
		char name[NAME_SIZE];
		int64_t position = 0;
		int64_t count = 0;

		assert_int_equal(look_up(view, paths[i], &dir), 0);
		dir.walk = &walk;
		fail_after = 0;
		while (place_next(&dir, position, &position, name, &p)) {
			if (!p.object || p.object->kind->id != KIND_JOB || p.node.class == N_HOME_LINK)
				continue;
			count++;
			assert_int_equal(p.object->id, count);
			assert_string_equal(name, uuid_of(count));
		}
		fail_after = -1;
		assert_int_equal(count, COUNT + 1);
	}
}

static int ask(const struct view *view, const char *operation, const char *parameter, const char *uuid,
	       struct error *e)
{
	const struct actor actor = {.source = "test"};
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_json_ json_t *params = json_pack("{s:s}", parameter, uuid), *result = NULL;
	const struct operation *op = operation_by_name(operation);
	int r;

	assert_int_equal(request_new(op, NULL, params, &actor, &req, NULL), 0);
	fail_after = 0;
	r = op->get(NULL, view, req, &result, e);
	fail_after = -1;
	return r;
}

static void its_result_has_not_expired(void **state)
{
	static const char *const asked[][2] = {
		{"GetApiJob", "uuid"}, {"GetApiJobEvent", "uuid"}, {"GetTaskProgress", "apiId"}};
	_cleanup_view_ struct view *view = make_view();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		assert_int_equal(ask(view, asked[i][0], asked[i][1], uuid_of(7), &e), -ENOMEM);
	}
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		assert_int_equal(ask(view, asked[i][0], asked[i][1], uuid_of(COUNT + 7), &e), -ENODATA);
	}
}

/* A file of one that is opened is not one of an object that is gone. */
static void a_handle_has_its_object(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	const struct node of_one = {.kind = KIND_JOB, .row = 7, .class = N_VALUE, .index = JOB_STATE};
	const struct node of_none = {
		.kind = KIND_JOB, .row = COUNT + 2, .class = N_VALUE, .index = JOB_STATE};
	const struct caller caller = {0};
	_cleanup_handle_ struct handle *of_gone = NULL, *h = NULL;

	(void)state;
	fail_once = true;
	fail_after = 0;
	assert_null(handle_new(of_one, S_IFREG | 0444, view, &caller));
	assert_int_equal(fail_after, -1);
	fail_once = false;
	h = handle_new(of_one, S_IFREG | 0444, view, &caller);
	assert_non_null(h);
	assert_int_equal(h->object->id, 7);
	of_gone = handle_new(of_none, S_IFREG | 0444, view, &caller);
	assert_non_null(of_gone);
	assert_null(of_gone->object);
}

static void a_match_is_not_missing(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	const char *const where[] = {"api-jobs", "where", NULL};
	const struct object *o = NULL;
	struct place dir;

	(void)state;
	assert_int_equal(look_up(view, where, &dir), 0);
	fail_after = 0;
	assert_int_equal(where_object(&dir, uuid_of(7), &o), -ENOMEM);
	assert_int_equal(where_object(&dir, uuid_of(COUNT + 7), &o), -ENOENT);
	fail_after = -1;
	assert_int_equal(where_object(&dir, uuid_of(7), &o), 0);
	assert_int_equal(o->id, 7);
}

static bool note_folder(void *arg, const struct notice *n)
{
	bool *told = arg;

	*told = *told || (n->what == NOTICE_CHANGED && n->node.class == N_FOLDER);
	return true;
}

/* What there is no memory to look at has changed in a way that is not known, so the whole folder has. */
static void a_change_is_told(void **state)
{
	_cleanup_view_ struct view *before = view_new(), *now = make_view();
	static const bool lost[KIND_COUNT];
	const uint64_t job = node_pack((struct node){.kind = KIND_JOB, .row = 7, .class = N_OBJECT});
	const struct touched touched = {&job, 1, lost};
	int n = 0;

	(void)state;
	fs.events = event_log_new();
	fail_once = true;
	for (bool told = true; told; n++) {
		told = false;
		forget_made(now);
		fail_after = n;
		assert_true(notices_make(&fs, before, now, &touched, note_folder, &told));
		fail_after = -1;
	}
	assert_true(n > 2); /* the list of names, and the job itself */
	fail_once = false;
	event_log_free(steal(&fs.events));
}

/* So the end of a walk over relations is the end. */
static void relations_lead_to_none(void **state)
{
	const struct relation *r;

	(void)state;
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		for (r = relation_next(kind_get((enum kind_id)k), NULL); r;
		     r = relation_next(kind_get((enum kind_id)k), r)) {
			assert_true(kind_get(r->target)->end_field < 0);
			assert_true(r->type != RELATION_LINK || kind_get(r->link)->end_field < 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_one_is_not_gone),  cmocka_unit_test(a_listing_has_all_of_them),
		cmocka_unit_test(its_result_has_not_expired), cmocka_unit_test(a_handle_has_its_object),
		cmocka_unit_test(a_match_is_not_missing),     cmocka_unit_test(a_change_is_told),
		cmocka_unit_test(relations_lead_to_none),
	};

	return cmocka_run_group_tests_name("resting", tests, NULL, NULL);
}
