/* SPDX-License-Identifier: Apache-2.0 */
/* Renderings: golden inventories, order and absence of keys, dates in several time zones, value files. */
#include "tests/unit/fixture.h"

#include <time.h>

#include "model/render.h"
#include "model/view_batch.h"

/* Nov 14, 2017 22:20:57 UTC */
#define DATE INT64_C(1510698057000000000)

static void set_zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static int setup(void **state)
{
	set_zone("UTC");
	return fixture_setup(state);
}

static struct object *dated(struct object *o, int create, int last)
{
	object_set_int(o, create, DATE);
	object_set_int(o, last, DATE);
	return o;
}

/* A VM with one NIC and one volume, with every kind of value. */
static void fill(struct fixture *f)
{
	struct object *o = dated(make(KIND_VM, test_uuid(1)), VM_CREATE_DATE, VM_LAST_OP_DATE);

	object_set_str(o, VM_NAME, "web \"01\" 云");
	object_set_int(o, VM_MEMORY_SIZE, INT64_C(8589934592));
	object_set_int(o, VM_CPU_NUM, 2);
	object_set_int(o, VM_CPU_SPEED, 0);
	object_set_str(o, VM_STATE, "Running");
	object_set_str(o, VM_CREATE_SPEC, "hidden");
	object_set_str(o, VM_ACCOUNT_UUID, "hidden");
	object_set_int(o, VM_STOPPED_BY_HA, 1);
	put(f, o);
	o = dated(make(KIND_NIC, test_uuid(2)), NIC_CREATE_DATE, NIC_LAST_OP_DATE);
	object_set_str(o, NIC_VM_UUID, test_uuid(1));
	object_set_str(o, NIC_IP, "10.0.0.2");
	object_set_int(o, NIC_DEVICE_ID, 0);
	object_set_int(o, NIC_INBOUND, 1000);
	put(f, o);
	o = dated(make(KIND_VOLUME, test_uuid(3)), VOLUME_CREATE_DATE, VOLUME_LAST_OP_DATE);
	object_set_str(o, VOLUME_VM_UUID, test_uuid(1));
	object_set_str(o, VOLUME_NAME, "root");
	object_set_int(o, VOLUME_IS_SHAREABLE, 0);
	put(f, o);
}

static void golden_inventory(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;
	_cleanup_document_ struct document *d = NULL;
	_cleanup_document_ struct document *again = NULL;
	_cleanup_free_ char *text = NULL;
	char *date;

	fill(f);
	view = store_view(f->store);
	d = render_inventory(view, view_get(view, KIND_VM, test_uuid(1)));
	assert_non_null(d);
	text = strdup(d->data);
	/* lastOpDate is set by the store, the rest by the test */
	for (date = text; (date = strstr(date, "lastOpDate\": \""));) {
		date += strlen("lastOpDate\": \"");
		memmove(date, strchr(date, '"'), strlen(strchr(date, '"')) + 1);
	}
	assert_string_equal(text, "{\n"
				  "  \"uuid\": \"00000000000000000000000000000001\",\n"
				  "  \"name\": \"web \\\"01\\\" 云\",\n"
				  "  \"memorySize\": 8589934592,\n"
				  "  \"cpuNum\": 2,\n"
				  "  \"cpuSpeed\": 0,\n"
				  "  \"createDate\": \"Nov 14, 2017 10:20:57 PM\",\n"
				  "  \"lastOpDate\": \"\",\n"
				  "  \"state\": \"Running\",\n"
				  "  \"vmNics\": [\n"
				  "    {\n"
				  "      \"uuid\": \"00000000000000000000000000000002\",\n"
				  "      \"vmInstanceUuid\": \"00000000000000000000000000000001\",\n"
				  "      \"ip\": \"10.0.0.2\",\n"
				  "      \"deviceId\": 0,\n"
				  "      \"createDate\": \"Nov 14, 2017 10:20:57 PM\",\n"
				  "      \"lastOpDate\": \"\"\n"
				  "    }\n"
				  "  ],\n"
				  "  \"allVolumes\": [\n"
				  "    {\n"
				  "      \"uuid\": \"00000000000000000000000000000003\",\n"
				  "      \"name\": \"root\",\n"
				  "      \"vmInstanceUuid\": \"00000000000000000000000000000001\",\n"
				  "      \"createDate\": \"Nov 14, 2017 10:20:57 PM\",\n"
				  "      \"lastOpDate\": \"\",\n"
				  "      \"isShareable\": false\n"
				  "    }\n"
				  "  ]\n"
				  "}\n");
	again = render_inventory(view, view_get(view, KIND_VM, test_uuid(1)));
	assert_ptr_equal(again, d); /* rendered once */
}

