/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What jansson's header lacks: scope-bound references, and functions for const
 * values where it takes them without const although only a reference count or an
 * iterator is at stake. json_array_foreach() works on const arrays as it is.
 */
#ifndef POOLFS_JSON_H
#define POOLFS_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "model/cleanup.h"

static inline void json_decref_p(json_t **json)
{
	json_decref(*json);
}
#define _cleanup_json_ _cleanup_(json_decref_p)

/** As json_object_foreach(), over a const object. */
#define json_object_foreach_const(object, key, value)                                                        \
	json_object_foreach ((json_t *)(uintptr_t)(object), key, value)

/** As json_incref(): one more reference, for the caller. The value must not be changed through it. */
static inline json_t *json_incref_const(const json_t *json)
{
	return json_incref((json_t *)(uintptr_t)json);
}

/** A deep copy, owned by the caller; NULL when memory is short, where json_deep_copy() leaves something out. */
static inline json_t *json_copy_whole(const json_t *json)
{
	json_t *copy = json_deep_copy(json);

	if (copy && !json_equal(copy, json))
		json_decref(steal(&copy));
	return copy;
}

/**
 * Adds a member, or an item, of which the value is new. When memory is short, also if @value is NULL for want of it, *json is
 * freed and becomes NULL, and stays so: a document from which something is missing is none.
 */
static inline void json_add_member(json_t **json, const char *name, json_t *value)
{
	if (json_object_set_new(*json, name, value) < 0)
		json_decref(steal(json));
}

static inline void json_add_item(json_t **json, json_t *value)
{
	if (json_array_append_new(*json, value) < 0)
		json_decref(steal(json));
}

/**
 * As json_dumps(). NULL also where that (jansson 2.14) gives a text in which bytes of a name are missing, because memory was
 * short.
 */
char *json_text(const json_t *json, size_t flags);

#endif
