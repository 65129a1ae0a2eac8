/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-chosen text as a path component, and paths relative to each other. Pure.
 *
 * In `by-name` an object appears under its name with `/`, `%`, control
 * characters and a leading `.` percent-encoded (tree.md 3). The second object of
 * the same name gets `~2`, the third `~3`, in order of creation; to keep such
 * names unique, a `~` followed by nothing but hex digits is encoded too. A name
 * longer than 200 bytes is truncated and gets `~` and the uuid. The encoding is
 * one to one, so a lookup decodes the name and uses an index.
 */
#ifndef POOLFS_FS_TREE_NAMES_H
#define POOLFS_FS_TREE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* A component is at most NAME_LENGTH bytes; buffers have NAME_SIZE. */
#define NAME_LENGTH 200
#define NAME_SIZE   256
/* Room for any path of the tree. */
#define PATH_SIZE 1024

/** Encodes @text as a path component; false for the empty text, which cannot be one. */
bool name_encode(const char *text, const char *uuid, char ret_name[NAME_SIZE]);
/** As name_encode(), for the object number @rank (1, 2, ...) of those with that name. */
bool name_encode_rank(const char *text, const char *uuid, unsigned rank, char ret_name[NAME_SIZE]);

/** A decoded component. */
struct name {
	char text[NAME_SIZE]; /* decoded; "" if `uuid` is set */
	char uuid[33];	      /* of a truncated name, else "" */
	unsigned rank;
};

/** Decodes a component; false if name_encode_rank() never produces it. */
bool name_decode(const char *component, struct name *ret);

/** The relative path from the directory @from to @to, both without a leading slash: ("a/b", "a/c") is "../c".
 */
void path_relative(const char *from, const char *to, char ret_path[PATH_SIZE]);

#endif
