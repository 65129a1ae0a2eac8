/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedulers that are made of two objects: a job says what is run, a trigger when.
 *
 * Each pair of a job and a trigger that starts it is one scheduler, which names both
 * and repeats what it needs of them, so that running it needs nothing else. It
 * follows when one of them is changed, and is not changed by itself. All of these are
 * parts of changes.
 */
#ifndef POOLFS_SCHEDULE_LINKED_H
#define POOLFS_SCHEDULE_LINKED_H

#include "actions/engine/rows.h"

/* The most triggers of a job, and jobs of a trigger: what one change can follow. */
#define LINKED_MAX 1000

/** A new scheduler that runs @job when @trigger says. *ret: it, borrowed from the view. Errors of txn_put(). */
int linked_create(struct txn *t, const struct object *job, const struct object *trigger,
		  const struct object **ret, struct error *e);
/** After the job with this uuid was changed. Errors of txn_put(). */
int linked_follow_job(struct txn *t, const char *job, struct error *e);
/** After the trigger with this uuid was changed; a scheduler whose times stay the same is left alone. */
int linked_follow_trigger(struct txn *t, const char *trigger, struct error *e);
/** Removes the schedulers whose @field, SCHEDULER_OF_JOB or SCHEDULER_OF_TRIGGER, is @uuid. */
int linked_remove(struct txn *t, int field, const char *uuid, struct error *e);

#endif
