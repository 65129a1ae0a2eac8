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

/** Size of the volumes of a disk offering in bytes; 0 when there is no such offering. */
int64_t disk_offering_size(const struct view *view, const char *uuid);
/** Size in bytes of the root volume of the VM that the request to create it describes. @image is its image. */
int64_t vm_root_size(const struct view *view, const struct request *req, const struct object *image);

#endif
