/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NoCloud disk: how cloud-init in a guest learns its user data, ssh key,
 * root password, host name and addresses (vm/nocloud_files.h).
 *
 * A small ISO 9660 image labelled `cidata`, made by libarchive below the state
 * folder (mode 0600, removed after the copy) and put as a volume onto the VM's
 * primary storage. Each start makes another one, whose name is then in the VM's row.
 * As any file, it is named by a row at each moment: before it is the VM's and after
 * it was, by that of an orphan file. So what was taken from a VM is on no disk that
 * a failed or killed job left behind.
 */
#ifndef POOLFS_VM_NOCLOUD_H
#define POOLFS_VM_NOCLOUD_H

#include "actions/engine/job.h"

/**
 * Makes the NoCloud disk of a VM that is about to start on @host, provided that the VM has user data, an ssh
 * key or a root password, and removes the one of its last start. *ret_path is the disk's path on the host, owned
 * by the caller; NULL without a disk. Errors of nocloud_files_make() and of libvirt. Blocking.
 */
int vm_make_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *host, char **ret_path, struct error *e);
/**
 * Copies the NoCloud disk that a running VM has on local storage to the host @to, under the same name. It is an
 * orphan file of the job there until vm_put_nocloud_moved(). Success when the VM has none. Blocking.
 */
int vm_copy_nocloud(struct job *job, const struct view *view, const struct object *vm,
		    const struct object *to, struct error *e);
/**
 * A VM with a disk from vm_copy_nocloud() runs on the other host now: the disk on the host @from is an orphan
 * file. NULL: it is not known where the VM runs, so both disks stay. For change functions.
 */
int vm_put_nocloud_moved(struct txn *t, const char *vm, const char *from, struct error *e);
/**
 * The VM has no NoCloud disk any more: it is an orphan file. For change functions, while the VM has its root
 * volume; the caller removes the file with orphan_files_remove().
 */
int vm_put_nocloud_gone(struct txn *t, const char *vm, struct error *e);

#endif
