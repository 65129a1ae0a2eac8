/* SPDX-License-Identifier: Apache-2.0 */
/* See job_stats.h. */
#include "actions/engine/job_stats.h"

#include <pthread.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/result.h"
#include "model/states.h"

struct job_stats {
	pthread_mutex_t lock; /* a leaf */
	struct job_stats_row *rows;
	size_t count;
	uint64_t ended; /* jobs of all rows, and those without one */
};

static const char *const ends[JOB_END_COUNT] = {
	[JOB_END_DONE] = JOB_STATE_DONE,
	[JOB_END_FAILED] = JOB_STATE_FAILED,
	[JOB_END_CANCELLED] = JOB_STATE_CANCELLED,
};

const char *job_end_name(enum job_end end)
{
	return ends[end];
}

/* Under lock. The row of an operation; NULL without memory, or for the name of a former version. */
static struct job_stats_row *find(struct job_stats *stats, const char *operation)
{
	const struct operation *op = operation_by_name(operation);
	struct job_stats_row *rows;

	if (!op)
		return NULL;
	for (size_t i = 0; i < stats->count; i++)
		if (stats->rows[i].operation == op->name)
			return &stats->rows[i];
	rows = reallocarray(stats->rows, stats->count + 1, sizeof(rows[0]));
	if (!rows)
		return NULL;
	stats->rows = rows;
	rows[stats->count] = (struct job_stats_row){.operation = op->name};
	return &rows[stats->count++];
}

static void count(struct job_stats *stats, const struct object *job, enum job_end end)
{
	static const double bounds[] = JOB_STATS_BOUNDS;
	/* what is done in the change that accepts it has no start */
	int started = object_is_null(job, JOB_STARTED) ? JOB_CREATED : JOB_STARTED;
	double seconds = (double)(object_int(job, JOB_FINISHED) - object_int(job, started)) / NS_PER_S;
	struct job_stats_row *row;
	size_t i = 0;

	scoped_lock(&stats->lock);
	stats->ended++;
	row = find(stats, object_text(job, JOB_OPERATION));
	if (!row)
		return;
	while (i < ARRAY_SIZE(bounds) && seconds > bounds[i])
		i++;
	row->ends[end]++;
	row->buckets[i]++;
	row->seconds += seconds > 0 ? seconds : 0;
}

/* In the store's thread. */
static void observe(void *ctx, struct view *view, const struct change *changes, size_t count_of_changes)
{
	(void)view;
	for (size_t i = 0; i < count_of_changes; i++) {
		const struct object *job = changes[i].after;

		if (!job || job->kind->id != KIND_JOB ||
		    (changes[i].before && job_state_is_final(object_str(changes[i].before, JOB_STATE))))
			continue;
		for (int end = 0; end < JOB_END_COUNT; end++)
			if (object_str_is(job, JOB_STATE, ends[end]))
				count(ctx, job, (enum job_end)end);
	}
}

int job_stats_new(struct pool *pool, struct job_stats **ret_stats, struct error *e)
{
	struct job_stats *stats = calloc(1, sizeof(*stats));
	int r;

	if (!stats)
		return error_oom(e);
	pthread_mutex_init(&stats->lock, NULL);
	r = pool_observe(pool, observe, stats, e);
	if (r < 0) {
		job_stats_free(stats);
		return r;
	}
	*ret_stats = stats;
	return 0;
}

void job_stats_free(struct job_stats *stats)
{
	if (!stats)
		return;
	pthread_mutex_destroy(&stats->lock);
	free(stats->rows);
	free(stats);
}

int job_stats_get(struct job_stats *stats, struct job_stats_row **ret_rows, size_t *ret_count)
{
	struct job_stats_row *copy;

	scoped_lock(&stats->lock);
	copy = calloc(stats->count + 1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	if (stats->count)
		memcpy(copy, stats->rows, stats->count * sizeof(*copy));
	*ret_rows = copy;
	*ret_count = stats->count;
	return 0;
}

uint64_t job_stats_count(struct job_stats *stats)
{
	scoped_lock(&stats->lock);
	return stats->ended;
}
