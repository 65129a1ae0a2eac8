/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: lookup, checks of values, new defaults of a later version, and ratios that apply to hosts. */
#include "tests/unit/fixture.h"

#include "actions/engine/config.h"
#include "actions/engine/request_check.h"

static const struct actor admin = {.source = "test"};

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return config_fill(t, e);
}

static void fill(struct fixture *f)
{
	assert_int_equal(store_run(f->store, fill_fn, NULL, NULL), 0);
}

/* The row of a setting, with a reference. */
static const struct object *row(struct fixture *f, const char *category, const char *name)
{
	_cleanup_view_ struct view *view = store_view(f->store);

	view_for_each_where (o, view, KIND_GLOBAL_CONFIG, GLOBAL_CONFIG_NAME, name)
		if (object_str_is(o, GLOBAL_CONFIG_CATEGORY, category))
			return object_ref(o);
	return NULL;
}

static int update_fn(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	json_t *result = NULL;
	int r = request_check(txn_view(t), req, false, e);

	if (r == 0)
		r = req->op->apply(t, req, &result, e);
	json_decref(result);
	return r;
}

/* Sets category.name; @value NULL: back to the default. */
static int set(struct fixture *f, const char *category, const char *name, const char *value, struct error *e)
{
	_cleanup_object_ const struct object *o = row(f, category, name);
	_cleanup_(request_free_p) struct request *req = NULL;
	json_t *params = value ? json_pack("{s:s}", "value", value) : json_object();
	int r;

	assert_non_null(o);
	r = request_new(operation_by_name("UpdateGlobalConfig"), object_uuid(o), params, &admin, &req, e);
	json_decref(params);
	return r < 0 ? r : store_run(f->store, update_fn, req, e);
}

static void defaults_need_no_rows(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = store_view(f->store);

	/* one at each end of the table and one in the middle, to test the whole binary search */
	assert_int_equal(config_int(view, "backupStorage.reservedCapacity"), INT64_C(1) << 30);
	assert_int_equal(config_int(view, "quota.vm.memorySize"), INT64_C(80) << 30);
	assert_int_equal(config_int(view, "volumeSnapshot.incrementalSnapshot.maxNum"), 128);
	assert_string_equal(config_str(view, "vm.deletionPolicy"), "Delay");
	assert_false(config_bool(view, "vm.numa"));
	assert_true(config_bool(view, "vm.bootMenu"));
}

static void every_row_is_found_by_its_key(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;
	size_t count = 0;

	fill(f);
	view = store_view(f->store);
	view_for_each (o, view, KIND_GLOBAL_CONFIG) {
		char key[128];

		snprintf(key, sizeof(key), "%s.%s", object_text(o, GLOBAL_CONFIG_CATEGORY),
			 object_text(o, GLOBAL_CONFIG_NAME));
		assert_null(strchr(object_text(o, GLOBAL_CONFIG_CATEGORY), '.'));
		/* a table out of order would not find some of them */
		assert_string_equal(config_str(view, key), object_text(o, GLOBAL_CONFIG_DEFAULT_VALUE));
		assert_int_equal(set(f, object_text(o, GLOBAL_CONFIG_CATEGORY),
				     object_text(o, GLOBAL_CONFIG_NAME), object_text(o, GLOBAL_CONFIG_VALUE),
				     NULL),
				 0);
		count++;
	}
	assert_true(count > 40);
}

static void filling_again_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t version;
	_cleanup_view_ struct view *before = NULL, *after = NULL;

	fill(f);
	before = store_view(f->store);
	version = view_version(before);
	fill(f);
	after = store_view(f->store);
	assert_int_equal(view_version(after), version);
}

static int age_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *copy = object_copy(arg);

	object_set_str(copy, GLOBAL_CONFIG_VALUE, "77");
	object_set_str(copy, GLOBAL_CONFIG_DEFAULT_VALUE, "77");
	return txn_put(t, copy, NULL, e);
}

