/* SPDX-License-Identifier: Apache-2.0 */
/* See call.h. */
#include "hypervisor/call.h"

#include "hypervisor/libvirt_driver.h"
#include "hypervisor/simulated_driver.h"

int hv_call_begin(struct hypervisor *hv, const char *host_uuid, struct hv_call *ret_call, struct error *e)
{
	struct host *host = hypervisor_get_host(hv, host_uuid);
	struct connection *connection = NULL;

	if (!host)
		return error_set(e, ENOENT, "host '%s' is not known", host_uuid);
	pthread_mutex_lock(&host->lock);
	/* under the lock, because the host's thread closes a connection as soon as it is not in use */
	if (host->connection && (host->simulator || virConnectRef(host->connection->conn) == 0))
		connection = connection_ref(host->connection);
	pthread_mutex_unlock(&host->lock);
	if (!connection) {
		host_unref(host);
		return error_set_code(e, ENOTCONN, "HOST.1010", "host '%s' is not connected", host_uuid);
	}
	*ret_call = (struct hv_call){.host = host,
				     .connection = connection,
				     .driver = host->simulator ? &simulated_driver : &libvirt_driver,
				     .conn = connection->conn,
				     .simulated = host->simulated};
	return 0;
}

void hv_call_end(struct hv_call *call)
{
	if (!call->host)
		return;
	if (call->conn)
		(void)virConnectClose(call->conn);
	connection_unref(call->connection);
	host_unref(call->host);
	*call = (struct hv_call){0};
}
