/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-chosen text as a path component, and paths relative to each other. Pure.
 *
 * In `by-name` an object appears under its name with `/`, `%`, control
 * characters and a leading `.` percent-encoded (tree.md 3). The second object of
 * the same name gets `~2`, the third `~3`, in the order of their making; so that
 * no name can be taken for such a one, a `~` before a tail of nothing but hex
 * digits is encoded too. A name too long for 200 bytes is cut and gets `~` and
 * its uuid. Encoding is one to one, so a lookup decodes and asks an index.
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

/** Writes @text as a component; false for the empty text, which cannot be one. */
bool name_encode(const char *text, const char *uuid, char ret_name[NAME_SIZE]);
/** As name_encode(), for the object that is number @rank (1, 2, ...) among those of that name. */
bool name_encode_rank(const char *text, const char *uuid, unsigned rank, char ret_name[NAME_SIZE]);

/** What a component stands for. */
struct name {
	char text[NAME_SIZE]; /* decoded; "" when `uuid` says it */
	char uuid[33];	      /* of a name that was cut, else "" */
	unsigned rank;
};

/** Reads a component back; false when name_encode_rank() never writes it. */
bool name_decode(const char *component, struct name *ret);

/** The relative path from the directory @from to @to, both without a leading slash: ("a/b", "a/c") is "../c".
 */
void path_relative(const char *from, const char *to, char ret_path[PATH_SIZE]);

#endif