static void a_new_default_replaces_unchanged_values(void **state)
{
	struct fixture *f = *state;
	const struct object *o;
	_cleanup_view_ struct view *view = NULL;

	fill(f);
	o = row(f, "vm", "expungePeriod");
	assert_int_equal(store_run(f->store, age_fn, (void *)(uintptr_t)o, NULL),
			 0); /* as an older version has stored it */
	object_unref(o);
	fill(f);
	view = store_view(f->store);
	assert_int_equal(config_int(view, "vm.expungePeriod"), 86400);
}

static void a_changed_value_is_preserved(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;

	fill(f);
	assert_int_equal(set(f, "kvm", "reservedMemory", "2g", NULL), 0);
	fixture_reopen(f);
	fill(f);
	view = store_view(f->store);
	assert_int_equal(config_int(view, "kvm.reservedMemory"), INT64_C(2) << 30);
	assert_string_equal(config_str(view, "kvm.reservedMemory"), "2g");
}

static void a_null_value_resets_to_the_default(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;

	fill(f);
	assert_int_equal(set(f, "vm", "numa", "true", NULL), 0);
	assert_int_equal(set(f, "vm", "numa", NULL, NULL), 0);
	view = store_view(f->store);
	assert_false(config_bool(view, "vm.numa"));
}

static void invalid_values_are_refused(void **state)
{
	static const struct {
		const char *category, *name, *value;
		int errnum;
	} bad[] = {
		{"vm", "numa", "yes", EINVAL},
		{"vm", "deletionPolicy", "delay", EINVAL},
		{"vm", "expungePeriod", "", EINVAL},
		{"vm", "expungePeriod", "-1", EINVAL},
		{"vm", "expungePeriod", "1.5", EINVAL},
		{"vm", "expungePeriod", "1G", EINVAL},
		{"vm", "expungePeriod", "0", ERANGE},
		{"vm", "expungePeriod", "99999999999", ERANGE},
		{"vm", "expungePeriod", "99999999999999999999", EINVAL},
		{"kvm", "reservedMemory", "1X", EINVAL},
		{"kvm", "reservedMemory", "1GB", EINVAL},
		{"kvm", "reservedMemory", "9000000000G", EINVAL},
		{"host", "cpu.overProvisioning.ratio", "0", ERANGE},
	};
	struct fixture *f = *state;

	fill(f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (set(f, bad[i].category, bad[i].name, bad[i].value, &e) != -bad[i].errnum)
			fail_msg("%s.%s = '%s': %s", bad[i].category, bad[i].name, bad[i].value,
				 error_sentence(&e));
		assert_string_equal(e.code, "SYS.1007");
	}
}

static void the_ratio_is_applied_to_the_hosts(void **state)
{
	struct fixture *f = *state;
	struct object *o;
	const struct object *host;

	fill(f);
	put(f, make(KIND_ZONE, test_uuid(1)));
	o = make(KIND_CLUSTER, test_uuid(2));
	object_set_str(o, CLUSTER_ZONE_UUID, test_uuid(1));
	put(f, o);
	o = make(KIND_HOST, test_uuid(3));
	object_set_str(o, HOST_ZONE_UUID, test_uuid(1));
	object_set_str(o, HOST_CLUSTER_UUID, test_uuid(2));
	object_set_int(o, HOST_CPU_NUM, 4);
	put(f, o);
	assert_int_equal(set(f, "host", "cpu.overProvisioning.ratio", "3", NULL), 0);
	host = get(f, KIND_HOST, test_uuid(3));
	assert_int_equal(object_int(host, HOST_TOTAL_CPU), 12);
	assert_int_equal(object_int(host, HOST_AVAILABLE_CPU), 12);
	object_unref(host);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(defaults_need_no_rows),	      FRESH(every_row_is_found_by_its_key),
		FRESH(filling_again_changes_nothing), FRESH(a_new_default_replaces_unchanged_values),
		FRESH(a_changed_value_is_preserved),  FRESH(a_null_value_resets_to_the_default),
		FRESH(invalid_values_are_refused),    FRESH(the_ratio_is_applied_to_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
