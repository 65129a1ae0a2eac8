/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson for values that are const: its header takes them without const where
 * only a reference count or an iterator is at stake. json_array_foreach() needs
 * no such help, it reads const arrays as it is.
 */
#ifndef POOLFS_JSON_H
#define POOLFS_JSON_H

#include <jansson.h>
#include <stdint.h>

/** As json_object_foreach(), over a const object. */
#define json_object_foreach_const(object, key, value)                                                        \
	json_object_foreach ((json_t *)(uintptr_t)(object), key, value)

/** As json_incref(): one more reference, for the caller. The value must not be changed through it. */
static inline json_t *json_incref_const(const json_t *json)
{
	return json_incref((json_t *)(uintptr_t)json);
}

#endif
