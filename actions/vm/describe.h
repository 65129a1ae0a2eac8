/* SPDX-License-Identifier: Apache-2.0 */
/* The description of a VM's domain: what libvirt is asked to run. */
#ifndef POOLFS_VM_DESCRIBE_H
#define POOLFS_VM_DESCRIBE_H

#include "actions/engine/pool.h"
#include "actions/vm/nic.h"
#include "hypervisor/domain/domain_xml.h"

/* Most disks of a VM, its CD-ROM drives among them. */
#define VM_DISKS_MAX 64
/* Room for the name of a libvirt network or a bridge. */
#define VM_NETWORK_NAME 32

/** A domain's description with everything it points to. */
struct vm_description {
	struct hv_domain_def domain;
	struct hv_disk disks[VM_DISKS_MAX];
	struct hv_nic nics[VM_NICS_MAX];
	const char *pci[16];
	char title[256];
	char log[4096];
	char networks[VM_NICS_MAX][VM_NETWORK_NAME];
	char *strings[64]; /* owned */
	size_t string_count;
	struct view *view; /* owned: everything borrowed is borrowed from it */
};
/** Describes the VM as @view has it, to be run on @host. @spec must be zero; vm_description_done() it in any case.
 */
int vm_describe(struct pool *pool, struct view *view, const struct object *vm, const struct object *host,
		struct vm_description *spec, struct error *e);
/** Describes one NIC, to be plugged on @host; @network is room for what the result points to besides @view.
 */
void vm_describe_nic(const struct view *view, const struct object *nic, const struct object *host,
		     char network[VM_NETWORK_NAME], struct hv_nic *ret);
/** What the VM boots from, in order, with commas: HardDisk, CdRom. Borrowed. */
const char *vm_boot_order(const struct view *view, const char *vm_uuid);
/** Adds the NoCloud disk (path taken over) as the fourth CD-ROM. */
int vm_description_add_nocloud(struct vm_description *spec, char *taken_path, struct error *e);
void vm_description_done(struct vm_description *spec);

#endif
