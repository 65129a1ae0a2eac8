/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a clone of a VM, before anything of it is on a host: the VM, its tags, NICs and volumes. */
#ifndef POOLFS_VM_CLONE_ROWS_H
#define POOLFS_VM_CLONE_ROWS_H

#include "actions/engine/request.h"
#include "model/txn.h"

struct clone_rows {
	const char *uuid, *name;   /* of the clone; borrowed */
	const struct request *req; /* that asks for it, whose job makes it */
	bool full;		   /* with all volumes that are copied, not the root volume alone */
};

/** Whether a volume of the source is copied, if (@full) not only its root volume is. Shareable ones do not belong to one VM. */
bool clone_copies(const struct object *volume, bool full);
/**
 * Writes the rows: the VM, which is Starting, as @source, which must outlive the call, and its volumes, which are Creating, under
 * the same device numbers. NICs get addresses of their own. For change functions. Errors of vm_put_nic(), volume_put_new(),
 * txn_put().
 */
int clone_rows_put(struct txn *t, const struct object *source, const struct clone_rows *c, struct error *e);

#endif
