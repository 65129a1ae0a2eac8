/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedulers: rows that tell when an operation is run on a VM or a volume
 * (behaviour.md 3.9). This file runs those that are due; scheduler_thread.h
 * calls it.
 *
 * The row holds the time of the next run. When it has come, one change writes
 * the job of this run and the time of the one after it, so that a run is
 * neither lost nor doubled when the daemon dies. A run is an ordinary job of
 * the source "scheduler": it waits in the queue of its object and may fail
 * like any other.
 *
 * Runs are skipped while the VM is Unknown, Destroying, Destroyed or Expunging,
 * the volume is Deleted, or the object is gone. The schedulers of a VM are
 * removed when it is expunged.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULER_H
#define POOLFS_SCHEDULE_SCHEDULER_H

#include "actions/engine/pool.h"

/**
 * Runs the schedulers that are due at @now (ns since 1970). With @replan, after a start and after the clock
 * was set, it also computes the next run of the others again. *ret_next: the earliest next run, ns since 1970;
 * NEVER = none. Errors of the database, -ENOMEM. Blocking: not in the writer thread.
 */
int schedulers_run(struct store *store, int64_t now, bool replan, int64_t *ret_next, struct error *e);

/**
 * For workers, after a snapshot of the scheduler @uuid has become Ready: submits a job for each of its oldest
 * snapshots in excess of its snapshotMaxNumber, which deletes this snapshot alone. Snapshots taken by others
 * are not counted. Does nothing when @uuid is NULL or the scheduler is gone; errors are only logged.
 */
void scheduler_drop_snapshots(struct pool *pool, const char *uuid);

/** Sets when the first run is: @start, or @now when that is 0; ns since 1970. All runs are at full seconds. */
void scheduler_set_start(struct object *o, int64_t start, int64_t now);

/**
 * Computes the end, the next run and the state of a scheduler that is new, or whose times have changed, from its
 * times; one that is Disabled stays so. @now: ns since 1970. -EPROTO as schedule_of().
 */
int scheduler_plan(const struct view *view, struct object *scheduler, int64_t now, struct error *e);

/** Enables the scheduler, which makes up for no run that was missed meanwhile, or disables it. As scheduler_plan(). */
int scheduler_set_enabled(const struct view *view, struct object *scheduler, bool enable, int64_t now,
			  struct error *e);

/**
 * Writes a job of the scheduler besides those of its schedule, unless it is Disabled or Suspended. A part of a change;
 * errors of job_submit() and txn_put().
 */
int scheduler_run_now(struct txn *t, const struct object *scheduler, struct error *e);

/** Removes the scheduler, but not its snapshots, which are then as if taken by hand. A part of a change. */
int scheduler_remove(struct txn *t, const struct object *scheduler, struct error *e);

#endif