/* The cached inventory of an owner never outlives a change of what it holds, within one change either. */
static int render_between(struct txn *t, void *arg, struct error *e)
{
	struct document *d;
	int r = 0;

	(void)arg;
	for (unsigned i = 0; i < 3 && r == 0; i++) {
		struct object *nic = make(KIND_NIC, test_uuid(100 + i));

		object_set_str(nic, NIC_VM_UUID, test_uuid(1));
		r = txn_put(t, nic, NULL, e);
		d = render_inventory(txn_view(t), view_get(txn_view(t), KIND_VM, test_uuid(1)));
		assert_non_null(strstr(d->data, test_uuid(100 + i)));
		document_unref(d);
	}
	return r;
}

static void an_inventory_changes_with_its_parts(void **state)
{
	struct fixture *f = *state;
	const struct object *before;
	const struct object *after;

	fill(f);
	before = get(f, KIND_VM, test_uuid(1));
	assert_int_equal(store_run(f->store, render_between, NULL, NULL), 0);
	after = get(f, KIND_VM, test_uuid(1));
	assert_true(after->changed > before->changed);
	assert_int_equal(object_time(after, VM_NAME), object_time(before, VM_NAME));
	assert_int_equal(object_int(after, VM_LAST_OP_DATE), object_int(before, VM_LAST_OP_DATE));
	object_unref(before);
	object_unref(after);
}

static void inventories_have_one_object_per_line(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *empty = store_view(f->store);
	_cleanup_view_ struct view *view = NULL;
	_cleanup_document_ struct document *none = whole_listing(empty, KIND_VM);
	_cleanup_document_ struct document *d = NULL;
	json_t *json;

	assert_string_equal(none->data, "{\"inventories\":[]}\n");
	fill(f);
	put(f, make(KIND_VM, test_uuid(9)));
	view = store_view(f->store);
	d = whole_listing(view, KIND_VM);
	json = json_loads(d->data, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "inventories")), 2);
	json_decref(json);
	assert_int_equal(d->mtime, view_changed(view, KIND_VM));
	assert_int_equal(d->len, strlen(d->data));
	assert_null(strstr(d->data, "hidden"));
}

/* How many pieces of @later are none of @earlier. */
static int count_new_pieces(const struct listing *earlier, const struct listing *later)
{
	enum { MOST = 64 };
	const struct document *a = listing_document(earlier), *b = listing_document(later);
	struct iovec old[MOST], new[MOST];
	int old_count = document_slice(a, 0, a->len, old, MOST), count = 0;
	int new_count = document_slice(b, 0, b->len, new, MOST);

	assert_in_range(new_count, 3, MOST - 1);
	for (int i = 1; i < new_count - 1; i++) { /* the first and the last are no objects */
		bool shared = false;

		for (int j = 0; j < old_count; j++)
			shared |= old[j].iov_base == new[i].iov_base &&old[j].iov_len == new[i].iov_len;
		count += !shared;
	}
	return count;
}

static void assert_as_made_anew(const struct view *view, const struct listing *l)
{
	_cleanup_document_ struct document *anew = whole_listing(view, KIND_VM);
	_cleanup_free_ char *text = malloc(listing_document(l)->len);

	assert_int_equal(listing_document(l)->len, anew->len);
	document_copy(listing_document(l), text);
	assert_memory_equal(text, anew->data, anew->len);
}

/* Whatever changes in one object, or in what is shown with it, the other parts are those of the listing before. */
static void a_changed_object_costs_its_part_of_the_listing(void **state)
{
	enum { COUNT = 10 * LISTING_PART };
	struct fixture *f = *state;
	_cleanup_view_ struct view *before = NULL, *after = NULL;
	struct listing *first, *second;
	struct object *o;

	for (unsigned i = 0; i < COUNT; i++)
		put(f, make(KIND_VM, test_uuid(1000 + i)));
	before = store_view(f->store);
	assert_int_equal(listing_new(before, KIND_VM, NULL, NULL, &first, NULL), 0);
	assert_int_equal(listing_new(before, KIND_VM, first, NULL, &second, NULL), 0);
	assert_int_equal(count_new_pieces(first, second), 0);
	listing_unref(second);

	o = make(KIND_NIC, test_uuid(1));
	object_set_str(o, NIC_VM_UUID, test_uuid(1000 + COUNT / 2));
	put(f, o);
	after = store_view(f->store);
	assert_int_equal(listing_new(after, KIND_VM, first, NULL, &second, NULL), 0);
	assert_int_equal(count_new_pieces(first, second), 1);
	assert_as_made_anew(after, second);
	assert_as_made_anew(before, first); /* its readers see no change */
	listing_unref(first);

	/* the new one is in the last part, or alone in one */
	put(f, make(KIND_VM, test_uuid(1000 + COUNT)));
	view_unref(after);
	after = store_view(f->store);
	assert_int_equal(listing_new(after, KIND_VM, second, NULL, &first, NULL), 0);
	assert_int_equal(count_new_pieces(second, first), 1);
	assert_as_made_anew(after, first);
	listing_unref(first);
	listing_unref(second);
}

