/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface to simulated hosts, on libvirt's test driver and on the simulator: connections, and the callbacks as
 * they come, recorded. A test begins with one host, HOST_A, connected, and a folder of its own.
 */
#ifndef POOLFS_HV_SIM_FIXTURE_H
#define POOLFS_HV_SIM_FIXTURE_H

#include "tests/unit/hv_call_test.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hypervisor/domain/domain.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/network.h"
#include "hypervisor/storage/pool.h"

#define HOST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define VM_1   "11111111111111111111111111111111"
#define VM_2   "22222222222222222222222222222222"
#define POOL   "cccccccccccccccccccccccccccccccc"
#define L3     "dddddddddddddddddddddddddddddddd"

/* -------------------------------------------------------- recorded callbacks */

struct report {
	char what[16]; /* "host", "domain", "agent", "removed" */
	char host[33];
	char domain[33];
	int value; /* status, state, or connected */
	int reason;
};

struct recorder {
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct report reports[4096];
	size_t count;
	struct hv_host_info info;
	char sentence[256];
};

static struct recorder recorder = {.lock = PTHREAD_MUTEX_INITIALIZER, .added = PTHREAD_COND_INITIALIZER};

static inline struct report *record(const char *what, const char *host, const char *domain, int value,
				    int reason)
{
	struct report *report =
		&recorder.reports[recorder.count < ARRAY_SIZE(recorder.reports) - 1 ? recorder.count++
										    : recorder.count];

	(void)snprintf(report->what, sizeof(report->what), "%s", what);
	(void)snprintf(report->host, sizeof(report->host), "%s", host);
	(void)snprintf(report->domain, sizeof(report->domain), "%s", domain);
	report->value = value;
	report->reason = reason;
	pthread_cond_broadcast(&recorder.added);
	return report;
}

static inline int on_host(void *ctx, const char *host, enum hv_host_status status,
			  const struct hv_host_info *info, const char *sentence)
{
	assert_ptr_equal(ctx, &recorder);
	scoped_lock(&recorder.lock);
	assert_int_equal(status == HV_HOST_CONNECTED, info != NULL);
	record("host", host, "", status, 0);
	if (info)
		recorder.info = *info;
	(void)snprintf(recorder.sentence, sizeof(recorder.sentence), "%s", sentence ? sentence : "");
	return 0;
}

static inline void on_domain(void *ctx, const char *host, const char *domain, enum hv_domain_state state,
			     enum hv_domain_reason reason)
{
	(void)ctx;
	scoped_lock(&recorder.lock);
	record("domain", host, domain, state, reason);
}

static inline void on_agent(void *ctx, const char *host, const char *domain, bool connected)
{
	(void)ctx;
	scoped_lock(&recorder.lock);
	record("agent", host, domain, connected, 0);
}

static const struct hv_events events = {.host = on_host, .domain = on_domain, .agent = on_agent};

/* Waits for such a report after position *@from; moves *@from behind it. */
static inline const struct report *wait_for(size_t *from, const char *what, const char *host,
					    const char *domain, int value)
{
	struct timespec limit;

	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 20;
	pthread_mutex_lock(&recorder.lock);
	for (;;) {
		for (; *from < recorder.count; ++*from) {
			const struct report *report = &recorder.reports[*from];

			if (strcmp(report->what, what) == 0 && strcmp(report->host, host) == 0 &&
			    strcmp(report->domain, domain) == 0 && report->value == value) {
				++*from;
				pthread_mutex_unlock(&recorder.lock);
				return report;
			}
		}
		if (pthread_cond_timedwait(&recorder.added, &recorder.lock, &limit) != 0) {
			pthread_mutex_unlock(&recorder.lock);
			fail_msg("no report '%s' of '%s' '%s' value %d", what, host, domain, value);
		}
	}
}

static inline size_t now(void)
{
	scoped_lock(&recorder.lock);

	return recorder.count;
}

/* ------------------------------------------------------------------- fixtures */

struct fixture {
	struct hypervisor *hv;
	char folder[64];
	size_t from;
};

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int set_up_uri(void **state, const char *uri)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/poolfs-hv_sim.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_ok(hv_new(&events, &recorder, &f->hv, e));
	f->from = now();
	assert_ok(hv_host_add(f->hv, HOST_A, uri, e));
	wait_for(&f->from, "host", HOST_A, "", HV_HOST_CONNECTED);
	*state = f;
	return 0;
}

static inline int set_up(void **state)
{
	return set_up_uri(state, "test:///default");
}

/* Writes the description of a machine of the simulator, for the host @uuid, and its URI. */
static inline void describe_machine(const char *uuid, char ret_path[128], char ret_uri[160])
{
	FILE *f;

	(void)snprintf(ret_path, 128, "/tmp/poolfs-hv_sim.%d", (int)getpid());
	(void)mkdir(ret_path, 0700);
	(void)snprintf(ret_path, 128, "/tmp/poolfs-hv_sim.%d/%s.xml", (int)getpid(), uuid);
	(void)snprintf(ret_uri, 160, "test://%s", ret_path);
	f = fopen(ret_path, "w");
	assert_non_null(f);
	assert_true(fputs("<node><cpu><mhz>1000</mhz><model>x</model><active>8</active><nodes>1</nodes>"
			  "<sockets>2</sockets><cores>4</cores><threads>1</threads></cpu>"
			  "<memory>8388608</memory></node>",
			  f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline int set_up_simulator(void **state)
{
	char path[128], uri[160];

	describe_machine(HOST_A, path, uri);
	return set_up_uri(state, uri);
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		const char *vm = i ? VM_2 : VM_1;

		(void)hv_domain_destroy(f->hv, HOST_A, vm, NULL);
		(void)hv_domain_undefine(f->hv, HOST_A, vm, NULL);
	}
	(void)hv_storage_pool_close(f->hv, HOST_A, POOL, NULL);
	(void)hv_network_close(f->hv, HOST_A, L3, NULL);
	hv_free(f->hv);
	(void)nftw(f->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline int tear_down_simulator(void **state)
{
	char folder[64];

	(void)tear_down(state);
	(void)snprintf(folder, sizeof(folder), "/tmp/poolfs-hv_sim.%d", (int)getpid());
	(void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

#define ON_SIMULATOR(test)                                                                                   \
	{                                                                                                    \
#test " on the simulator", test, set_up_simulator, tear_down_simulator, NULL                 \
	}
#define ON_DEFAULT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
