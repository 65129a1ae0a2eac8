/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of libvirt's events: states and reasons, which are reported, and their order with the list. */
#define VIR_ENUM_SENTINELS /* gives each enumeration of libvirt its end, VIR_..._LAST */
#include "tests/unit/test.h"

#include <string.h>

#include "hypervisor/connection.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/state_table.h"
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

/* Everything that this libvirt can report has a meaning, and nothing else has. */
static void every_number_has_a_meaning(void **state)
{
	static const int reasons[] = {
		[VIR_DOMAIN_NOSTATE] = VIR_DOMAIN_NOSTATE_LAST,
		[VIR_DOMAIN_RUNNING] = VIR_DOMAIN_RUNNING_LAST,
		[VIR_DOMAIN_BLOCKED] = VIR_DOMAIN_BLOCKED_LAST,
		[VIR_DOMAIN_PAUSED] = VIR_DOMAIN_PAUSED_LAST,
		[VIR_DOMAIN_SHUTDOWN] = VIR_DOMAIN_SHUTDOWN_LAST,
		[VIR_DOMAIN_SHUTOFF] = VIR_DOMAIN_SHUTOFF_LAST,
		[VIR_DOMAIN_CRASHED] = VIR_DOMAIN_CRASHED_LAST,
		[VIR_DOMAIN_PMSUSPENDED] = VIR_DOMAIN_PMSUSPENDED_LAST,
	};
	static const int details[] = {
		[VIR_DOMAIN_EVENT_DEFINED] = VIR_DOMAIN_EVENT_DEFINED_LAST,
		[VIR_DOMAIN_EVENT_UNDEFINED] = VIR_DOMAIN_EVENT_UNDEFINED_LAST,
		[VIR_DOMAIN_EVENT_STARTED] = VIR_DOMAIN_EVENT_STARTED_LAST,
		[VIR_DOMAIN_EVENT_SUSPENDED] = VIR_DOMAIN_EVENT_SUSPENDED_LAST,
		[VIR_DOMAIN_EVENT_RESUMED] = VIR_DOMAIN_EVENT_RESUMED_LAST,
		[VIR_DOMAIN_EVENT_STOPPED] = VIR_DOMAIN_EVENT_STOPPED_LAST,
		[VIR_DOMAIN_EVENT_SHUTDOWN] = VIR_DOMAIN_EVENT_SHUTDOWN_LAST,
		[VIR_DOMAIN_EVENT_PMSUSPENDED] = VIR_DOMAIN_EVENT_PMSUSPENDED_LAST,
		[VIR_DOMAIN_EVENT_CRASHED] = VIR_DOMAIN_EVENT_CRASHED_LAST,
	};
	(void)state;

	assert_int_equal(ARRAY_SIZE(reasons), VIR_DOMAIN_LAST);
	for (int s = -1; s <= VIR_DOMAIN_LAST; s++)
		for (int r = -1; r < 40; r++)
			if (!state_meaning(s, r) !=
			    (s < 0 || s >= VIR_DOMAIN_LAST || r < 0 || r >= reasons[s]))
				fail_msg("state %d reason %d", s, r);
	assert_int_equal(ARRAY_SIZE(details), VIR_DOMAIN_EVENT_LAST);
	for (int t = -1; t <= VIR_DOMAIN_EVENT_LAST; t++)
		for (int d = -1; d < 40; d++)
			if (!event_meaning(t, d) !=
			    (t < 0 || t >= VIR_DOMAIN_EVENT_LAST || d < 0 || d >= details[t]))
				fail_msg("event %d detail %d", t, d);
	for (int id = -1; id <= CONNECTION_EVENT_IDS; id++)
		if (!connection_event_use(id) != (id < 0 || id >= VIR_DOMAIN_EVENT_ID_LAST))
			fail_msg("event id %d: %s", id, connection_event_use(id));
}

static void states_of_the_list(void **state)
{
	static const struct {
		int state, reason;
		enum hv_domain_state ours;
		enum hv_domain_reason why;
		bool ask;
	} rows[] = {
		{VIR_DOMAIN_BLOCKED, 0, HV_DOMAIN_RUNNING, HV_REASON_OTHER, false},
		{VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_USER, HV_DOMAIN_RUNNING, HV_REASON_OTHER, false},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, HV_DOMAIN_PAUSED, HV_REASON_OTHER, false},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, HV_DOMAIN_PAUSED, HV_REASON_IO_ERROR, true},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_WATCHDOG, HV_DOMAIN_PAUSED, HV_REASON_WATCHDOG, false},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_SHUTTING_DOWN, HV_DOMAIN_RUNNING, HV_REASON_OTHER,
		 false},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, HV_DOMAIN_PAUSED, HV_REASON_STARTING,
		 false},
		{VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED, HV_DOMAIN_PAUSED, HV_REASON_CRASHED, false},
		{VIR_DOMAIN_PMSUSPENDED, 0, HV_DOMAIN_PAUSED, HV_REASON_ASLEEP, false},
		{VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SAVED, HV_DOMAIN_OFF, HV_REASON_SAVED, false},
		{VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SHUTDOWN, HV_DOMAIN_OFF, HV_REASON_GUEST, false},
		/* of a libvirt that is newer than this build */
		{VIR_DOMAIN_PAUSED, 99, HV_DOMAIN_PAUSED, HV_REASON_OTHER, false},
		{99, 0, HV_DOMAIN_RUNNING, HV_REASON_OTHER, false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum hv_domain_reason reason;
		bool ask;

		assert_int_equal(domain_state_of_virt(rows[i].state, rows[i].reason, &reason, &ask),
				 rows[i].ours);
		assert_int_equal(reason, rows[i].why);
		assert_int_equal(ask, rows[i].ask);
	}
}

static void a_guest_that_sleeps_wakes_or_is_saved(void **state)
{
	static const struct step steps[] = {
		{LIFE(PMSUSPENDED, MEMORY), REPORTED(PAUSED, ASLEEP)},
		{LIFE(STARTED, WAKEUP), REPORTED(RUNNING, OTHER)},
		{LIFE(SUSPENDED, WATCHDOG), REPORTED(PAUSED, WATCHDOG)},
		{LIFE(RESUMED, UNPAUSED), REPORTED(RUNNING, OTHER)},
		{LIFE(SUSPENDED, PAUSED), REPORTED(PAUSED, OTHER)},
		{LIFE(STOPPED, SAVED), REPORTED(OFF, SAVED)},
		{LIFE(STARTED, RESTORED), REPORTED(RUNNING, OTHER)},
		{LIFE(PMSUSPENDED, DISK), REPORTED(PAUSED, ASLEEP)},
		{LIFE(STOPPED, SHUTDOWN), REPORTED(OFF, GUEST)},
		{EVENT_LIFECYCLE, VIR_DOMAIN_EVENT_STARTED, 99, REPORTED(RUNNING, OTHER)},
		{EVENT_LIFECYCLE, 99, 99, SAME(RUNNING, OTHER)},
	};
	void *table = load(HV_DOMAIN_RUNNING, false);
	(void)state;

	walk(&table, steps, ARRAY_SIZE(steps));
	states_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_has_a_meaning),
		cmocka_unit_test(states_of_the_list),
		cmocka_unit_test(a_guest_that_sleeps_wakes_or_is_saved),
		cmocka_unit_test(a_complete_life_cycle),
		cmocka_unit_test(reasons_of_ends),
		cmocka_unit_test(a_full_disk_differs_from_a_broken_one),
		cmocka_unit_test(transient_domains_are_absent_when_they_stop),
		cmocka_unit_test(stale_events_end_in_the_listed_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
