/* SPDX-License-Identifier: Apache-2.0 */
/* See tags.h. */
#include "actions/engine/tags.h"

#include <string.h>

#include "model/json.h"

bool system_tag_is_ephemeral(const char *tag)
{
	return strcmp(tag, "shareable") == 0 || strcmp(tag, "validationOnly") == 0 ||
	       strncmp(tag, "ephemeral::", strlen("ephemeral::")) == 0;
}

const struct object *object_find_tag(const struct view *view, enum kind_id tag_kind, const char *uuid,
				     const char *tag)
{
	int resource = tag_kind == KIND_SYSTEM_TAG ? SYSTEM_TAG_RESOURCE_UUID : USER_TAG_RESOURCE_UUID;
	int text = tag_kind == KIND_SYSTEM_TAG ? SYSTEM_TAG_TAG : USER_TAG_TAG;

	view_for_each_where (o, view, tag_kind, resource, uuid)
		if (object_str_is(o, text, tag))
			return o;
	return NULL;
}

/* The first system tag of the object with this prefix; *ret_value (may be NULL) as tag_value(). */
static const struct object *object_find_system_tag(const struct view *view, const char *uuid,
						   const char *prefix, const char **ret_value)
{
	size_t len = strlen(prefix);

	view_for_each_where (row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, uuid) {
		const char *tag = object_text(row, SYSTEM_TAG_TAG);

		if (strncmp(tag, prefix, len) != 0 || (tag[len] != '\0' && strncmp(tag + len, "::", 2) != 0))
			continue;
		if (ret_value)
			*ret_value = tag[len] == '\0' ? "" : tag + len + 2;
		return row;
	}
	return NULL;
}

/* The number of tags of one object is limited, since each of many requests looks at all of them. */
static int check_room(const struct view *view, enum kind_id tag_kind, const char *uuid, struct error *e)
{
	bool user = tag_kind == KIND_USER_TAG;
	int resource = user ? USER_TAG_RESOURCE_UUID : SYSTEM_TAG_RESOURCE_UUID;

	if (view_count_where(view, tag_kind, resource, uuid) < OBJECT_TAGS)
		return 0;
	return error_set(e, EDQUOT, "'%s' has %d %s tags already, which is the limit", uuid, OBJECT_TAGS,
			 user ? "user" : "system");
}

int object_put_user_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			const char *tag, const char *pattern, struct error *e)
{
	int r = check_room(txn_view(t), KIND_USER_TAG, uuid, e);
	struct object *o = r < 0 ? NULL : object_new(kind_get(KIND_USER_TAG));

	if (r < 0)
		return r;
	object_set_str(o, USER_TAG_UUID, tag_uuid);
	object_set_str(o, USER_TAG_RESOURCE_UUID, uuid);
	object_set_str(o, USER_TAG_RESOURCE_TYPE, kind_get(kind)->vo);
	object_set_str(o, USER_TAG_TAG, tag);
	object_set_str(o, USER_TAG_TYPE, "User");
	object_set_str(o, USER_TAG_PATTERN_UUID, pattern);
	return txn_put(t, o, NULL, e);
}

int object_put_system_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			  const char *tag, bool inherent, struct error *e)
{
	int r = check_room(txn_view(t), KIND_SYSTEM_TAG, uuid, e);
	struct object *o = r < 0 ? NULL : object_new(kind_get(KIND_SYSTEM_TAG));

	if (r < 0)
		return r;
	object_set_str(o, SYSTEM_TAG_UUID, tag_uuid);
	object_set_int(o, SYSTEM_TAG_INHERENT, inherent);
	object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, uuid);
	object_set_str(o, SYSTEM_TAG_RESOURCE_TYPE, kind_get(kind)->vo);
	object_set_str(o, SYSTEM_TAG_TAG, tag);
	object_set_str(o, SYSTEM_TAG_TYPE, "System");
	return txn_put(t, o, NULL, e);
}

int object_add_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *tag, bool inherent,
			  struct error *e)
{
	char tag_uuid[UUID_SIZE];

