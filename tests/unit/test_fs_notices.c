/* SPDX-License-Identifier: Apache-2.0 */
/* What watchers are told of the difference between two views. */
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
	o->changed = o->times[field] = now_ns++;
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

	/* Of what goes with its directory, only one. */
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

static bool tell(struct view *told, struct view *now, const uint64_t *objects, size_t count, const bool *lost,
		 int *left)
{
	static const bool none[KIND_COUNT];

	*lines = '\0';
	return notices_make(&fs, told, now, &(struct touched){objects, count, lost ? lost : none}, note,
			    left);
}

static void has(const char *format, ...)
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

static void has_not(const char *text)
{
	if (strstr(lines, text))
		fail_msg("there is '%s' in:\n%s", text, lines);
}

static void test_values(void **state)
{
	struct view *told = view_new(), *now;
	const uint64_t vm = object_of(KIND_VM, 1);

	(void)state;
	put(told, make(KIND_VM, 1, "web"));
	put(told, make(KIND_HOST, 1, "node1"));
	now = view_copy(told, 2);
	change(now, KIND_VM, 1, VM_STATE, "Running");
	change(now, KIND_VM, 1, VM_HOST_UUID, object_uuid(view_get_id(told, KIND_HOST, 1)));
	assert_true(tell(told, now, &vm, 1, NULL, NULL));
	has("changed %d:%d state", KIND_VM, N_VALUE);
	has("changed %d:%d hostUuid", KIND_VM, N_VALUE);
	has("changed %d:%d ", KIND_VM, N_INVENTORY);
	has("changed %d:%d ", KIND_VM, N_ACTIONS);
	has("changed 0:%d ", N_INVENTORIES);
	has("changed 0:%d ", N_EVENTS);
	has("made %d:%d host", N_OBJECT, N_REFERENCE);
	has_not(" name\n");
	has_not(" web\n");

	/* Looking again from here tells nothing of it. */
	assert_true(tell(now, now, &vm, 1, NULL, NULL));
	has_not("changed 1:");
	has_not("made");
	view_unref(told);
	view_unref(now);
}

static void test_attached(void **state)
{
	struct view *told = view_new(), *now;
	const uint64_t touched[] = {object_of(KIND_NIC, 1), object_of(KIND_JOB, 1),
				    object_of(KIND_USER_TAG, 1), object_of(KIND_VOLUME, 1)};
	struct object *o;

	(void)state;
	put(told, make(KIND_VM, 1, "web"));
	put(told, make(KIND_VOLUME, 1, "data"));
	now = view_copy(told, 2);
	o = make(KIND_NIC, 1, NULL);
	object_set_str(o, NIC_VM_UUID, object_uuid(view_get_id(told, KIND_VM, 1)));
	put(now, o);
	o = make(KIND_JOB, 1, NULL);
	object_set_str(o, JOB_RESOURCE_UUID, object_uuid(view_get_id(told, KIND_VM, 1)));
	put(now, o);
	o = make(KIND_USER_TAG, 1, NULL);
	object_set_str(o, USER_TAG_RESOURCE_UUID, object_uuid(view_get_id(told, KIND_VM, 1)));
	put(now, o);
	change(now, KIND_VOLUME, 1, VOLUME_VM_UUID, object_uuid(view_get_id(told, KIND_VM, 1)));
	assert_true(tell(told, now, touched, ARRAY_SIZE(touched), NULL, NULL));
	has("made %d:%d %s", N_SUB, N_OBJECT, object_uuid(view_get_id(now, KIND_NIC, 1)));
	has("made %d:%d %s", N_FOLDER, N_HOME_LINK, object_uuid(view_get_id(now, KIND_NIC, 1)));
	has("made %d:%d %s", N_JOBS, N_JOB_LINK, object_uuid(view_get_id(now, KIND_JOB, 1)));
	has("made %d:%d %s", N_TAGS, N_TAG, object_uuid(view_get_id(now, KIND_USER_TAG, 1)));
	has("made %d:%d %s", N_SUB, N_SUB_LINK, object_uuid(view_get_id(now, KIND_VOLUME, 1)));

	/* And back again. */
	assert_true(tell(now, told, touched, ARRAY_SIZE(touched), NULL, NULL));
	has("gone %d:%d %s", N_SUB, N_OBJECT, object_uuid(view_get_id(now, KIND_NIC, 1)));
	has("gone %d:%d %s", N_TAGS, N_TAG, object_uuid(view_get_id(now, KIND_USER_TAG, 1)));
	has("gone %d:%d %s", N_SUB, N_SUB_LINK, object_uuid(view_get_id(now, KIND_VOLUME, 1)));
	has("gone %d:%d inventory", N_OBJECT, N_INVENTORY);
	view_unref(told);
	view_unref(now);
}

