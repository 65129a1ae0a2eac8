/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that arrive late describe a past state, which must not be reported as the
 * current one: a VM that a job has rebooted would look stopped for a moment.
 */
#include "tests/unit/test.h"

#include <semaphore.h>
#include <string.h>

#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"

#define HOST   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOLDER "11111111111111111111111111111111" /* whose start blocks the host's thread */
#define VM     "22222222222222222222222222222222"
#define LAST   "33333333333333333333333333333333" /* whose start is reported after all events before it */
#define MIB    (1LL << 20)

static sem_t connected, held, go_on, all_reported;
static int stops, starts; /* of VM that were reported; used by the thread of the host until all_reported */

static void on_host(void *ctx, const char *host, enum hv_host_status status, const struct hv_host_info *info,
		    const struct hv_domain_status *domains, size_t count, const char *sentence)
{
	(void)ctx, (void)host, (void)info, (void)domains, (void)count, (void)sentence;
	if (status == HV_HOST_CONNECTED)
		(void)sem_post(&connected);
}

static void on_domain(void *ctx, const char *host, const char *domain, enum hv_domain_state state,
		      enum hv_domain_reason reason)
{
	(void)ctx, (void)host, (void)reason;
	if (strcmp(domain, HOLDER) == 0 && state == HV_DOMAIN_RUNNING) {
		(void)sem_post(&held);
		(void)sem_wait(&go_on);
	}
	if (strcmp(domain, VM) == 0)
		*(state == HV_DOMAIN_RUNNING ? &starts : &stops) += 1;
	if (strcmp(domain, LAST) == 0 && state == HV_DOMAIN_RUNNING)
		(void)sem_post(&all_reported);
}

static void start(struct hypervisor *hv, const char *uuid)
{
	const struct hv_domain_def spec = {
		.uuid = uuid,
		.virt_type = "test",
		.cpu_num = 1,
		.cpu_max = 1,
		.memory = 64 * MIB,
		.memory_max = 64 * MIB,
		.cpu_mode = "none",
		.platform = "Linux",
		.video = "vga",
	};

	assert_int_equal(hv_domain_start(hv, HOST, &spec, false, NULL), 0);
}

static void past_states_are_not_reported(void **state)
{
	static const struct hv_events events = {.host = on_host, .domain = on_domain};
	struct hypervisor *hv;

	(void)state;
	(void)sem_init(&connected, 0, 0);
	(void)sem_init(&held, 0, 0);
	(void)sem_init(&go_on, 0, 0);
	(void)sem_init(&all_reported, 0, 0);
	assert_int_equal(hv_new(&events, NULL, &hv, NULL), 0);
	assert_int_equal(hv_host_add(hv, HOST, "test:///default", NULL), 0);
	(void)sem_wait(&connected);
	start(hv, HOLDER);
	(void)sem_wait(&held);
	/* started, stopped and started again while events are not handled */
	start(hv, VM);
	assert_int_equal(hv_domain_destroy(hv, HOST, VM, NULL), 0);
	start(hv, VM);
	start(hv, LAST);
	(void)sem_post(&go_on);
	(void)sem_wait(&all_reported);
	assert_int_equal(stops, 0);
	assert_in_range(starts, 1, 2);
	for (int i = 0; i < 3; i++) {
		const char *uuid = i == 0 ? HOLDER : i == 1 ? VM : LAST;

		assert_int_equal(hv_domain_destroy(hv, HOST, uuid, NULL), 0);
		assert_int_equal(hv_domain_undefine(hv, HOST, uuid, NULL), 0);
	}
	hv_free(hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(past_states_are_not_reported)};

	return cmocka_run_group_tests_name("hv_late", tests, NULL, NULL);
}
