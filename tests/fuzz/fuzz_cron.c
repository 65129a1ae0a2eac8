/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a cron expression. The first byte picks a time zone, eight more
 * the time to start from. An accepted expression must fire only at local times that
 * are in its sets, strictly later each time, and be found quickly.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <time.h>

#include "actions/schedule/cron.h"

#define PREFIX 9
#define NS     INT64_C(1000000000)

static void check_chain(const struct cron *cron, int64_t after)
{
	for (int i = 0; i < 20; i++) {
		int64_t next = cron_next(cron, after);
		time_t s = (time_t)(next / NS);
		struct tm tm;

		if (next == -1)
			return;
		fuzz_require(next > after && next % NS == 0 && localtime_r(&s, &tm));
		fuzz_require(cron->seconds >> tm.tm_sec & 1 && cron->minutes >> tm.tm_min & 1 &&
			     cron->hours >> tm.tm_hour & 1 && cron->months >> (tm.tm_mon + 1) & 1);
		if (cron->rule == CRON_DAYS_OF_MONTH)
			fuzz_require(cron->days_of_month >> tm.tm_mday & 1);
		if (cron->rule == CRON_DAYS_OF_WEEK)
			fuzz_require(cron->days_of_week >> (tm.tm_wday + 1) & 1);
		if (cron->rule == CRON_WEEKDAY || cron->rule == CRON_LAST_WEEKDAY)
			fuzz_require(tm.tm_wday >= 1 && tm.tm_wday <= 5);
		after = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
					    "Pacific/Apia"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *text = NULL;
	struct cron cron;
	int64_t after;

	if (size < PREFIX)
		return 0;
	(void)setenv("TZ", zones[data[0] % ARRAY_SIZE(zones)], 1);
	memcpy(&after, data + 1, sizeof(after));
	text = strndup((const char *)data + PREFIX, size - PREFIX);
	if (!text)
		return 0;
	if (cron_parse(text, &cron, &e) < 0) {
		fuzz_require(e.errnum == EINVAL && e.details);
		return 0;
	}
	fuzz_require(!error_is_set(&e) && cron.seconds && cron.minutes && cron.hours && cron.months);
	check_chain(&cron, after);
	return 0;
}
