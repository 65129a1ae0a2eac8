/* SPDX-License-Identifier: Apache-2.0 */
/* How many jobs have ended since the start, how, and how long they took; for `metrics`. */
#ifndef POOLFS_ENGINE_JOB_STATS_H
#define POOLFS_ENGINE_JOB_STATS_H

#include "actions/engine/pool.h"

/* Upper bounds of the durations, seconds; the last bucket has no bound. */
#define JOB_STATS_BOUNDS                                                                                     \
	{                                                                                                    \
		0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200                                                  \
	}
enum { JOB_STATS_BUCKETS = 11 };

enum job_end { JOB_END_DONE, JOB_END_FAILED, JOB_END_CANCELLED, JOB_END_COUNT };

/* The jobs of one operation. */
struct job_stats_row {
	const char *operation; /* its name, static */
	uint64_t ends[JOB_END_COUNT];
	uint64_t
		buckets[JOB_STATS_BUCKETS]; /* those that took longer than the bound before; not cumulative */
	double seconds;			    /* of all */
};

struct job_stats;

/** Counts from now on. Errors of pool_observe(). Free with job_stats_free() when the store is closed. */
int job_stats_new(struct pool *pool, struct job_stats **ret_stats, struct error *e);
void job_stats_free(struct job_stats *stats);
/** Copies the rows of all operations of which a job has ended, in the order of their first end. -ENOMEM. */
int job_stats_get(struct job_stats *stats, struct job_stats_row **ret_rows, size_t *ret_count);
/** How many jobs have ended. */
uint64_t job_stats_count(struct job_stats *stats);
/** The name of an end, as JOB_STATE_DONE. Static. */
const char *job_end_name(enum job_end end);

#endif
