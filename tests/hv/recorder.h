/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor that hv_real.c tests, and what its callbacks have told. */
#ifndef POOLFS_HV_RECORDER_H
#define POOLFS_HV_RECORDER_H

#include "tests/unit/test.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "hypervisor/domain/domain.h"
#include "hypervisor/hypervisor.h"

static struct hypervisor *hv;

struct report {
	char what[16], host[33], domain[33], alias[32];
	int value, reason;
	double when;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct report reports[1024];
	size_t count, from;
	struct hv_host_info info;
	struct hv_domain_status list[16];
	size_t listed;
} recorder = {.lock = PTHREAD_MUTEX_INITIALIZER, .added = PTHREAD_COND_INITIALIZER};

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void record(const char *what, const char *host, const char *domain, int value, int reason,
		   const char *alias)
{
	struct report *report = &recorder.reports[recorder.count];

	if (recorder.count + 1 < ARRAY_SIZE(recorder.reports))
		recorder.count++;
	(void)snprintf(report->what, sizeof(report->what), "%s", what);
	(void)snprintf(report->host, sizeof(report->host), "%s", host);
	(void)snprintf(report->domain, sizeof(report->domain), "%s", domain);
	(void)snprintf(report->alias, sizeof(report->alias), "%s", alias);
	report->value = value;
	report->reason = reason;
	report->when = seconds();
	pthread_cond_broadcast(&recorder.added);
}

static int on_host(void *ctx, const char *host, enum hv_host_status status, const struct hv_host_info *info,
		   const char *sentence)
{
	_cleanup_free_ struct hv_domain_status *domains = NULL;
	size_t count;

	(void)ctx;
	if (info && hv_host_states(hv, host, &domains, &count, NULL) < 0)
		return -EIO;
	scoped_lock(&recorder.lock);
	if (info)
		recorder.info = *info;
	if (domains) {
		recorder.listed = count < ARRAY_SIZE(recorder.list) ? count : ARRAY_SIZE(recorder.list);
		for (size_t i = 0; i < recorder.listed; i++)
			recorder.list[i] = domains[i];
	}
	print_message("    host %.4s %d %s\n", host, status, sentence ? sentence : "");
	record("host", host, "", status, 0, "");
	return 0;
}

static void on_domain(void *ctx, const char *host, const char *domain, enum hv_domain_state state,
		      enum hv_domain_reason reason)
{
	(void)ctx;
	scoped_lock(&recorder.lock);
	print_message("    domain %.4s state %d reason %d\n", domain, state, reason);
	record("domain", host, domain, state, reason, "");
}

static void on_agent(void *ctx, const char *host, const char *domain, bool connected)
{
	(void)ctx;
	scoped_lock(&recorder.lock);
	record("agent", host, domain, connected, 0, "");
}

static void on_device_removed(void *ctx, const char *host, const char *domain, const char *alias)
{
	(void)ctx;
	scoped_lock(&recorder.lock);
	record("removed", host, domain, 0, 0, alias);
}

/* Waits for the next such report; 90 s at most, for a guest that boots under TCG on a busy machine. */
static struct report await(const char *what, const char *domain, int value)
{
	struct timespec limit;

	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 90;
	pthread_mutex_lock(&recorder.lock);
	for (;;) {
		while (recorder.from < recorder.count) {
			const struct report *report = &recorder.reports[recorder.from++];

			if (strcmp(report->what, what) == 0 && strcmp(report->domain, domain) == 0 &&
			    report->value == value) {
				pthread_mutex_unlock(&recorder.lock);
				return *report;
			}
		}
		if (pthread_cond_timedwait(&recorder.added, &recorder.lock, &limit) != 0) {
			pthread_mutex_unlock(&recorder.lock);
			fail_msg("no report '%s' of '%s' value %d", what, domain, value);
		}
	}
}

#endif
