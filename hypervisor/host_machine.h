/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machines a host can make: its architecture, its processor, its firmware. Read when the host connects.
 * Internal to hypervisor/.
 */
#ifndef POOLFS_HYPERVISOR_HOST_MACHINE_H
#define POOLFS_HYPERVISOR_HOST_MACHINE_H

#include <libvirt/libvirt.h>

#include "hypervisor/xml.h"

struct host_machine {
	char arch[16]; /* libvirt's name: "x86_64", "aarch64" */
	char *cpu; /* owned: <cpu> with all that guests can get and migrate with; NULL if there is no model */
	bool known; /* the host has answered; else all of the following is false */
	bool uefi, secure_boot, tpm;
};

/* Whether a host of this architecture is one whose guests find today's ARM hardware instead of a PC. */
bool host_machine_is_arm(const char *arch);
/** The architecture in the host's capabilities; "x86_64" when they name none. */
void host_machine_read_arch(xmlDocPtr capabilities, struct host_machine *ret);
/** Whether the host's capabilities offer KVM to guests of its architecture; NULL: no. */
bool host_machine_offers_kvm(xmlDocPtr capabilities, const struct host_machine *m);
/** Writes the <os> of a domain of the host's architecture whose processor never runs. */
void host_machine_write_idle_os(struct xml *x, const struct host_machine *m);
/** Reads the rest from domain capabilities, the text of virConnectGetDomainCapabilities(). Exported for tests. */
void host_machine_parse(const char *text, struct host_machine *ret);
/** Asks the host for them. Blocking. A host that does not answer is one that can do none of it. */
void host_machine_ask(virConnectPtr conn, const char *virt_type, struct host_machine *ret);
/** Frees what it owns. */
void host_machine_done(struct host_machine *m);

#endif
