/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of system tags: every row with values that it takes and values that it refuses, through the check
 * that all requests pass, and with the test that shows its effect.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actions/engine/system_tag.h"
#include "actions/operations/table.h"
#include "model/access.h"
#include "model/uuid.h"

#define VM	"00000000000000000000000000000001"
#define L3	"00000000000000000000000000000002"
#define PS	"00000000000000000000000000000003"
#define HOST	"00000000000000000000000000000004"
#define NOTHING "00000000000000000000000000000099"
#define MAC	"fa:00:00:00:00:01"

#define LIST(...)                                                                                            \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

/* For each row: whole tags that are accepted and refused. */
static const struct expectation {
	const char *prefix;
	const char *good[4], *bad[6];
} expectations[] = {
	{"RDPEnable", LIST("RDPEnable::true", "RDPEnable::false"), LIST("RDPEnable", "RDPEnable::1")},
	{"VDIMonitorNumber", LIST("VDIMonitorNumber::1", "VDIMonitorNumber::4"),
	 LIST("VDIMonitorNumber::3", "VDIMonitorNumber::", "VDIMonitorNumber")},
	{"affinityGroupUuid", LIST("affinityGroupUuid::" NOTHING), LIST("affinityGroupUuid")},
	{"bootMode", LIST("bootMode::UEFI", "bootMode::legacy"), LIST("bootMode", "bootMode::BIOS")},
	{"bootOrder", LIST("bootOrder::HardDisk", "bootOrder::CdRom,HardDisk"),
	 LIST("bootOrder", "bootOrder::Network", "bootOrder::HardDisk,")},
	{"capability::virtio-scsi", LIST("capability::virtio-scsi"), LIST("capability::virtio-scsi::x")},
	{"cdromBootOnce", LIST("cdromBootOnce::true"), LIST("cdromBootOnce::maybe", "cdromBootOnce")},
	{"consolePassword", LIST("consolePassword::secret"),
	 LIST("consolePassword", "consolePassword::password1")},
	{"customMac", LIST("customMac::" L3 "::" MAC),
	 LIST("customMac::" MAC, "customMac::" L3 "::01:00:5e:00:00:01", "customMac::" L3,
	      "customMac::" NOTHING "::" MAC)},
	{"ephemeral", LIST("ephemeral::shareable"), LIST("ephemeral::x", "ephemeral")},
	{"ha", LIST("ha::NeverStop", "ha::OnHostFailure"), LIST("ha::Foo", "ha", "ha::", "ha::NeverStop ")},
	{"hostname", LIST("hostname::web", "hostname::web.example.org"), LIST("hostname", "hostname::-x")},
	{"iso", LIST(NULL), LIST("iso::" NOTHING "::0")},
	{"kvm::volume", LIST("kvm::volume::000f1b2c3d4e5f60"), LIST("kvm::volume", "kvm::volume::000f")},
	{"localStorage::hostUuid", LIST("localStorage::hostUuid::" HOST),
	 LIST("localStorage::hostUuid::" NOTHING, "localStorage::hostUuid")},
	{"maxInstancePerHost", LIST("maxInstancePerHost::2"),
	 LIST("maxInstancePerHost::0", "maxInstancePerHost::x", "maxInstancePerHost::-1")},
	{"monitoring", LIST("monitoring"), LIST("monitoring::x", "monitoring::true")},
	{"pciDevice", LIST("pciDevice::0000:03:00.0"),
	 LIST("pciDevice::634b48a7bca139d9944a0f95b0c2dddf", "pciDevice::0000:03:00.8",
	      "pciDevice::03:00.0")},
	{"preferredHostUuid", LIST("preferredHostUuid::" HOST),
	 LIST("preferredHostUuid", "preferredHostUuid::" NOTHING)},
	{"primaryStorageUuidForDataVolume", LIST("primaryStorageUuidForDataVolume::" PS),
	 LIST("primaryStorageUuidForDataVolume::" NOTHING, "primaryStorageUuidForDataVolume::x")},
	{"qemuga", LIST("qemuga"), LIST("qemuga::x")},
	{"rootPassword", LIST("rootPassword::x y"), LIST("rootPassword")},
	{"requiredHostUuid", LIST("requiredHostUuid::" HOST),
	 LIST("requiredHostUuid", "requiredHostUuid::" NOTHING)},
	{"secureBoot", LIST("secureBoot::true", "secureBoot::false"), LIST("secureBoot", "secureBoot::1")},
	{"shareable", LIST("shareable"), LIST("shareable::x")},
	{"sshkey", LIST("sshkey::ssh-ed25519 AAAA me"), LIST("sshkey")},
	{"staticIp", LIST("staticIp::" L3 "::10.0.0.1"),
	 LIST("staticIp::10.0.0.1", "staticIp::" L3, "staticIp::" L3 "::10.0.0.256",
	      "staticIp::" NOTHING "::10.0.0.1")},
	{"tpm", LIST("tpm::2.0"), LIST("tpm", "tpm::1.2")},
	{"usbRedirect", LIST("usbRedirect::true", "usbRedirect::false"),
	 LIST("usbRedirect::maybe", "usbRedirect")},
	{"userdata", LIST("userdata::I2Nsb3VkLWNvbmZpZw=="), LIST("userdata")},
	{"vmConsoleMode", LIST("vmConsoleMode::vnc", "vmConsoleMode::spice", "vmConsoleMode::SPICE"),
	 LIST("vmConsoleMode::foo", "vmConsoleMode")},
	{"vmCpuMode", LIST("vmCpuMode::host-model", "vmCpuMode::none", "vmCpuMode::Nehalem"),
	 LIST("vmCpuMode", "vmCpuMode::", "vmCpuMode::a,b")},
	{"vmCpuPinning", LIST("vmCpuPinning::1:3;1-3:4-7,^6", "vmCpuPinning::0:1-3,1:0"),
	 LIST("vmCpuPinning::zz", "vmCpuPinning")},
	{"vmMachineType", LIST("vmMachineType::pc", "vmMachineType::q35"),
	 LIST("vmMachineType", "vmMachineType::mac")},
	{"vmSystemSerialNumber", LIST("vmSystemSerialNumber::SN-1"),
	 LIST("vmSystemSerialNumber", "vmSystemSerialNumber::a\nb",
	      "vmSystemSerialNumber::"
	      "12345678901234567890123456789012345678901234567890123456789012345")},
	{"volumeMaxIncrementalSnapshotNum", LIST("volumeMaxIncrementalSnapshotNum::2"),
	 LIST("volumeMaxIncrementalSnapshotNum::0", "volumeMaxIncrementalSnapshotNum::many")},
	{"windows::virtioVolume", LIST("windows::virtioVolume"), LIST("windows::virtioVolume::x")},
};

