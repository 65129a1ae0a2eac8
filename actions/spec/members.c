/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a spec, in the order in which their changes are made.
 *
 * Plain fields have no rows of their own: all fields for which the kind has an
 * update operation are members, as they are writable value files. To add another
 * member: a row with functions for its current value and for the steps to another
 * one.
 */
#include "actions/spec/members.h"

#include <string.h>

#include "actions/engine/params.h"
#include "actions/engine/request_names.h"
#include "actions/engine/system_tag.h"
#include "actions/engine/tags.h"
#include "actions/spec/devices.h"
#include "actions/vm/resize.h"
#include "actions/volume/size.h"
#include "model/access.h"
#include "model/json.h"
#include "model/render.h"
#include "model/states.h"

#define OF(kind)  (UINT64_C(1) << (kind))
#define OFFERINGS (OF(KIND_INSTANCE_OFFERING) | OF(KIND_DISK_OFFERING))
#define ALL	  (OF(KIND_VM) | OF(KIND_VOLUME) | OF(KIND_IMAGE) | OF(KIND_AFFINITY_GROUP) | OFFERINGS)

/* ------------------------------------------------------------------- fields */

static bool is_updatable(const struct kind *kind, const struct field *f)
{
	const struct operation *op = operation_by_field(kind->id, f->name);

	return op && !(operation_param(op, f->name)->flags & PARAM_NOFILE) && !(f->flags & F_SECRET);
}

static bool is_number(const struct field *f)
{
	return f->type == FIELD_INT || f->type == FIELD_LONG;
}

static bool is_text(const struct kind *kind, const struct field *f)
{
	return is_updatable(kind, f) && !is_number(f) && f->target == KIND_NONE;
}

static bool is_size(const struct kind *kind, const struct field *f)
{
	return is_updatable(kind, f) && is_number(f);
}

static bool is_reference(const struct kind *kind, const struct field *f)
{
	return is_updatable(kind, f) && f->target != KIND_NONE;
}

/* The numbers of an offering never change. */
static bool is_fixed(const struct kind *kind, const struct field *f)
{
	return is_number(f) && !is_updatable(kind, f);
}

/* The value of a field, null if it has none; owned. NULL when memory is short. */
static json_t *present_field(const struct view *view, const struct object *o, int field)
{
	return object_is_null(o, field) ? json_null() : render_field_json(view, o, field);
}

/*
 * The members of the document that are fields of @m and differ from the object, with typed values; and the
 * operation that sets them. *ret_changed is owned by the caller, also on failure.
 */
static int changed_fields(struct spec_plan *p, const struct spec_member *m, const struct operation **ret_op,
			  json_t **ret_changed, struct error *e)
{
	const struct kind *kind = p->object->kind;
	_cleanup_json_ json_t *typed = NULL;
	json_t *given = json_object(), *value;
	const char *name;
	void *next;
	int r;

	*ret_changed = given;
	if (!given)
		return error_oom(e);
	for (int i = 0; i < kind->field_count; i++) {
		const struct field *f = &kind->fields[i];

		value = json_object_get(p->document, f->name);
		if (!value || !m->has(kind, f))
			continue;
		*ret_op = operation_by_field(kind->id, f->name);
		r = spec_check_type(f->name, operation_param(*ret_op, f->name)->type, value, e);
		if (r < 0)
			return r;
		if (json_object_set(given, f->name, value) < 0)
			return error_oom(e);
	}
	if (json_object_size(given) == 0)
		return 0;
	r = params_type(*ret_op, object_uuid(p->object), given, &typed, e);
	if (r < 0)
		return r;
	json_object_foreach_safe(given, next, name, value)
	{
		json_t *wanted = json_object_get(typed, name);
		_cleanup_json_ json_t *present = present_field(p->view, p->object, kind_field(kind, name));
		const char *text = json_string_value(wanted);

		if (!present)
			return error_oom(e);
		if (json_is_null(present) ? text && !*text : json_equal(present, wanted))
			(void)json_object_del(given, name);
		else
			r = json_object_set(given, name, wanted);
		if (r < 0)
			return error_oom(e);
	}
	return 0;
}

static enum spec_need need_of_size(const struct spec_plan *p, int64_t cpus, int64_t memory)
{
	return !p->no_live_size && vm_resizes_live(p->view, p->object, cpus, memory) ? NEED_AWAKE
										     : NEED_STOPPED;
}

