/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `schema` map of answers: which Java class of the manual's server each inventory is of (behaviour.md
 * 1.8). The class of a kind is in its row (kind.h).
 */
#ifndef POOLFS_INVENTORY_CLASS_H
#define POOLFS_INVENTORY_CLASS_H

#include <jansson.h>

#include "model/view.h"

/** The class of the inventory of @o; NULL: it has none on the manual's server. Static. */
const char *inventory_class_of(const struct object *o);
/** The same of a node in a tree of snapshots. */
const char *inventory_class_of_leaf(void);

/**
 * Adds the class of @json at @path to the schema @map, then those of the objects inside it, parents before children.
 * @type: name of its type in the manual, "VmInstanceInventory". All that is looked at is @json, so the schema fits
 * to it. Types that have no class on the manual's server add nothing. 0 or -ENOMEM.
 */
int inventory_schema_add(json_t *map, const char *path, const char *type, const json_t *json);
/** The same for the inventory of @o, of which @json has all fields or some. */
int inventory_schema_add_object(json_t *map, const char *path, const struct object *o, const json_t *json);

#endif
