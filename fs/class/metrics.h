/* SPDX-License-Identifier: Apache-2.0 */
/* The files `metrics` and `openmetrics`: statistics of the pool in two formats (exposition.h), rendered by a worker. */
#ifndef POOLFS_FS_CLASS_METRICS_H
#define POOLFS_FS_CLASS_METRICS_H

#include "fs/tree/class.h"

extern const struct file_class class_metrics;

/** Column of the node table. With other users the files are the administrator's: they count the whole pool. */
mode_t permissions_metrics(const struct place *p);

#endif
