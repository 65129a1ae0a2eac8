/* SPDX-License-Identifier: Apache-2.0 */
/* Placement (behaviour.md 3.6): the host and the storage for a VM. */
#ifndef POOLFS_VM_PLACEMENT_H
#define POOLFS_VM_PLACEMENT_H

#include <stdbool.h>

#include "actions/engine/pool.h"
#include "actions/vm/nic.h"

#define HOST_STRATEGY_DEFAULT	 "LeastVmPreferredHostAllocatorStrategy"
#define STORAGE_STRATEGY_DEFAULT "DefaultPrimaryStorageAllocationStrategy"

/** What a host is wanted for. Strings may be NULL; borrowed. */
struct placement {
	const char *vm;			   /* its uuid, "" for one that is not there yet */
	const char *zone, *cluster, *host; /* restrict to it */
	const char *strategy;
	int cpu_num;
	int64_t memory;
	const char *const *l3_networks; /* uuids */
	size_t l3_count;
	const char *image;	     /* must be reachable from the zone; NULL = not needed */
	const char *primary_storage; /* the root volume lies there, or shall; NULL = any with room */
	bool volumes_move;	     /* volumes on a host's own folder go along with the VM */
	int64_t storage_needed;	     /* bytes for new volumes */
	const char *last_host;
	const char *avoid_host;
	json_t **ret_report; /* what was ruled out and why, also on failure, owned by the caller; NULL: not
				asked */
};
/** What a VM that has its volumes and NICs needs, wherever in its zone; borrows from @view and fills
 * @networks. */
void placement_for_vm(const struct view *view, const struct object *vm, struct placement *ret,
		      const char *networks[VM_NICS_MAX]);
/**
 * Chooses a host and a primary storage for @want. HOST_ALLOCATION.1000 or PS.1000 with the manual's sentence
 * of the filter that left nothing. Reads only; the caller promises the capacity in the same change.
 */
int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e);

/** All hosts that would do, the best first: *ret_hosts is allocated, its entries are borrowed. Errors as
 * above. */
int placement_list(const struct view *view, const struct placement *want, const struct object ***ret_hosts,
		   size_t *ret_count, struct error *e);
/** The @i-th strategy that an offering may name; NULL after the last. */
const char *placement_strategy(size_t i);
/** True for a strategy of the table, also one that only placement itself takes. */
bool placement_strategy_is_known(const char *name);
/** Keeps a report (NULL: none) in a VM's row, from where the file `placement` shows it. */
void vm_set_placement(struct object *vm, const json_t *report);
/** The same as a change of its own, for an attempt that failed; NULL does nothing. Blocking. */
void vm_note_placement(struct pool *pool, const char *uuid, const json_t *report);

/** The hosts of a report's `ruledOut` with the filter and the reason of each; owned by the caller. */
json_t *placement_explain(const struct view *view, const json_t *ruled_out);

#endif
