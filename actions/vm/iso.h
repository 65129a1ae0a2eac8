/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CD-ROM drives of a VM. An inherent system tag `iso::<image>::<deviceId>`
 * says which ISO is in a drive; the host needs a copy of the ISO in the image
 * cache of the VM's primary storage.
 */
#ifndef POOLFS_VM_ISO_H
#define POOLFS_VM_ISO_H

#include "actions/engine/job.h"

/* CD-ROM drives of a VM, device ids 0 to 2; the fourth is the NoCloud disk's. */
#define VM_ISO_MAX 3

/**
 * Puts an ISO into the VM's first drive, and makes it the first boot device unless the VM has a boot
 * order. For change functions.
 */
int vm_put_iso(struct txn *t, const char *vm_uuid, const char *image_uuid, struct error *e);
/** Makes the missing copies of a VM's ISOs for the host @host. Blocking. Fails as image_cache_get() does. */
int vm_fetch_isos(struct job *job, const struct view *view, const char *uuid, const char *host,
		  struct error *e);

/** The image in drive @device_id: returns @ret_image with its uuid, or NULL when the drive is empty. */
const char *vm_iso_in_drive(const struct view *view, const char *vm_uuid, int device_id,
			    char ret_image[UUID_SIZE]);

#endif
