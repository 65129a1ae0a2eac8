/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families of names: directory entries that come from the tables of fields,
 * operations and folders. The functions are the columns `here`, `find` and `next`
 * of the node table.
 *
 * Without an object (README) they return all that an object of the kind can have.
 */
#ifndef POOLFS_FS_TREE_FAMILY_H
#define POOLFS_FS_TREE_FAMILY_H

#include "fs/tree/place.h"

bool folder_here_kind(const struct place *dir);
bool folder_here_create(const struct place *dir);
bool folder_here_names(const struct place *dir);
bool object_here_verbs(const struct place *dir);
bool object_here_spec(const struct place *dir);
bool object_here_jobs(const struct place *dir);
bool object_here_tags(const struct place *dir);

bool folders_find(const struct place *dir, const char *name, struct node *ret);
int64_t folders_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool folder_parent(const struct place *p, struct node *ret);
bool values_find(const struct place *dir, const char *name, struct node *ret);
int64_t values_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool gets_find(const struct place *dir, const char *name, struct node *ret);
int64_t gets_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
/**
 * False for the file of a Get that is refused as it stands: it needs parameters, or the state of its object
 * forbids it.
 */
bool get_is_answered(const struct place *p);
bool references_find(const struct place *dir, const char *name, struct node *ret);
int64_t references_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool subs_find(const struct place *dir, const char *name, struct node *ret);
int64_t subs_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

#endif
