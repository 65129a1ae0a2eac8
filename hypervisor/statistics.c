/* SPDX-License-Identifier: Apache-2.0 */
/* See statistics.h. The names are those of virConnectGetAllDomainStats(3). */
#include "hypervisor/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"

#define KIB 1024

/* What becomes of a number: those of disks and NICs are named GROUP.<number>.NAME. */
static const struct {
	const char *group, *name;
	uint64_t unit;
	enum hv_statistic to;
	/* Of several names for one number, which libvirt tells in any order: this one counts, or only without others. */
	enum { ADDS, PREFERRED, SUBSTITUTE } role;
} rows[] = {
	{"cpu.", "time", 1, HV_CPU_NS, ADDS},
	{"balloon.", "current", KIB, HV_MEMORY_BYTES, SUBSTITUTE},
	{"balloon.", "rss", KIB, HV_MEMORY_BYTES, PREFERRED},
	{"block.", "rd.bytes", 1, HV_DISK_READ_BYTES, ADDS},
	{"block.", "wr.bytes", 1, HV_DISK_WRITTEN_BYTES, ADDS},
	{"block.", "rd.reqs", 1, HV_DISK_READS, ADDS},
	{"block.", "wr.reqs", 1, HV_DISK_WRITES, ADDS},
	{"net.", "rx.bytes", 1, HV_NET_RECEIVED_BYTES, ADDS},
	{"net.", "tx.bytes", 1, HV_NET_SENT_BYTES, ADDS},
	{"net.", "rx.pkts", 1, HV_NET_RECEIVED_PACKETS, ADDS},
	{"net.", "tx.pkts", 1, HV_NET_SENT_PACKETS, ADDS},
};

#define STATS                                                                                                \
	(VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_BLOCK |                    \
	 VIR_DOMAIN_STATS_INTERFACE)
#define FLAGS (VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)

void statistics_init(int64_t values[HV_STATISTIC_COUNT])
{
	for (int i = 0; i < HV_STATISTIC_COUNT; i++)
		values[i] = -1;
}

/* The part of "GROUP.NAME" or "GROUP.<number>.NAME" that is NAME; NULL if it is of another group. */
static const char *name_in_group(const char *name, const char *group)
{
	size_t len = strlen(group), digits;

	if (strncmp(name, group, len) != 0)
		return NULL;
	name += len;
	digits = strspn(name, "0123456789");
	if (!digits)
		return name;
	return name[digits] == '.' ? name + digits + 1 : NULL;
}

void statistics_add(int64_t values[HV_STATISTIC_COUNT], const char *name, uint64_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *rest = name_in_group(name, rows[i].group);
		int64_t *value = &values[rows[i].to];

		if (!rest || strcmp(rest, rows[i].name) != 0)
			continue;
		if (rows[i].role == SUBSTITUTE && *value >= 0)
			continue;
		if (*value < 0 || rows[i].role == PREFERRED)
			*value = 0;
		*value += (int64_t)(number * rows[i].unit);
		/* 2^63 bytes are more than a guest can move */
		if (*value < 0)
			*value = INT64_MAX;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b); /* both start with the uuid */
}

static void read_record(const virDomainStatsRecord *record, struct hv_domain_statistics *ret)
{
	statistics_init(ret->values);
	for (int i = 0; i < record->nparams; i++)
		if (record->params[i].type == VIR_TYPED_PARAM_ULLONG)
			statistics_add(ret->values, record->params[i].field, record->params[i].value.ul);
	/* a guest without disks or NICs has moved nothing; the CPU tells whether the rest is known */
	for (int i = 0; i < HV_STATISTIC_COUNT && ret->values[HV_CPU_NS] >= 0; i++)
		if (ret->values[i] < 0 && i != HV_MEMORY_BYTES)
			ret->values[i] = 0;
}

static int read_real(const struct hv_call *call, struct hv_domain_statistics **ret, size_t *ret_count,
		     struct error *e)
{
	virDomainStatsRecordPtr *records = NULL;
	int count = virConnectGetAllDomainStats(call->conn, STATS, &records, FLAGS);
	struct hv_domain_statistics *list;
	size_t used = 0;

	if (count < 0)
		return error_set_virt(e, call->conn, "cannot read the statistics of the host's domains");
	list = calloc((size_t)count + 1, sizeof(*list));
	for (int i = 0; list && i < count; i++) {
		if (!domain_is_ours(call->host->uuid, records[i]->dom, list[used].uuid))
			continue;
		read_record(records[i], &list[used++]);
	}
	virDomainStatsRecordListFree(records);
	if (!list)
		return error_set(e, ENOMEM, "out of memory");
	*ret = list;
	*ret_count = used;
	return 0;
}

/* A simulated host knows of CPU and memory alone; its guests have moved nothing. */
static void read_simulated_domain(const struct hv_call *call, const struct domain *domain,
				  struct hv_domain_statistics *ret)
{
	struct domain_info info;

	memcpy(ret->uuid, domain->uuid, sizeof(ret->uuid));
	statistics_init(ret->values);
	if (call->driver->info(call, domain, &info, NULL) < 0)
		return;
	memset(ret->values, 0, sizeof(ret->values));
	ret->values[HV_CPU_NS] = info.cpu_ns;
	ret->values[HV_MEMORY_BYTES] = info.memory_now;
}

static int read_simulated(const struct hv_call *call, struct hv_domain_statistics **ret, size_t *ret_count,
			  struct error *e)
{
	struct domain *domains = NULL;
	struct hv_domain_statistics *list;
	size_t count = 0, used = 0;
	int rc = call->driver->list(call, true, &domains, &count, e);

	if (rc < 0)
		return rc;
	list = calloc(count + 1, sizeof(*list));
	for (size_t i = 0; list && i < count; i++)
		if (domains[i].ours)
			read_simulated_domain(call, &domains[i], &list[used++]);
	domains_free(domains, count);
	if (!list)
		return error_set(e, ENOMEM, "out of memory");
	*ret = list;
	*ret_count = used;
	return 0;
}

int hv_host_statistics(struct hypervisor *hv, const char *host, struct hv_domain_statistics **ret,
		       size_t *ret_count, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	int r = hv_call_begin(hv, host, &call, e);

	if (r == 0)
		r = call.simulated ? read_simulated(&call, ret, ret_count, e)
				   : read_real(&call, ret, ret_count, e);
	if (r == 0)
		qsort(*ret, *ret_count, sizeof(**ret), compare);
	return r;
}
