/* SPDX-License-Identifier: Apache-2.0 */
/* Names in the place of uuids: in parameters, lists, tags, specs and targets; who sees which. */
#include "tests/unit/test.h"
#include "tests/unit/pool_fixture.h"

#include <errno.h>

#include "actions/engine/request_names.h"
#include "model/access.h"

static struct pool_fixture *f;

static void create_offering(const char *name, char ret[UUID_SIZE])
{
	must(f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i}", "name", name, "cpuNum", 1, "memorySize", 64 << 20), ret);
}

/* The uuid that @text stands for, as @account; "" with errno @errnum and a sentence that has @says. */
static void expect(const char *account, enum kind_id kind, const char *text, const char *uuid, int errnum,
		   const char *says)
{
	_cleanup_view_ struct view *view = view_now(f);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct name_place place = {view, account, kind, "someUuid"};
	const char *found = NULL;
	int r = request_name_find(&place, text, &found, &e);

	if (uuid) {
		assert_int_equal(r, 0);
		assert_string_equal(found, uuid);
	} else {
		assert_int_equal(r, -errnum);
		assert_null(found);
		if (!strstr(error_sentence(&e), says))
			fail_msg("'%s' is refused with '%s', not '%s'", text, error_sentence(&e), says);
	}
}

static void test_find(void **state)
{
	char small[UUID_SIZE], twin[UUID_SIZE], odd[UUID_SIZE];

	f = *state;
	create_offering("tiny", small);
	create_offering("@odd, name", odd);
	expect("", KIND_INSTANCE_OFFERING, "@tiny", small, 0, NULL);
	expect("", KIND_INSTANCE_OFFERING, "@@odd, name", odd, 0, NULL);
	expect("", KIND_NONE, "@tiny", small, 0, NULL);
	/* What is no name stays, even if nothing has it. */
	expect("", KIND_INSTANCE_OFFERING, small, small, 0, NULL);
	expect("", KIND_INSTANCE_OFFERING, "tiny", "tiny", 0, NULL);

	expect("", KIND_INSTANCE_OFFERING, "@Tiny", NULL, ENOENT, "no instance offering is named 'Tiny'");
	expect("", KIND_INSTANCE_OFFERING, "@", NULL, ENOENT, "is named ''");
	expect("", KIND_VM, "@tiny", NULL, ENOENT, "invalid field[someUuid], no VM is named 'tiny'");
	expect("", KIND_NIC, "@eth0", NULL, EINVAL, "has no name");

	create_offering("tiny", twin);
	expect("", KIND_INSTANCE_OFFERING, "@tiny", NULL, EINVAL, "2 objects have this name");
	expect("", KIND_INSTANCE_OFFERING, "@tiny", NULL, EINVAL, small);
	expect("", KIND_INSTANCE_OFFERING, "@tiny", NULL, EINVAL, twin);
}

static void test_visible_only(void **state)
{
	char bob[UUID_SIZE], hidden[UUID_SIZE], shared[UUID_SIZE];

	f = *state;
	must(f, "CreateAccount", NULL,
	     json_pack("{s:s, s:s}", "name", "bob", "password",
		       "b109f3bbbc244eb82441917ed06d618b9008dd09b3befd1b5e07394c706a8bb9"
		       "80b1d7785e5976ec049b46df5f1326af5a2ea6d103fd07c95385ffab0cacbc86"),
	     bob);
	create_offering("twin", hidden);
	expect(bob, KIND_INSTANCE_OFFERING, "@twin", NULL, ENOENT, "no instance offering is named");
	create_offering("twin", shared);
	must(f, "ShareResource", NULL,
	     json_pack("{s:[s], s:[s]}", "resourceUuids", shared, "accountUuids", bob), NULL);
	/* Two for the administrator, one for bob; the refusal of neither tells about the other. */
	expect(bob, KIND_INSTANCE_OFFERING, "@twin", shared, 0, NULL);
	expect("", KIND_INSTANCE_OFFERING, "@twin", NULL, EINVAL, hidden);
}

