/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of placement (behaviour.md 3.6): each rules hosts out by one
 * condition, says why, and has the manual's sentence for the case that no host
 * is left. To add one, add a row to the table in placement_filters.c; its place
 * there is its turn. Filters only read.
 */
#ifndef POOLFS_VM_PLACEMENT_FILTERS_H
#define POOLFS_VM_PLACEMENT_FILTERS_H

#include "actions/vm/affinity.h"
#include "actions/vm/placement.h"

/* System tags that say on which hosts a VM must be, and on which it should be. */
#define REQUIRED_HOST_TAG  "requiredHostUuid"
#define PREFERRED_HOST_TAG "preferredHostUuid"

/** One search for a host: what is wanted, and the hosts that are left. */
struct placement_search {
	const struct view *view;      /* borrowed */
	const struct placement *want; /* borrowed */
	const struct object **hosts;  /* owned array of candidates, borrowed from the view */
	size_t count;
	const struct object *group;  /* Enabled affinity group of the VM, borrowed; NULL = none */
	struct affinity_hosts taken; /* owned; the hosts of the group's other members */
	bool together;	      /* the group wants its members together, and one is on a host that answers */
	bool has_required;    /* the VM has tags REQUIRED_HOST_TAG */
	const char *parts[4]; /* what its machine needs, see vm_machine_needs() */
	int64_t vms_max;      /* VMs that a host may have, this one included; 0 = any number */
	json_t *ruled_out;    /* owned; name of the filter -> row ids of hosts; NULL: no report wanted */
};

struct placement_filter {
	const char *name; /* in the report */
	const char *why;  /* what `placement` shows of a host that was ruled out */
	bool (*keeps)(const struct placement_search *s, const struct object *host);
	/* -ENOSPC with the sentence; @s->hosts are those that the filter was given, at least one. */
	int (*sentence)(const struct placement_search *s, struct error *e);
};

/** The @i-th filter in the order in which they are applied; NULL after the last. */
const struct placement_filter *placement_filter(size_t i);

/** True when a host that is Connecting would be left if it were Connected. */
bool placement_awaits_host(const struct placement_search *s);

/** The primary storage of the host's cluster with the most room for the root volume; NULL = none. Borrowed. */
const struct object *placement_storage_on(const struct placement_search *s, const struct object *host);
/** True when a tag of the VM with this prefix names the host. */
bool placement_names_host(const struct placement_search *s, const char *prefix, const struct object *host);
/** True when another member of the VM's affinity group is on the host. */
bool placement_has_member(const struct placement_search *s, const struct object *host);
/** The number of other VMs on the host, those that are being started there included; rarely a few more (view.h). */
int64_t placement_count_others(const struct placement_search *s, const struct object *host);

#endif
