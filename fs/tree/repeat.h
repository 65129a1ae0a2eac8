/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which request of the kernel the thread that receives them is working on, and whether
 * a process that was killed has begun it before (fs/receive.h).
 */
#ifndef POOLFS_FS_TREE_REPEAT_H
#define POOLFS_FS_TREE_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

/** From now on this thread works on the request @unique; 0: on none. */
void repeat_set(uint64_t unique, bool repeated);
/** The number by which the kernel knows the request, also when it is repeated; 0: this thread works on none. */
uint64_t repeat_unique(void);
/** True if the request was begun before, so it may be done already. */
bool repeat_is(void);

#endif
