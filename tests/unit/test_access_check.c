/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation, with every parameter that names an object, tried by an account
 * on a foreign object, on one that is shared with it, and on its own: nothing foreign
 * is named, nothing shared is changed, and nothing that is the account's own is
 * refused.
 */
#include "tests/unit/test.h"

#include <errno.h>

#include "actions/engine/access.h"
#include "model/access.h"
#include "model/uuid.h"

#define ALICE "00000000000000000000000000000a11"
#define BOB   "00000000000000000000000000000b0b"

static int64_t next_row;

/* An object of the kind that belongs to @account, as far as its kind has owners; borrowed from @view. */
static const struct object *add(struct view *view, enum kind_id id, const char *account)
{
	const struct kind *kind = kind_get(id);
	struct object *o = object_new(kind);
	char uuid[UUID_SIZE];

	assert_non_null(o);
	uuid_make(uuid);
	if (kind->owner == OWNER_ACCOUNT && kind->owner_field == FIELD_UUID)
		snprintf(uuid, sizeof(uuid), "%s", account);
	object_set_str(o, FIELD_UUID, uuid);
	if (kind->owner == OWNER_ACCOUNT || kind->owner == OWNER_SHAREABLE)
		object_set_str(o, kind->owner_field, account);
	if (kind->owner == OWNER_PARENT) {
		enum kind_id parent = kind->fields[kind->owner_field].target;

		/* a tag can be on anything */
		object_set_str(o, kind->owner_field,
			       object_uuid(add(view, parent == KIND_NONE ? KIND_VM : parent, account)));
	}
	o->id = ++next_row;
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
	return view_get_id(view, id, next_row);
}

static bool is_owned(const struct object *o)
{
	return o->kind->owner == OWNER_ACCOUNT || o->kind->owner == OWNER_SHAREABLE ||
	       o->kind->owner == OWNER_PARENT;
}

/* Shares what @o belongs to, at the end, with @account, NULL = with all; false when that cannot be shared. */
static bool share(struct view *view, const struct object *o, const char *account)
{
	char key[SHARE_KEY_SIZE];
	struct object *row;

	while (o->kind->owner == OWNER_PARENT)
		o = view_get_any(view, object_str(o, o->kind->owner_field));
	if (o->kind->owner != OWNER_SHAREABLE)
		return false;
	row = object_new(kind_get(KIND_SHARED_RESOURCE));
	assert_non_null(row);
	object_set_str(row, FIELD_UUID, "00000000000000000000000000005aed");
	object_set_str(row, SHARED_RESOURCE_UUID, object_uuid(o));
	object_set_str(row, SHARED_KEY, access_share_key(object_uuid(o), account, key));
	row->id = ++next_row;
	assert_int_equal(view_put(view, row), 0);
	object_unref(row);
	return true;
}

/* The operation changes the object that it names by @p, or tells a secret of it. */
static bool needs_own(const struct operation *op, const struct param *p)
{
	bool is_target = op->target && strcmp(op->target, p->name) == 0;

	return (p->flags & PARAM_CHANGES) ||
	       (is_target && op->form != FORM_QUERY && !(op->flags & OP_USES_TARGET) &&
		(!op->get || (op->flags & OP_SECRET)));
}

static int check(const struct view *view, const struct operation *op, const struct param *p, const char *tag,
		 const struct object *o)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct request req = {.op = op, .actor = {.account = BOB, .source = "rest"}};
	int r;

	req.params = json_object();
	req.system_tags = json_array();
	if (p)
		json_object_set_new(req.params, p->name,
				    p->type == PARAM_LIST ? json_pack("[s]", object_uuid(o))
							  : json_string(object_uuid(o)));
	if (tag)
		json_array_append_new(req.system_tags, json_sprintf("%s%s", tag, object_uuid(o)));
	if (p && op->target && strcmp(op->target, p->name) == 0)
		snprintf(req.target, sizeof(req.target), "%s", object_uuid(o));
	r = access_check(view, &req, &e);
	if (r < 0)
		assert_string_equal(e.code, "ID.1002");
	json_decref(req.params);
	json_decref(req.system_tags);
	return r;
}

static bool names_object(const struct param *p)
{
	return p->resource != KIND_NONE || (p->flags & PARAM_ANY_KIND);
}

static bool is_for_accounts(const struct operation *op)
{
	return !(op->flags & (OP_ADMIN | OP_NO_SESSION));
}

static void foreign_objects_are_refused(void **state)
{
	size_t tried = 0;

	(void)state;
	for (const struct operation *const *op = operations(); *op; op++)
		for (const struct param *p = (*op)->params; is_for_accounts(*op) && p && p->name; p++) {
			_cleanup_view_ struct view *view = view_new();
			bool changes = needs_own(*op, p);
			const struct object *o;
			int r;

			if (!names_object(p))
				continue;
			add(view, KIND_ACCOUNT, BOB);
			o = add(view, p->resource == KIND_NONE ? KIND_VM : p->resource, ALICE);
			r = check(view, *op, p, NULL, o);
			if (p->flags & PARAM_ADDRESS) {
				assert_int_equal(r, 0);
				continue;
			}
			if (is_owned(o) || changes || o->kind->owner == OWNER_ADMIN) {
				if (r != -EACCES)
					fail_msg("%s takes a foreign %s as '%s'", (*op)->name, o->kind->name,
						 p->name);
			} else if (r != 0)
				fail_msg("%s refuses a public %s as '%s'", (*op)->name, o->kind->name,
					 p->name);
			tried++;
		}
	assert_true(tried > 100);
}

