/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a guide that list settings and system tags, with what each does. */
#ifndef POOLFS_FS_CLASS_GUIDE_TABLES_H
#define POOLFS_FS_CLASS_GUIDE_TABLES_H

#include "fs/class/guide.h"

/** Writes the list under a heading of its own, made from the table of the program. */
void guide_settings(struct guide *g);
void guide_system_tags(struct guide *g);

#endif