/* Objects that rest are made anew in each view; those that have not changed cost nothing all the same. */
static void parts_of_what_rests_are_shared(void **state)
{
	enum { COUNT = 10 * LISTING_PART };
	_cleanup_view_ struct view *before = view_new(), *after = NULL;
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(before, kind_get(KIND_JOB));
	struct listing *first, *second;
	struct object *o;
	int64_t id;

	(void)state;
	for (id = 1; id <= COUNT; id++) {
		o = make(KIND_JOB, test_uuid((unsigned)id));
		o->id = id;
		o->changed = DATE + id;
		object_set_str(o, JOB_STATE, "Done");
		object_set_int(o, JOB_FINISHED, DATE);
		assert_int_equal(view_batch_add(batch, o), 0);
		object_unref(o);
	}
	assert_int_equal(view_batch_put(batch), 0);
	view_for_each (job, before, KIND_JOB)
		assert_true(object_rests(job));
	assert_int_equal(listing_new(before, KIND_JOB, NULL, NULL, &first, NULL), 0);
	after = view_copy(before, 1);
	for (id = 0; (id = view_rest_again(after, KIND_JOB, id));)
		;
	assert_ptr_not_equal(view_get_id(before, KIND_JOB, 1), view_get_id(after, KIND_JOB, 1));
	assert_int_equal(listing_new(after, KIND_JOB, first, NULL, &second, NULL), 0);
	assert_int_equal(count_new_pieces(first, second), 0);
	listing_unref(second);

	o = object_copy(view_get_id(after, KIND_JOB, COUNT / 2));
	object_set_str(o, JOB_STATE, "Failed");
	o->changed++;
	assert_int_equal(view_put(after, o), 0);
	object_unref(o);
	assert_int_equal(listing_new(after, KIND_JOB, first, NULL, &second, NULL), 0);
	assert_int_equal(count_new_pieces(first, second), 1);
	listing_unref(first);
	listing_unref(second);
}

/* A slice is the bytes that are asked for, across pieces, and no more places than there are. */
static void slices_of_a_joined_document(void **state)
{
	_cleanup_passage_ struct passage *a = passage_new(NULL, ",one", 4), *b = passage_new(NULL, "", 0);
	_cleanup_passage_ struct passage *c = passage_new(NULL, "three", 5);
	_cleanup_document_ struct document *d = NULL;
	const struct piece pieces[] = {{a, 1}, {b, 0}, {c, 0}, {a, 0}};
	struct iovec places[4];
	char text[13];

	(void)state;
	d = document_join(pieces, ARRAY_SIZE(pieces), 7);
	assert_int_equal(d->len, 12);
	document_copy(d, text);
	assert_memory_equal(text, "onethree,one", 12);
	for (size_t start = 0; start < 12; start++)
		for (size_t len = 1; len <= 12 - start; len++) {
			int count = document_slice(d, start, len, places, ARRAY_SIZE(places));
			size_t at = start;

			for (int i = 0; i < count; i++) {
				assert_memory_equal(places[i].iov_base, text + at, places[i].iov_len);
				at += places[i].iov_len;
			}
			assert_int_equal(at, start + len);
			assert_int_equal(document_slice(d, start, len, places, 1), 1);
		}
}