static int64_t number_of(const json_t *changed, const struct object *o, int field)
{
	const json_t *value = json_object_get(changed, o->kind->fields[field].name);

	return value ? (int64_t)json_integer_value(value) : object_int(o, field);
}

static int plan_fields(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		       struct error *e)
{
	const struct operation *op = NULL;
	enum spec_need need = NEED_NOTHING;
	_cleanup_json_ json_t *changed = NULL;
	int r = changed_fields(p, m, &op, &changed, e);

	(void)wanted;
	if (r < 0 || json_object_size(changed) == 0)
		return r;
	if (m->has == is_size)
		need = need_of_size(p, number_of(changed, p->object, VM_CPU_NUM),
				    number_of(changed, p->object, VM_MEMORY_SIZE));
	return spec_plan_add(p, m, op->name, object_uuid(p->object), steal(&changed), NULL, need, e);
}

static int plan_fixed(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e)
{
	const struct kind *kind = p->object->kind;

	(void)wanted;
	for (int i = 0; i < kind->field_count; i++) {
		const struct field *f = &kind->fields[i];
		const json_t *value = json_object_get(p->document, f->name);
		int64_t number = json_integer_value(value);
		int r;

		if (!value || !m->has(kind, f))
			continue;
		r = spec_check_type(f->name, PARAM_LONG, value, e);
		if (r < 0)
			return r;
		if (json_is_string(value) && params_parse_number(json_string_value(value), &number) < 0)
			return spec_check_type(f->name, PARAM_LONG, NULL, e);
		if (number != object_int(p->object, i))
			return error_set(
				e, EPERM,
				"'%s' of an offering cannot be changed, it is %lld; create another one",
				f->name, (long long)object_int(p->object, i));
	}
	return 0;
}

/* -------------------------------------------------------- offering and size */

static json_t *present_offering(const struct view *view, const struct object *vm)
{
	return present_field(view, vm, VM_INSTANCE_OFFERING_UUID);
}

static int plan_offering(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
			 struct error *e)
{
	const char *uuid = json_string_value(wanted);
	const struct object *offering = view_get(p->view, KIND_INSTANCE_OFFERING, uuid);
	int r = spec_check_type(m->name, PARAM_STRING, wanted, e);

	/* The offering of the VM may be gone, so do not look it up. */
	if (r < 0 || object_str_is(p->object, VM_INSTANCE_OFFERING_UUID, uuid))
		return r;
	r = spec_check_exists(p, m, KIND_INSTANCE_OFFERING, uuid, e);
	if (r < 0)
		return r;
	return spec_plan_add(p, m, "ChangeInstanceOffering", object_uuid(p->object),
			     json_pack("{s:s}", m->name, uuid), NULL,
			     need_of_size(p, object_int(offering, INSTANCE_OFFERING_CPU_NUM),
					  object_int(offering, INSTANCE_OFFERING_MEMORY_SIZE)),
			     e);
}

static json_t *present_volume_size(const struct view *view, const struct object *volume)
{
	return present_field(view, volume, VOLUME_SIZE);
}

static int plan_volume_size(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
			    struct error *e)
{
	const struct operation *op = operation_by_name(
		object_str_is(p->object, VOLUME_TYPE, "Root") ? "ResizeRootVolume" : "ResizeDataVolume");
	_cleanup_json_ json_t *given = json_pack("{s:O}", m->name, wanted), *typed = NULL;
	int r = spec_check_type(m->name, PARAM_LONG, wanted, e);

	if (r < 0)
		return r;
	if (!given)
		return error_oom(e);
	r = params_type(op, object_uuid(p->object), given, &typed, e);
	if (r < 0 || volume_round_size(json_integer_value(json_object_get(typed, m->name))) ==
			     object_int(p->object, VOLUME_SIZE))
		return r;
	return spec_plan_add(p, m, op->name, object_uuid(p->object), steal(&given), NULL, NEED_NOTHING, e);
}

/* ------------------------------------------------------------ members, tags */

static json_t *present_vms(const struct view *view, const struct object *group)
{
	json_t *list = json_array();

	view_for_each_where (usage, view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, object_uuid(group))
		json_add_item(&list, json_string(object_text(usage, AFFINITY_USAGE_RESOURCE_UUID)));
	return list;
}

