/* SPDX-License-Identifier: Apache-2.0 */
/* The NoCloud disk of a VM: user data, ssh key, root password, host name. */
#ifndef POOLFS_VM_NOCLOUD_H
#define POOLFS_VM_NOCLOUD_H

#include "actions/engine/job.h"

/**
 * Puts the NoCloud disk of a VM (user data, ssh key, root password, host name) onto its host, when it has any
 * of these: *ret_path is its path there, allocated, or NULL without. Blocking.
 */
int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *host, char **ret_path, struct error *e);

#endif
