/* SPDX-License-Identifier: Apache-2.0 */
/* Contents that change with the program alone: made when somebody looks at them, and then kept. */
#ifndef POOLFS_FS_CLASS_ONCE_H
#define POOLFS_FS_CLASS_ONCE_H

#include "fs/tree/place.h"

/* README, operations.json, and the `create` of each folder, by its number. */
enum made { MADE_README, MADE_OPERATIONS, MADE_CREATES, MADE_COUNT = MADE_CREATES + NODE_INDEX_MAX + 1 };

/**
 * What is kept of number @which (enum made), or else what @make returns, which is kept from then on. A reference for the
 * caller; NULL when memory is short. For any thread.
 */
struct document *once_made(const struct place *p, unsigned which,
			   struct document *(*make)(const struct place *p));

#endif
