/* SPDX-License-Identifier: Apache-2.0 */
/* See tags.h. */
#include "actions/engine/tags.h"

#include <string.h>

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

int object_put_user_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			const char *tag, struct error *e)
{
	struct object *o = object_new(kind_get(KIND_USER_TAG));

	object_set_str(o, USER_TAG_UUID, tag_uuid);
	object_set_str(o, USER_TAG_RESOURCE_UUID, uuid);
	object_set_str(o, USER_TAG_RESOURCE_TYPE, kind_get(kind)->vo);
	object_set_str(o, USER_TAG_TAG, tag);
	object_set_str(o, USER_TAG_TYPE, "User");
	return txn_put(t, o, NULL, e);
}

int object_put_system_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			  const char *tag, bool inherent, struct error *e)
{
	struct object *o = object_new(kind_get(KIND_SYSTEM_TAG));

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

static int add_user_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *tag, struct error *e)
{
	char tag_uuid[UUID_SIZE];

	if (object_find_tag(txn_view(t), KIND_USER_TAG, uuid, tag))
		return 0;
	uuid_make(tag_uuid);
	return object_put_user_tag(t, tag_uuid, kind, uuid, tag, e);
}

int object_put_tags(struct txn *t, const struct request *req, enum kind_id kind, const char *uuid,
		    struct error *e)
{
	json_t *tag;
	size_t i;
	int r;

	json_array_foreach (req->system_tags, i, tag) {
		if (system_tag_is_ephemeral(json_string_value(tag)))
			continue;
		r = object_add_system_tag(t, kind, uuid, json_string_value(tag), false, e);
		if (r < 0)
			return r;
	}
	json_array_foreach (req->user_tags, i, tag) {
		r = add_user_tag(t, kind, uuid, json_string_value(tag), e);
		if (r < 0)
			return r;
	}
	return 0;
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
