/* SPDX-License-Identifier: Apache-2.0 */
/* A call from outside on a connected host. Internal to hypervisor/. */
#ifndef POOLFS_HYPERVISOR_CALL_H
#define POOLFS_HYPERVISOR_CALL_H

#include "hypervisor/connection.h"
#include "hypervisor/driver.h"
#include "hypervisor/host.h"

/* Holds host and connection until hv_call_end(). */
struct hv_call {
	struct host *host;
	struct connection *connection;
	const struct driver *driver;
	virConnectPtr conn; /* connection->conn */
	bool simulated;	    /* by libvirt's test driver, or by the simulator, where conn is NULL */
};

/* -ENOENT for an unknown host, -ENOTCONN (HOST.1010) when it is not connected. */
int hv_call_begin(struct hypervisor *hv, const char *host_uuid, struct hv_call *ret_call, struct error *e);
void hv_call_end(struct hv_call *call);
#define _cleanup_call_ _cleanup_(hv_call_end)

#endif
