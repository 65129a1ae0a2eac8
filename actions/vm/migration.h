/* SPDX-License-Identifier: Apache-2.0 */
/* Where a VM can be migrated to. */
#ifndef POOLFS_VM_MIGRATION_H
#define POOLFS_VM_MIGRATION_H

#include "model/error.h"
#include "model/view.h"

/* The setting that allows a VM to be migrated with volumes that are on its host's own storage. */
#define CONFIG_MIGRATE_LOCAL "localStoragePrimaryStorage.liveMigrationWithStorage.allow"

/**
 * The hosts that a running VM could migrate to, the best first (@host: only this one): allocated, its entries
 * borrowed. HOST_ALLOCATION.1000 when there is none. Reads only.
 */
int vm_migration_targets(const struct view *view, const struct object *vm, const char *host,
			 const struct object ***ret_hosts, size_t *ret_count, struct error *e);

#endif
