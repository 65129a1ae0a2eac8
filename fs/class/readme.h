/* SPDX-License-Identifier: Apache-2.0 */
/* README: every path with mode, meaning and example, walked out of the node table. */
#ifndef POOLFS_FS_CLASS_README_H
#define POOLFS_FS_CLASS_README_H

#include "fs/tree/place.h"

/** The text; NULL when memory is short. */
struct document *readme_make(const struct fs *fs);

/** The same as the file: a column of the node table. */
struct document *render_readme(const struct place *p);

#endif
