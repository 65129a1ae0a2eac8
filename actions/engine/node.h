/* SPDX-License-Identifier: Apache-2.0 */
/* The management node, as which clients of the manual's server see this daemon. A pool has one. */
#ifndef POOLFS_ENGINE_NODE_H
#define POOLFS_ENGINE_NODE_H

#include "model/uuid.h"
#include "model/view.h"

/** Its uuid, the same for as long as there is the pool. */
void node_uuid(const struct view *view, char ret_uuid[UUID_SIZE]);

#endif
