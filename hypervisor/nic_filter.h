/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network filter of NICs that may use no address but their own. Internal to
 * hypervisor/. See nic_filter.c.
 */
#ifndef POOLFS_HYPERVISOR_NIC_FILTER_H
#define POOLFS_HYPERVISOR_NIC_FILTER_H

#include "hypervisor/call.h"

/* A new name for each change of the rules: a filter that is there is not defined again. */
#define NIC_FILTER "poolfs-clean-traffic-1"

/* Makes the host know NIC_FILTER. -EOPNOTSUPP when the host cannot filter. Does nothing in the test driver. */
int nic_filter_define(const struct hv_call *call, struct error *e);

#endif
