/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounted pool as poolctl uses it: files, kinds, objects by name, requests. All
 * functions block. Paths are relative to the mount.
 */
#ifndef POOLFS_POOLCTL_TREE_H
#define POOLFS_POOLCTL_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/error.h"

#define TREE_UUID_SIZE 33
#define TREE_PATH_SIZE 512

struct tree {
	int root;	     /* descriptor of the mount */
	const char *mount;   /* its path; borrowed */
	json_t *catalog;     /* operations.json; owned */
	const json_t *kinds; /* of it: a list of {name, directory, noun} */
	const json_t *operations;
};

/** Opens the pool mounted on @mount, NULL: on $POOLCTL_MOUNT, else the first mount of the type fuse.poolfs. */
int tree_open(const char *mount, struct tree *ret, struct error *e);
void tree_close(struct tree *t);

/** The content of a file without its final newline, owned by the caller. */
int tree_read(const struct tree *t, const char *path, char **ret, struct error *e);
int tree_read_json(const struct tree *t, const char *path, json_t **ret, struct error *e);
/** The list `inventories` of the file, owned by the caller. */
int tree_read_list(const struct tree *t, const char *path, json_t **ret, struct error *e);

/**
 * Writes a request (a line or a document). *ret_job is the uuid of its job, "" when there was nothing to do. A
 * refusal is told by the sentence in last-error.
 */
int tree_write(const struct tree *t, const char *path, const char *text, char ret_job[TREE_UUID_SIZE],
	       struct error *e);

/**
 * The kind that the user means: by directory, "vm-instances", in the singular, or by a short name, "vm". NULL when
 * there is none. Borrowed.
 */
const json_t *tree_kind(const struct tree *t, const char *word);
const json_t *tree_kind_by_name(const struct tree *t, const char *name);
/** True for 32 lower-case hex digits. */
bool tree_is_uuid(const char *text);

/** Which kinds a search may find; NULL: all. */
typedef bool tree_kind_fn(const struct tree *t, const json_t *kind, const void *arg);
/**
 * The directory of the object that @word means: a uuid, a name, or KIND/NAME. -ENOENT; -EINVAL with a list when
 * there are several. *ret_kind (may be NULL) is borrowed.
 */
int tree_find(const struct tree *t, const char *word, tree_kind_fn *may, const void *arg,
	      char ret_path[TREE_PATH_SIZE], const json_t **ret_kind, struct error *e);

/** The verb of a kind, or what creates its objects (@verb NULL); NULL when there is none. Borrowed. */
const json_t *tree_operation(const struct tree *t, const json_t *kind, const char *verb);
/** A parameter's row; NULL when the operation has none of this name. */
const json_t *tree_param(const json_t *operation, const char *name);

/** A string member, "" when it is missing. Borrowed. */
const char *member_text(const json_t *object, const char *name);

#endif
