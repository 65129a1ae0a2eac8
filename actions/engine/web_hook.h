/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Web hooks (behaviour.md 1.6): the end of a job is posted to the URL that its
 * request named. The outbox is the jobs' rows: a URL stays in the row of a job
 * that has ended until it was delivered or given up, so a restart forgets none.
 */
#ifndef POOLFS_ENGINE_WEB_HOOK_H
#define POOLFS_ENGINE_WEB_HOOK_H

#include "actions/engine/pool.h"

struct web_hooks;

/** Follows the jobs and starts the thread that delivers, beginning with what the database holds. */
int web_hooks_new(struct pool *pool, struct web_hooks **ret_hooks, struct error *e);
/** Ends the thread; what is not delivered stays in the database. Accepts NULL. */
void web_hooks_stop(struct web_hooks *hooks);
/** After store_close(), which tells observers to the last. Accepts NULL. */
void web_hooks_free(struct web_hooks *hooks);

#endif
