/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When schedulers run, with the clock as an argument: times, misfires, clocks
 * that are set, daylight saving, restarts; and the rounds over a store, whose
 * jobs are counted instead of run.
 */
#include "tests/unit/fixture.h"

#include "actions/schedule/schedule.h"
#include "actions/schedule/scheduler.h"

#define S     INT64_C(1000000000)
#define DAY   (86400 * S)
#define START (INT64_C(1700000000) * S)

static struct schedule simple(int64_t interval_s, int64_t count)
{
	return (struct schedule){.start = START, .interval = interval_s * S, .count = count};
}

static struct schedule cron(const char *text)
{
	struct schedule s = {.is_cron = true};

	assert_int_equal(cron_parse(text, &s.cron, NULL), 0);
	return s;
}

static void use_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
}

/* --------------------------------------------------------------- arithmetic */

static void intervals_do_not_drift(void **state)
{
	struct schedule s = simple(10, 3);

	(void)state;
	assert_int_equal(schedule_next(&s, 0), START);
	assert_int_equal(schedule_next(&s, START - 1), START);
	assert_int_equal(schedule_next(&s, START), START + 10 * S);
	assert_int_equal(schedule_next(&s, START + 10 * S - 1), START + 10 * S);
	assert_int_equal(schedule_next(&s, START + 13 * S), START + 20 * S);
	assert_int_equal(schedule_next(&s, START + 20 * S), NEVER);
	assert_int_equal(schedule_stop_time(&s), START + 30 * S);
	s = simple(0, 1);
	assert_int_equal(schedule_next(&s, START - 1), START);
	assert_int_equal(schedule_next(&s, START), NEVER);
	assert_int_equal(schedule_stop_time(&s), START);
	s = simple(7, 0);
	assert_int_equal(schedule_next(&s, START + 1000000 * 7 * S), START + 1000001 * 7 * S);
	assert_int_equal(schedule_stop_time(&s), NEVER);
	assert_int_equal(schedule_next(&s, INT64_MAX - 1), NEVER);
}

static void late_runs_are_due_or_missed(void **state)
{
	struct schedule s = simple(10, 0), c = cron("0 0 3 * * ?");

	(void)state;
	assert_int_equal(schedule_due(&s, START, START - 1), DUE_LATER);
	assert_int_equal(schedule_due(&s, START, START), DUE_NOW);
	assert_int_equal(schedule_due(&s, START, START + MISFIRE_S * S), DUE_NOW);
	assert_int_equal(schedule_due(&s, START, START + MISFIRE_S * S + 1), DUE_MISSED);
	assert_int_equal(schedule_due(&s, NEVER, START), DUE_LATER);
	assert_int_equal(schedule_due(&c, START, START + 30 * DAY), DUE_NOW);
}

static void a_clock_set_back_a_little_keeps_the_plan(void **state)
{
	struct schedule s = simple(60, 0);
	int64_t ran = START + 60 * S, planned = START + 120 * S;

	(void)state;
	/* half a second before the run that was just done: not again */
	assert_int_equal(schedule_replan(&s, planned, ran, ran - S / 2), planned);
	assert_int_equal(schedule_replan(&s, planned, ran, ran - 59 * S), planned);
	assert_int_equal(schedule_replan(&s, planned, ran, ran - CLOCK_BACK_S * S), planned);
}

static void a_clock_set_back_far_makes_a_new_plan(void **state)
{
	struct schedule hourly = cron("0 0 * * * ?");
	int64_t wrong = START + 2000 * DAY, planned = schedule_next(&hourly, wrong);

	(void)state;
	use_zone("UTC0");
	assert_int_equal(schedule_replan(&hourly, planned, wrong, START), schedule_next(&hourly, START));
	assert_true(schedule_next(&hourly, START) <= START + 3600 * S);
	/* never run: no run can be repeated */
	assert_int_equal(schedule_replan(&hourly, planned, NEVER, START), schedule_next(&hourly, START));
}

static void replanning_keeps_a_time_that_has_passed(void **state)
{
	struct schedule s = simple(60, 0);

	(void)state;
	assert_int_equal(schedule_replan(&s, START, NEVER, START + DAY), START);
	assert_int_equal(schedule_replan(&s, NEVER, NEVER, START + 1), START + 60 * S);
}

