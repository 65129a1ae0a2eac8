/* SPDX-License-Identifier: Apache-2.0 */
/* See host_load.h. */
#include "hypervisor/host_load.h"

#include <string.h>

#include "hypervisor/call.h"
#include "hypervisor/errors.h"

/* More than libvirt has names. */
#define STATS_MAX 32

static int read_cpu(virConnectPtr conn, struct hv_host_load *load, struct error *e)
{
	virNodeCPUStats stats[STATS_MAX];
	int count = 0;

	if (virNodeGetCPUStats(conn, VIR_NODE_CPU_STATS_ALL_CPUS, NULL, &count, 0) < 0 || count > STATS_MAX ||
	    virNodeGetCPUStats(conn, VIR_NODE_CPU_STATS_ALL_CPUS, stats, &count, 0) < 0)
		return error_set_virt(e, conn, "cannot read how busy the host's CPUs are");
	for (int i = 0; i < count; i++) {
		bool idle = strcmp(stats[i].field, VIR_NODE_CPU_STATS_IDLE) == 0 ||
			    strcmp(stats[i].field, VIR_NODE_CPU_STATS_IOWAIT) == 0;

		load->cpu_all += stats[i].value;
		load->cpu_busy += idle ? 0 : stats[i].value;
	}
	return 0;
}

static int read_memory(virConnectPtr conn, struct hv_host_load *load, struct error *e)
{
	virNodeMemoryStats stats[STATS_MAX];
	uint64_t free = 0;
	int count = 0;

	if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &count, 0) < 0 ||
	    count > STATS_MAX ||
	    virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &count, 0) < 0)
		return error_set_virt(e, conn, "cannot read how much memory of the host is in use");
	for (int i = 0; i < count; i++) {
		uint64_t bytes = stats[i].value * 1024;

		if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_TOTAL) == 0)
			load->memory_all = bytes;
		else
			free += bytes; /* free, buffers, cached */
	}
	load->memory_used = free < load->memory_all ? load->memory_all - free : 0;
	return 0;
}

int hv_host_load(struct hypervisor *hv, const char *host, struct hv_host_load *ret, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	struct hv_host_load load = {0};
	int r = hv_call_begin(hv, host, &call, e);

	if (r < 0)
		return r;
	if (call.simulated)
		return error_set(e, EOPNOTSUPP, "a simulated host has no load");
	r = read_cpu(call.conn, &load, e);
	if (r == 0)
		r = read_memory(call.conn, &load, e);
	if (r == 0)
		*ret = load;
	return r;
}
