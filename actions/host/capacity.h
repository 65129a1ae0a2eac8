/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is promised to VMs and volumes, and what is left (behaviour.md 3.6).
 *
 * Promises are made and taken back inside store changes, so they never race.
 */
#ifndef POOLFS_HOST_CAPACITY_H
#define POOLFS_HOST_CAPACITY_H

#include "model/store.h"

/**
 * Brings the hosts' available capacities in line with a VM that was @before and is @after (either may be
 * NULL: a new or a removed one): what it held is given back, what it holds now is taken. Costs the same
 * however many VMs there are. Call it with every write that changes a VM's host, state, CPUs or memory.
 */
int capacity_follow_vm(struct txn *t, const struct object *before, const struct object *after,
		       struct error *e);
/** Recomputes availableCpuCapacity and availableMemoryCapacity of a host from its VMs and writes them. */
int capacity_update_host(struct txn *t, const char *host_uuid, struct error *e);
/** Recomputes availableCapacity of a primary storage from its volumes and cached images and writes it. */
int capacity_update_primary_storage(struct txn *t, const char *uuid, struct error *e);
/**
 * Bytes that new volumes may be promised on a primary storage, above primaryStorage.reservedCapacity; 0 when
 * its file system is fuller than primaryStorage.physicalCapacityThreshold, whoever filled it.
 */
int64_t capacity_storage_room(const struct view *view, const struct object *ps);
/** Promises @bytes on a primary storage: PS.1000 when there is no such room. */
int capacity_reserve_storage(struct txn *t, const char *uuid, int64_t bytes, struct error *e);
/** Takes a promise back. */
int capacity_release_storage(struct txn *t, const char *uuid, int64_t bytes, struct error *e);

#endif