static void value_files_end_with_exactly_one_newline(void **state)
{
	static const struct {
		int field;
		const char *text;
	} rows[] = {{VM_NAME, "web \"01\" 云\n"},
		    {VM_DESCRIPTION, "\n"},
		    {VM_MEMORY_SIZE, "8589934592\n"},
		    {VM_INTERNAL_ID, "\n"},
		    {VM_CREATE_DATE, "Nov 14, 2017 10:20:57 PM\n"},
		    {VM_STOPPED_BY_HA, "true\n"}};
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;

	fill(f);
	view = store_view(f->store);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct object *o = view_get(view, KIND_VM, test_uuid(1));
		_cleanup_document_ struct document *d = render_value(view, o, rows[i].field);

		assert_string_equal(d->data, rows[i].text);
		assert_int_equal(d->len, strlen(rows[i].text));
		assert_int_equal(d->mtime, object_time(o, rows[i].field));
	}
	_cleanup_document_ struct document *nics =
		render_value(view, view_get(view, KIND_VM, test_uuid(1)), VM_NICS);
	assert_int_equal(nics->data[0], '[');
	assert_int_equal(nics->data[nics->len - 1], '\n');
	assert_int_not_equal(nics->data[nics->len - 2], '\n');
}

/* Every kind, every field set: inventories have their keys in table order and nothing hidden or secret. */
static void no_inventory_shows_a_secret(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	(void)state;

	for (int k = KIND_ZONE; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		_cleanup_object_ struct object *o = object_new(kind);
		json_t *json, *value;
		const char *key;
		int last = -1;

		for (int i = 0; i < kind->field_count; i++)
			if (field_is_integer(&kind->fields[i]))
				object_set_int(o, i, 1);
			else if (field_is_stored(&kind->fields[i]))
				object_set_str(o, i, "x");
		json = render_inventory_json(view, o);
		json_object_foreach (json, key, value) {
			int field = kind_field(kind, key);

			assert_true(field > last);
			assert_false(kind->fields[field].flags & (F_HIDDEN | F_FILE | F_SECRET));
			last = field;
		}
		for (int i = 0; i < kind->field_count; i++)
			if (!(kind->fields[i].flags & (F_HIDDEN | F_FILE | F_SECRET)))
				assert_non_null(json_object_get(json, kind->fields[i].name));
		json_decref(json);
	}
}

/* What is written as text is what json_dumps() makes of the tree. */
static void text_is_that_of_the_tree(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;
	char odd[129] = "\xc3\xa9\xe4\xba\x91\xf0\x9f\x98\x80";

	for (size_t i = 1, at = strlen(odd); i < 0x80; i++)
		if (at < sizeof(odd) - 1)
			odd[at++] = (char)i;
	fill(f);
	for (int i = 0; i < 200; i++) {
		struct object *o = make(KIND_VM, test_uuid(1000 + (unsigned)i));

		object_set_str(o, VM_NAME, odd + (size_t[]){0, 2, 5}[i % 3]);
		object_set_int(o, VM_MEMORY_SIZE, i ? INT64_MIN + i : INT64_MAX);
		object_set_int(o, VM_CPU_NUM, i * i * i - 1000);
		object_set_int(o, VM_CREATE_DATE, (i % 2 ? DATE : 0) + i * INT64_C(7654321000000000));
		put(f, o);
	}
	view = store_view(f->store);
	for (int zone = 0; zone < 3; zone++) {
		static const char *const zones[] = {"UTC", "America/St_Johns", "Europe/Berlin"};
		_cleanup_document_ struct document *list = NULL;
		const char *line;

		set_zone(zones[zone]);
		list = whole_listing(view, KIND_VM);
		line = list->data;
		view_for_each (o, view, KIND_VM) {
			json_t *json = render_inventory_json(view, o);
			_cleanup_free_ char *compact = json_dumps(json, JSON_COMPACT);
			_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));
			char date[DATE_SIZE];

			line = strchr(line, '\n') + 1;
			assert_memory_equal(line, compact, strlen(compact));
			if (!object_is_null(o, VM_CREATE_DATE)) {
				render_date(object_int(o, VM_CREATE_DATE), date);
				assert_string_equal(json_string_value(json_object_get(json, "createDate")),
						    date);
			}
			if (!zone) {
				_cleanup_document_ struct document *d = render_inventory(view, o);

				assert_int_equal(d->len, strlen(text) + 1);
				assert_memory_equal(d->data, text, strlen(text));
			}
			json_decref(json);
		}
	}
	set_zone("UTC");
}

