/* SPDX-License-Identifier: Apache-2.0 */
/* What is made while memory is short: whole, or an error; nothing is missing from it unnoticed. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actions/engine/catalog.h"
#include "actions/engine/params.h"
#include "actions/engine/request.h"
#include "actions/image/rules.h"
#include "actions/spec/members.h"
#include "actions/vm/nocloud_files.h"
#include "model/json.h"
#include "model/view.h"
#include "tests/unit/failing_memory.h"

/* Behind the first ones each so many-th allocation fails. */
#define STRIDE 499

static struct object *make(enum kind_id kind, int64_t id)
{
	struct object *o = object_new(kind_get(kind));
	char uuid[33];

	snprintf(uuid, sizeof(uuid), "%08x%024x", (unsigned)kind, (unsigned)id);
	object_set_str(o, FIELD_UUID, uuid);
	o->id = id;
	return o;
}

static void put(struct view *view, struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static const struct object *the_vm(const struct view *view)
{
	return view_get_id(view, KIND_VM, 1);
}

static void put_tag(struct view *view, int64_t id, const char *text)
{
	struct object *tag = make(KIND_SYSTEM_TAG, id);

	object_set_str(tag, SYSTEM_TAG_RESOURCE_UUID, object_uuid(the_vm(view)));
	object_set_str(tag, SYSTEM_TAG_RESOURCE_TYPE, "VmInstanceVO");
	object_set_str(tag, SYSTEM_TAG_TAG, text);
	put(view, tag);
}

/* A VM with two NICs, a volume and tags. */
static struct view *make_view(void)
{
	struct view *view = view_new();
	struct object *o = make(KIND_VM, 1);

	object_set_str(o, VM_NAME, "web");
	object_set_str(o, VM_STATE, "Running");
	object_set_str(o, VM_DEFAULT_L3_UUID, "a56ceb9516134fcf809d113179490891");
	put(view, o);
	for (int64_t id = 1; id <= 2; id++) {
		o = make(KIND_NIC, id);
		object_set_str(o, NIC_VM_UUID, object_uuid(the_vm(view)));
		object_set_str(o, NIC_L3_UUID, "a56ceb9516134fcf809d113179490891");
		object_set_str(o, NIC_IP, "10.9.8.7");
		object_set_str(o, NIC_MAC, "fa:00:00:00:00:02");
		object_set_str(o, NIC_NETMASK, "255.255.252.0");
		object_set_str(o, NIC_GATEWAY, "10.9.8.1");
		object_set_int(o, NIC_DEVICE_ID, id);
		put(view, o);
	}
	o = make(KIND_VOLUME, 1);
	object_set_str(o, VOLUME_VM_UUID, object_uuid(the_vm(view)));
	object_set_str(o, VOLUME_TYPE, "Data");
	put(view, o);
	put_tag(view, 1, "hostname::web");
	put_tag(view, 2, "rootPassword::secret");
	put_tag(view, 3, "sshkey::ssh-ed25519 AAAA");
	o = make(KIND_USER_TAG, 1);
	object_set_str(o, USER_TAG_RESOURCE_UUID, object_uuid(the_vm(view)));
	object_set_str(o, USER_TAG_TAG, "production");
	put(view, o);
	return view;
}

static void is_whole_of_view(json_t *(*made_of)(const void *view))
{
	_cleanup_view_ struct view *view = make_view();

	is_whole_or_none(made_of, view, STRIDE);
}

static json_t *make_by_members(const void *view)
{
	json_t *json = json_object(), *list = json_array();

	(void)view;
	json_add_item(&list, json_string("one"));
	json_add_item(&list, json_integer(2));
	json_add_member(&json, "name", json_string("web"));
	json_add_member(&json, "list", list);
	json_add_member(&json, "last", json_true());
	return json;
}

static json_t *make_copy(const void *view)
{
	static json_t *of;

	if (!of)
		of = make_by_members(view);
	return json_copy_whole(of);
}

static void documents_by_their_members(void **state)
{
	(void)state;
	is_whole_of_view(make_by_members);
	is_whole_of_view(make_copy);
}

static json_t *make_spec(const void *view)
{
	return spec_members_render(view, the_vm(view));
}

static void the_spec_of_a_vm(void **state)
{
	(void)state;
	is_whole_of_view(make_spec);
}

static json_t *make_catalog(const void *view)
{
	(void)view;
	return operations_to_json();
}

static void the_list_of_operations(void **state)
{
	(void)state;
	is_whole_of_view(make_catalog);
}

static json_t *make_cloud_init(const void *view)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct nocloud_files files;
	json_t *json;
	int after;

	if (nocloud_files_make(view, the_vm(view), &files, &e) < 0) {
		assert_int_equal(e.errnum, ENOMEM);
		return NULL;
	}
	after = fail_after; /* what follows is the test's own */
	fail_after = -1;
	json = json_object();
	for (size_t i = 0; i < files.count; i++)
		json_object_set_new(json, files.file[i].name,
				    json_stringn(files.file[i].bytes, files.file[i].len));
	nocloud_files_done(&files);
	fail_after = after;
	return json;
}

static void what_cloud_init_reads(void **state)
{
	(void)state;
	is_whole_of_view(make_cloud_init);
}

/* Those of a request, as the operation gets them, with a list in the short form. */
static json_t *make_params(const void *view)
{
	static json_t *line;
	json_t *typed = NULL;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)view;
	if (!line)
		line = json_pack("{s:s, s:s, s:s}", "name", "web", "url", "http://example.org/a",
				 "backupStorageUuids",
				 "a56ceb9516134fcf809d113179490891,b56ceb9516134fcf809d113179490891");
	if (params_type(operation_by_name("AddImage"), NULL, line, &typed, &e) < 0) {
		assert_int_equal(e.errnum, ENOMEM);
		return NULL;
	}
	return typed;
}

static void the_parameters_of_a_request(void **state)
{
	(void)state;
	is_whole_of_view(make_params);
}

/* A name is not called bad for want of memory. */
static void the_name_of_an_image(void **state)
{
	_cleanup_free_ char *name = NULL;
	const char *format;

	(void)state;
	fail_once = false;
	fail_after = 0;
	assert_int_equal(image_name_parse("web.qcow2", &name, &format, NULL), -ENOMEM);
	assert_int_equal(image_name_parse("web\xff.qcow2", &name, &format, NULL), -EINVAL);
	fail_after = -1;
	assert_int_equal(image_name_parse("web.qcow2", &name, &format, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_by_their_members),  cmocka_unit_test(the_spec_of_a_vm),
		cmocka_unit_test(the_list_of_operations),      cmocka_unit_test(what_cloud_init_reads),
		cmocka_unit_test(the_parameters_of_a_request), cmocka_unit_test(the_name_of_an_image),
	};

	json_set_alloc_funcs(malloc, free);
	return cmocka_run_group_tests_name("short_memory", tests, NULL, NULL);
}