static const struct {
	const char *prefix, *test;
} shown[] = {
#include "tests/unit/shown_tags.h"
};

static int64_t next_row;

static void add(struct view *view, enum kind_id id, const char *uuid)
{
	struct object *o = object_new(kind_get(id));

	assert_non_null(o);
	object_set_str(o, FIELD_UUID, uuid);
	o->id = ++next_row;
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static struct view *make_view(void)
{
	struct view *view = view_new();

	add(view, KIND_VM, VM);
	add(view, KIND_L3_NETWORK, L3);
	add(view, KIND_PRIMARY_STORAGE, PS);
	add(view, KIND_HOST, HOST);
	return view;
}

static void add_tag(struct view *view, const char *text)
{
	struct object *o = object_new(kind_get(KIND_SYSTEM_TAG));
	char uuid[UUID_SIZE];

	uuid_make(uuid);
	object_set_str(o, SYSTEM_TAG_UUID, uuid);
	object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, VM);
	object_set_str(o, SYSTEM_TAG_TAG, text);
	o->id = ++next_row;
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

/* The result of the check of all requests for one that creates an object of @kind with these tags. */
static int check(const struct view *view, enum kind_id kind, const char *tag, const char *second,
		 struct error *e)
{
	struct operation op = {.form = FORM_CREATE, .kind = kind};
	struct request req = {.op = &op, .target = VM, .params = json_object(), .system_tags = json_array()};
	int r;

	json_array_append_new(req.system_tags, json_string(tag));
	if (second)
		json_array_append_new(req.system_tags, json_string(second));
	r = system_tags_check_request(view, &req, e);
	json_decref(req.params);
	json_decref(req.system_tags);
	return r;
}

static const struct expectation *expectation_of(const struct system_tag *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(expectations); i++)
		if (strcmp(expectations[i].prefix, row->prefix) == 0)
			return &expectations[i];
	fail_msg("the tag '%s' has no test", row->prefix);
	return NULL;
}

static void every_tag_has_one_parser(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	size_t rows = 0;

	(void)state;
	for (const struct system_tag *row = system_tags(); row->prefix; row++, rows++) {
		const struct expectation *x = expectation_of(row);

		for (size_t i = 0; i < ARRAY_SIZE(x->good) && x->good[i]; i++) {
			_cleanup_(error_done) struct error e = ERROR_INIT;

			assert_ptr_equal(system_tag_find(x->good[i], NULL), row);
			if (check(view, row->kinds[0], x->good[i], NULL, &e) < 0)
				fail_msg("'%s' is refused: %s", x->good[i], error_sentence(&e));
		}
		assert_non_null(x->bad[0]);
		for (size_t i = 0; i < ARRAY_SIZE(x->bad) && x->bad[i]; i++) {
			_cleanup_(error_done) struct error e = ERROR_INIT;

			if (check(view, row->kinds[0], x->bad[i], NULL, &e) >= 0)
				fail_msg("'%s' is accepted", x->bad[i]);
			assert_true(*error_sentence(&e));
		}
	}
	assert_int_equal(rows, ARRAY_SIZE(expectations));
}

