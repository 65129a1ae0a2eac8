/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NoCloud disk: how cloud-init in a guest learns its user data, ssh key,
 * root password and host name (tags userdata, sshkey, rootPassword, hostname).
 *
 * A small ISO 9660 image labelled `cidata`, made by libarchive below the state
 * folder (mode 0600, removed after the copy) and put as a volume onto the VM's
 * primary storage, where every start replaces it.
 */
#ifndef POOLFS_VM_NOCLOUD_H
#define POOLFS_VM_NOCLOUD_H

#include "actions/engine/job.h"

/**
 * Makes the NoCloud disk of a VM and copies it to @host, provided that the VM has user data, an ssh key
 * or a root password. *ret_path is its path there, owned by the caller; NULL without a disk. -EINVAL for
 * user data that is not base64, -EFBIG; errors of libvirt. Blocking.
 */
int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *host, char **ret_path, struct error *e);
/** Removes the NoCloud disk of a VM through the host @host. Success when it has none. Blocking. */
int vm_remove_nocloud(struct pool *pool, const struct view *view, const struct object *vm, const char *host,
		      struct error *e);

#endif
