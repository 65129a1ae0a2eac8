/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests of adopted VMs that somebody moves to another host without the pool (virsh migrate, or the same definition
 * started there). The domain there has the VM's uuid, but that alone says nothing: it is the VM if the host reaches the
 * storage of the VM's root volume, if that is shared, and if the domain runs on that very file. Then its host joins
 * those of the row (adopted.h), and whatever follows is as for all VMs (second_copy.h); else it is somebody else's, and
 * is left alone.
 */
#ifndef POOLFS_VM_MOVED_H
#define POOLFS_VM_MOVED_H

#include "actions/engine/pool.h"

/** Looks for the guest of a VM on all other hosts, if it may have been moved and @host, its own, says that it is off. Blocking. */
void vm_seek_moved(struct pool *pool, const char *host, const char *vm);
/** Looks for guests of adopted VMs of other hosts on @host, where domains of others have changed. Blocking. */
void vm_seek_arrivals(struct pool *pool, const char *host);
/** After a connection: compares all adopted VMs with what @host has. Blocking. */
void vm_settle_adopted(struct pool *pool, const char *host);

#endif
