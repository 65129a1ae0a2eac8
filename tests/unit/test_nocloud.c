/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the NoCloud disk: texts stay what they are, bytes are kept, the instance-id follows the data. */
#include "tests/unit/fixture.h"

#include "actions/vm/nocloud_files.h"
#include "actions/vm/user_data.h"
#include "model/json.h"

enum { VM = 1, L3_DEFAULT, L3_OTHER, NIC_DEFAULT, NIC_OTHER, DNS, TAG };

static void put_nic(struct fixture *f, unsigned uuid, unsigned l3, int device, const char *ip,
		    const char *mac)
{
	struct object *nic = make(KIND_NIC, test_uuid(uuid));

	object_set_str(nic, NIC_VM_UUID, test_uuid(VM));
	object_set_str(nic, NIC_L3_UUID, test_uuid(l3));
	object_set_int(nic, NIC_DEVICE_ID, device);
	object_set_str(nic, NIC_IP, ip);
	object_set_str(nic, NIC_MAC, mac);
	object_set_str(nic, NIC_NETMASK, ip ? "255.255.252.0" : NULL);
	object_set_str(nic, NIC_GATEWAY, ip ? "10.9.8.1" : NULL);
	put(f, nic);
}

/* Tag @n of the VM, new or changed. */
static void put_tag(struct fixture *f, unsigned n, const char *prefix, const char *value)
{
	_cleanup_object_ const struct object *before = get(f, KIND_SYSTEM_TAG, test_uuid(TAG + n));
	struct object *tag = before ? object_copy(before) : make(KIND_SYSTEM_TAG, test_uuid(TAG + n));
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "%s::%s", prefix, value) > 0);
	object_set_str(tag, SYSTEM_TAG_RESOURCE_UUID, test_uuid(VM));
	object_set_str(tag, SYSTEM_TAG_TAG, text);
	put(f, tag);
}

static int setup(void **state)
{
	struct fixture *f;
	struct object *vm, *l3, *dns;
	int r = fixture_setup(state);

	if (r < 0)
		return r;
	f = *state;
	for (unsigned n = L3_DEFAULT; n <= L3_OTHER; n++) {
		l3 = make(KIND_L3_NETWORK, test_uuid(n));
		object_set_str(l3, L3_DNS_DOMAIN, "example.org");
		put(f, l3);
		dns = make(KIND_L3_DNS, test_uuid(100 + n));
		object_set_str(dns, L3_DNS_L3_NETWORK_UUID, test_uuid(n));
		object_set_str(dns, L3_DNS_DNS, n == L3_DEFAULT ? "9.9.9.9" : "8.8.8.8");
		put(f, dns);
	}
	vm = make(KIND_VM, test_uuid(VM));
	object_set_str(vm, VM_DEFAULT_L3_UUID, test_uuid(L3_DEFAULT));
	put(f, vm);
	put_nic(f, NIC_OTHER, L3_OTHER, 0, "10.1.0.5", "fa:00:00:00:00:01");
	put_nic(f, NIC_DEFAULT, L3_DEFAULT, 1, "10.9.8.7", "fa:00:00:00:00:02");
	return 0;
}

/* Makes the files of the VM as it is now; to be released. */
static struct nocloud_files files_now(struct fixture *f)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(f->store);
	struct nocloud_files files;

	if (nocloud_files_make(view, view_get(view, KIND_VM, test_uuid(VM)), &files, &e) < 0)
		fail_msg("nocloud_files_make: %s", error_sentence(&e));
	return files;
}

static const struct nocloud_file *file(const struct nocloud_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->file[i].name, name) == 0)
			return &files->file[i];
	fail_msg("no file '%s'", name);
	return NULL;
}

/* The content of a file that is JSON, after its first line if that is a comment; to be released. */
static json_t *json_of(const struct nocloud_files *files, const char *name)
{
	const struct nocloud_file *found = file(files, name);
	size_t skip = *found->bytes == '#' ? strcspn(found->bytes, "\n") : 0;
	json_t *json = json_loadb(found->bytes + skip, found->len - skip, 0, NULL);

	if (!json)
		fail_msg("%s is no JSON: %s", name, found->bytes);
	return json;
}

