/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Affinity groups (behaviour.md 3.7): VMs that should not (antiSoft) or must not
 * (antiHard) share a host with another member, or should (proSoft) or must
 * (proHard) be where the others are. A VM belongs to at most one group:
 * a row of KIND_AFFINITY_USAGE records the membership, an inherent system tag
 * shows it. Rows and texts that these functions return are borrowed from the view.
 */
#ifndef POOLFS_VM_AFFINITY_H
#define POOLFS_VM_AFFINITY_H

#include "actions/engine/request.h"

/* The tag that names the group, in a creation request and on a member. */
#define AFFINITY_TAG "affinityGroupUuid"

/** A set of hosts. */
struct affinity_hosts {
	const char **uuids; /* owned array, sorted; the texts are borrowed from the view */
	size_t count;
};

/** The stored form of a policy as requests name it; NULL when there is no such policy. Static. */
const char *affinity_policy(const char *name);
/** Whether members must obey the policy of their group; else they should. */
bool affinity_is_hard(const struct object *group);
/** Whether members belong together, not apart. */
bool affinity_is_together(const struct object *group);

/** The group of a VM; NULL = none. */
const struct object *affinity_group_of(const struct view *view, const char *vm);
/**
 * The hosts of all members of a group but @vm, those being started included. -ENOMEM, without a sentence.
 * affinity_hosts_done() in either case.
 */
int affinity_hosts_of(const struct view *view, const struct object *group, const char *vm,
		      struct affinity_hosts *ret);
bool affinity_hosts_have(const struct affinity_hosts *hosts, const char *host);
void affinity_hosts_done(struct affinity_hosts *hosts);

/**
 * The tags AFFINITY_TAG of a creation request: -ENOENT for an unknown group, -EINVAL for several groups,
 * -EBUSY for a group that is not Enabled. For checks.
 */
int affinity_check_creation(const struct view *view, const struct request *req, struct error *e);
/**
 * Adds a VM to a group: the membership and the inherent tag. For change functions. -ENOMEM or a database
 * error.
 */
int affinity_join(struct txn *t, const char *group, const char *vm, struct error *e);

/** The membership of a VM; NULL when it is in no group. */
const struct object *affinity_usage_of(const struct view *view, const char *vm);

/** -EBUSY when the group is not Enabled. */
int affinity_check_enabled(const struct object *group, struct error *e);

#endif
