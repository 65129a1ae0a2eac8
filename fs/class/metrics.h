/* SPDX-License-Identifier: Apache-2.0 */
/* The file `metrics`: the pool in numbers, as OpenMetrics text. */
#ifndef POOLFS_FS_CLASS_METRICS_H
#define POOLFS_FS_CLASS_METRICS_H

#include "fs/tree/fs.h"

/** The text for a view, which all of it comes from but the number of events. Takes time linear in the number
 * of objects. NULL without memory. */
struct document *metrics_render(const struct fs *fs, const struct view *view);

#endif
