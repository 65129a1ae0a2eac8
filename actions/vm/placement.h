/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placement (behaviour.md 3.6): chooses the host and the primary storage for a
 * VM. Pure functions of a view, except vm_note_placement(): to choose and to
 * reserve the capacity must be one change (capacity.h), else two VMs get the
 * same room. A report says which hosts were ruled out and why.
 */
#ifndef POOLFS_VM_PLACEMENT_H
#define POOLFS_VM_PLACEMENT_H

#include <stdbool.h>

#include "actions/engine/pool.h"
#include "actions/host/load.h"
#include "actions/vm/nic.h"

#define HOST_STRATEGY_DEFAULT "LeastVmPreferredHostAllocatorStrategy"

/** A data volume that is to be made. */
struct new_disk {
	int64_t size;	      /* bytes */
	const char *strategy; /* of its disk offering; may be NULL */
};

/** What the host is needed for. Strings are borrowed and may be NULL where nothing else is said. */
struct placement {
	const char *vm;			   /* its uuid, never NULL; "" while it is being created */
	const char *zone, *cluster, *host; /* only hosts in these, only this host; NULL = any */
	const char *strategy;		   /* by name; the default when NULL or unknown */
	int cpu_num;
	int64_t memory;			/* bytes */
	const char *const *l3_networks; /* uuids */
	size_t l3_count;
	const char *image;	     /* must be reachable from the zone; NULL = not needed */
	const char *primary_storage; /* where the root volume is or is to be; NULL = any with room */
	bool volumes_move;	     /* volumes in a folder of their host move with the VM */
	int64_t storage_needed;	     /* bytes for a new root volume */
	const char *root_strategy;   /* of its disk offering (storage/storage_choice.h) */
	const struct new_disk *data; /* the data volumes to be made with it */
	size_t data_count;
	const char *data_storage;	/* where they are to be; NULL = any with room */
	const char *last_host;		/* preferred by some strategies */
	const char *avoid_host;		/* never chosen */
	const struct host_loads *loads; /* for strategies that go by load; NULL: by what is promised to VMs */
	json_t **ret_report;		/* set on failure too, owned by the caller; NULL: no report wanted */
};
/**
 * What a VM that has its volumes and NICs needs, on any host of its zone. @ret borrows from @view and from
 * @networks, which it fills.
 */
void placement_for_vm(const struct view *view, const struct object *vm, struct placement *ret,
		      const char *networks[VM_NICS_MAX]);
/**
 * Chooses a host and a primary storage (@ret_ps may be NULL) for @want, borrowed from @view. -ENOSPC
 * (HOST_ALLOCATION.1000 or PS.1000) with the sentence of the filter that left no host, -ENOMEM; error_may_pass() if
 * one that is Connecting would do. The caller
 * reserves the capacity in the same change.
 */
int placement_choose(const struct view *view, const struct placement *want, const struct object **ret_host,
		     const struct object **ret_ps, struct error *e);

/**
 * All suitable hosts, the best first: *ret_hosts belongs to the caller, its entries are borrowed from
 * @view. Fails as placement_choose() does.
 */
int placement_list(const struct view *view, const struct placement *want, const struct object ***ret_hosts,
		   size_t *ret_count, struct error *e);
/** The @i-th strategy that an offering may name; NULL after the last. */
const char *placement_strategy(size_t i);
/** True for a strategy that the load of the hosts decides: give it `loads`. */
bool placement_goes_by_load(const char *strategy);
/** True for every strategy, also one that offerings may not name. */
bool placement_strategy_is_known(const char *name);
/** Stores a report (NULL: none) in a VM's row, for the file `placement`. */
void vm_set_placement(struct object *vm, const json_t *report);
/**
 * Stores the report of a failed attempt in a change of its own; does nothing for NULL. Errors are ignored.
 * Blocking.
 */
void vm_note_placement(struct pool *pool, const char *uuid, const json_t *report);

/**
 * The hosts in a report's `ruledOut` with the filter and the reason of each, those that have been removed
 * since left out; owned by the caller.
 */
json_t *placement_explain(const struct view *view, const json_t *ruled_out);

#endif
