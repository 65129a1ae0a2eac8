/* SPDX-License-Identifier: Apache-2.0 */
/* See members.h. */
#include "fs/tree/members.h"

#include <string.h>

#include "fs/tree/links.h"

/* @dir: the one whose members they are. */
static const struct object *members_next(const struct place *dir, const struct members *m, int64_t after)
{
	return m->field < 0 ? place_next_object(dir, FIELD_UUID, after) : place_next_member(dir, m, after);
}

static struct node member_node(const struct object *o, enum node_class class, unsigned index)
{
	return (struct node){.kind = o->kind->id, .row = o->id, .class = class, .index = index};
}

/* Takes no memory, so that what rests is found then, too. */
static bool members_find(const struct view *view, const struct members *m, const char *uuid,
			 enum node_class class, struct node *ret)
{
	struct view_where where;
	const struct object *o = view_where_next(view_where_init(&where, view, m->kind, FIELD_UUID, uuid));

	if (!o || (m->field >= 0 && !object_str_is(o, m->field, m->text)))
		return false;
	*ret = member_node(o, class, 0);
	return true;
}

/* Faster than snprintf(3), which is a seventh of a long listing. */
static void copy_name(const char *name, char ret_name[NAME_SIZE])
{
	size_t len = strnlen(name, NAME_SIZE - 1);

	memcpy(ret_name, name, len);
	ret_name[len] = '\0';
}

static int64_t give(const struct object *o, enum node_class class, unsigned index, const char *name,
		    char ret_name[NAME_SIZE], struct node *ret)
{
	*ret = member_node(o, class, index);
	copy_name(name, ret_name);
	return o->id;
}

/* ------------------------------------------------------------------ objects */

struct members members_of_folder(const struct place *dir)
{
	return (struct members){dir->kind->id, -1, NULL};
}

struct members members_of_category(const struct place *dir)
{
	return (struct members){KIND_GLOBAL_CONFIG, GLOBAL_CONFIG_CATEGORY,
				dir->object ? object_str(dir->object, GLOBAL_CONFIG_CATEGORY) : NULL};
}

struct members members_of_sub(const struct place *dir)
{
	return (struct members){dir->field->target, dir->field->target_field,
				dir->object ? object_uuid(dir->object) : NULL};
}

bool folder_is_home(const struct place *dir)
{
	const struct kind *kind = dir->kind;

	return kind && kind->id != KIND_GLOBAL_CONFIG && !kind_is_inside(kind, NULL);
}

bool sub_is_home(const struct place *dir)
{
	return kind_is_inside(field_sub_kind(dir->field), NULL);
}

bool objects_here(const struct place *dir)
{
	return !dir->entry->is_home || dir->entry->is_home(dir);
}

static bool object_entry_name(const struct object *o, char ret_name[NAME_SIZE])
{
	if (o->kind->id == KIND_GLOBAL_CONFIG)
		return name_encode(object_text(o, GLOBAL_CONFIG_NAME), object_uuid(o), ret_name);
	copy_name(object_text(o, FIELD_UUID), ret_name);
	return true;
}

int64_t objects_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	struct members m = dir->entry->members(dir);
	const struct object *o = members_next(dir, &m, after);

	while (o && !object_entry_name(o, ret_name))
		o = members_next(dir, &m, o->id);
	if (!o)
		return 0;
	*ret = member_node(o, N_OBJECT, 0);
	return o->id;
}

bool objects_find(const struct place *dir, const char *name, struct node *ret)
{
	struct members m = dir->entry->members(dir);
	char found[NAME_SIZE];

	if (m.kind == KIND_GLOBAL_CONFIG) {
		for (int64_t i = 0; (i = objects_next(dir, i, found, ret));)
			if (strcmp(found, name) == 0)
				return true;
		return false;
	}
	return members_find(dir->view, &m, name, N_OBJECT, ret);
}

bool home_links_here(const struct place *dir)
{
	return dir->kind && kind_is_inside(dir->kind, NULL);
}

bool home_links_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *o = view_get(dir->view, dir->kind->id, name);

	if (o)
		*ret = member_node(o, N_HOME_LINK, 0);
	return o != NULL;
}

int64_t home_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	const struct object *o = place_next_object(dir, FIELD_UUID, after);

	return o ? give(o, N_HOME_LINK, 0, object_uuid(o), ret_name, ret) : 0;
}

/* --------------------------------------------------------------- categories */

bool categories_here(const struct place *dir)
{
	return dir->kind && dir->kind->id == KIND_GLOBAL_CONFIG;
}

bool categories_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *o =
		view_next_where(dir->view, KIND_GLOBAL_CONFIG, GLOBAL_CONFIG_CATEGORY, name, 0);

	if (o)
		*ret = member_node(o, N_CATEGORY, 0);
	return o != NULL;
}

int64_t categories_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	const struct object *o = view_next(dir->view, KIND_GLOBAL_CONFIG, after);
	const char *category = NULL;

	/* A category is represented by its first setting. */
	for (; o; o = view_next(dir->view, KIND_GLOBAL_CONFIG, o->id)) {
		category = object_str(o, GLOBAL_CONFIG_CATEGORY);
		if (category &&
		    view_next_where(dir->view, KIND_GLOBAL_CONFIG, GLOBAL_CONFIG_CATEGORY, category, 0) == o)
			break;
	}
	return o ? give(o, N_CATEGORY, 0, category, ret_name, ret) : 0;
}

