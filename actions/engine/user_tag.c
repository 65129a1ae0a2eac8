/* SPDX-License-Identifier: Apache-2.0 */
/* See user_tag.h. */
#include "actions/engine/user_tag.h"

#include <string.h>

#include "actions/engine/params.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "model/text.h"

struct tag_change {
	txn_done_fn *done;
	void *arg;
	enum kind_id kind;
	char uuid[UUID_SIZE];
	char *name, *tag; /* owned; tag NULL: to be removed */
	enum tag_set how;
};

static void tag_change_free(struct tag_change *c)
{
	if (!c)
		return;
	free(c->name);
	free(c->tag);
	free(c);
}

DEFINE_CLEANUP(struct tag_change *, tag_change_free)

size_t tag_split(const char *tag, const char **ret_value)
{
	const char *equals = strchrnul(tag, '=');

	if (ret_value)
		*ret_value = *equals ? equals + 1 : equals;
	return (size_t)(equals - tag);
}

/* The first tag of the object with this name. */
static const struct object *find_tag(const struct view *view, const char *uuid, const char *name)
{
	view_for_each_where (o, view, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, uuid) {
		const char *tag = object_text(o, USER_TAG_TAG);
		size_t len = tag_split(tag, NULL);

		if (len == strlen(name) && memcmp(tag, name, len) == 0)
			return o;
	}
	return NULL;
}

static int change_tag(struct txn *t, void *arg, struct error *e)
{
	const struct tag_change *c = arg;
	const struct object *o = find_tag(txn_view(t), c->uuid, c->name);
	char uuid[UUID_SIZE];

	if (!view_get(txn_view(t), c->kind, c->uuid))
		return error_gone(e, c->kind, c->uuid);
	if (o && c->how == TAG_SET_NEW)
		return error_set(e, EEXIST, "the user tag '%s' exists already", c->name);
	if (!o && (c->how == TAG_SET_PRESENT || !c->tag))
		return error_set(e, ENODATA, "there is no user tag '%s'", c->name);
	for (; o; o = find_tag(txn_view(t), c->uuid, c->name)) {
		int r = object_remove(t, o, e);

		if (r < 0)
			return r;
	}
	if (!c->tag)
		return 0;
	uuid_make(uuid);
	return object_put_user_tag(t, uuid, c->kind, c->uuid, c->tag, NULL, e);
}

static void tag_changed(void *arg, int result, struct error *e)
{
	struct tag_change *c = arg;

	c->done(c->arg, result, e);
	tag_change_free(c);
}

static int check(const struct pool *pool, const char *name, const char *value, struct error *e)
{
	int r = pool_check_writable(pool, e);

	if (r < 0)
		return r;
	if (!*name || strchr(name, '='))
		return error_set(e, EINVAL, "the name of a user tag must not be empty or contain '='");
	if (!text_is_utf8(name, strlen(name)) || (value && !text_is_utf8(value, strlen(value))))
		return error_set(e, EINVAL, "a user tag must be UTF-8 text");
	return 0;
}

int pool_set_user_tag(struct pool *pool, enum kind_id kind, const char *uuid, const char *name,
		      const char *value, enum tag_set how, txn_done_fn *done, void *arg, struct error *e)
{
	_cleanup_(tag_change_free_p) struct tag_change *c = NULL;
	int r = check(pool, name, value, e);

	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return error_oom(e);
	*c = (struct tag_change){.done = done, .arg = arg, .kind = kind, .how = how, .name = strdup(name)};
	snprintf(c->uuid, sizeof(c->uuid), "%s", uuid);
	if (value && asprintf(&c->tag, "%s%s%s", name, *value ? "=" : "", value) < 0)
		c->tag = NULL;
	if (!c->name || (value && !c->tag))
		return error_oom(e);
	r = c->tag ? params_check_user_tag(name, c->tag, e) : 0;
	if (r < 0)
		return r;
	r = pool_post(pool, change_tag, c, tag_changed, e);
	if (r < 0)
		return r;
	(void)steal(&c); /* tag_changed() frees it */
	return 0;
}
