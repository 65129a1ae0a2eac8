/* SPDX-License-Identifier: Apache-2.0 */
/* The notices to watchers that follow from the difference between two views. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "fs/table.h"
#include "fs/tell/notices.h"
#include "fs/class/scratches.h"
#include "model/event.h"

#define LINES_SIZE 16384

static struct fs fs = {.nodes = node_table};
static char lines[LINES_SIZE];
static int64_t now_ns = 1;

/* An object of a given name and row, changed now. */
static struct object *make(enum kind_id kind, unsigned number, const char *name)
{
	struct object *o = object_new(kind_get(kind));
	char uuid[33];

	snprintf(uuid, sizeof(uuid), "%08x%024x", (unsigned)kind, number);
	object_set_str(o, FIELD_UUID, uuid);
	if (name)
		object_set_str(o, o->kind->name_field, name);
	o->id = number;
	o->changed = now_ns++;
	return o;
}

static void put(struct view *view, struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

/* Changes a text of the object, as the store would. */
static void change(struct view *view, enum kind_id kind, int64_t row, int field, const char *text)
{
	struct object *o = object_copy(view_get_id(view, kind, row));

	object_set_str(o, field, text);
	o->changed = now_ns++;
	object_set_time(o, field, o->changed);
	put(view, o);
}

static void drop(struct view *view, enum kind_id kind, int64_t row)
{
	const struct object *o = object_ref(view_get_id(view, kind, row));

	assert_int_equal(view_remove(view, o), 0);
	object_unref(o);
}

/* Notes "WHAT CLASS NAME" of each notice. */
static bool note(void *arg, const struct notice *n)
{
	static const char *const what[] = {"changed", "made", "gone"};
	size_t len = strlen(lines);
	int *left = arg;

	/* Of the entries that vanish with their directory, only one is noted. */
	if (n->inner && strcmp(n->name, "inventory") != 0)
		return true;
	snprintf(lines + len, sizeof(lines) - len, "%s %d:%d %s\n", what[n->what],
		 n->what == NOTICE_CHANGED ? (int)n->node.kind : (int)n->dir.class, (int)n->node.class,
		 n->what == NOTICE_CHANGED && n->node.class == N_VALUE
			 ? kind_get(n->node.kind)->fields[n->node.index].name
			 : n->name);
	return !left || --*left > 0;
}

static uint64_t object_of(enum kind_id kind, int64_t row)
{
	return node_pack((struct node){.kind = kind, .row = row, .class = N_OBJECT});
}

static bool compare(struct view *before, struct view *now, const uint64_t *objects, size_t count,
		    const bool *lost, int *left)
{
	static const bool none[KIND_COUNT];

	*lines = '\0';
	return notices_make(&fs, before, now, &(struct touched){objects, count, lost ? lost : none}, note,
			    left);
}

static void expect(const char *format, ...)
{
	char line[512];
	size_t len;
	va_list args;

	va_start(args, format);
	len = (size_t)vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[len] = '\n';
	line[len + 1] = '\0';
	if (!strstr(lines, line))
		fail_msg("no '%s' in:\n%s", line, lines);
}

static void expect_no(const char *text)
{
	if (strstr(lines, text))
		fail_msg("unexpected '%s' in:\n%s", text, lines);
}

static void test_values(void **state)
{
	struct view *before = view_new(), *now;
	const uint64_t vm = object_of(KIND_VM, 1);

	(void)state;
	put(before, make(KIND_VM, 1, "web"));
	put(before, make(KIND_HOST, 1, "node1"));
	now = view_copy(before, 2);
	change(now, KIND_VM, 1, VM_STATE, "Running");
	change(now, KIND_VM, 1, VM_HOST_UUID, object_uuid(view_get_id(before, KIND_HOST, 1)));
	assert_true(compare(before, now, &vm, 1, NULL, NULL));
	expect("changed %d:%d state", KIND_VM, N_VALUE);
	expect("changed %d:%d hostUuid", KIND_VM, N_VALUE);
	expect("changed %d:%d ", KIND_VM, N_INVENTORY);
	expect("changed %d:%d ", KIND_VM, N_ACTIONS);
	expect("changed 0:%d ", N_INVENTORIES);
	expect("made %d:%d host", N_OBJECT, N_REFERENCE);
	expect_no(" name\n");
	expect_no(" web\n");

	/* A comparison that starts with the new view reports nothing of it. */
	assert_true(compare(now, now, &vm, 1, NULL, NULL));
	expect_no("changed 1:");
	expect_no("made");
	view_unref(before);
	view_unref(now);
}

static void test_attached(void **state)
{
	struct view *before = view_new(), *now;
	const uint64_t touched[] = {object_of(KIND_NIC, 1), object_of(KIND_JOB, 1),
				    object_of(KIND_USER_TAG, 1), object_of(KIND_VOLUME, 1)};
	struct object *o;

	(void)state;
	put(before, make(KIND_VM, 1, "web"));
	put(before, make(KIND_VOLUME, 1, "data"));
	now = view_copy(before, 2);
	o = make(KIND_NIC, 1, NULL);
	object_set_str(o, NIC_VM_UUID, object_uuid(view_get_id(before, KIND_VM, 1)));
	put(now, o);
	o = make(KIND_JOB, 1, NULL);
	object_set_str(o, JOB_RESOURCE_UUID, object_uuid(view_get_id(before, KIND_VM, 1)));
	put(now, o);
	o = make(KIND_USER_TAG, 1, NULL);
	object_set_str(o, USER_TAG_RESOURCE_UUID, object_uuid(view_get_id(before, KIND_VM, 1)));
	put(now, o);
	change(now, KIND_VOLUME, 1, VOLUME_VM_UUID, object_uuid(view_get_id(before, KIND_VM, 1)));
	assert_true(compare(before, now, touched, ARRAY_SIZE(touched), NULL, NULL));
	expect("made %d:%d %s", N_SUB, N_OBJECT, object_uuid(view_get_id(now, KIND_NIC, 1)));
	expect("made %d:%d %s", N_FOLDER, N_HOME_LINK, object_uuid(view_get_id(now, KIND_NIC, 1)));
	expect("made %d:%d %s", N_JOBS, N_JOB, object_uuid(view_get_id(now, KIND_JOB, 1)));
	expect("made %d:%d %s", N_TAGS, N_TAG, object_uuid(view_get_id(now, KIND_USER_TAG, 1)));
	expect("made %d:%d %s", N_SUB, N_SUB_LINK, object_uuid(view_get_id(now, KIND_VOLUME, 1)));

	/* And back again. */
	assert_true(compare(now, before, touched, ARRAY_SIZE(touched), NULL, NULL));
	expect("gone %d:%d %s", N_SUB, N_OBJECT, object_uuid(view_get_id(now, KIND_NIC, 1)));
	expect("gone %d:%d %s", N_TAGS, N_TAG, object_uuid(view_get_id(now, KIND_USER_TAG, 1)));
	expect("gone %d:%d %s", N_SUB, N_SUB_LINK, object_uuid(view_get_id(now, KIND_VOLUME, 1)));
	expect("gone %d:%d inventory", N_OBJECT, N_INVENTORY);
	view_unref(before);
	view_unref(now);
}

/* Links of the same name are numbered: which of them appear and vanish depends on how many there are. */
static void test_names(void **state)
{
	struct view *before = view_new(), *now;
	const uint64_t touched[] = {object_of(KIND_ZONE, 1), object_of(KIND_ZONE, 2), object_of(KIND_ZONE, 3),
				    object_of(KIND_ZONE, 4), object_of(KIND_ZONE, 5)};
	char text[300], name[NAME_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put(before, make(KIND_ZONE, 1, "a"));
	put(before, make(KIND_ZONE, 2, "a"));
	put(before, make(KIND_ZONE, 3, "a"));
	now = view_copy(before, 2);
	drop(now, KIND_ZONE, 1);
	change(now, KIND_ZONE, 2, ZONE_NAME, "b");
	put(now, make(KIND_ZONE, 4, "b"));
	put(now, make(KIND_ZONE, 5, text));
	assert_true(compare(before, now, touched, ARRAY_SIZE(touched), NULL, NULL));
	expect("gone %d:%d a~2", N_BY_NAME, N_NAME_LINK);
	expect("gone %d:%d a~3", N_BY_NAME, N_NAME_LINK);
	expect_no(" a\n");
	expect("made %d:%d b", N_BY_NAME, N_NAME_LINK);
	expect("made %d:%d b~2", N_BY_NAME, N_NAME_LINK);
	assert_true(name_encode_rank(text, object_uuid(view_get_id(now, KIND_ZONE, 5)), 1, name));
	expect("made %d:%d %s", N_BY_NAME, N_NAME_LINK, name);
	view_unref(before);
	view_unref(now);
}

/* When too many objects of a kind were changed, only the collection is reported. */
static void test_lost(void **state)
{
	struct view *before = view_new(), *now;
	const uint64_t touched[] = {object_of(KIND_ZONE, 1), object_of(KIND_VM, 1)};
	bool lost[KIND_COUNT] = {[KIND_ZONE] = true};
	int left = 2;

	(void)state;
	put(before, make(KIND_ZONE, 1, "a"));
	put(before, make(KIND_VM, 1, "web"));
	now = view_copy(before, 2);
	change(now, KIND_ZONE, 1, ZONE_NAME, "b");
	change(now, KIND_VM, 1, VM_NAME, "www");
	assert_true(compare(before, now, touched, ARRAY_SIZE(touched), lost, NULL));
	expect("changed 0:%d ", N_FOLDER);
	expect("changed 0:%d ", N_BY_NAME);
	expect("changed %d:%d name", KIND_VM, N_VALUE);
	expect("made %d:%d www", N_BY_NAME, N_NAME_LINK);
	expect_no(" b\n");
	snprintf(lines, sizeof(lines), "%s", "");

	/* A receiver that returns false gets no more notices. */
	assert_false(compare(before, now, touched, ARRAY_SIZE(touched), NULL, &left));
	assert_int_equal(left, 0);
	view_unref(before);
	view_unref(now);
}

/* Nobody knows what was told: the files of the objects that the kernel has, and all collections, may have changed. */
static void test_untold(void **state)
{
	struct view *now = view_new();
	const uint64_t given[] = {object_of(KIND_ZONE, 1), object_of(KIND_ZONE, 7),
				  node_pack((struct node){.class = N_STAMP}), object_of(KIND_VM, 1)};
	int left = 2;

	(void)state;
	put(now, make(KIND_ZONE, 1, "a"));
	put(now, make(KIND_ZONE, 2, "not given"));
	put(now, make(KIND_VM, 1, "web"));
	*lines = '\0';
	assert_true(notices_make_untold(&fs, now, given, ARRAY_SIZE(given), note, NULL));
	expect("changed 0:%d ", N_FOLDER);
	expect("changed 0:%d ", N_BY_NAME);
	expect("changed 0:%d ", N_INVENTORIES);
	expect("changed %d:%d name", KIND_VM, N_VALUE);
	expect("changed %d:%d state", KIND_VM, N_VALUE);
	expect("changed %d:%d ", KIND_VM, N_INVENTORY);
	expect("changed %d:%d name", KIND_ZONE, N_VALUE);
	expect_no("made");
	expect_no("gone");
	*lines = '\0';
	assert_true(notices_make_untold(&fs, now, given + 1, 2, note, NULL));
	expect("changed 0:%d ", N_FOLDER);
	expect_no(" name\n");
	*lines = '\0';
	assert_false(notices_make_untold(&fs, now, given, ARRAY_SIZE(given), note, &left));
	assert_int_equal(left, 0);
	view_unref(now);
}

static int set_up(void **state)
{
	(void)state;
	fs.scratches = scratches_new(NULL);
	fs.events = event_log_new();
	return fs.scratches && fs.events ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	scratches_free(fs.scratches);
	event_log_free(fs.events);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_attached), cmocka_unit_test(test_names),
		cmocka_unit_test(test_lost),   cmocka_unit_test(test_untold),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