/* -------------------------------------------------------- inside an object */

bool sub_links_here(const struct place *dir)
{
	return !objects_here(dir);
}

int64_t sub_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	struct members m = dir->entry->members(dir);
	const struct object *o = members_next(dir, &m, after);

	while (o && !sub_uuid(dir->view, dir->field, o))
		o = members_next(dir, &m, o->id);
	return o ? give(o, N_SUB_LINK, sub_number(dir->kind->id, (int)dir->node.index),
			sub_uuid(dir->view, dir->field, o), ret_name, ret)
		 : 0;
}

bool sub_links_find(const struct place *dir, const char *name, struct node *ret)
{
	char found[NAME_SIZE];

	for (int64_t i = 0; (i = sub_links_next(dir, i, found, ret));)
		if (strcmp(found, name) == 0)
			return true;
	return false;
}

struct members members_of_jobs(const struct place *dir)
{
	return (struct members){KIND_JOB, JOB_RESOURCE_UUID, dir->object ? object_uuid(dir->object) : NULL};
}

bool jobs_find(const struct place *dir, const char *name, struct node *ret)
{
	struct members m = members_of_jobs(dir);

	return members_find(dir->view, &m, name, N_JOB, ret);
}

int64_t jobs_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	struct members m = members_of_jobs(dir);
	const struct object *o = members_next(dir, &m, after);

	return o ? give(o, N_JOB, 0, object_uuid(o), ret_name, ret) : 0;
}

/* ------------------------------------------------------------------ parents */

/* The directory of a path from the root. */
static bool find_path(const struct place *p, char *path, struct node *ret)
{
	struct place dir, next;
	char *rest = NULL;

	place_init(p->fs, p->view, NODE_ROOT, &dir);
	dir.caller = p->caller;
	for (char *name = strtok_r(path, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		if (place_lookup(&dir, name, &next) < 0)
			return false;
		dir = next;
	}
	*ret = dir.node;
	return true;
}

bool object_parent(const struct place *p, struct node *ret)
{
	char path[PATH_SIZE];

	if (!p->object || !object_path(p->view, p->object, path))
		return false;
	*strrchr(path, '/') = '\0';
	return find_path(p, path, ret);
}

bool collection_parent(const struct place *p, struct node *ret)
{
	const struct kind *kind = p->kind ? p->kind : kind_get(KIND_IMAGE); /* of `upload` */
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s", kind->directory);
	return find_path(p, path, ret);
}

bool job_parent(const struct place *p, struct node *ret)
{
	for (int k = KIND_NONE + 1; p->object && k < KIND_COUNT; k++) {
		const struct object *o =
			view_get(p->view, (enum kind_id)k, object_text(p->object, JOB_RESOURCE_UUID));

		if (!o)
			continue;
		*ret = member_node(o, N_JOBS, 0);
		return true;
	}
	return false;
}

/* --------------------------------------------------------------------- tags */

/* System tags first, then user tags, whose positions lie above all row ids. */
#define USER_TAGS (NODE_ROW_MAX + 1)

struct members members_of_tags(const struct place *dir)
{
	return (struct members){KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID,
				dir->object ? object_uuid(dir->object) : NULL};
}

static struct members tags_of(const struct place *dir, bool user)
{
	if (!user)
		return members_of_tags(dir);
	return (struct members){KIND_USER_TAG, USER_TAG_RESOURCE_UUID,
				dir->object ? object_uuid(dir->object) : NULL};
}

bool tags_find(const struct place *dir, const char *name, struct node *ret)
{
	for (int user = 0; user < 2; user++) {
		struct members m = tags_of(dir, user);

		if (members_find(dir->view, &m, name, N_TAG, ret))
			return true;
	}
	return false;
}

int64_t tags_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	struct members system = tags_of(dir, false), user = tags_of(dir, true);
	const struct object *o = after < USER_TAGS ? members_next(dir, &system, after) : NULL;

	if (o)
		return give(o, N_TAG, 0, object_uuid(o), ret_name, ret);
	o = members_next(dir, &user, after < USER_TAGS ? 0 : after - USER_TAGS);
	return o ? USER_TAGS + give(o, N_TAG, 0, object_uuid(o), ret_name, ret) : 0;
}

/* -------------------------------------------------------------------- times */

int64_t changed_collection(const struct place *p)
{
	return p->kind ? view_changed(p->view, p->kind->id) : 0;
}

int64_t changed_object(const struct place *p)
{
	return p->object ? object_time(p->object, FIELD_UUID) : 0;
}

/* Creation time of the newest of @m; at least @changed. */
static int64_t newest(const struct place *p, const struct members *m, int64_t changed)
{
	view_for_each_where (o, p->view, m->kind, m->field, m->text)
		if (object_time(o, FIELD_UUID) > changed)
			changed = object_time(o, FIELD_UUID);
	return changed;
}

int64_t changed_members(const struct place *p)
{
	struct members m = p->entry->members(p);

	return newest(p, &m, changed_object(p));
}

int64_t changed_tags(const struct place *p)
{
	struct members user = tags_of(p, true);

	return newest(p, &user, changed_members(p));
}
