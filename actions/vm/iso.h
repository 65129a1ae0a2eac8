/* SPDX-License-Identifier: Apache-2.0 */
/* CD-ROM drives of a VM. */
#ifndef POOLFS_VM_ISO_H
#define POOLFS_VM_ISO_H

#include "actions/engine/job.h"

/* CD-ROM drives of a VM, device ids 0 to 2; the fourth is the NoCloud disk's. */
#define VM_ISO_MAX 3

/** Puts an ISO into the VM's first drive; it boots from it, if nobody said otherwise. For change functions.
 */
int vm_put_iso(struct txn *t, const char *vm_uuid, const char *image_uuid, struct error *e);
/** Makes the copies of a VM's attached ISOs that the host needs. Blocking. */
int vm_fetch_isos(struct job *job, const struct view *view, const char *uuid, const char *host,
		  struct error *e);

/** The ISO in drive @device_id, as the tag `iso::<image>::<deviceId>` says: @ret_image, or NULL when it is
 * empty. */
const char *vm_iso_in_drive(const struct view *view, const char *vm_uuid, int device_id,
			    char ret_image[UUID_SIZE]);

#endif
