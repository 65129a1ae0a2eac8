/* SPDX-License-Identifier: Apache-2.0 */
/* See links.h. */
#include "fs/tree/links.h"

#include <string.h>

bool kind_is_inside(const struct kind *kind, int *ret_field)
{
	if (kind->id != KIND_NIC)
		return false;
	if (ret_field)
		*ret_field = NIC_VM_UUID;
	return true;
}

const struct kind *field_sub_kind(const struct field *f)
{
	const struct kind *kind = kind_get(f->target);

	return f->type == FIELD_VALUES ? kind_get(kind->fields[f->value_field].target) : kind;
}

bool field_is_sub(const struct field *f)
{
	return !field_is_stored(f) && field_sub_kind(f)->directory;
}

const char *field_sub_name(const struct field *f)
{
	const char *directory = field_sub_kind(f)->directory;
	const char *slash = strrchr(directory, '/');

	return slash ? slash + 1 : directory;
}

/* All sub-collections are numbered in the order of kinds and fields. False after the last. */
static bool sub_at(unsigned number, enum kind_id *ret_kind, int *ret_field)
{
	for (int k = 0; k < KIND_COUNT; k++)
		for (int i = 0; i < kind_get((enum kind_id)k)->field_count; i++)
			if (field_is_sub(&kind_get((enum kind_id)k)->fields[i]) && number-- == 0) {
				*ret_kind = (enum kind_id)k;
				*ret_field = i;
				return true;
			}
	return false;
}

unsigned sub_number(enum kind_id kind, int field)
{
	enum kind_id k;
	unsigned number = 0;

	for (int f; sub_at(number, &k, &f); number++)
		if (k == kind && f == field)
			break;
	return number;
}

bool object_path(const struct view *view, const struct object *o, char ret_path[PATH_SIZE])
{
	char name[NAME_SIZE];
	size_t len;
	int field;

	if (o->kind->id == KIND_GLOBAL_CONFIG) {
		if (!name_encode(object_text(o, GLOBAL_CONFIG_NAME), object_uuid(o), name))
			return false;
		snprintf(ret_path, PATH_SIZE, "%s/%s/%s", o->kind->directory,
			 object_text(o, GLOBAL_CONFIG_CATEGORY), name);
		return true;
	}
	if (kind_is_inside(o->kind, &field)) {
		const struct object *owner =
			view_get(view, o->kind->fields[field].target, object_str(o, field));

		if (!owner || !object_path(view, owner, ret_path))
			return false;
		len = strlen(ret_path);
		snprintf(ret_path + len, PATH_SIZE - len, "/%s/%s", strrchr(o->kind->directory, '/') + 1,
			 object_uuid(o));
		return true;
	}
	if (!o->kind->directory)
		return false;
	snprintf(ret_path, PATH_SIZE, "%s/%s", o->kind->directory, object_uuid(o));
	return true;
}

const char *sub_uuid(const struct view *view, const struct field *f, const struct object *row)
{
	const char *uuid = f->type == FIELD_VALUES ? object_str(row, f->value_field) : object_uuid(row);

	return view_get(view, field_sub_kind(f)->id, uuid) ? uuid : NULL;
}

/* -------------------------------------------------------------------- links */

static bool append(char path[PATH_SIZE], const char *name)
{
	size_t len = strlen(path);

	snprintf(path + len, PATH_SIZE - len, "/%s", name);
	return true;
}

bool link_by_name(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE])
{
	if (!object_path(p->view, p->object, ret_to))
		return false;
	snprintf(ret_from, PATH_SIZE, "%s/%s", p->kind->directory, p->fs->nodes[N_BY_NAME].name);
	return true;
}

bool link_home(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE])
{
	if (!object_path(p->view, p->object, ret_to))
		return false;
	snprintf(ret_from, PATH_SIZE, "%s", p->kind->directory);
	return true;
}

bool link_sub(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE])
{
	const struct object *owner, *target;
	const struct field *f;
	enum kind_id kind;
	int field;

	if (!sub_at(p->node.index, &kind, &field) || kind_get(kind)->fields[field].target != p->kind->id)
		return false;
	f = &kind_get(kind)->fields[field];
	owner = view_get(p->view, kind, object_str(p->object, f->target_field));
	target = view_get(p->view, field_sub_kind(f)->id, sub_uuid(p->view, f, p->object));
	return owner && target && object_path(p->view, owner, ret_from) &&
	       append(ret_from, field_sub_name(f)) && object_path(p->view, target, ret_to);
}

bool link_reference(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE])
{
	const struct object *target =
		view_get(p->view, p->field->target, object_str(p->object, (int)p->node.index));

	return target && object_path(p->view, p->object, ret_from) && object_path(p->view, target, ret_to);
}