static const char *text_at(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* Also what YAML takes for a number, a boolean, null, an anchor, a comment, the end of a document or of a line. */
static void texts_stay_the_strings_that_they_are(void **state)
{
	static const char *const texts[] = {
		"123",
		"0x1F",
		"1e3",
		"null",
		"~",
		"yes",
		"No",
		"true",
		"",
		" x ",
		"a: b",
		"- a",
		"&a *b !c",
		"#x",
		"\"",
		"'",
		"\\",
		"{}",
		"%TAG",
		"a\nb: c",
		"---\n...",
		"\t",
		"<&>]]>",
		"\x7F",
		"\x1B[0m",
		"\xC2\x85",
		"\xC2\x9B",
		"\xE2\x80\xA8x",
		"\xEF\xBF\xBE",
		"\xF0\x9F\x98\x80",
		"\xEF\xBB\xBFx",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct nocloud_files files;
		_cleanup_json_ json_t *meta = NULL, *vendor = NULL;
		const json_t *user;

		put_tag(f, 0, "hostname", texts[i]);
		put_tag(f, 1, "sshkey", texts[i]);
		put_tag(f, 2, "rootPassword", texts[i]);
		files = files_now(f);
		meta = json_of(&files, "meta-data");
		vendor = json_of(&files, "vendor-data");
		assert_string_equal(text_at(meta, "local-hostname"), texts[i]);
		if (*texts[i] && !strchr(texts[i], '\n'))
			assert_string_equal(
				json_string_value(json_array_get(json_object_get(meta, "public-keys"), 0)),
				texts[i]);
		user = json_array_get(json_object_get(json_object_get(vendor, "chpasswd"), "users"), 0);
		assert_string_equal(text_at(user, "password"), texts[i]);
		/* what YAML 1.1 does not allow as it is (5.1), or folds (5.4) */
		for (size_t k = 0; k < files.count; k++) {
			const char *bytes = files.file[k].bytes;

			assert_null(strstr(bytes, "\xC2\x85"));
			assert_null(strstr(bytes, "\xE2\x80\xA8"));
			assert_null(strpbrk(bytes, "\x7F\x1B"));
		}
		nocloud_files_done(&files);
	}
}

static void each_line_of_the_ssh_key_is_a_key(void **state)
{
	struct fixture *f = *state;
	struct nocloud_files files;
	_cleanup_json_ json_t *meta = NULL, *wanted = json_pack("[s, s]", "ssh-rsa A a: b", "ssh-rsa B");

	put_tag(f, 0, "sshkey", "\nssh-rsa A a: b\r\n\nssh-rsa B\n");
	files = files_now(f);
	meta = json_of(&files, "meta-data");
	assert_true(json_equal(json_object_get(meta, "public-keys"), wanted));
	nocloud_files_done(&files);
}

static void user_data_keeps_every_byte(void **state)
{
	struct fixture *f = *state;
	struct nocloud_files files;

	/* gzip, NUL, 0xFF */
	put_tag(f, 0, "userdata", "H4sIAAAA\nAAAA/w==");
	files = files_now(f);
	assert_int_equal(file(&files, "user-data")->len, 10);
	assert_memory_equal(file(&files, "user-data")->bytes, "\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10);
	nocloud_files_done(&files);
}

static void what_is_no_base64_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"eA", "its length without blanks, 2, is no multiple of 4"},
		{"eA=", "its length without blanks, 3, is no multiple of 4"},
		{"eHh-", "base64url"},
		{"_Hh4", "base64url"},
		{"#!/bin/sh", "byte 0 has no place there"},
		{"eHh4!", "byte 4 has no place there"},
		{"eA==eHh4", "byte 4 has no place there"},
		{"eB==", "its end is not what an encoder writes"},
		{"====", "its end is not what an encoder writes"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		unsigned char *bytes = NULL;
		size_t len = 0;

		assert_int_equal(user_data_decode(cases[i].text, &bytes, &len, &e), -EINVAL);
		if (!strstr(error_sentence(&e), cases[i].reason))
			fail_msg("'%s': %s", cases[i].text, error_sentence(&e));
	}
}

