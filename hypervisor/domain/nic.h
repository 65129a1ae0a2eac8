/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NICs of a domain that is active. They are found by the aliases that
 * domain_xml.c gave them.
 *
 * The calls may wait for the host and work on a domain that is active (running or
 * paused), -EBUSY when it is not. Doing what is done already is a success, so that
 * they can be repeated after a crash. Only the running domain is changed: its
 * definition is written anew at each start.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_NIC_H
#define POOLFS_HYPERVISOR_DOMAIN_NIC_H

#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"

/** Plugs a NIC; the guest sees it at once. */
int hv_nic_attach(struct hypervisor *hv, const char *host, const char *uuid, const struct hv_nic *nic,
		  struct error *e);
/** Unplugs the NIC @device_id and waits until it is gone. -ETIMEDOUT: the guest did not release it, it stays.
 */
int hv_nic_detach(struct hypervisor *hv, const char *host, const char *uuid, int device_id, int timeout_ms,
		  struct error *e);
/** Whether the active domain is without the NIC @device_id. */
int hv_nic_is_gone(struct hypervisor *hv, const char *host, const char *uuid, int device_id, bool *ret,
		   struct error *e);
/** Sets both limits of a NIC, bit/s, 0 = unlimited. -EOPNOTSUPP when traffic control does not work there. */
int hv_nic_set_bandwidth(struct hypervisor *hv, const char *host, const char *uuid, const char *mac,
			 int64_t inbound_bps, int64_t outbound_bps, struct error *e);

#endif