	if (object_find_tag(txn_view(t), KIND_SYSTEM_TAG, uuid, tag))
		return 0;
	uuid_make(tag_uuid);
	return object_put_system_tag(t, tag_uuid, kind, uuid, tag, inherent, e);
}

static int remove_system_tags(struct txn *t, const char *uuid, const char *prefix, struct error *e)
{
	const struct object *row;

	while ((row = object_find_system_tag(txn_view(t), uuid, prefix, NULL))) {
		int r = txn_remove(t, row, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int object_set_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *prefix,
			  const char *value, bool inherent, struct error *e)
{
	const struct object *row = object_find_system_tag(txn_view(t), uuid, prefix, NULL);
	_cleanup_free_ char *tag = NULL;
	struct object *changed;

	if (!value)
		return remove_system_tags(t, uuid, prefix, e);
	if (asprintf(&tag, "%s%s%s", prefix, *value ? "::" : "", value) < 0) {
		tag = NULL;
		return error_oom(e);
	}
	if (!row)
		return object_add_system_tag(t, kind, uuid, tag, inherent, e);
	changed = object_copy(row);
	object_set_str(changed, SYSTEM_TAG_TAG, tag);
	return txn_put(t, changed, NULL, e);
}

/* The texts of the object's tags, as the members of an object: a set. NULL without memory. */
static json_t *tag_set_of(const struct view *view, enum kind_id tag_kind, const char *uuid)
{
	bool user = tag_kind == KIND_USER_TAG;
	json_t *set = json_object();

	view_for_each_where (o, view, tag_kind, user ? USER_TAG_RESOURCE_UUID : SYSTEM_TAG_RESOURCE_UUID,
			     uuid)
		if (json_object_set_new(set, object_text(o, user ? USER_TAG_TAG : SYSTEM_TAG_TAG),
					json_true()) < 0) {
			json_decref(set);
			return NULL;
		}
	return set;
}

/* Adds those of @tags that the object does not have yet. */
static int put_tags(struct txn *t, enum kind_id tag_kind, const json_t *tags, enum kind_id kind,
		    const char *uuid, struct error *e)
{
	_cleanup_json_ json_t *set = json_array_size(tags) ? tag_set_of(txn_view(t), tag_kind, uuid) : NULL;
	json_t *item;
	size_t i;

	json_array_foreach (tags, i, item) {
		const char *tag = json_string_value(item);
		char tag_uuid[UUID_SIZE];
		int r;

		if (json_object_get(set, tag) ||
		    (tag_kind == KIND_SYSTEM_TAG && system_tag_is_ephemeral(tag)))
			continue;
		if (json_object_set_new(set, tag, json_true()) < 0)
			return error_oom(e);
		uuid_make(tag_uuid);
		r = tag_kind == KIND_USER_TAG ? object_put_user_tag(t, tag_uuid, kind, uuid, tag, NULL, e)
					      : object_put_system_tag(t, tag_uuid, kind, uuid, tag, false, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int object_put_tags(struct txn *t, const struct request *req, enum kind_id kind, const char *uuid,
		    struct error *e)
{
	int r = put_tags(t, KIND_SYSTEM_TAG, req->system_tags, kind, uuid, e);

	return r < 0 ? r : put_tags(t, KIND_USER_TAG, req->user_tags, kind, uuid, e);
}

const char *tag_value(const struct view *view, const char *resource_uuid, const char *prefix)
{
	const char *value;

	return object_find_system_tag(view, resource_uuid, prefix, &value) ? value : NULL;
}

struct tag tag_parse(const char *text)
{
	const char *end = strstr(text, "::");
	struct tag tag = {.value = end ? end + strlen("::") : NULL};

	snprintf(tag.prefix, sizeof(tag.prefix), "%.*s", (int)(end ? end - text : (long)strlen(text)), text);
	return tag;
}

const char *tag_strip_prefix(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 && strncmp(text + len, "::", 2) == 0 ? text + len + 2 : NULL;
}