static int plan_vms(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e)
{
	const char *group = object_uuid(p->object);
	_cleanup_json_ json_t *present = NULL;
	json_t *item;
	size_t i;
	int r = spec_check_list(m, wanted, NULL, e);

	if (r < 0)
		return r;
	present = present_vms(p->view, p->object);
	if (!present)
		return error_oom(e);
	json_array_foreach (present, i, item) {
		if (spec_list_has(wanted, NULL, json_string_value(item)))
			continue;
		r = spec_plan_add(p, m, "RemoveVmFromAffinityGroup", group, json_pack("{s:O}", "uuid", item),
				  NULL, NEED_NOTHING, e);
		if (r < 0)
			return r;
	}
	json_array_foreach (wanted, i, item) {
		r = spec_check_exists(p, m, KIND_VM, json_string_value(item), e);
		if (r < 0)
			return r;
		if (spec_list_has(present, NULL, json_string_value(item)))
			continue;
		r = spec_plan_add(p, m, "AddVmToAffinityGroup", group, json_pack("{s:O}", "uuid", item), NULL,
				  NEED_NOTHING, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The two kinds of tags differ only in their fields and operations. */
struct tag_rows {
	enum kind_id kind;
	int resource, tag;
	const char *create, *delete;
};

static const struct tag_rows user_tag_rows = {KIND_USER_TAG, USER_TAG_RESOURCE_UUID, USER_TAG_TAG,
					      "CreateUserTag", "DeleteTag"};
static const struct tag_rows system_tag_rows = {KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, SYSTEM_TAG_TAG,
						"CreateSystemTag", "DeleteSystemTag"};

/* Why a spec cannot hold a system tag, as the end of a sentence; NULL: it can. */
static const char *system_tag_reason(const char *tag)
{
	const struct system_tag *row = system_tag_find(tag, NULL);

	if (system_tag_is_secret(tag))
		return "is a secret, which has an operation of its own";
	if (system_tag_is_ephemeral(tag))
		return "applies to one request and is never stored";
	if (row && row->life != TAG_STORED)
		return "is managed by the pool";
	return NULL;
}

/* True for a tag that a spec can hold. */
static bool is_member(const struct tag_rows *rows, const struct object *tag)
{
	return rows->kind == KIND_USER_TAG || (!object_int(tag, SYSTEM_TAG_INHERENT) &&
					       !system_tag_reason(object_text(tag, SYSTEM_TAG_TAG)));
}

static json_t *present_tags(const struct view *view, const struct object *o, const struct tag_rows *rows)
{
	json_t *list = json_array();

	view_for_each_where (tag, view, rows->kind, rows->resource, object_uuid(o))
		if (is_member(rows, tag))
			json_add_item(&list, json_string(object_text(tag, rows->tag)));
	return list;
}

static json_t *present_user_tags(const struct view *view, const struct object *o)
{
	return present_tags(view, o, &user_tag_rows);
}

static json_t *present_system_tags(const struct view *view, const struct object *o)
{
	return present_tags(view, o, &system_tag_rows);
}

/* The tag, on an object that has all of @wanted. */
static int check_system_tag(const struct spec_plan *p, const char *text, const json_t *wanted,
			    struct error *e)
{
	const struct system_tag *row = system_tag_find(text, NULL);
	struct tag_subject s = {.view = p->view,
				.actor = p->actor,
				.kind = p->object->kind->id,
				.uuid = object_uuid(p->object),
				.text = text};
	json_t *item;
	size_t i;

	json_array_foreach (wanted, i, item) {
		s.count += row && system_tag_find(json_string_value(item), NULL) == row;
	}
	return system_tag_check(&s, e);
}

static int plan_tags(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		     const struct tag_rows *rows, struct error *e)
{
	const char *uuid = object_uuid(p->object);
	size_t i;
	json_t *item;
	int r = spec_check_list(m, wanted, NULL, e);

	if (r < 0)
		return r;
	view_for_each_where (tag, p->view, rows->kind, rows->resource, uuid) {
		if (!is_member(rows, tag) || spec_list_has(wanted, NULL, object_text(tag, rows->tag)))
			continue;
		r = spec_plan_add(p, m, rows->delete, object_uuid(tag), json_object(), NULL, NEED_NOTHING, e);
		if (r < 0)
			return r;
	}
	json_array_foreach (wanted, i, item) {
		const char *text = json_string_value(item);
		const char *reason = rows->kind == KIND_SYSTEM_TAG ? system_tag_reason(text) : NULL;

		if (reason)
			return error_set(e, EINVAL, "'%s' cannot hold the tag '%.*s', it %s", m->name,
					 (int)strcspn(text, ":"), text, reason);
		if (object_find_tag(p->view, rows->kind, uuid, text))
			continue;
		r = rows->kind == KIND_SYSTEM_TAG ? check_system_tag(p, text, wanted, e) : 0;
		if (r < 0)
			return r;
		r = spec_plan_add(p, m, rows->create, NULL,
				  json_pack("{s:s, s:s, s:s}", "resourceType", p->object->kind->vo,
					    "resourceUuid", uuid, "tag", text),
				  NULL, NEED_NOTHING, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int plan_user_tags(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
			  struct error *e)
{
	return plan_tags(p, m, wanted, &user_tag_rows, e);
}

static int plan_system_tags(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
			    struct error *e)
{
	return plan_tags(p, m, wanted, &system_tag_rows, e);
}

/* -------------------------------------------------------------------- state */

static json_t *present_state(const struct view *view, const struct object *o)
{
	return present_field(view, o, kind_field(o->kind, "state"));
}

static int plan_state(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, bool enable,
		      struct error *e)
{
	const char *state = json_string_value(wanted);
	bool on = state && strcmp(state, STATE_ENABLED) == 0;

	if (!on && (!state || strcmp(state, STATE_DISABLED) != 0))
		return error_set(e, EINVAL, "'state' of a %s must be Enabled or Disabled",
				 p->object->kind->noun);
	if (on != enable || object_str_is(p->object, kind_field(p->object->kind, m->name), state))
		return 0;
	return spec_plan_add(
		p, m, operation_by_verb(p->object->kind->id, "change-state")->name, object_uuid(p->object),
		json_pack("{s:s}", "stateEvent", on ? "enable" : "disable"), NULL, NEED_NOTHING, e);
}

static int plan_enable(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		       struct error *e)
{
	return plan_state(p, m, wanted, true, e);
}

static int plan_disable(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
			struct error *e)
{
	return plan_state(p, m, wanted, false, e);
}

/* The states that a spec of a VM may have. The others lead to one of these, or cannot be desired. */
static bool is_power_state(const char *state)
{
	int s = vm_state_parse(state);

	return s == VM_STATE_RUNNING || s == VM_STATE_STOPPED || s == VM_STATE_PAUSED;
}

static json_t *present_power(const struct view *view, const struct object *vm)
{
	const char *state = object_str(vm, VM_STATE);

	(void)view;
	return is_power_state(state) ? json_string(state) : json_null();
}

/* Adds no steps: spec_plan_make() does, since they depend on what the other members need. */
static int check_power(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		       struct error *e)
{
	(void)p;
	if (is_power_state(json_string_value(wanted)))
		return 0;
	return error_set(e, EINVAL, "'%s' of a VM must be Running, Stopped or Paused", m->name);
}

/* -------------------------------------------------------------------- table */

static const struct spec_member members[] = {
	/* Enable first, and disable last: a disabled object may refuse the other changes. */
	{.kinds = ALL & ~OF(KIND_VM), .name = "state", .plan = plan_enable},
	{.kinds = ALL, .early = true, .has = is_text, .plan = plan_fields},
	{.kinds = OFFERINGS, .has = is_fixed, .plan = plan_fixed},
	{.kinds = OF(KIND_VM),
	 .name = "instanceOfferingUuid",
	 .resource = KIND_INSTANCE_OFFERING,
	 .present = present_offering,
	 .plan = plan_offering},
	{.kinds = OF(KIND_VM), .has = is_size, .plan = plan_fields},
	{.kinds = OF(KIND_VOLUME), .name = "size", .present = present_volume_size, .plan = plan_volume_size},
	{.kinds = OF(KIND_VM),
	 .name = "nics",
	 .resource = KIND_L3_NETWORK,
	 .key = "l3NetworkUuid",
	 .present = spec_present_nics,
	 .plan = spec_plan_nics},
	{.kinds = OF(KIND_VM), .follows = true, .has = is_reference, .plan = plan_fields},
	{.kinds = OF(KIND_VM),
	 .name = "volumes",
	 .resource = KIND_VOLUME,
	 .present = spec_present_volumes,
	 .plan = spec_plan_volumes},
	{.kinds = OF(KIND_AFFINITY_GROUP),
	 .name = "vms",
	 .resource = KIND_VM,
	 .present = present_vms,
	 .plan = plan_vms},
	{.kinds = ALL, .name = "userTags", .present = present_user_tags, .plan = plan_user_tags},
	{.kinds = ALL, .name = "systemTags", .present = present_system_tags, .plan = plan_system_tags},
	{.kinds = ALL & ~OF(KIND_VM), .name = "state", .present = present_state, .plan = plan_disable},
	{.kinds = OF(KIND_VM), .name = "state", .present = present_power, .plan = check_power},
};

bool spec_member_is_early(const struct spec_member *member)
{
	return member && member->early;
}

bool spec_member_follows(const struct spec_member *member)
{
	return member && member->follows;
}

static bool takes(const struct spec_member *m, const struct kind *kind, const char *name)
{
	int field = m->has ? kind_field(kind, name) : -1;

	if (!(m->kinds & OF(kind->id)))
		return false;
	return m->name ? strcmp(m->name, name) == 0 : field >= 0 && m->has(kind, &kind->fields[field]);
}

static int check_names(const struct spec_plan *p, struct error *e)
{
	const struct kind *kind = p->object->kind;
	const char *name;
	const json_t *value;

	json_object_foreach_const (p->document, name, value) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(members); i++)
			known = known || takes(&members[i], kind, name);
		if (!known)
			return error_set(
				e, EINVAL,
				"the spec of a %s has no member '%s'; the file 'spec' shows those it has",
				kind->noun, name);
	}
	return 0;
}

/* Replaces the names in the member @name of @in, if it is there. */
static int resolve_member(const struct name_place *place, json_t *in, const char *name, struct error *e)
{
	json_t *value = json_object_get(in, name);
	int r;

	if (!value)
		return 0;
	json_incref(value);
	r = request_name_replace(place, &value, e);
	if (r == 0 && json_object_set(in, name, value) < 0)
		r = error_oom(e);
	json_decref(value);
	return r;
}

int spec_members_resolve(const struct view *view, const struct object *o, json_t *document, struct error *e)
{
	const struct object *account = access_account_of(view, o);
	struct name_place place = {.view = view, .account = account ? object_uuid(account) : ""};
	json_t *tags = json_object_get(document, "systemTags"), *item;
	size_t at;
	int r = 0;

	for (int i = 0; r == 0 && i < o->kind->field_count; i++) {
		place.kind = o->kind->fields[i].target;
		place.field = o->kind->fields[i].name;
		if (place.kind != KIND_NONE && field_is_stored(&o->kind->fields[i]))
			r = resolve_member(&place, document, place.field, e);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++) {
		const struct spec_member *m = &members[i];

		if (m->resource == KIND_NONE || !(m->kinds & OF(o->kind->id)))
			continue;
		place.kind = m->resource;
		place.field = m->name;
		r = m->key ? 0 : resolve_member(&place, document, m->name, e);
		json_array_foreach (m->key ? json_object_get(document, m->name) : NULL, at, item) {
			r = r < 0 ? r : resolve_member(&place, item, m->key, e);
		}
	}
	return r < 0 ? r : request_name_replace_tags(&place, &tags, e);
}

int spec_members_plan(struct spec_plan *p, struct error *e)
{
	int r = check_names(p, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct spec_member *m = &members[i];
		const json_t *wanted = m->name ? json_object_get(p->document, m->name) : p->document;

		if (!wanted || !(m->kinds & OF(p->object->kind->id)))
			continue;
		r = m->plan(p, m, wanted, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Adds a value, which is taken over; null is left out. */
static void add_present(json_t **document, const char *name, json_t *value)
{
	if (json_is_null(value))
		json_decref(value);
	else
		json_add_member(document, name, value);
}

json_t *spec_members_render(const struct view *view, const struct object *o)
{
	json_t *document = json_object();

	for (size_t i = 0; document && i < ARRAY_SIZE(members); i++) {
		const struct spec_member *m = &members[i];

		if (!(m->kinds & OF(o->kind->id)))
			continue;
		if (m->present)
			add_present(&document, m->name, m->present(view, o));
		for (int f = 0; m->has && f < o->kind->field_count; f++)
			if (m->has(o->kind, &o->kind->fields[f]))
				add_present(&document, o->kind->fields[f].name, present_field(view, o, f));
	}
	return document;
}
