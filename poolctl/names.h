/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for uuids, as people read them. @known, a JSON object that the caller owns, remembers what was asked: one for
 * each list.
 */
#ifndef POOLFS_POOLCTL_NAMES_H
#define POOLFS_POOLCTL_NAMES_H

#include "poolctl/tree.h"

/* Room for "vm-instances/NAME", whose 255 characters may have four bytes each: cut, they would be none. */
#define NAMES_PATH_SIZE 1280

/** The name of the object; the uuid itself if it has none, or is gone. Owned by @known. */
const char *names_of_uuid(const struct tree *t, json_t *known, const char *uuid);
/** "vm-instances/UUID" as "vm-instances/NAME". Returns @ret. */
const char *names_of_path(const struct tree *t, json_t *known, const char *path, char ret[NAMES_PATH_SIZE]);

#endif
