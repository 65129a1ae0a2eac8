/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates a VM's rows into the description of its domain, from which the
 * hypervisor makes the XML (behaviour.md 3.11 and 3.12). Reads a view only; a
 * description keeps that view, and is immutable once it is complete.
 */
#ifndef POOLFS_VM_DESCRIBE_H
#define POOLFS_VM_DESCRIBE_H

#include "actions/engine/operation.h"
#include "actions/engine/pool.h"
#include "actions/vm/nic.h"
#include "hypervisor/domain/domain_xml.h"

/* Most disks of a VM, its CD-ROM drives among them. */
#define VM_DISKS_MAX 64
/* Room for the name of a libvirt network or a bridge. */
#define VM_NETWORK_NAME 32

/** A domain's description together with everything it points to. */
struct vm_description {
	struct hv_domain_def domain;
	struct hv_disk disks[VM_DISKS_MAX];
	struct hv_nic nics[VM_NICS_MAX];
	const char *pci[16];
	const char **peers; /* owned; hosts of the cluster, which it may migrate to */
	char *title;	    /* owned */
	char log[4096];
	char networks[VM_NICS_MAX][VM_NETWORK_NAME];
	char *nocloud;	   /* owned; path of the NoCloud disk, NULL without one */
	struct view *view; /* a reference; all borrowed texts are borrowed from it */
};
/**
 * Describes the VM as it is in @view, for a start on @host. @desc must be zero before, and
 * vm_description_done() is due on failure too. -ENOSPC for more disks, NICs or PCI devices than there is
 * room for.
 */
int vm_describe(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		struct vm_description *desc, struct error *e);
/** Describes one NIC for @host. @ret borrows from @view, @nic and @network, which is filled. */
void vm_describe_nic(const struct view *view, const struct object *nic, const struct object *host,
		     char network[VM_NETWORK_NAME], struct hv_nic *ret);
/** The boot order of a VM, comma-separated: HardDisk, CdRom. Borrowed from @view, or static. */
const char *vm_boot_order(const struct view *view, const char *vm_uuid);
/** Adds the NoCloud disk as the fourth CD-ROM. @taken_path is taken over, also on failure. -ENOSPC. */
int vm_description_add_nocloud(struct vm_description *desc, char *taken_path, struct error *e);
/** Frees what the description owns, not @desc itself. */
void vm_description_done(struct vm_description *desc);

#endif
