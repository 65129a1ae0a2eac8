/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families of names that come from the pool: objects in their collections, and
 * the links to them in `jobs`, `nics`, `volumes`, ...
 *
 * Each is "the objects of one kind whose field has this text", in order of row
 * ids, so a walk can resume after any of them and lookups use an index.
 */
#ifndef POOLFS_FS_TREE_MEMBERS_H
#define POOLFS_FS_TREE_MEMBERS_H

#include "fs/tree/place.h"

bool objects_here(const struct place *dir);
bool objects_find(const struct place *dir, const char *name, struct node *ret);
int64_t objects_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool home_links_here(const struct place *dir);
bool home_links_find(const struct place *dir, const char *name, struct node *ret);
int64_t home_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool categories_here(const struct place *dir);
bool categories_find(const struct place *dir, const char *name, struct node *ret);
int64_t categories_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool sub_links_here(const struct place *dir);
bool sub_links_find(const struct place *dir, const char *name, struct node *ret);
int64_t sub_links_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool jobs_find(const struct place *dir, const char *name, struct node *ret);
int64_t jobs_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
bool tags_find(const struct place *dir, const char *name, struct node *ret);
int64_t tags_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);

/* The directories that objects, jobs of objects, categories and `upload` are in: the column `parent`. */
bool object_parent(const struct place *p, struct node *ret);
bool job_parent(const struct place *p, struct node *ret);
bool collection_parent(const struct place *p, struct node *ret);

/* The objects in the directories: the column `members`. */
struct members members_of_folder(const struct place *dir);
struct members members_of_category(const struct place *dir);
struct members members_of_sub(const struct place *dir);
struct members members_of_jobs(const struct place *dir);
struct members members_of_tags(const struct place *dir);
/* Whether they hold the directories of the objects or links: the column `is_home`. */
bool folder_is_home(const struct place *dir);
bool sub_is_home(const struct place *dir);

/* Time of the last change of a directory, ns. */
int64_t changed_collection(const struct place *p);
int64_t changed_object(const struct place *p);
/* Creation of the newest member, or of the object itself. */
int64_t changed_members(const struct place *p);
int64_t changed_tags(const struct place *p);

#endif