static void every_row_says_all(void **state)
{
	const char *last = "";

	(void)state;
	for (const struct system_tag *row = system_tags(); row->prefix; row++) {
		char text[64];

		assert_true(strcmp(last, row->prefix) < 0);
		last = row->prefix;
		assert_non_null(row->effect);
		assert_int_not_equal(row->kinds[0], KIND_NONE);
		assert_int_equal(row->form == TAG_VALUE, row->takes != NULL);
		assert_int_equal(row->form == TAG_CHOICE, row->values != NULL);
		assert_int_equal(row->life == TAG_CREATION || row->life == TAG_POOL, row->operation != NULL);
		if (row->operation)
			assert_non_null(operation_by_name(row->operation));
		snprintf(text, sizeof(text), "%s::x", row->prefix);
		assert_int_equal(row->secret, system_tag_is_secret(text));
	}
}

/* The tests that are named exist, and have the tag in them. */
static void every_effect_is_shown_by_a_test(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(shown), ARRAY_SIZE(expectations));
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		char path[256], line[1024];
		bool found = false;
		FILE *f;

		snprintf(path, sizeof(path), SOURCE_ROOT "/tests/%s", shown[i].test);
		assert_string_equal(shown[i].prefix, expectations[i].prefix);
		f = fopen(path, "re");
		if (!f)
			fail_msg("'%s' names no test: %s", shown[i].prefix, path);
		while (fgets(line, sizeof(line), f))
			found = found || strstr(line, shown[i].prefix);
		(void)fclose(f);
		if (!found)
			fail_msg("'%s' is not in %s", shown[i].prefix, path);
	}
}

static void tags_have_their_places(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct tag_subject s = {.view = view, .kind = KIND_VM, .uuid = VM, .count = 1};

	(void)state;
	assert_int_equal(check(view, KIND_ZONE, "ha::NeverStop", NULL, &e), -EINVAL);
	assert_non_null(strstr(error_sentence(&e), "ZoneVO"));
	assert_int_equal(check(view, KIND_IMAGE, "qemuga", NULL, NULL), 0);
	assert_int_equal(check(view, KIND_VM, "what::ever", NULL, NULL), 0);
	assert_int_equal(check(view, KIND_VM, "HA::NeverStop", NULL, NULL), -EINVAL);
	assert_int_equal(check(view, KIND_VM, "ha::NeverStop", "ha::OnHostFailure", NULL), -EINVAL);
	assert_int_equal(check(view, KIND_VM, "pciDevice::0000:03:00.0", "pciDevice::0000:04:00.0", NULL), 0);

	/* on an object that exists */
	s.text = "ha::NeverStop";
	assert_int_equal(system_tag_check(&s, NULL), 0);
	s.count = 2;
	assert_int_equal(system_tag_check(&s, NULL), -EINVAL);
	s.count = 1;
	s.text = "affinityGroupUuid::" NOTHING;
	assert_int_equal(system_tag_check(&s, NULL), -EBUSY);
	s.text = "staticIp::" L3 "::10.0.0.1";
	assert_int_equal(system_tag_check(&s, NULL), -EBUSY);
}

static void consoles_have_what_their_protocol_has(void **state)
{
	_cleanup_view_ struct view *view = make_view();
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct tag_subject s = {.view = view, .kind = KIND_VM, .uuid = VM, .count = 1};

	(void)state;
	assert_int_equal(check(view, KIND_VM, "vmConsoleMode::vnc", "usbRedirect::true", &e), -EINVAL);
	assert_non_null(strstr(error_sentence(&e), "SPICE"));
	assert_int_equal(check(view, KIND_VM, "VDIMonitorNumber::2", "vmConsoleMode::vnc", NULL), -EINVAL);
	assert_int_equal(check(view, KIND_VM, "VDIMonitorNumber::1", "vmConsoleMode::vnc", NULL), 0);
	assert_int_equal(check(view, KIND_VM, "VDIMonitorNumber::4", "usbRedirect::true", NULL), 0);
	add_tag(view, "VDIMonitorNumber::2");
	s.text = "vmConsoleMode::vnc";
	assert_int_equal(system_tag_check(&s, NULL), -EINVAL);
	s.text = "vmConsoleMode::spice";
	assert_int_equal(system_tag_check(&s, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tag_has_one_parser),
		cmocka_unit_test(every_row_says_all),
		cmocka_unit_test(every_effect_is_shown_by_a_test),
		cmocka_unit_test(tags_have_their_places),
		cmocka_unit_test(consoles_have_what_their_protocol_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