static void daylight_saving(void **state)
{
	struct schedule s = cron("0 30 2 * * ?"), simple_hourly = simple(3600, 0);
	int64_t spring = INT64_C(1711839600) * S; /* 2024-03-31 00:00 CET; 02:00 becomes 03:00 */
	int64_t autumn = INT64_C(1729976400) * S; /* 2024-10-26 23:00 CEST; on the 27th 03:00 becomes 02:00 */
	int64_t next;

	(void)state;
	use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	/* 02:30 does not exist on that day: the next run is on the day after, in summer time */
	assert_int_equal(schedule_next(&s, spring), spring + DAY + 90 * 60 * S);
	/* 02:30 occurs twice: it runs once */
	next = schedule_next(&s, autumn);
	assert_int_equal(next, INT64_C(1729992600) * S);
	assert_int_equal(schedule_next(&s, next), next + DAY);
	/* an interval is elapsed time, independent of the local time */
	assert_int_equal(schedule_next(&simple_hourly, START + 3600 * S), START + 7200 * S);
}

/* ------------------------------------------------------------------- rounds */

static const char *add_vm(struct fixture *f, unsigned n, const char *vm_state)
{
	struct object *vm = make(KIND_VM, test_uuid(n));

	object_set_str(vm, VM_STATE, vm_state);
	put(f, vm);
	return test_uuid(n);
}

static const char *add_scheduler(struct fixture *f, unsigned n, const char *target, int64_t interval_s,
				 int64_t count)
{
	struct object *o = make(KIND_SCHEDULER, test_uuid(n));

	object_set_str(o, SCHEDULER_TARGET_UUID, target);
	object_set_str(o, SCHEDULER_JOB_CLASS, "RebootVmInstanceJob");
	object_set_str(o, SCHEDULER_TYPE, "simple");
	object_set_str(o, SCHEDULER_STATE, "Enabled");
	object_set_str(o, SCHEDULER_PARAMETERS, "{}");
	object_set_int(o, SCHEDULER_START_TIME, START);
	object_set_int(o, SCHEDULER_INTERVAL, interval_s);
	if (count)
		object_set_int(o, SCHEDULER_REPEAT_COUNT, count);
	object_set_int(o, SCHEDULER_NEXT_TIME, START);
	object_set_int(o, SCHEDULER_RUNS, 0);
	put(f, o);
	return test_uuid(n);
}

static int64_t run(struct fixture *f, int64_t now, bool replan)
{
	int64_t next = 0;

	assert_int_equal(schedulers_run(f->store, now, replan, &next, NULL), 0);
	return next;
}

static size_t jobs(struct fixture *f, const char *job_state)
{
	_cleanup_view_ struct view *view = store_view(f->store);

	return view_count_where(view, KIND_JOB, JOB_STATE, job_state);
}

static int64_t runs_of(struct fixture *f, const char *uuid)
{
	_cleanup_object_ const struct object *o = get(f, KIND_SCHEDULER, uuid);

	return object_int(o, SCHEDULER_RUNS);
}

static void rounds_run_what_is_due_and_count(void **state)
{
	struct fixture *f = *state;
	const char *s = add_scheduler(f, 2, add_vm(f, 1, "Running"), 10, 3);
	_cleanup_view_ struct view *view = NULL;

	assert_int_equal(run(f, START - S, false), START);
	assert_int_equal(jobs(f, "Queued"), 0);
	assert_int_equal(run(f, START + 1, false), START + 10 * S);
	assert_int_equal(jobs(f, "Queued"), 1);
	assert_int_equal(run(f, START + 2, false), START + 10 * S); /* once */
	assert_int_equal(jobs(f, "Queued"), 1);
	assert_int_equal(run(f, START + 10 * S, false), START + 20 * S);
	assert_int_equal(run(f, START + 20 * S, false), NEVER);
	assert_int_equal(run(f, START + 30 * S, true), NEVER);
	assert_int_equal(jobs(f, "Queued"), 3);
	assert_int_equal(runs_of(f, s), 3);
	view = store_view(f->store);
	view_for_each (job, view, KIND_JOB) {
		assert_string_equal(object_str(job, JOB_SOURCE), "scheduler");
		assert_string_equal(object_str(job, JOB_OPERATION), "RebootVmInstance");
	}
}

