/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See statistics.h. Each host is asked in a thread of its own, without a lock, for who finds its sample old; others who
 * want the same wait for it, too. A host that did not answer is asked again when its sample would be old. While one
 * does not answer at all, it takes one thread; when there is no other one left, the questions to all hosts wait.
 *
 * A host that always takes longer than anybody waits would never be told of, since its answers are old when the next
 * one asks. So an answer for which somebody did not wait is given to those who do not get the next one in time either.
 */
#include "actions/host/statistics.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/workers.h"
#include "hypervisor/host_load.h"
#include "hypervisor/statistics.h"
#include "model/clock.h"
#include "model/ref.h"
#include "model/states.h"

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

/* -------------------------------------------------------------- the cache */

struct statistics {
	struct workers *askers; /* immutable */
	pthread_mutex_t lock;	/* a leaf */
	pthread_cond_t taken;
	struct entry {
		struct entry *next;
		char host[UUID_SIZE];
		struct statistics_sample *sample; /* the last; NULL before the first */
		bool late;			  /* somebody has not waited for the sample */
		bool asking;			  /* a thread asks the host, or will */
		bool missed;			  /* somebody has not waited for what is asked */
	} * entries;				  /* lock */
};

struct statistics *statistics_new(void)
{
	struct statistics *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->askers = workers_new("statistics", STATISTICS_ASKERS);
	if (!s->askers) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->taken, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

void statistics_stop(struct statistics *s)
{
	if (s)
		workers_stop(s->askers);
}

static void entry_free(struct entry *entry)
{
	if (entry->sample)
		statistics_sample_unref(entry->sample);
	free(entry);
}

void statistics_free(struct statistics *s)
{
	if (!s)
		return;
	while (s->entries) {
		struct entry *entry = s->entries;

		s->entries = entry->next;
		entry_free(entry);
	}
	workers_free(s->askers);
	pthread_cond_destroy(&s->taken);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Under lock. Forgets hosts that are no more. */
static void forget(struct statistics *s, const struct view *view)
{
	for (struct entry **at = &s->entries; *at;) {
		struct entry *entry = *at;

		if (entry->asking || view_get(view, KIND_HOST, entry->host)) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		entry_free(entry);
	}
}

/* Under lock. NULL without memory. */
static struct entry *find(struct statistics *s, const struct view *view, const char *host)
{
	struct entry *entry = s->entries;

	while (entry && strcmp(entry->host, host) != 0)
		entry = entry->next;
	if (entry)
		return entry;
	forget(s, view);
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	snprintf(entry->host, sizeof(entry->host), "%s", host);
	entry->next = s->entries;
	s->entries = entry;
	return entry;
}

static struct statistics_sample *sample_ref(struct statistics_sample *sample)
{
	if (!sample || !sample->known)
		return NULL;
	ref_get(&sample->ref);
	return sample;
}

/* A host to be asked, in a thread of its own. */
struct question {
	struct pool *pool;
	char host[UUID_SIZE];
};

/* Under lock. The sample of a host that is being asked, borrowed; NULL before the first. */
static struct statistics_sample *last(const struct statistics *s, const char *host)
{
	const struct entry *entry = s->entries;

	while (strcmp(entry->host, host) != 0)
		entry = entry->next;
	return entry->sample;
}

/* Under lock. What was asked is there: @sample (taken over), NULL for nothing. Its entry is not forgotten meanwhile. */
static void answer(struct statistics *s, const char *host, struct statistics_sample *sample)
{
	struct entry *entry = s->entries;

	while (strcmp(entry->host, host) != 0)
		entry = entry->next;
	if (entry->sample)
		statistics_sample_unref(entry->sample);
	entry->sample = sample;
	entry->late = entry->missed;
	entry->asking = entry->missed = false;
	pthread_cond_broadcast(&s->taken);
}

static void ask(void *arg)
{
	struct question *q = arg;
	struct statistics *s = q->pool->statistics;
	struct statistics_sample *sample = sample_take(q->pool, q->host), *before;

	pthread_mutex_lock(&s->lock);
	before = sample_ref(last(s, q->host));
	pthread_mutex_unlock(&s->lock);
	if (sample)
		set_rates(sample, before);
	if (before)
		statistics_sample_unref(before);
	pthread_mutex_lock(&s->lock);
	answer(s, q->host, sample);
	pthread_mutex_unlock(&s->lock);
	free(q);
}

/* Who wants to know: the host is asked if its sample is older than @max_age, ns, at @asked, and waited for until @deadline. */
struct wish {
	struct pool *pool;
	const struct view *view;
	int64_t asked, max_age, deadline;
};

static bool is_fresh(const struct wish *wish, const struct entry *entry)
{
	return entry->sample && wish->asked - entry->sample->made < wish->max_age;
}

/* Has the host asked unless its sample is fresh, or somebody has it asked already. */
static void begin(const struct wish *wish, const char *host)
{
	struct statistics *s = wish->pool->statistics;
	struct question *q = calloc(1, sizeof(*q));
	struct entry *entry;
	bool needed;

	if (!q)
		return;
	*q = (struct question){.pool = wish->pool};
	snprintf(q->host, sizeof(q->host), "%s", host);
	pthread_mutex_lock(&s->lock);
	entry = find(s, wish->view, host);
	needed = entry && !entry->asking && !is_fresh(wish, entry);
	if (needed)
		entry->asking = true;
	pthread_mutex_unlock(&s->lock);
	if (needed && workers_run(s->askers, ask, q) == 0)
		return;
	free(q);
	if (!needed)
		return;
	pthread_mutex_lock(&s->lock);
	answer(s, host, NULL);
	pthread_mutex_unlock(&s->lock);
}

/* Waits for the answer of the host; without one in time, gives the one before if that came late, too. */
static struct statistics_sample *end(const struct wish *wish, const char *host)
{
	const struct timespec until = {wish->deadline / NS_PER_S, wish->deadline % NS_PER_S};
	struct statistics *s = wish->pool->statistics;
	struct entry *entry;
	bool waits = true;

	scoped_lock(&s->lock);
	/* it is looked up anew after each wait, since it may be forgotten then */
	while ((entry = find(s, wish->view, host)) && entry->asking && waits)
		waits = pthread_cond_timedwait(&s->taken, &s->lock, &until) != ETIMEDOUT;
	if (!entry)
		return NULL;
	if (entry->asking) {
		entry->missed = true;
		return entry->late ? sample_ref(entry->sample) : NULL;
	}
	return is_fresh(wish, entry) ? sample_ref(entry->sample) : NULL;
}

/* NULL for a host that cannot tell, or has not within @wait_ms; @hosts: NULL for none. References for the caller. */
static void get_all(struct pool *pool, const struct view *view, const char *const hosts[], size_t count,
		    int wait_ms, struct statistics_sample *ret_samples[])
{
	const int64_t now = clock_monotonic();
	const struct wish wish = {.pool = pool,
				  .view = view,
				  .asked = now,
				  .max_age = config_int(view, "statistics.maxAge") * NS_PER_S,
				  .deadline = now + wait_ms * (NS_PER_S / 1000)};

	for (size_t i = 0; i < count; i++)
		if (hosts[i])
			begin(&wish, hosts[i]);
	for (size_t i = 0; i < count; i++)
		ret_samples[i] = hosts[i] ? end(&wish, hosts[i]) : NULL;
}

struct statistics_sample *statistics_get(struct pool *pool, const char *host)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	struct statistics_sample *sample;

	get_all(pool, view, &host, 1, STATISTICS_WAIT_MS, &sample);
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
	get_all(pool, view, hosts, count, wait_ms, ret->list);
	ret->count = count;
	return 0;
}

void statistics_samples_done(struct statistics_samples *samples)
{
	for (size_t i = 0; i < samples->count; i++)
		statistics_sample_unref(samples->list[i]);
	free(samples->list);
}
