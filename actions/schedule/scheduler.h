/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedulers: rows that say when an operation is run on a VM or a volume
 * (behaviour.md 3.9), and the thread that runs them.
 *
 * The moment of the next run is in the row. When it has come, one change
 * writes the run's job and the moment after it, so that a run is neither lost
 * nor doubled whenever the daemon dies. A run is an ordinary job of the source
 * "scheduler": it waits in its object's queue and may fail like any other.
 *
 * A scheduler whose VM is Unknown or Destroyed, or whose volume is deleted,
 * rests: its moments pass. So does one whose object is gone; those of a VM go
 * when it is expunged.
 *
 * The thread sleeps until the next moment of all schedulers, and is woken when
 * a scheduler changes and when the clock is set.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULER_H
#define POOLFS_SCHEDULE_SCHEDULER_H

#include "actions/engine/pool.h"

/**
 * Runs what is due at @now (ns since 1970), and plans the rest anew when @replan: after a start and after
 * the clock was set. *ret_next: the next moment of all, NEVER = none. Not from the writer thread.
 */
int schedulers_run(struct store *store, int64_t now, bool replan, int64_t *ret_next, struct error *e);

/**
 * After a snapshot of the scheduler @uuid (NULL or gone: nothing to do) has become Ready: hands in the
 * deletion of its oldest ones, each alone, that are more than its snapshotMaxNumber. What others took, by
 * hand or by another scheduler, is not counted. For workers.
 */
void scheduler_drop_snapshots(struct pool *pool, const char *uuid);

/** A moment of a scheduler's row, ns; NEVER when it is null. */
int64_t scheduler_moment(const struct object *o, int field);

/** Sets it. */
void scheduler_set_moment(struct object *o, int field, int64_t ns);

#endif
