/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: what everything below actions/ is given to work with. Opening and closing it is
 * pool_open.h, handing in requests submit.h.
 */
#ifndef POOLFS_ENGINE_POOL_H
#define POOLFS_ENGINE_POOL_H

#include "model/store.h"

struct pool;
struct hypervisor;
struct uploads;

struct store *pool_store(struct pool *pool);
struct hypervisor *pool_hypervisor(struct pool *pool);
struct uploads *pool_uploads(struct pool *pool);
/** Absolute path of the state folder; borrowed. */
const char *pool_state_dir(const struct pool *pool);
/** Runs any function in a worker thread, for renderings that take long. -ENOMEM, -ESHUTDOWN: it will not run.
 */
int pool_background(struct pool *pool, void (*fn)(void *arg), void *arg);
/** As pool_background(), for what a client can ask for at will (queries): clients take turns, see turns.h. */
int pool_take_turn(struct pool *pool, const char *client, void (*fn)(void *arg), void *arg);
/** When a query that is asked now is cut off: ns of CLOCK_MONOTONIC, as struct query_scope wants it. */
int64_t pool_query_deadline(const struct view *view);

#endif