/* The links of one name are numbered: which of them come and go is a matter of how many there are. */
static void test_names(void **state)
{
	struct view *told = view_new(), *now;
	const uint64_t touched[] = {object_of(KIND_ZONE, 1), object_of(KIND_ZONE, 2), object_of(KIND_ZONE, 3),
				    object_of(KIND_ZONE, 4), object_of(KIND_ZONE, 5)};
	char text[300], name[NAME_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put(told, make(KIND_ZONE, 1, "a"));
	put(told, make(KIND_ZONE, 2, "a"));
	put(told, make(KIND_ZONE, 3, "a"));
	now = view_copy(told, 2);
	drop(now, KIND_ZONE, 1);
	change(now, KIND_ZONE, 2, ZONE_NAME, "b");
	put(now, make(KIND_ZONE, 4, "b"));
	put(now, make(KIND_ZONE, 5, text));
	assert_true(tell(told, now, touched, ARRAY_SIZE(touched), NULL, NULL));
	has("gone %d:%d a~2", N_BY_NAME, N_NAME_LINK);
	has("gone %d:%d a~3", N_BY_NAME, N_NAME_LINK);
	has_not(" a\n");
	has("made %d:%d b", N_BY_NAME, N_NAME_LINK);
	has("made %d:%d b~2", N_BY_NAME, N_NAME_LINK);
	assert_true(name_encode_rank(text, object_uuid(view_get_id(now, KIND_ZONE, 5)), 1, name));
	has("made %d:%d %s", N_BY_NAME, N_NAME_LINK, name);
	view_unref(told);
	view_unref(now);
}

/* Of a kind of which too many were changed, only the collection is told of. */
static void test_lost(void **state)
{
	struct view *told = view_new(), *now;
	const uint64_t touched[] = {object_of(KIND_ZONE, 1), object_of(KIND_VM, 1)};
	bool lost[KIND_COUNT] = {[KIND_ZONE] = true};
	int left = 2;

	(void)state;
	put(told, make(KIND_ZONE, 1, "a"));
	put(told, make(KIND_VM, 1, "web"));
	now = view_copy(told, 2);
	change(now, KIND_ZONE, 1, ZONE_NAME, "b");
	change(now, KIND_VM, 1, VM_NAME, "www");
	assert_true(tell(told, now, touched, ARRAY_SIZE(touched), lost, NULL));
	has("changed 0:%d ", N_FOLDER);
	has("changed 0:%d ", N_BY_NAME);
	has("changed %d:%d name", KIND_VM, N_VALUE);
	has("made %d:%d www", N_BY_NAME, N_NAME_LINK);
	has_not(" b\n");
	snprintf(lines, sizeof(lines), "%s", "");

	/* Who has had enough is told no more. */
	assert_false(tell(told, now, touched, ARRAY_SIZE(touched), NULL, &left));
	assert_int_equal(left, 0);
	view_unref(told);
	view_unref(now);
}

static int set_up(void **state)
{
	(void)state;
	fs.scratches = scratches_new();
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
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_attached),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
