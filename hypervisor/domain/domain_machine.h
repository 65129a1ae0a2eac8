/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of a domain, made to fit the host that shall start it. Internal to hypervisor/. */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DOMAIN_MACHINE_H
#define POOLFS_HYPERVISOR_DOMAIN_DOMAIN_MACHINE_H

#include "hypervisor/call.h"
#include "hypervisor/domain/domain_xml.h"

/*
 * Adds to @spec what only the host of @call knows: its architecture and, for host-model with peers that are not
 * like it, a processor that all connected ones have; *ret_baseline owns its text. -EOPNOTSUPP when the host lacks
 * firmware or TPM that @spec asks for. Blocking.
 */
int domain_fit_machine(struct hypervisor *hv, const struct hv_call *call, struct hv_domain_def *spec,
		       char **ret_baseline, struct error *e);

#endif
