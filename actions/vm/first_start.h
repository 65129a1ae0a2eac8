/* SPDX-License-Identifier: Apache-2.0 */
/* The first start of a VM, which makes its volumes and NICs. */
#ifndef POOLFS_VM_FIRST_START_H
#define POOLFS_VM_FIRST_START_H

#include "actions/engine/job.h"

/**
 * The first start of a VM whose row is there (state Created): chooses host and storage, makes volumes and
 * NICs, starts the domain. On failure all of that is taken back and the VM is Created again. Blocking.
 */
int vm_first_start(struct job *job, const char *uuid, bool paused, struct error *e);

#endif