/* The request that is made of @text for @op, with its names replaced. */
static struct request *resolved(const char *op, const char *text)
{
	_cleanup_view_ struct view *view = view_now(f);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct actor actor = {.source = "fs"};
	struct request *req = NULL;

	if (request_parse(operation_by_name(op), KIND_NONE, NULL, text, strlen(text), &actor, &req, &e) < 0 ||
	    request_names_resolve(view, req, &e) < 0 || request_names_resolve(view, req, &e) < 0)
		fail_msg("%s: %s", text, error_sentence(&e));
	return req;
}

static void test_forms(void **state)
{
	static const char *const texts[] = {
		"name=vm imageUuid=x instanceOfferingUuid=@mini l3NetworkUuids=@net1,@net1 "
		"systemTags=staticIp::@net1::10.0.0.5 systemTags=hostname::@mini",
		"{\"name\": \"vm\", \"imageUuid\": \"x\", \"instanceOfferingUuid\": \"@mini\", "
		"\"l3NetworkUuids\": [\"@net1\", \"@net1\"], "
		"\"systemTags\": [\"staticIp::@net1::10.0.0.5\", \"hostname::@mini\"]}",
	};
	char offering[UUID_SIZE], l3[UUID_SIZE], tag[96];

	f = *state;
	first_uuid(f, KIND_L3_NETWORK, l3);
	must(f, "UpdateL3Network", l3, json_pack("{s:s}", "name", "net1"), NULL);
	create_offering("mini", offering);
	snprintf(tag, sizeof(tag), "staticIp::%s::10.0.0.5", l3);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(request_free_p) struct request *req = resolved("CreateVmInstance", texts[i]);

		assert_string_equal(request_str(req, "instanceOfferingUuid"), offering);
		assert_int_equal(json_array_size(request_list(req, "l3NetworkUuids")), 2);
		assert_true(request_list_has(req, "l3NetworkUuids", l3));
		assert_string_equal(json_string_value(json_array_get(req->system_tags, 0)), tag);
		/* This tag's value is no uuid, so it may begin with what it likes. */
		assert_string_equal(json_string_value(json_array_get(req->system_tags, 1)),
				    "hostname::@mini");
		/* A name of a new object is not one in the place of a uuid. */
		assert_string_equal(request_str(req, "imageUuid"), "x");
	}
}

/* As the pool does it: the job has uuids, a refusal leaves nothing. */
static void test_submitted(void **state)
{
	char zone[UUID_SIZE], cluster[UUID_SIZE], group[UUID_SIZE];

	f = *state;
	must(f, "CreateZone", NULL, json_pack("{s:s}", "name", "north"), zone);
	must(f, "CreateCluster", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "c", "zoneUuid", "@north", "hypervisorType", "KVM"),
	     cluster);
	assert_true(field_is(f, KIND_CLUSTER, cluster, CLUSTER_ZONE_UUID, zone));
	must_fail(f, "CreateCluster", NULL,
		  json_pack("{s:s, s:s, s:s}", "name", "d", "zoneUuid", "@south", "hypervisorType", "KVM"),
		  ENOENT, "no zone is named 'south'");
	/* The target, which only REST can name so. */
	must(f, "UpdateZone", "@north", json_pack("{s:s}", "description", "cold"), NULL);
	assert_true(field_is(f, KIND_ZONE, zone, ZONE_DESCRIPTION, "cold"));
	/* Tags on an object of any kind. */
	must(f, "CreateUserTag", NULL,
	     json_pack("{s:s, s:s, s:s}", "resourceType", "ZoneVO", "resourceUuid", "@north", "tag", "x=y"),
	     NULL);

	must(f, "CreateAffinityGroup", NULL, json_pack("{s:s, s:s}", "name", "apart", "policy", "antiSoft"),
	     group);
	must_fail(f, "ApplyAffinityGroupSpec", group, json_pack("{s:s}", "spec", "{\"vms\": [\"@web\"]}"),
		  ENOENT, "no VM is named 'web'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_visible_only, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_forms, pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_submitted, pool_fixture_setup, pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
