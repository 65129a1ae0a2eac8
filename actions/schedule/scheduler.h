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

/** A time in a scheduler's row, ns since 1970; NEVER when it is null. */
int64_t scheduler_moment(const struct object *o, int field);

/**
 * The state of a scheduler that nobody has disabled, whose next run is at @next: Suspended while the state of its
 * VM or volume forbids runs, Completed without a next run, else Enabled.
 */
const char *scheduler_state(const struct view *view, const struct object *scheduler, int64_t next);

/** Sets a time in a scheduler's row; NEVER sets it to null. */
void scheduler_set_moment(struct object *o, int field, int64_t ns);

#endif
