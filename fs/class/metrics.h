/* SPDX-License-Identifier: Apache-2.0 */
/* The file `metrics`: statistics of the pool as OpenMetrics text, rendered by a worker. */
#ifndef POOLFS_FS_CLASS_METRICS_H
#define POOLFS_FS_CLASS_METRICS_H

#include "fs/tree/class.h"

extern const struct file_class class_metrics;

#endif
