/* SPDX-License-Identifier: Apache-2.0 */
/* What running domains have used: CPU time, memory, what they have read, written, sent and received. */
#ifndef POOLFS_HYPERVISOR_STATISTICS_H
#define POOLFS_HYPERVISOR_STATISTICS_H

#include "hypervisor/hypervisor.h"

/* All but the memory count from the start of the domain. */
enum hv_statistic {
	HV_CPU_NS,
	HV_MEMORY_BYTES, /* what it takes on the host; where that is not known, what the guest has */
	HV_DISK_READ_BYTES,
	HV_DISK_WRITTEN_BYTES,
	HV_DISK_READS,
	HV_DISK_WRITES,
	HV_NET_RECEIVED_BYTES,
	HV_NET_SENT_BYTES,
	HV_NET_RECEIVED_PACKETS,
	HV_NET_SENT_PACKETS,
	HV_STATISTIC_COUNT,
};

struct hv_domain_statistics {
	char uuid[33];			    /* first: the key */
	int64_t values[HV_STATISTIC_COUNT]; /* sums over all disks and NICs; -1: not known now */
};

/**
 * Reads those of all running domains of the pool on @host, in one call; sorted by uuid, owned by the caller. A domain
 * that is busy with a job tells what it can without waiting. Blocking.
 */
int hv_host_statistics(struct hypervisor *hv, const char *host, struct hv_domain_statistics **ret,
		       size_t *ret_count, struct error *e);

/* Exported for tests: one number that libvirt tells, such as "block.1.rd.bytes", is added to what it is a part of. */
void statistics_add(int64_t values[HV_STATISTIC_COUNT], const char *name, uint64_t number);
/* Exported for tests: all values, before the first is added. */
void statistics_init(int64_t values[HV_STATISTIC_COUNT]);

#endif
