/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Affinity groups (behaviour.md 3.7): VMs that shall not (antiSoft) or must not
 * (antiHard) run on one host with another member. A VM is in one group at most;
 * its row in the usages says so, and an inherent system tag shows it.
 */
#ifndef POOLFS_VM_AFFINITY_H
#define POOLFS_VM_AFFINITY_H

#include "actions/engine/request.h"

/** The tag by which a VM says at its creation to which group it shall belong. */
#define AFFINITY_TAG "affinityGroupUuid"
/** The hosts on which other members than @vm are, starting ones included; sorted by uuid, borrowed texts. */
struct affinity_hosts {
	const char **uuids; /* owned */
	size_t count;
};

/** The group of a VM; NULL = none. */
const struct object *affinity_group_of(const struct view *view, const char *vm);
int affinity_hosts_of(const struct view *view, const struct object *group, const char *vm,
		      struct affinity_hosts *ret);
bool affinity_hosts_have(const struct affinity_hosts *hosts, const char *host);
void affinity_hosts_done(struct affinity_hosts *hosts);

/** Refuses a creation whose tag names no group, one that is not Enabled, or several. For checks. */
int affinity_check_creation(const struct view *view, const struct request *req, struct error *e);
/** Makes a VM a member. For change functions. */
int affinity_join(struct txn *t, const char *group, const char *vm, struct error *e);

/** The membership row of a VM; NULL when it is in no group. */
const struct object *affinity_usage_of(const struct view *view, const char *vm);

/** -EBUSY when the affinity group is Disabled. */
int affinity_check_enabled(const struct object *group, struct error *e);

#endif
