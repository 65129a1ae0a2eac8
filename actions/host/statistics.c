/* SPDX-License-Identifier: Apache-2.0 */
/* See statistics.h. Who wants to know waits as in single_flight.h. */
#include "actions/host/statistics.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/single_flight.h"
#include "hypervisor/host_load.h"
#include "hypervisor/statistics.h"
#include "model/clock.h"
#include "model/ref.h"
#include "model/states.h"

/* A rate is that since the last sample, unless it is older. */
#define KEPT_S 86400

/* Of hosts; none of enum hv_statistic. */
enum { HOST_CPU_NS, HOST_MEMORY_BYTES, HOST_DOMAINS, HOST_STATISTIC_COUNT };

#define VM(name_, metric_, unit_, counts_, source_, help_)                                                   \
	{                                                                                                    \
		.kind = KIND_VM, .name = (name_), .metric = "poolfs_vm_" metric_, .unit = (unit_),           \
		.counts = (counts_), .source = (source_), .help = (help_)                                    \
	}
#define HOST(name_, metric_, unit_, counts_, source_, help_)                                                 \
	{                                                                                                    \
		.kind = KIND_HOST, .name = (name_), .metric = "poolfs_host_" metric_, .unit = (unit_),       \
		.counts = (counts_), .source = (source_), .help = (help_)                                    \
	}

static const struct statistic rows[] = {
	VM("cpuSeconds", "cpu_seconds_total", STATISTIC_SECONDS, true, HV_CPU_NS,
	   "CPU time that the VM has used since its start, seconds"),
	VM("memoryBytes", "memory_bytes", STATISTIC_BYTES, false, HV_MEMORY_BYTES,
	   "memory of the host that the VM takes"),
	VM("diskReadBytes", "disk_read_bytes_total", STATISTIC_BYTES, true, HV_DISK_READ_BYTES,
	   "bytes that the VM has read from its disks since its start"),
	VM("diskWrittenBytes", "disk_written_bytes_total", STATISTIC_BYTES, true, HV_DISK_WRITTEN_BYTES,
	   "bytes that the VM has written to its disks since its start"),
	VM("diskReads", "disk_reads_total", STATISTIC_NUMBER, true, HV_DISK_READS,
	   "operations by which the VM has read from its disks since its start"),
	VM("diskWrites", "disk_writes_total", STATISTIC_NUMBER, true, HV_DISK_WRITES,
	   "operations by which the VM has written to its disks since its start"),
	VM("networkReceivedBytes", "network_received_bytes_total", STATISTIC_BYTES, true,
	   HV_NET_RECEIVED_BYTES, "bytes that the VM has received since its start"),
	VM("networkSentBytes", "network_sent_bytes_total", STATISTIC_BYTES, true, HV_NET_SENT_BYTES,
	   "bytes that the VM has sent since its start"),
	VM("networkReceivedPackets", "network_received_packets_total", STATISTIC_NUMBER, true,
	   HV_NET_RECEIVED_PACKETS, "packets that the VM has received since its start"),
	VM("networkSentPackets", "network_sent_packets_total", STATISTIC_NUMBER, true, HV_NET_SENT_PACKETS,
	   "packets that the VM has sent since its start"),
	HOST("cpuSeconds", "cpu_seconds_total", STATISTIC_SECONDS, true, HOST_CPU_NS,
	     "time that the CPUs of the host were busy since its start, seconds"),
	HOST("memoryBytes", "memory_used_bytes", STATISTIC_BYTES, false, HOST_MEMORY_BYTES,
	     "memory of the host in use; buffers and caches are not"),
	HOST("runningVms", "running_vms", STATISTIC_NUMBER, false, HOST_DOMAINS,
	     "VMs of the pool that run on the host"),
};

const struct statistic *statistics_all(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(rows);
	return rows;
}

/* ---------------------------------------------------------------- samples */

