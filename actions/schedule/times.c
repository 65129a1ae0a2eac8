/* SPDX-License-Identifier: Apache-2.0 */
/* See times.h. */
#include "actions/schedule/times.h"

#include <errno.h>

#include "actions/schedule/cron.h"
#include "model/store.h"

/* The manual's limit, from MySQL's timestamp type; seconds since 1970. */
#define TIMESTAMP_MAX INT64_C(2147454847)

static int check_cron(const struct times *t, struct error *e)
{
	struct cron cron;
	int r = cron_parse(t->cron, &cron, e);

	if (r < 0)
		return r;
	if (t->has_interval || t->has_count || t->has_start)
		return error_set(e, EINVAL, "cron scheduler only need to specify cron task");
	return 0;
}

static int check_simple(const struct times *t, struct error *e)
{
	int64_t count = t->has_count ? t->count : 0;

	if (t->has_count && count < 1)
		return error_set(e, EINVAL, "repeatCount must be positive integer");
	if (!t->has_interval && count != 1)
		return error_set(e, EINVAL, "interval must be set when use simple scheduler when repeat %s",
				 t->has_count ? "more than once" : "forever");
	if (t->has_interval && t->interval <= 0)
		return error_set(e, EINVAL, "interval must be positive integer");
	if (!t->has_start)
		return error_set(e, EINVAL, "startTime must be set when use simple scheduler");
	if (t->start < 0)
		return error_set(e, EINVAL, "startTime must be positive integer or 0");
	if (t->start > TIMESTAMP_MAX)
		return error_set(e, EINVAL, "startTime out of range");
	if (count > 1 && count * t->interval > INT32_MAX)
		return error_set(e, EINVAL, "duration time out of range");
	if (count > 1 && (t->start ? t->start : store_now() / NS_PER_S) + count * t->interval > TIMESTAMP_MAX)
		return error_set(e, EINVAL, "stopTime out of mysql timestamp range");
	return 0;
}

int times_check(const struct times *t, struct error *e)
{
	return t->is_cron ? check_cron(t, e) : check_simple(t, e);
}
