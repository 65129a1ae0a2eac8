/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a scheduler runs: arithmetic alone, with the clock as an argument.
 *
 * A schedule is a fixed set of moments, each a whole second:
 *
 *   simple  start, start + interval, start + 2 * interval, ...: `count` of them, or for ever
 *   cron    what the expression says, see cron.h
 *
 * so that the next run is always "the first moment after now", whatever the
 * clock did in between: nothing drifts, a restart changes nothing, and
 * daylight saving is cron_next()'s business alone.
 *
 * What is late (behaviour.md 3.9): a simple moment that is over MISFIRE_S old
 * is lost, and counts as a run; the schedule goes on with its next one. A cron
 * moment is made up for at once, however many were missed, by one run.
 *
 * A clock that is set back by up to CLOCK_BACK_S is waited for, so that no
 * moment comes twice. When it goes back further, the old time was wrong, and
 * what it said about the last run is forgotten.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULE_H
#define POOLFS_SCHEDULE_SCHEDULE_H

#include "actions/schedule/cron.h"
#include "model/object.h"

#define MISFIRE_S    60
#define CLOCK_BACK_S 3600
/* No moment: the schedule has come to its end. */
#define NEVER INT64_C(-1)

/** A plain value. Times are ns since 1970. */
struct schedule {
	bool is_cron;
	struct cron cron;
	int64_t start, interval; /* simple; interval 0: only `start` */
	int64_t count;		 /* simple; 0 = for ever */
};

/** The schedule of a scheduler's row. -EPROTO when its expression cannot be read. */
int schedule_of(const struct object *scheduler, struct schedule *ret, struct error *e);
/** The first moment after @after; NEVER at the end. */
int64_t schedule_next(const struct schedule *s, int64_t after);
/** The end, as the inventory has it: NEVER without one (behaviour.md 3.9). */
int64_t schedule_stop_time(const struct schedule *s);

/** What is to be done with a moment that has been waited for. */
enum due { DUE_LATER, DUE_NOW, DUE_MISSED };
/** @planned: the moment, NEVER = none. */
enum due schedule_due(const struct schedule *s, int64_t planned, int64_t now);
/**
 * The moment to wait for, after a start of the daemon or a change of the clock. @planned: the present one;
 * @last: when it last ran, NEVER = not yet. A moment that has come is kept for schedule_due().
 */
int64_t schedule_replan(const struct schedule *s, int64_t planned, int64_t last, int64_t now);

#endif
