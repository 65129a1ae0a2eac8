/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row that stands for files in a folder on simulated hosts. No pool is of this
 * type: dir.c names it. Internal to storage/.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_SIMULATED_H
#define POOLFS_HYPERVISOR_STORAGE_SIMULATED_H

#include "hypervisor/storage/backend.h"

extern const struct storage_backend storage_simulated;

#endif
