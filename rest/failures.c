/* SPDX-License-Identifier: Apache-2.0 */
/* See failures.h. */
#include "rest/failures.h"

#include "model/cleanup.h"
#include "model/log.h"
#include "rest/stream.h"

#define MINUTE_MS 60000

struct failures {
	pthread_mutex_t lock; /* a leaf */
	int64_t begun;	      /* of the minute, by the first that is counted, ms; lock */
	unsigned count;	      /* in this minute; lock */
};

struct failures *failures_new(void)
{
	struct failures *failures = calloc(1, sizeof(*failures));

	if (failures)
		pthread_mutex_init(&failures->lock, NULL);
	return failures;
}

/* The number that was left out in a minute, if it has ended, or ends now. */
static unsigned end_minute(struct failures *failures, bool now)
{
	unsigned left_out;

	scoped_lock(&failures->lock);
	if (!now && stream_now() - failures->begun < MINUTE_MS)
		return 0;
	left_out = failures->count > FAILURES_OF_STRANGERS ? failures->count - FAILURES_OF_STRANGERS : 0;
	failures->count = 0;
	return left_out;
}

static void tell(unsigned left_out)
{
	if (left_out)
		log_warning("request", NULL,
			    "%u more of clients without a session have failed within a minute", left_out);
}

void failures_tend(struct failures *failures)
{
	tell(end_minute(failures, false));
}

bool failures_count(struct failures *failures)
{
	failures_tend(failures);
	scoped_lock(&failures->lock);
	if (!failures->count)
		failures->begun = stream_now();
	return failures->count++ < FAILURES_OF_STRANGERS;
}

void failures_free(struct failures *failures)
{
	if (!failures)
		return;
	tell(end_minute(failures, true));
	pthread_mutex_destroy(&failures->lock);
	free(failures);
}
