/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System and user tags of objects. The functions with a transaction are parts of changes: they run in the
 * store's writer thread and never block; their errors are those of txn_put(), and -EDQUOT for an object that
 * would get more than OBJECT_TAGS.
 */
#ifndef POOLFS_ENGINE_TAGS_H
#define POOLFS_ENGINE_TAGS_H

#include "actions/engine/request.h"

/* The most tags that an object has, of each of the two kinds. */
#define OBJECT_TAGS 1000

/** True for system tags that only apply to one request and are never stored (behaviour.md 3.12). */
bool system_tag_is_ephemeral(const char *tag);

/** Writes the system and user tags of a creation request, except ephemeral ones, each once. */
int object_put_tags(struct txn *t, const struct request *req, enum kind_id kind, const char *uuid,
		    struct error *e);

/** Adds a system tag unless the object has it already. Users cannot remove inherent tags. */
int object_add_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *tag, bool inherent,
			  struct error *e);
/** Writes a new tag with the uuid @tag_uuid on the object @uuid of @kind. @pattern: its resource tag, or NULL. */
int object_put_system_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			  const char *tag, bool inherent, struct error *e);
int object_put_user_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			const char *tag, const char *pattern, struct error *e);

/**
 * The tag (KIND_SYSTEM_TAG or KIND_USER_TAG) of the object with exactly this text, borrowed from @view; NULL
 * when there is none.
 */
const struct object *object_find_tag(const struct view *view, enum kind_id tag_kind, const char *uuid,
				     const char *tag);
/**
 * Makes `prefix::value` (`prefix` alone if @value is "") the only tag of the object with this prefix; NULL:
 * removes all.
 */
int object_set_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *prefix,
			  const char *value, bool inherent, struct error *e);

/**
 * The value in the system tag `prefix::value` of an object; "" for the tag `prefix`; NULL when there is none.
 * Borrowed from @view.
 */
const char *tag_value(const struct view *view, const char *resource_uuid, const char *prefix);

/** A system tag `prefix::value` taken apart. */
struct tag {
	char prefix[64];   /* cut to this size; no longer prefix has a meaning */
	const char *value; /* borrowed from the text; NULL for the bare `prefix` */
};
/** Splits a system tag at its first "::". */
struct tag tag_parse(const char *text);
/** The value part of the tag @text when it is `prefix::value`, borrowed from it; NULL for all others. */
const char *tag_strip_prefix(const char *text, const char *prefix);

#endif
