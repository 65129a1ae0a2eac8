/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs that were adopted: made by others, and running on as they were until the pool starts them. Their rows say how
 * the hypervisor knows their domains and devices (VM_DOMAIN_NAME, VOLUME_DOMAIN_TARGET, the MACs of NICs), which it is
 * told at the adoption and at each start of the pool.
 */
#ifndef POOLFS_VM_ADOPTED_H
#define POOLFS_VM_ADOPTED_H

#include "model/error.h"
#include "model/txn.h"

/** Tells the hypervisor of one such VM. -ENOMEM. */
int vm_tell_adopted(const struct view *view, const struct object *vm, struct error *e);
/** Of all of them. -ENOMEM. */
int vm_tell_all_adopted(const struct view *view, struct error *e);
/**
 * The VM has a domain that the pool itself has made, or none: its rows say no more how to know one that was adopted. For
 * change functions.
 */
int vm_put_own_domain(struct txn *t, const char *uuid, struct error *e);

#endif
