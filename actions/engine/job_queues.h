/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queues of jobs: one for each object that a job names.
 *
 * A job waits in the queues of all its objects and is ready when it is the first in each
 * of them. It enters all at once, so no two jobs can wait for each other. What a call
 * takes does not grow with the length of a queue, but for the logarithm of a search.
 *
 * Not locking: all calls are made under the lock of the executor.
 */
#ifndef POOLFS_ENGINE_JOB_QUEUES_H
#define POOLFS_ENGINE_JOB_QUEUES_H

#include "model/uuid.h"
#include "model/view.h"

struct job_queues;
struct job_place;

/* A job in its queues; a member of what the caller allocates. */
struct job_entry {
	char job[UUID_SIZE];	      /* first member: the key of a search tree */
	size_t blocked;		      /* queues in which it is not the first; 0: it is ready */
	size_t count;		      /* queues it is in */
	struct job_place *in;	      /* owned: its place in each of them */
	struct job_entry *next_ready; /* of job_queues_leave() */
};

/** NULL when memory is short. */
struct job_queues *job_queues_new(void);
/** Calls @free_entry for all jobs that are in queues. Accepts NULL. */
void job_queues_free(struct job_queues *queues, void (*free_entry)(struct job_entry *entry));

/**
 * Appends the job to the queues of all objects that it names, or to none when memory is short: -ENOMEM. @entry (empty) is
 * borrowed until it leaves.
 */
int job_queues_enter(struct job_queues *queues, const struct view *view, const struct object *job,
		     struct job_entry *entry);
/** The job's entry; NULL if it is in no queue. */
struct job_entry *job_queues_find(struct job_queues *queues, const char *job);
/** Removes a job that is ready from its queues; returns a list (next_ready) of those that are ready now. */
struct job_entry *job_queues_leave(struct job_queues *queues, struct job_entry *entry);
/** True when no job has a place in them. */
bool job_queues_are_empty(const struct job_queues *q);

#endif