struct statistics_sample {
	struct ref ref;
	int64_t time, made;		    /* ns since 1970; of CLOCK_MONOTONIC */
	bool known;			    /* the host has answered */
	int64_t host[HOST_STATISTIC_COUNT]; /* -1: not known */
	struct hv_domain_statistics *vms;   /* owned; sorted by uuid */
	size_t vm_count;
	/* Since the sample before, each second; -1: not known. */
	double host_rates[HOST_STATISTIC_COUNT];
	double (*rates)[HV_STATISTIC_COUNT]; /* owned: of `vms`; NULL without memory */
};

static void sample_destroy(struct ref *self)
{
	struct statistics_sample *sample = (struct statistics_sample *)self;

	free(sample->vms);
	free(sample->rates);
	free(sample);
}

void statistics_sample_unref(struct statistics_sample *sample)
{
	ref_put((struct ref *)sample);
}

int64_t statistics_sample_time(const struct statistics_sample *sample)
{
	return sample->time;
}

/* Asks the host. NULL without memory. */
static struct statistics_sample *sample_take(struct pool *pool, const char *host)
{
	struct statistics_sample *sample = calloc(1, sizeof(*sample));
	struct hv_host_load load;

	if (!sample)
		return NULL;
	ref_init(&sample->ref, sample_destroy);
	sample->known =
		hv_host_statistics(pool_hypervisor(pool), host, &sample->vms, &sample->vm_count, NULL) == 0;
	for (int i = 0; i < HOST_STATISTIC_COUNT; i++)
		sample->host[i] = -1;
	if (sample->known) {
		sample->host[HOST_DOMAINS] = (int64_t)sample->vm_count;
		if (hv_host_load(pool_hypervisor(pool), host, &load, NULL) == 0) {
			sample->host[HOST_CPU_NS] = (int64_t)load.cpu_busy;
			sample->host[HOST_MEMORY_BYTES] = (int64_t)load.memory_used;
		}
	}
	sample->time = store_now();
	sample->made = clock_monotonic();
	return sample;
}

static int compare(const void *key, const void *vm)
{
	return strcmp(key, ((const struct hv_domain_statistics *)vm)->uuid);
}

/* What the VM used, or NULL. */
static const struct hv_domain_statistics *find_vm(const struct statistics_sample *sample, const char *uuid)
{
	return sample->vm_count ? bsearch(uuid, sample->vms, sample->vm_count, sizeof(*sample->vms), compare)
				: NULL;
}

static double rate(int64_t before, int64_t now, double seconds)
{
	return before >= 0 && now >= before && seconds > 0 ? (double)(now - before) / seconds : -1;
}

/* Sets how fast everything in @sample has grown since @before (NULL: not known). */
static void set_rates(struct statistics_sample *sample, const struct statistics_sample *before)
{
	double seconds = before ? (double)(sample->made - before->made) / NS_PER_S : 0;

	for (int i = 0; i < HOST_STATISTIC_COUNT; i++)
		sample->host_rates[i] = before ? rate(before->host[i], sample->host[i], seconds) : -1;
	sample->rates = sample->vm_count ? calloc(sample->vm_count, sizeof(*sample->rates)) : NULL;
	for (size_t v = 0; sample->rates && v < sample->vm_count; v++) {
		const struct hv_domain_statistics *now = &sample->vms[v],
						  *then = before ? find_vm(before, now->uuid) : NULL;

		for (int i = 0; i < HV_STATISTIC_COUNT; i++)
			sample->rates[v][i] = then ? rate(then->values[i], now->values[i], seconds) : -1;
	}
}

bool statistics_rate(const struct statistics_sample *sample, const struct statistic *row, const char *uuid,
		     double *ret)
{
	const struct hv_domain_statistics *vm = row->kind == KIND_VM ? find_vm(sample, uuid) : NULL;
	double known = -1;

	if (row->kind == KIND_HOST)
		known = sample->host_rates[row->source];
	else if (vm && sample->rates)
		known = sample->rates[vm - sample->vms][row->source];
	if (known >= 0)
		*ret = known;
	return known >= 0;
}

