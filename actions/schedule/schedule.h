/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a scheduler runs: arithmetic alone, with the clock as an argument.
 *
 * A schedule is a fixed set of moments, each a whole second:
 *
 *   simple  start, start + interval, start + 2 * interval, ...: `count` of them, or for ever
 *   cron    according to the expression, see cron.h
 *
 * so that the next run is always at the first moment after now, whatever the clock
 * did in between: schedules do not drift, a restart changes nothing, and only
 * cron_next() handles daylight saving time.
 *
 * Late moments (behaviour.md 3.9): a moment of a simple schedule that is more than
 * MISFIRE_S in the past is skipped, and counts as a run; the schedule continues with
 * its next one. Missed moments of a cron schedule are made up for at once, by one
 * run, however many there were.
 *
 * When the clock is set back by up to CLOCK_BACK_S, a schedule waits until the time
 * of its last run has passed again, so that no moment fires twice. If it is set back
 * further, the old time was wrong, and the last run is ignored.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULE_H
#define POOLFS_SCHEDULE_SCHEDULE_H

#include "actions/schedule/cron.h"
#include "model/object.h"

#define MISFIRE_S    60
#define CLOCK_BACK_S 3600
/* No moment: the schedule has ended. */
#define NEVER INT64_C(-1)

/** A plain value. Times are ns since 1970. */
struct schedule {
	bool is_cron;
	struct cron cron;
	int64_t start, interval; /* simple; interval 0: only `start` */
	int64_t count;		 /* simple; 0 = for ever */
};

/** The schedule of a scheduler's row. -EPROTO when its cron expression is invalid. */
int schedule_of(const struct object *scheduler, struct schedule *ret, struct error *e);
/** The first moment after @after (ns since 1970); NEVER at the end. */
int64_t schedule_next(const struct schedule *s, int64_t after);
/** The end as shown in the inventory, ns since 1970; NEVER without one (behaviour.md 3.9). */
int64_t schedule_stop_time(const struct schedule *s);

/** What to do at a planned moment: wait, run, or skip it. */
enum due { DUE_LATER, DUE_NOW, DUE_MISSED };
/** @planned: the moment; NEVER: none. @now: ns since 1970. */
enum due schedule_due(const struct schedule *s, int64_t planned, int64_t now);
/**
 * The moment to wait for after a start of the daemon or a change of the clock. @planned: the present one;
 * @last: the last run, NEVER = none yet. A moment that is due stays planned, for schedule_due().
 */
int64_t schedule_replan(const struct schedule *s, int64_t planned, int64_t last, int64_t now);

#endif
