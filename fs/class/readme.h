/* SPDX-License-Identifier: Apache-2.0 */
/* README: every path with mode, meaning and example, made from the node table. */
#ifndef POOLFS_FS_CLASS_README_H
#define POOLFS_FS_CLASS_README_H

#include "fs/tree/place.h"

/** The text as the content of the file: a column of the node table. */
struct document *render_readme(const struct place *p);

#endif