static void a_restart_loses_and_doubles_nothing(void **state)
{
	struct fixture *f = *state;

	add_scheduler(f, 2, add_vm(f, 1, "Running"), 100, 0);
	run(f, START, false);
	fixture_reopen(f);
	assert_int_equal(run(f, START + 1, true), START + 100 * S);
	assert_int_equal(jobs(f, "Queued"), 1);
	/* down at the due time, back within the limit for misfires */
	fixture_reopen(f);
	assert_int_equal(run(f, START + 130 * S, true), START + 200 * S);
	assert_int_equal(jobs(f, "Queued"), 2);
	/* down for long: those runs are lost, the next one is not */
	fixture_reopen(f);
	assert_int_equal(run(f, START + 100 * 100 * S - S, true), START + 100 * 100 * S);
	assert_int_equal(jobs(f, "Queued"), 2);
}

static void refusals_are_failed_jobs(void **state)
{
	struct fixture *f = *state;
	const char *s = add_scheduler(f, 2, add_vm(f, 1, "Stopped"), 10, 0); /* cannot be rebooted */

	run(f, START, false);
	assert_int_equal(jobs(f, "Queued"), 0);
	assert_int_equal(jobs(f, "Failed"), 1);
	assert_int_equal(runs_of(f, s), 1);
}

static void put_vm_state(struct fixture *f, const char *uuid, const char *vm_state)
{
	_cleanup_object_ const struct object *before = get(f, KIND_VM, uuid);
	struct object *vm = object_copy(before);

	object_set_str(vm, VM_STATE, vm_state);
	put(f, vm);
}

static void schedulers_pause_while_the_vm_is_stopped(void **state)
{
	static const char *const resting[] = {"Unknown", "Destroying", "Destroyed"};
	struct fixture *f = *state;
	const char *vm = add_vm(f, 1, "Running"), *s = add_scheduler(f, 2, vm, 10, 0);
	int64_t now = START;

	for (size_t i = 0; i < ARRAY_SIZE(resting); i++, now += 10 * S) {
		put_vm_state(f, vm, resting[i]);
		assert_int_equal(run(f, now, false), now + 10 * S);
		assert_int_equal(runs_of(f, s), 0);
	}
	put_vm_state(f, vm, "Running");
	run(f, now, false);
	assert_int_equal(runs_of(f, s), 1);
	assert_int_equal(jobs(f, "Queued"), 1);
}

static void without_an_object_nothing_is_run(void **state)
{
	struct fixture *f = *state;
	const char *s = add_scheduler(f, 2, test_uuid(99), 10, 0);

	assert_int_equal(run(f, START, false), START + 10 * S);
	assert_int_equal(runs_of(f, s), 0);
	assert_int_equal(jobs(f, "Failed"), 0);
}

static void one_bad_row_does_not_stop_the_others(void **state)
{
	struct fixture *f = *state;
	const char *vm = add_vm(f, 1, "Running"), *good = add_scheduler(f, 3, vm, 10, 0);
	struct object *bad = make(KIND_SCHEDULER, test_uuid(2));

	object_set_str(bad, SCHEDULER_TYPE, "cron");
	object_set_str(bad, SCHEDULER_CRON, "nonsense");
	object_set_str(bad, SCHEDULER_STATE, "Enabled");
	object_set_int(bad, SCHEDULER_NEXT_TIME, START);
	put(f, bad);
	assert_int_equal(run(f, START, false), START + 10 * S);
	assert_int_equal(runs_of(f, good), 1);
}

static void disabled_ones_are_left_alone(void **state)
{
	struct fixture *f = *state;
	const char *s = add_scheduler(f, 2, add_vm(f, 1, "Running"), 10, 0);
	_cleanup_object_ const struct object *before = get(f, KIND_SCHEDULER, s);
	struct object *o = object_copy(before);

	object_set_str(o, SCHEDULER_STATE, "Disabled");
	put(f, o);
	assert_int_equal(run(f, START + S, true), NEVER);
	assert_int_equal(jobs(f, "Queued"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_do_not_drift),
		cmocka_unit_test(late_runs_are_due_or_missed),
		cmocka_unit_test(a_clock_set_back_a_little_keeps_the_plan),
		cmocka_unit_test(a_clock_set_back_far_makes_a_new_plan),
		cmocka_unit_test(replanning_keeps_a_time_that_has_passed),
		cmocka_unit_test(daylight_saving),
		cmocka_unit_test_setup_teardown(rounds_run_what_is_due_and_count, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_restart_loses_and_doubles_nothing, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(refusals_are_failed_jobs, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(schedulers_pause_while_the_vm_is_stopped, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(without_an_object_nothing_is_run, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(one_bad_row_does_not_stop_the_others, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(disabled_ones_are_left_alone, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
