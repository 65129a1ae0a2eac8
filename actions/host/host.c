/* SPDX-License-Identifier: Apache-2.0 */
/* See host.h. */
#include "actions/host/host.h"

#include "actions/host/capacity.h"
#include "hypervisor/hypervisor.h"
#include "model/states.h"

/* "none" stands for a host that has said that it has nothing of it. */
static void set_machine_parts(struct object *host, const struct hv_host_info *info)
{
	char parts[32];

	(void)snprintf(parts, sizeof(parts), "%s%s%s", info->uefi ? " uefi" : "",
		       info->secure_boot ? " secureBoot" : "", info->tpm ? " tpm" : "");
	object_set_str(host, HOST_MACHINE_PARTS, !info->machine_known ? NULL : *parts ? parts + 1 : "none");
}

int host_set_connected(struct txn *t, const char *uuid, const struct hv_host_info *info, struct error *e)
{
	struct object *host;
	int r = txn_edit(t, KIND_HOST, uuid, &host, e);

	if (r < 0)
		return r;
	object_set_str(host, HOST_STATUS, STATUS_CONNECTED);
	object_set_int(host, HOST_PREPARING, 1);
	object_set_null(host, HOST_STATUS_REASON);
	/* Whatever was known of its power is of the past. */
	object_set_null(host, HOST_FENCE_STATUS);
	object_set_null(host, HOST_FENCE_REASON);
	object_set_int(host, HOST_CPU_NUM, info->cpus);
	object_set_int(host, HOST_CPU_SOCKETS, info->sockets);
	object_set_int(host, HOST_TOTAL_MEMORY, info->memory);
	object_set_str(host, HOST_VIRT_TYPE, info->virt_type);
	object_set_int(host, HOST_BANDWIDTH, info->bandwidth);
	object_set_str(host, HOST_ARCH, *info->arch ? info->arch : NULL);
	set_machine_parts(host, info);
	r = txn_put(t, host, NULL, e);
	return r < 0 ? r : capacity_update_host(t, uuid, e);
}

int host_set_prepared(struct txn *t, const char *uuid, struct error *e)
{
	const struct object *host = view_get(txn_view(t), KIND_HOST, uuid);
	struct object *copy;

	if (!host || !object_int(host, HOST_PREPARING))
		return 0;
	copy = object_copy(host);
	object_set_int(copy, HOST_PREPARING, 0);
	return txn_put(t, copy, NULL, e);
}

int host_set_status(struct txn *t, const char *uuid, const char *status, const char *reason, struct error *e)
{
	struct object *host;
	int r = txn_edit(t, KIND_HOST, uuid, &host, e);

	if (r < 0)
		return r;
	object_set_str(host, HOST_STATUS, status);
	object_set_str(host, HOST_STATUS_REASON, reason);
	return txn_put(t, host, NULL, e);
}

int host_set_trouble(struct txn *t, const char *uuid, const char *reason, struct error *e)
{
	const struct object *host = view_get(txn_view(t), KIND_HOST, uuid);
	struct object *copy;

	if (!host || !object_str_is(host, HOST_STATUS, STATUS_CONNECTED) ||
	    strcmp(object_text(host, HOST_STATUS_REASON), reason ? reason : "") == 0)
		return 0;
	copy = object_copy(host);
	object_set_str(copy, HOST_STATUS_REASON, reason);
	return txn_put(t, copy, NULL, e);
}
