/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop as libvirt uses it: through its public functions, on sockets without a libvirtd. */
#include "tests/unit/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "hypervisor/event_loop.h"
#include "model/cleanup.h"

static atomic_int events_seen, readies, expiries, frees;
static pthread_t ran_in;

static void await(atomic_int *what, int least)
{
	while (atomic_load(what) < least)
		usleep(1000);
}

static int start(void **state)
{
	(void)state;
	events_seen = readies = expiries = frees = 0;
	return event_loop_get(NULL);
}

static int end(void **state)
{
	(void)state;
	event_loop_put();
	return 0;
}

static void on_ready(int watch, int fd, int events, void *opaque)
{
	char byte;

	ran_in = pthread_self();
	atomic_fetch_or(&events_seen, events);
	if (events & VIR_EVENT_HANDLE_READABLE && read(fd, &byte, 1) == 0)
		virEventUpdateHandle(watch, 0); /* the end */
	assert_string_equal(opaque, "handle");
	atomic_fetch_add(&readies, 1);
}

static void on_free(void *opaque)
{
	(void)opaque;
	assert_true(pthread_equal(pthread_self(), ran_in));
	atomic_fetch_add(&frees, 1);
}

static void a_handle_is_called_for_the_events_that_are_wanted(void **state)
{
	int pair[2], watch;
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch = virEventAddHandle(pair[0], VIR_EVENT_HANDLE_READABLE, on_ready, "handle", on_free);
	assert_true(watch > 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	await(&readies, 1);
	assert_int_equal(events_seen, VIR_EVENT_HANDLE_READABLE);
	/* Without events, not even for a byte that waits; it is reported when they are wanted again. */
	virEventUpdateHandle(watch, 0);
	assert_int_equal(write(pair[1], "y", 1), 1);
	readies = 0;
	assert_int_equal(readies, 0);
	virEventUpdateHandle(watch, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_WRITABLE);
	await(&readies, 1);
	assert_true(events_seen & VIR_EVENT_HANDLE_WRITABLE);
	assert_int_equal(virEventRemoveHandle(watch), 0);
	await(&frees, 1);
	assert_int_equal(virEventRemoveHandle(watch), -1);
	close(pair[0]);
	close(pair[1]);
}

static int polled;

static void *poll_without_end(void *arg)
{
	struct pollfd fd = {.fd = *(int *)arg, .events = POLLIN};

	polled = poll(&fd, 1, -1);
	return NULL;
}

static void who_waits_for_a_socket_is_woken_when_it_is_removed(void **state)
{
	pthread_t waiter;
	int pair[2], watch;
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watch = virEventAddHandle(pair[0], 0, on_ready, "handle", NULL);
	assert_int_equal(pthread_create(&waiter, NULL, poll_without_end, &pair[0]), 0);
	assert_int_equal(virEventRemoveHandle(watch), 0);
	assert_int_equal(pthread_join(waiter, NULL), 0);
	assert_int_equal(polled, 1);
	close(pair[0]);
	close(pair[1]);
}

static void on_expiry(int timer, void *opaque)
{
	ran_in = pthread_self();
	/* what a callback may do: change itself */
	if (atomic_fetch_add(&expiries, 1) == 2)
		virEventUpdateTimeout(timer, -1);
	assert_string_equal(opaque, "timer");
}

static void a_timer_comes_again_until_it_is_stopped(void **state)
{
	int timer = virEventAddTimeout(-1, on_expiry, "timer", on_free), other;
	(void)state;

	assert_true(timer > 0);
	virEventUpdateTimeout(timer, 1);
	await(&expiries, 3);
	other = virEventAddTimeout(0, on_expiry, "timer", NULL);
	await(&expiries, 10);
	assert_int_equal(virEventRemoveTimeout(other), 0);
	assert_int_equal(virEventRemoveTimeout(timer), 0);
	await(&frees, 1);
	assert_int_equal(virEventRemoveTimeout(timer), -1);
}

static int doomed;

static void removes_the_other(int timer, void *opaque)
{
	(void)opaque;
	ran_in = pthread_self();
	(void)virEventRemoveTimeout(doomed);
	(void)virEventRemoveTimeout(timer);
	atomic_fetch_add(&expiries, 1);
}

static void a_callback_may_remove_what_is_due_as_well(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		frees = expiries = 0;
		doomed = virEventAddTimeout(-1, on_expiry, "timer", on_free);
		(void)virEventAddTimeout(0, removes_the_other, NULL, on_free);
		await(&frees, 2);
		assert_int_equal(expiries, 1);
	}
}

static void it_can_be_started_again_and_frees_what_was_removed(void **state)
{
	int timer = virEventAddTimeout(-1, on_expiry, "timer", NULL);

	assert_int_equal(virEventRemoveTimeout(timer), 0);
	end(state);
	assert_int_equal(start(state), 0);
	timer = virEventAddTimeout(0, on_expiry, "timer", NULL);
	await(&expiries, 1);
	assert_int_equal(virEventRemoveTimeout(timer), 0);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(a_handle_is_called_for_the_events_that_are_wanted),
		WITH_LOOP(who_waits_for_a_socket_is_woken_when_it_is_removed),
		WITH_LOOP(a_timer_comes_again_until_it_is_stopped),
		WITH_LOOP(a_callback_may_remove_what_is_due_as_well),
		WITH_LOOP(it_can_be_started_again_and_frees_what_was_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