bool statistics_value(const struct statistics_sample *sample, const struct statistic *row, const char *uuid,
		      int64_t *ret)
{
	const struct hv_domain_statistics *vm;
	int64_t value;

	if (row->kind == KIND_HOST) {
		value = sample->host[row->source];
	} else {
		vm = find_vm(sample, uuid);
		value = vm ? vm->values[row->source] : -1;
	}
	if (value >= 0)
		*ret = value;
	return value >= 0;
}

const char *statistics_host(const struct view *view, const struct object *o)
{
	const char *uuid = o->kind->id == KIND_HOST ? object_uuid(o) : object_str(o, VM_HOST_UUID);
	const struct object *host = uuid ? view_get(view, KIND_HOST, uuid) : NULL;

	return host && object_str_is(host, HOST_STATUS, STATUS_CONNECTED) ? uuid : NULL;
}

void statistic_print(const struct statistic *row, int64_t value, char ret[STATISTIC_SIZE])
{
	if (row->unit == STATISTIC_SECONDS)
		snprintf(ret, STATISTIC_SIZE, "%" PRId64 ".%03" PRId64, value / NS_PER_S,
			 value % NS_PER_S / 1000000);
	else
		snprintf(ret, STATISTIC_SIZE, "%" PRId64, value);
}

/* ----------------------------------------------------------------- asking */

static struct ref *ask(void *pool, const char *host, const struct ref *before)
{
	struct statistics_sample *sample = sample_take(pool, host);
	const struct statistics_sample *last = (const struct statistics_sample *)before;

	if (!sample)
		return NULL;
	set_rates(sample, last && last->known ? last : NULL);
	return &sample->ref;
}

struct single_flight *statistics_new(struct pool *pool)
{
	return single_flight_new(&(struct single_flight_options){
		.name = "statistics",
		.threads = STATISTICS_ASKERS,
		.kept = KEPT_S * NS_PER_S,
		.ask = ask,
		.ctx = pool,
	});
}

/* NULL for a host that cannot tell, or has not by @deadline. With a reference for the caller. */
static struct statistics_sample *wait_for_sample(struct flight *flight, int64_t deadline)
{
	_cleanup_sample_ struct statistics_sample *sample = NULL;
	struct ref *answer;

	if (flight_wait(flight, deadline, &answer) < 0)
		return NULL;
	sample = (struct statistics_sample *)answer;
	return sample->known ? steal(&sample) : NULL;
}

/* -ENOMEM. *ret: see wait_for_sample(); @hosts: NULL for none. */
static int get_all(struct pool *pool, const struct view *view, const char *const hosts[], size_t count,
		   int wait_ms, struct statistics_sample *ret_samples[])
{
	const int64_t max_age = config_int(view, "statistics.maxAge") * NS_PER_S;
	const int64_t deadline = clock_monotonic() + wait_ms * (NS_PER_S / 1000);
	_cleanup_free_ struct flight **flights = calloc(count + 1, sizeof(*flights));

	if (!flights)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (hosts[i])
			flights[i] = single_flight_begin(pool->statistics, hosts[i], max_age);
	for (size_t i = 0; i < count; i++)
		ret_samples[i] = wait_for_sample(flights[i], deadline);
	return 0;
}

struct statistics_sample *statistics_get(struct pool *pool, const char *host)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	struct statistics_sample *sample = NULL;

	(void)get_all(pool, view, &host, 1, STATISTICS_WAIT_MS, &sample);
	return sample;
}

int statistics_take(struct pool *pool, const struct view *view, int wait_ms, struct statistics_samples *ret)
{
	size_t room = view_count(view, KIND_HOST) + 1, count = 0;
	_cleanup_free_ const char **hosts = calloc(room, sizeof(*hosts));

	ret->list = calloc(room, sizeof(struct statistics_sample *));
	if (!ret->list || !hosts)
		return -ENOMEM;
	view_for_each (host, view, KIND_HOST)
		hosts[count++] = statistics_host(view, host);
	ret->count = count;
	return get_all(pool, view, hosts, count, wait_ms, ret->list);
}

void statistics_samples_done(struct statistics_samples *samples)
{
	for (size_t i = 0; i < samples->count; i++)
		statistics_sample_unref(samples->list[i]);
	free(samples->list);
}
