/* SPDX-License-Identifier: Apache-2.0 */
/* The strategies that offerings may name (behaviour.md 3.6). */
#ifndef POOLFS_OFFERING_H
#define POOLFS_OFFERING_H

#include <stdbool.h>

#define HOST_STRATEGY_DEFAULT	 "LeastVmPreferredHostAllocatorStrategy"
#define STORAGE_STRATEGY_DEFAULT "DefaultPrimaryStorageAllocationStrategy"

/** True for a primary storage allocation strategy. */
bool storage_strategy_is_known(const char *name);

#endif
