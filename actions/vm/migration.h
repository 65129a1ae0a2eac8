/* SPDX-License-Identifier: Apache-2.0 */
/* Where a running VM can be migrated to: placement with the conditions of a live migration. Only reads. */
#ifndef POOLFS_VM_MIGRATION_H
#define POOLFS_VM_MIGRATION_H

#include "model/error.h"
#include "model/view.h"

/* The setting that allows a VM to be migrated with volumes that are on its host's own storage. */
#define CONFIG_MIGRATE_LOCAL "localStoragePrimaryStorage.liveMigrationWithStorage.allow"

/**
 * The hosts that a running VM can be migrated to, the best first (@host: only this one, NULL: any).
 * *ret_hosts belongs to the caller, its entries are borrowed from @view. -ENOSPC (HOST_ALLOCATION.1000)
 * when there is no such host, -ENOMEM.
 */
int vm_migration_targets(const struct view *view, const struct object *vm, const char *host,
			 const struct object ***ret_hosts, size_t *ret_count, struct error *e);

#endif
