/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs that were adopted: made by others, and running on as they were until the pool starts them.
 *
 * Their rows say on which hosts a domain that others have made is, or may still be, the VM's own (VM_DOMAIN_HOSTS), and
 * how its devices are found there (VOLUME_DOMAIN_TARGET, the MACs of NICs). The hypervisor's table
 * (hypervisor/adopted.h) is derived from them here, at the start and after each commit, and nowhere else; so nobody who
 * changes a row, or a domain, has to keep it.
 *
 * A host stays in the row until it has said that the domain is gone there or has the pool's name by now: a host that
 * was silent when the VM was started elsewhere, or that has kept the definition after a migration, still has it.
 */
#ifndef POOLFS_VM_ADOPTED_H
#define POOLFS_VM_ADOPTED_H

#include "actions/engine/pool.h"

/** Tells the hypervisor of all of them, and of what changes from now on. -ENOMEM, errors of pool_observe(). */
int vm_adopted_start(struct pool *pool, struct error *e);
/** The VM's domain on @host is, or is about to be, one that others have made. For change functions. */
int vm_put_adopted_on(struct txn *t, const char *uuid, const char *host, struct error *e);
/** The VM has a domain that the pool itself has made on @host, or none. For change functions. */
int vm_put_own_domain(struct txn *t, const char *uuid, const char *host, struct error *e);
/**
 * Asks @host whether it still has a domain that others have made of this VM; if not, its row says so. On a host that the
 * VM has left, one that is on none of the VM's files is another one, which is nobody's business: what follows touches
 * it no more. The host where the VM is stays in the row without a domain, which may come back (`virsh create`), until the VM
 * is destroyed. Blocking.
 */
void vm_settle_domain(struct pool *pool, const char *host, const char *uuid);
/** vm_settle_domain() of all VMs that have left @host, before anything that it says of them is believed. Blocking. */
void vm_settle_left(struct pool *pool, const char *host);

#endif
