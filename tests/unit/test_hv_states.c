/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of libvirt's events: states and reasons, which are reported, and their order with the list. */
#include "tests/unit/test.h"

#include <string.h>

#include "hypervisor/hypervisor.h"
#include "hypervisor/states.h"

#define VM "11111111111111111111111111111111"

struct step {
	enum event_kind kind;
	int type, detail;
	bool changed;
	enum hv_domain_state state;
	enum hv_domain_reason reason;
};

#define LIFE(type, detail)	EVENT_LIFECYCLE, VIR_DOMAIN_EVENT_##type, VIR_DOMAIN_EVENT_##type##_##detail
#define REPORTED(state, reason) true, HV_DOMAIN_##state, HV_REASON_##reason
#define SAME(state, reason)	false, HV_DOMAIN_##state, HV_REASON_##reason

static void walk(void **table, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct event event = {
			.kind = steps[i].kind, .uuid = VM, .type = steps[i].type, .detail = steps[i].detail};
		struct state_change change;

		assert_int_equal(states_fold(table, &event, &change), 0);
		if (change.changed != steps[i].changed || change.state != steps[i].state ||
		    change.reason != steps[i].reason)
			fail_msg("step %zu: changed %d state %d reason %d", i, change.changed, change.state,
				 change.reason);
	}
}

static void *load(enum hv_domain_state state, bool transient)
{
	struct listed_domain listed = {.status = {.uuid = VM, .state = state}, .transient = transient};
	void *table = NULL;

	assert_int_equal(states_load(&table, &listed, state != HV_DOMAIN_ABSENT), 0);
	return table;
}

static void a_complete_life_cycle(void **state)
{
	static const struct step steps[] = {
		{LIFE(DEFINED, ADDED), SAME(OFF, OTHER)},
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(RESUMED, UNPAUSED), SAME(RUNNING, OTHER)},
		{LIFE(DEFINED, UPDATED), SAME(RUNNING, OTHER)},
		{LIFE(SUSPENDED, PAUSED), REPORTED(PAUSED, OTHER)},
		{LIFE(RESUMED, UNPAUSED), REPORTED(RUNNING, OTHER)},
		{LIFE(SHUTDOWN, GUEST), SAME(RUNNING, OTHER)},
		{LIFE(STOPPED, SHUTDOWN), REPORTED(OFF, GUEST)},
		{LIFE(UNDEFINED, REMOVED), REPORTED(ABSENT, OTHER)},
		{LIFE(DEFINED, ADDED), SAME(OFF, OTHER)},
	};
	void *table = NULL;
	(void)state;

	walk(&table, steps, ARRAY_SIZE(steps));
	states_free(&table);
}

static void reasons_of_ends(void **state)
{
	static const struct step steps[] = {
		{LIFE(STOPPED, FAILED), REPORTED(OFF, CRASHED)}, /* qemu was killed */
		{LIFE(STOPPED, FAILED), SAME(OFF, CRASHED)},
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(STOPPED, DESTROYED), REPORTED(OFF, OTHER)},
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(CRASHED, PANICKED), SAME(RUNNING, OTHER)},
		{LIFE(STOPPED, CRASHED), REPORTED(OFF, CRASHED)},
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(SHUTDOWN, HOST), SAME(RUNNING, OTHER)}, /* SIGTERM from outside */
		{LIFE(STOPPED, SHUTDOWN), REPORTED(OFF, OTHER)},
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(STOPPED, SHUTDOWN),
		 REPORTED(OFF, GUEST)}, /* the shutdown by the host no longer counts */
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(STOPPED, MIGRATED), REPORTED(OFF, OTHER)},
	};
	void *table = load(HV_DOMAIN_RUNNING, false);
	(void)state;

	walk(&table, steps, ARRAY_SIZE(steps));
	states_free(&table);
}

static void a_full_disk_differs_from_a_broken_one(void **state)
{
	static const struct step steps[] = {
		{EVENT_IO_ERROR, 0, 1, SAME(RUNNING, OTHER)},
		{LIFE(SUSPENDED, IOERROR), REPORTED(PAUSED, ENOSPC)},
		{LIFE(RESUMED, UNPAUSED), REPORTED(RUNNING, OTHER)},
		{EVENT_IO_ERROR, 0, 0, SAME(RUNNING, OTHER)},
		{LIFE(SUSPENDED, IOERROR), REPORTED(PAUSED, IO_ERROR)},
		{EVENT_IO_ERROR, 0, 1, REPORTED(PAUSED, ENOSPC)}, /* the other way round */
		{LIFE(STOPPED, DESTROYED), REPORTED(OFF, OTHER)},
	};
	void *table = load(HV_DOMAIN_RUNNING, false);
	(void)state;

	walk(&table, steps, ARRAY_SIZE(steps));
	states_free(&table);
}

static void transient_domains_are_absent_when_they_stop(void **state)
{
	static const struct step undefined[] = {
		{LIFE(UNDEFINED, REMOVED), SAME(RUNNING, OTHER)},
		{LIFE(STOPPED, DESTROYED), REPORTED(ABSENT, OTHER)},
	};
	static const struct step transient[] = {{LIFE(STOPPED, DESTROYED), REPORTED(ABSENT, OTHER)}};
	static const struct step unknown[] = {
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(STOPPED, SHUTDOWN), REPORTED(ABSENT, GUEST)},
	};
	void *table = load(HV_DOMAIN_RUNNING, false);
	(void)state;

	walk(&table, undefined, ARRAY_SIZE(undefined));
	states_free(&table);
	table = load(HV_DOMAIN_RUNNING, true);
	walk(&table, transient, ARRAY_SIZE(transient));
	walk(&table, unknown, ARRAY_SIZE(unknown));
	states_free(&table);
}

/* The list says OFF; the events that led there arrive after it. The final state is right again. */
static void stale_events_end_in_the_listed_state(void **state)
{
	static const struct step steps[] = {
		{LIFE(DEFINED, ADDED), SAME(OFF, OTHER)},
		{LIFE(STARTED, BOOTED), REPORTED(RUNNING, OTHER)},
		{LIFE(STOPPED, DESTROYED), REPORTED(OFF, OTHER)},
	};
	void *table = load(HV_DOMAIN_OFF, false);
	(void)state;

	walk(&table, steps, ARRAY_SIZE(steps));
	states_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_complete_life_cycle),
		cmocka_unit_test(reasons_of_ends),
		cmocka_unit_test(a_full_disk_differs_from_a_broken_one),
		cmocka_unit_test(transient_domains_are_absent_when_they_stop),
		cmocka_unit_test(stale_events_end_in_the_listed_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
