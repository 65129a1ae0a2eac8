/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System and user tags of objects. The put functions are parts of store changes: they run in the
 * writer thread and never block.
 */
#ifndef POOLFS_ENGINE_TAGS_H
#define POOLFS_ENGINE_TAGS_H

#include "actions/engine/request.h"

/** True for system tags that steer one request and are never stored (behaviour.md 3.12). */
bool system_tag_is_ephemeral(const char *tag);

/** Writes the system and user tags that a creation request gives, ephemeral ones left out, each once. */
int object_put_tags(struct txn *t, const struct request *req, enum kind_id kind, const char *uuid,
		    struct error *e);

/** Writes one system tag, unless the object has exactly this one. Inherent ones cannot be removed by hand. */
int object_add_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *tag, bool inherent,
			  struct error *e);
/** Writes a system or user tag with the uuid @tag_uuid on the object @uuid of @kind. */
int object_put_system_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			  const char *tag, bool inherent, struct error *e);
int object_put_user_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			const char *tag, struct error *e);

/** The tag row (KIND_SYSTEM_TAG or KIND_USER_TAG) of the object with exactly this text; NULL when there is
 * none. */
const struct object *object_find_tag(const struct view *view, enum kind_id tag_kind, const char *uuid,
				     const char *tag);
/** Makes `prefix::value` (the bare `prefix` for "") the object's one tag with this prefix; NULL: leaves none.
 */
int object_set_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *prefix,
			  const char *value, bool inherent, struct error *e);

/** The value part of a VM's (or other object's) system tag `prefix::value`; "" for the bare tag; NULL =
 * absent. */
const char *tag_value(const struct view *view, const char *resource_uuid, const char *prefix);

#endif
