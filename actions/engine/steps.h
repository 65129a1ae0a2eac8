/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on any number of rows, in changes of a bounded number of rows each: the store, which makes one change after the
 * other, is never busy with it for long, and whoever waits for another change gets between.
 *
 * Readers see the pool between two steps, and a daemon that is killed leaves it so. Each step therefore looks for what
 * is still to be done; the recovery of a job does the same work again.
 */
#ifndef POOLFS_ENGINE_STEPS_H
#define POOLFS_ENGINE_STEPS_H

#include "actions/engine/pool.h"

/* Rows that one step changes, and what belongs to the last of them. */
#define STEP_ROWS 128

/**
 * One step, a change function: looks for what is to be done, and takes the rows that it changes from *@left, STEP_ROWS
 * at first. The step that leaves some has found nothing more to do, and is the last one: what must not happen before
 * all is done belongs into it.
 */
typedef int step_fn(struct txn *t, void *arg, size_t *left, struct error *e);

/** Takes steps until one is the last. Errors of @fn and of the store. Not from the store's writer thread. */
int pool_run_steps(struct pool *pool, step_fn *fn, void *arg, struct error *e);

#endif
