/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first start of a VM: from its stored creation request to volumes, NICs and
 * a running domain. CreateVmInstance does it at once, StartVmInstance for a VM
 * that was only created.
 *
 * One change lays everything out (host and storage chosen and reserved, rows of
 * volumes and NICs, addresses), so that two creations never get the same thing;
 * then the files are made and the domain is started. A job that was killed in
 * between is rolled back with vm_tear_down().
 */
#ifndef POOLFS_VM_FIRST_START_H
#define POOLFS_VM_FIRST_START_H

#include "actions/engine/job.h"
#include "actions/vm/placement.h"

/**
 * Lays out a VM that the request of @job creates, in the change that writes its row; does nothing if the hosts have to be
 * asked for their load first. Errors of placement and storage.
 */
int vm_lay_out(struct txn *t, struct job *job, const char *uuid, struct error *e);
/**
 * Starts a VM in state Created, or Starting after vm_lay_out() (@paused: with its CPUs stopped). On failure everything is
 * rolled back and the VM is Created again. -EPROTO without a stored request; errors of placement, storage and the host.
 * Blocking.
 */
int vm_first_start(struct job *job, const char *uuid, bool paused, struct error *e);

/**
 * What the request to create a VM says of its volumes, as members of @want (storage_needed, root_strategy, data,
 * data_storage), which borrow from it and from @view. @image is its image. The caller frees *ret_disks. -ENOMEM.
 */
int vm_place_disks(const struct view *view, const struct request *req, const struct object *image,
		   struct placement *want, struct new_disk **ret_disks, struct error *e);

#endif
