/* SPDX-License-Identifier: Apache-2.0 */
/* See schedule.h. */
#include "actions/schedule/schedule.h"

int schedule_of(const struct object *scheduler, struct schedule *ret, struct error *e)
{
	*ret = (struct schedule){.is_cron = object_str_is(scheduler, SCHEDULER_TYPE, "cron")};
	if (ret->is_cron)
		return cron_parse(object_str(scheduler, SCHEDULER_CRON), &ret->cron, e) < 0 ? -EPROTO : 0;
	ret->start = object_int(scheduler, SCHEDULER_START_TIME);
	ret->interval = object_int(scheduler, SCHEDULER_INTERVAL) * NS_PER_S;
	ret->count = object_int(scheduler, SCHEDULER_REPEAT_COUNT);
	return 0;
}

int64_t schedule_next(const struct schedule *s, int64_t after)
{
	int64_t n, next;

	if (s->is_cron)
		return cron_next(&s->cron, after);
	if (after < s->start)
		return s->start;
	if (s->interval <= 0)
		return NEVER;
	n = (after - s->start) / s->interval + 1;
	if ((s->count && n >= s->count) || __builtin_mul_overflow(n, s->interval, &next) ||
	    __builtin_add_overflow(next, s->start, &next))
		return NEVER;
	return next;
}

int64_t schedule_stop_time(const struct schedule *s)
{
	if (s->is_cron || !s->count)
		return NEVER;
	return s->count == 1 ? s->start : s->start + s->count * s->interval;
}

enum due schedule_due(const struct schedule *s, int64_t planned, int64_t now)
{
	if (planned == NEVER || planned > now)
		return DUE_LATER;
	return s->is_cron || now - planned <= MISFIRE_S * NS_PER_S ? DUE_NOW : DUE_MISSED;
}

int64_t schedule_replan(const struct schedule *s, int64_t planned, int64_t last, int64_t now)
{
	if (planned != NEVER && planned <= now)
		return planned;
	if (last != NEVER && last > now && last - now <= CLOCK_BACK_S * NS_PER_S)
		return schedule_next(s, last);
	return schedule_next(s, now);
}