/* Any tree is written as json_dumps() writes it. */
static void any_tree_is_written(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"[[], {}, [{}], null, true, false]",
		"{\"a \\\"quoted\\\" name\": 1, \"\": 2, \"line\\nend\\u0001\": {\"\xc3\xa9\": \"\\\\ \\t\"}}",
		"[0, -1, 9223372036854775807, -9223372036854775808]",
		"[0.5, -1.0, 1e300, 1.7976931348623157e308, 2.2250738585072014e-308, 123456789.123]",
		"{\"list\": [{\"a\": [1, [2, [3, {\"b\": []}]]]}, \"\"], \"last\": null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (int indented = 0; indented < 2; indented++) {
			json_t *json = json_loads(texts[i], 0, NULL), *tree;
			_cleanup_free_ char *wanted =
				json_dumps(json, indented ? JSON_INDENT(2) : JSON_COMPACT);
			_cleanup_(draft_done) struct draft text = {0};
			struct json_out out = {.text = &text, .indented = indented}, copy = {0};

			assert_non_null(wanted);
			json_out_value(&out, NULL, json);
			assert_false(json_out_failed(&out));
			assert_int_equal(draft_len(&text), strlen(wanted));
			assert_memory_equal(text.d->data, wanted, strlen(wanted));
			json_out_value(&copy, NULL, json);
			tree = json_out_tree(&copy);
			assert_true(json_equal(tree, json));
			json_decref(tree);
			json_decref(json);
		}
	}
}

static void dates_in_several_time_zones(void **state)
{
	static const struct {
		const char *tz, *text;
		int64_t ns;
	} rows[] = {
		{"UTC", "Nov 14, 2017 10:20:57 PM", DATE},
		{"UTC", "Jan 1, 1970 12:00:00 AM", 0},
		{"UTC", "Jan 1, 1970 12:00:00 PM", INT64_C(43200000000000)},
		{"UTC", "Dec 31, 1969 11:59:59 PM", -INT64_C(1000000000)},
		{"Asia/Shanghai", "Nov 15, 2017 6:20:57 AM", DATE},
		{"America/New_York", "Nov 14, 2017 5:20:57 PM", DATE},
		{"Asia/Kathmandu", "Nov 15, 2017 4:05:57 AM", DATE},
		{"Europe/Berlin", "Jul 1, 2017 1:00:00 AM", INT64_C(1498863600000000000)},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[DATE_SIZE];
		int64_t back = 1;

		set_zone(rows[i].tz);
		render_date(rows[i].ns, text);
		assert_string_equal(text, rows[i].text);
		assert_true(render_parse_date(text, &back));
		assert_int_equal(back, rows[i].ns);
	}
	char text[DATE_SIZE];
	set_zone("UTC");
	render_date(-1, text); /* the second it lies in, not the next one */
	assert_string_equal(text, "Dec 31, 1969 11:59:59 PM");
	set_zone("UTC");
}

static void only_dates_are_rendered_as_dates(void **state)
{
	static const char *const bad[] = {"",
					  "x",
					  "Nov 14, 2017",
					  "2017-11",
					  "2017-11-14 22:20",
					  "2017-13-01 00:00:00",
					  "2017-02-30 00:00:00",
					  "Feb 29, 2017 1:00:00 AM",
					  "2017-11-14 22:20:57x",
					  "Nov 14, 2017 10:20:57 PM "};
	int64_t ns = 5;
	(void)state;

	set_zone("UTC");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(render_parse_date(bad[i], &ns));
	assert_int_equal(ns, 5);
	assert_true(render_parse_date("2017-11-14 22:20:57", &ns));
	assert_int_equal(ns, DATE);
	assert_true(render_parse_date("2017-11-14T22:20:57", &ns));
	assert_int_equal(ns, DATE);
	assert_true(render_parse_date("2017-11-14", &ns));
	assert_int_equal(ns, DATE - ((22 * 60 + 20) * 60 + 57) * INT64_C(1000000000));
	assert_true(render_parse_date("9999-12-31 23:59:59", &ns));
	assert_int_equal(ns, INT64_MAX);
	assert_true(render_parse_date("1000-01-01 00:00:00", &ns));
	assert_int_equal(ns, INT64_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parts_of_what_rests_are_shared, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_changed_object_costs_its_part_of_the_listing, setup,
						fixture_teardown),
		cmocka_unit_test(slices_of_a_joined_document),
		cmocka_unit_test_setup_teardown(text_is_that_of_the_tree, setup, fixture_teardown),
		cmocka_unit_test(any_tree_is_written),
		cmocka_unit_test_setup_teardown(golden_inventory, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_inventory_changes_with_its_parts, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(inventories_have_one_object_per_line, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(value_files_end_with_exactly_one_newline, setup,
						fixture_teardown),
		cmocka_unit_test(no_inventory_shows_a_secret),
		cmocka_unit_test(dates_in_several_time_zones),
		cmocka_unit_test(only_dates_are_rendered_as_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
