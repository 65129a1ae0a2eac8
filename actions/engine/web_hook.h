/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Web hooks (behaviour.md 1.6): posts the end of a job to the URL that its request
 * named. The queue is in the database: the URL stays in the row of a job that has
 * ended until it was delivered or given up, so no delivery is lost by a restart. A hook is called once, and again only
 * when it did not answer with success, or when that could not be noted in the row.
 */
#ifndef POOLFS_ENGINE_WEB_HOOK_H
#define POOLFS_ENGINE_WEB_HOOK_H

#include "actions/engine/pool.h"

struct web_hooks;

/**
 * Observes the jobs and starts the thread that delivers, beginning with what the database contains.
 * *ret_hooks may be set on failure, too: the store then still calls it. Free with web_hooks_free(). -ENOMEM,
 * -ENOSPC, -EAGAIN, errors of the store.
 */
int web_hooks_new(struct pool *pool, struct web_hooks **ret_hooks, struct error *e);
/** Ends the thread; what was not delivered stays in the database. Accepts NULL. */
void web_hooks_stop(struct web_hooks *hooks);
/** Only after store_close(), which still calls observers. Accepts NULL. */
void web_hooks_free(struct web_hooks *hooks);

#endif
