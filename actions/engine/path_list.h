/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of folders, "/srv/images,/mnt/iso", as text alone: nothing is looked up. Pure functions. */
#ifndef POOLFS_ENGINE_PATH_LIST_H
#define POOLFS_ENGINE_PATH_LIST_H

#include <limits.h>
#include <stdbool.h>

#include "model/error.h"

/**
 * Takes the next folder from a list that is separated by commas, and moves *@text behind it. Returns 1, 0 at
 * the end of the list, -EINVAL with a sentence for what is no absolute path, has parts "." or "..", or is the
 * root.
 */
int path_list_next(const char **text, char ret_folder[static PATH_MAX], struct error *e);
/** True for an absolute path without the parts "." and "..". */
bool path_is_plain(const char *path);
/** The part of @path below @folder, borrowed, without slashes before it; NULL if it is not below. */
const char *path_below(const char *path, const char *folder);

#endif
