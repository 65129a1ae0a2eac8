/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reserved and available capacity of hosts and primary storage (behaviour.md 3.6).
 *
 * Capacity is reserved and released within changes of the store, so reservations
 * never race. All functions with a transaction are for change functions; besides the
 * errors that they name they return those of txn_put().
 */
#ifndef POOLFS_HOST_CAPACITY_H
#define POOLFS_HOST_CAPACITY_H

#include "model/store.h"

/**
 * Updates the available capacities of hosts for a VM that was @before and is @after (either may be NULL: a
 * new or a removed VM): releases what it held, and reserves what it holds now. The cost does not depend on
 * the number of VMs. Must be called with every write that changes the host, state, CPUs or memory of a VM.
 */
int capacity_follow_vm(struct txn *t, const struct object *before, const struct object *after,
		       struct error *e);
/** Recomputes availableCpuCapacity and availableMemoryCapacity of a host from its VMs and writes them. */
int capacity_update_host(struct txn *t, const char *host_uuid, struct error *e);
/** Recomputes availableCapacity of a primary storage from its volumes and cached images and writes it. */
int capacity_update_primary_storage(struct txn *t, const char *uuid, struct error *e);
/**
 * Bytes that can be reserved for new volumes on a primary storage, without primaryStorage.reservedCapacity; 0
 * when the usage of its file system is above primaryStorage.physicalCapacityThreshold.
 */
int64_t capacity_storage_room(const struct view *view, const struct object *ps);
/** Reserves @bytes on a primary storage. -ENOSPC with PS.1000 when there is not enough room, -ENOENT. */
int capacity_reserve_storage(struct txn *t, const char *uuid, int64_t bytes, struct error *e);
/** Releases @bytes that were reserved; success when the storage is gone. */
int capacity_release_storage(struct txn *t, const char *uuid, int64_t bytes, struct error *e);

#endif
