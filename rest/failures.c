/* SPDX-License-Identifier: Apache-2.0 */
/* See failures.h. */
#include "rest/failures.h"

#include "model/cleanup.h"
#include "model/clock.h"
#include "model/log.h"
#include "rest/stream.h"

#define MINUTE_MS 60000

struct failures {
	pthread_mutex_t lock; /* a leaf */
	struct minute {
		int64_t begun;	/* by the first that is counted, ms */
		unsigned count; /* in this minute */
	} minutes[CAUSE_COUNT]; /* lock */
};

/* What is told of those that were left out, after their number. NULL: none is. */
static const char *const texts[CAUSE_COUNT] = {
	[CAUSE_ANYBODY] = "more of clients without a session have failed within a minute",
	[CAUSE_NO_POOL] = "more have failed within a minute since the pool could not be asked",
};

struct failures *failures_new(void)
{
	struct failures *failures = calloc(1, sizeof(*failures));

	if (failures)
		pthread_mutex_init(&failures->lock, NULL);
	return failures;
}

/* The number that was left out in a minute, if it has ended, or ends now. */
static unsigned end_minute(struct failures *failures, int cause, bool now)
{
	struct minute *minute = &failures->minutes[cause];
	unsigned left_out;

	scoped_lock(&failures->lock);
	if (!now && clock_monotonic_ms() - minute->begun < MINUTE_MS)
		return 0;
	left_out = minute->count > FAILURES_TOLD ? minute->count - FAILURES_TOLD : 0;
	minute->count = 0;
	return left_out;
}

static void end_minutes(struct failures *failures, bool now)
{
	for (int cause = 0; cause < CAUSE_COUNT; cause++) {
		unsigned left_out = texts[cause] ? end_minute(failures, cause, now) : 0;

		if (left_out)
			log_warning("request", NULL, "%u %s", left_out, texts[cause]);
	}
}

void failures_tend(struct failures *failures)
{
	end_minutes(failures, false);
}

bool failures_count(struct failures *failures, enum cause cause)
{
	struct minute *minute = &failures->minutes[cause];

	if (!texts[cause])
		return true;
	failures_tend(failures);
	scoped_lock(&failures->lock);
	if (!minute->count)
		minute->begun = clock_monotonic_ms();
	return minute->count++ < FAILURES_TOLD;
}

void failures_free(struct failures *failures)
{
	if (!failures)
		return;
	end_minutes(failures, true);
	pthread_mutex_destroy(&failures->lock);
	free(failures);
}
