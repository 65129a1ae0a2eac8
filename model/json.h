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

#endif
