/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large the VM and the volumes are that a request to create a VM, or for where it
 * could be created, asks for: by offerings, as in the manual, or by numbers, as clients of later versions do. A zero
 * is no number: such clients send it for what they do not set. Pure.
 */
#ifndef POOLFS_VM_CREATION_SIZE_H
#define POOLFS_VM_CREATION_SIZE_H

#include "actions/engine/request.h"
#include "actions/vm/resize.h"

struct disk_wish {
	const char *offering; /* uuid, borrowed; NULL: a number was given */
	int64_t size;	      /* bytes, as volumes are rounded */
};

/** CPUs and memory of the VM. */
struct vm_size creation_vm_size(const struct view *view, const struct request *req);
/** The root volume of a VM from @image. */
struct disk_wish creation_root_disk(const struct view *view, const struct request *req,
				    const struct object *image);
/** The number of data volumes: those of offerings, then those of numbers. */
size_t creation_data_count(const struct request *req);
/** The data volume @i. */
struct disk_wish creation_data_disk(const struct view *view, const struct request *req, size_t i);

/**
 * Refuses a request whose numbers are none, contradict its offering, or are less than the image needs. -EINVAL,
 * -ERANGE.
 */
int creation_check_sizes(const struct view *view, const struct request *req, const struct object *image,
			 struct error *e);
/** The part of it about the volumes. */
int creation_check_disks(const struct request *req, const struct object *image, struct error *e);

#endif
