/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `schema` map of answers: which Java class of the manual's server each inventory is of (behaviour.md
 * 1.8). The class of a kind is in its row (kind.h).
 */
#ifndef POOLFS_INVENTORY_CLASS_H
#define POOLFS_INVENTORY_CLASS_H

#include <jansson.h>

#include "model/view.h"

/** Class of @o's inventory; NULL for kinds that the manual's server has no class for. */
const char *inventory_class(const struct object *o);
/**
 * Adds the class of the inventory of @o at @path to the schema @map, then those of the inventories inside it,
 * parents before children. 0 or -ENOMEM.
 */
int inventory_schema_add(json_t *map, const char *path, const struct view *view, const struct object *o);

#endif
