/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the directory of an object is, which fields appear as directories of
 * other objects ("sub-collections": `nics`, `volumes`, `clusters`), and the
 * targets of all symbolic links. The link_* functions are the column `link` of
 * the node table.
 */
#ifndef POOLFS_FS_TREE_LINKS_H
#define POOLFS_FS_TREE_LINKS_H

#include "fs/tree/place.h"

/** The path of an object's own directory, from the root, without leading slash. */
bool object_path(const struct view *view, const struct object *o, char ret_path[PATH_SIZE]);
/** True for kinds whose directories are inside another object's; *ret_field (may be NULL) is the field with
 * its uuid.
 */
bool kind_is_inside(const struct kind *kind, int *ret_field);

/** True for fields that appear as a directory of objects. */
bool field_is_sub(const struct field *f);
/** The name of that directory, and the kind of the objects in it. */
const char *field_sub_name(const struct field *f);
const struct kind *field_sub_kind(const struct field *f);
/** The uuid that @row, one of the rows of the field, refers to; NULL if there is no such object. */
const char *sub_uuid(const struct view *view, const struct field *f, const struct object *row);
/** The number of a sub-collection among all, in the order of kinds and fields. */
unsigned sub_number(enum kind_id kind, int field);

bool link_by_name(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);
bool link_home(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);
bool link_sub(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);
bool link_reference(const struct place *p, char ret_from[PATH_SIZE], char ret_to[PATH_SIZE]);

#endif
