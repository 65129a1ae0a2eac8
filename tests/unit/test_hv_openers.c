/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a connection may hang, or end long after the host is back. Meanwhile other
 * attempts are made, but not more and more of them. A reconnection that is asked for
 * begins with an attempt of its own.
 */
#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>

#include <libvirt/libvirt.h>

#include "hypervisor/host.h"
#include "hypervisor/hypervisor.h"
#include "model/cleanup.h"

#define HOST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* One that is waited for, and those left behind (LEFT_BEHIND_MOST). */
#define OPENERS_MOST 11

static sem_t go_on;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int begun, ended; /* lock */

virConnectPtr __wrap_virConnectOpen(const char *name);
struct timespec __real_deadline_in(int64_t ms);
struct timespec __wrap_deadline_in(int64_t ms);

/* The patience of the host's thread is a hundred times shorter. */
struct timespec __wrap_deadline_in(int64_t ms)
{
	return __real_deadline_in(ms / 100);
}

static void count(int *what)
{
	scoped_lock(&lock);

	++*what;
	(void)pthread_cond_broadcast(&changed);
}

/* Hangs, and then there is nothing. */
virConnectPtr __wrap_virConnectOpen(const char *name)
{
	(void)name;
	count(&begun);
	(void)sem_wait(&go_on);
	count(&ended);
	return NULL;
}

static void wait_for(const int *what, int number)
{
	scoped_lock(&lock);

	while (*what < number)
		(void)pthread_cond_wait(&changed, &lock);
}

static int number_of(const int *what)
{
	scoped_lock(&lock);

	return *what;
}

static void a_silent_host_is_tried_again(void **state)
{
	static const struct hv_events events = {0};
	struct timespec pause = {.tv_nsec = 500000000}; /* five times the patience, and the back-off */
	struct hypervisor *hv;

	(void)state;
	assert_int_equal(hv_new(&events, NULL, &hv, NULL), 0);
	assert_int_equal(hv_host_add(hv, HOST, "qemu+tcp://192.0.2.1/system", NULL), 0);
	/* while all others hang */
	wait_for(&begun, OPENERS_MOST);
	assert_int_equal(number_of(&ended), 0);
	(void)nanosleep(&pause, NULL);
	assert_int_equal(number_of(&begun), OPENERS_MOST);
	/* one ends: there is room for another */
	(void)sem_post(&go_on);
	wait_for(&begun, OPENERS_MOST + 1);
	/* all that were begun end, also those left behind */
	for (int i = 0; i < 10 * OPENERS_MOST; i++)
		(void)sem_post(&go_on);
	hv_free(hv);
	wait_for(&ended, number_of(&begun)); /* hv_free() waits only for so long */
}

static struct hypervisor *asked_hv;
static bool due_before, due_after; /* before asked, before tried */
static int lost, asked, tried;	   /* lock */

static int note_status(void *ctx, const char *uuid, enum hv_host_status status,
		       const struct hv_host_info *info, const char *sentence)
{
	(void)ctx;
	(void)info;
	if (status == HV_HOST_CONNECTING && strcmp(sentence, "reconnecting as asked") == 0) {
		due_before = hv_host_is_to_reconnect(asked_hv, uuid);
		count(&asked);
	} else if (status == HV_HOST_DISCONNECTED && number_of(&asked)) {
		due_after = hv_host_is_to_reconnect(asked_hv, uuid);
		count(&tried);
	} else if (status == HV_HOST_DISCONNECTED) {
		count(&lost);
	}
	return 0;
}

static void what_is_reported_before_a_reconnection_begins_is_known(void **state)
{
	static const struct hv_events events = {.host = note_status};

	(void)state;
	for (int i = 0; i < 100000; i++) /* nothing hangs */
		(void)sem_post(&go_on);
	assert_int_equal(hv_new(&events, NULL, &asked_hv, NULL), 0);
	assert_int_equal(hv_host_add(asked_hv, HOST, "qemu+tcp://192.0.2.1/system", NULL), 0);
	wait_for(&lost, 1);
	assert_false(hv_host_is_to_reconnect(asked_hv, HOST));
	assert_int_equal(hv_host_reconnect(asked_hv, HOST, NULL), 0);
	wait_for(&tried, 1);
	assert_true(due_before);
	assert_false(due_after);
	assert_int_equal(number_of(&asked), 1);
	hv_free(asked_hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_host_is_tried_again),
		cmocka_unit_test(what_is_reported_before_a_reconnection_begins_is_known)};

	(void)sem_init(&go_on, 0,
		       0); /* for as long as the process lives: one that was left behind may still wait */
	return cmocka_run_group_tests_name("hv_openers", tests, NULL, NULL);
}