static void a_megabyte_is_the_most(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	size_t room = USER_DATA_MAX / 3 * 4 + 8, len;
	_cleanup_free_ char *text = malloc(room + 1);
	unsigned char *bytes = NULL;
	(void)state;

	memset(text, 'A', room);
	text[room] = '\0';
	assert_int_equal(user_data_decode(text, &bytes, &len, &e), -EFBIG);
	text[room - 8] = '\0';
	assert_int_equal(user_data_decode(text, &bytes, &len, NULL), 0);
	assert_int_equal(len, USER_DATA_MAX / 3 * 3);
	free(bytes);
}

/* The instance-id of the VM as it is now; to be freed. */
static char *id_now(struct fixture *f)
{
	struct nocloud_files files = files_now(f);
	_cleanup_json_ json_t *meta = json_of(&files, "meta-data");
	char *id = strdup(text_at(meta, "instance-id"));

	nocloud_files_done(&files);
	return id;
}

static void the_instance_id_follows_what_is_applied_once(void **state)
{
	static const char *const tags[] = {"sshkey", "rootPassword", "userdata"};
	struct fixture *f = *state;
	_cleanup_free_ char *last = id_now(f);

	for (unsigned i = 0; i < ARRAY_SIZE(tags); i++)
		for (int k = 0; k < 2; k++) {
			char *id;

			put_tag(f, i, tags[i], k ? "eHh4" : "eHh5");
			id = id_now(f);
			assert_string_not_equal(id, last);
			assert_memory_equal(id, test_uuid(VM), UUID_SIZE - 1);
			free(last);
			last = id;
			/* the same again changes nothing */
			put_tag(f, i, tags[i], k ? "eHh4" : "eHh5");
			put_tag(f, 9, "hostname", k ? "a" : "b");
			id = id_now(f);
			assert_string_equal(id, last);
			free(id);
		}
	assert_int_equal(try_remove(f, test_uuid(TAG), NULL), 0);
	{
		_cleanup_free_ char *id = id_now(f);

		assert_string_not_equal(id, last);
	}
}

static void only_the_default_network_has_route_and_dns(void **state)
{
	struct fixture *f = *state;
	struct nocloud_files files;
	_cleanup_json_ json_t *is = NULL, *wanted = NULL;
	_cleanup_free_ char *shown = NULL;

	put_nic(f, 50, L3_OTHER, 2, NULL, "fa:00:00:00:00:03");
	files = files_now(f);
	is = json_of(&files, "network-config");
	wanted =
		json_loads("{\"version\":2,\"ethernets\":{"
			   "\"eth0\":{\"match\":{\"macaddress\":\"fa:00:00:00:00:01\"},\"set-name\":\"eth0\","
			   "\"dhcp4\":false,\"addresses\":[\"10.1.0.5/22\"]},"
			   "\"eth1\":{\"match\":{\"macaddress\":\"fa:00:00:00:00:02\"},\"set-name\":\"eth1\","
			   "\"dhcp4\":false,\"addresses\":[\"10.9.8.7/22\"],"
			   "\"routes\":[{\"to\":\"0.0.0.0/0\",\"via\":\"10.9.8.1\"}],"
			   "\"nameservers\":{\"addresses\":[\"9.9.9.9\"],\"search\":[\"example.org\"]}},"
			   "\"eth2\":{\"match\":{\"macaddress\":\"fa:00:00:00:00:03\"},\"set-name\":\"eth2\","
			   "\"dhcp4\":true}}}",
			   0, NULL);
	shown = json_dumps(is, 0);
	if (!json_equal(is, wanted))
		fail_msg("%s", shown);
	nocloud_files_done(&files);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(texts_stay_the_strings_that_they_are),
		TEST(each_line_of_the_ssh_key_is_a_key),
		TEST(user_data_keeps_every_byte),
		cmocka_unit_test(what_is_no_base64_is_refused_with_the_reason),
		cmocka_unit_test(a_megabyte_is_the_most),
		TEST(the_instance_id_follows_what_is_applied_once),
		TEST(only_the_default_network_has_route_and_dns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