/* What is shared can be named where it is only used, and is refused where it is changed or a secret is told. */
static void shared_objects_are_used_but_not_changed(void **state)
{
	size_t used = 0, refused = 0;

	(void)state;
	for (int public = 0; public < 2; public ++)
		for (const struct operation *const *op = operations(); *op; op++)
			for (const struct param *p = (*op)->params; is_for_accounts(*op) && p && p->name;
			     p++) {
				_cleanup_view_ struct view *view = view_new();
				const struct object *o;
				int r;

				if (!names_object(p) || (p->flags & PARAM_ADDRESS))
					continue;
				add(view, KIND_ACCOUNT, BOB);
				o = add(view, p->resource == KIND_NONE ? KIND_VM : p->resource, ALICE);
				if (!share(view, o, public ? NULL : BOB))
					continue;
				r = check(view, *op, p, NULL, o);
				if (needs_own(*op, p) ? r != -EACCES : r != 0)
					fail_msg("%s: a shared %s as '%s' gives %d", (*op)->name,
						 o->kind->name, p->name, r);
				needs_own(*op, p) ? refused++ : used++;
			}
	assert_true(used > 40);
	assert_true(refused > 100);
}

static void own_objects_are_allowed(void **state)
{
	(void)state;
	for (const struct operation *const *op = operations(); *op; op++)
		for (const struct param *p = (*op)->params; is_for_accounts(*op) && p && p->name; p++) {
			_cleanup_view_ struct view *view = view_new();
			const struct object *o;

			if (!names_object(p))
				continue;
			o = add(view, p->resource == KIND_NONE ? KIND_VM : p->resource, BOB);
			if (!view_get(view, KIND_ACCOUNT, BOB))
				add(view, KIND_ACCOUNT, BOB);
			if (is_owned(o) && check(view, *op, p, NULL, o) != 0)
				fail_msg("%s refuses the account's own %s as '%s'", (*op)->name,
					 o->kind->name, p->name);
		}
}

/* A parameter whose name says that it is a uuid says of what, or that nothing has it yet. */
static void every_uuid_parameter_says_its_kind(void **state)
{
	(void)state;
	for (const struct operation *const *op = operations(); *op; op++)
		for (const struct param *p = (*op)->params; p && p->name; p++) {
			size_t len = strlen(p->name);
			bool is_uuid = strcmp(p->name, "uuid") == 0 ||
				       (len > 4 && strcmp(p->name + len - 4, "Uuid") == 0) ||
				       (len > 5 && strcmp(p->name + len - 5, "Uuids") == 0);

			if (is_uuid && !names_object(p) && !(p->flags & PARAM_NEW_UUID) &&
			    strcmp(p->name, "sessionUuid") != 0)
				fail_msg("%s: '%s' does not say what it names", (*op)->name, p->name);
			if (p->flags & (PARAM_MAYBE | PARAM_CHANGES))
				assert_true(names_object(p));
		}
}

static void system_tags_cannot_name_foreign_objects(void **state)
{
	static const struct {
		const char *prefix;
		enum kind_id kind;
	} tags[] = {
		{"affinityGroupUuid::", KIND_AFFINITY_GROUP},
		{"customMac::", KIND_L3_NETWORK},
		{"iso::", KIND_IMAGE},
		{"staticIp::", KIND_L3_NETWORK},
	};
	const struct operation *create = operation_by_name("CreateVmInstance");

	(void)state;
	assert_non_null(create);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		_cleanup_view_ struct view *view = view_new();

		add(view, KIND_ACCOUNT, BOB);
		assert_int_equal(check(view, create, NULL, tags[i].prefix, add(view, tags[i].kind, ALICE)),
				 -EACCES);
		assert_int_equal(check(view, create, NULL, tags[i].prefix, add(view, tags[i].kind, BOB)), 0);
	}
}

static void host_devices_are_for_administrators(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	const struct operation *create = operation_by_name("CreateVmInstance");
	const struct object *own = add(view, KIND_VM, BOB);

	(void)state;
	add(view, KIND_ACCOUNT, BOB);
	assert_int_equal(check(view, create, NULL, "pciDevice::", own), -EACCES);
	assert_int_equal(check(view, create, NULL, "vmCpuPinning::", own), -EACCES);
	assert_int_equal(check(view, create, NULL, "hostname::", own), 0);
	/* it gives the guest devices of the viewer's machine, never of the host: see test_domain_xml.c */
	assert_int_equal(check(view, create, NULL, "usbRedirect::", own), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_objects_are_refused),
		cmocka_unit_test(shared_objects_are_used_but_not_changed),
		cmocka_unit_test(own_objects_are_allowed),
		cmocka_unit_test(every_uuid_parameter_says_its_kind),
		cmocka_unit_test(system_tags_cannot_name_foreign_objects),
		cmocka_unit_test(host_devices_are_for_administrators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
