/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures of the screens of VMs. They are no part of the pool's state.
 *
 * A host is asked for one when somebody wants to see it, and at most once in SCREENSHOT_AGE_MS for a VM: who asks
 * earlier, or meanwhile, gets the same picture, or the same refusal. Nobody asks, nothing is done.
 */
#ifndef POOLFS_VM_SCREENSHOT_H
#define POOLFS_VM_SCREENSHOT_H

#include "actions/engine/pool.h"

#define SCREENSHOT_AGE_MS 1000

/* A picture. Immutable. */
struct screenshot;

/** Asks the hosts of VMs. It is stopped when nobody may want to see any more, before hv_free(). NULL: no memory. */
struct single_flight *screenshots_new(struct pool *pool);

/**
 * What the screen of a VM shows now, with a reference for the caller. -ENOENT when there is no such VM, -EBUSY when it is
 * not running, -ETIMEDOUT when its host has not answered within five seconds: then the picture is there for who asks
 * next; else the errors of hv_domain_screenshot(). Blocking, for workers.
 */
int screenshot_get(struct pool *pool, const char *vm, struct screenshot **ret, struct error *e);
void screenshot_unref(struct screenshot *screenshot);
DEFINE_CLEANUP(struct screenshot *, screenshot_unref)
#define _cleanup_screenshot_ _cleanup_(screenshot_unref_p)

/** The PNG; borrowed. */
const char *screenshot_png(const struct screenshot *screenshot, size_t *ret_len);
/** When it was taken: ns since 1970. */
int64_t screenshot_time(const struct screenshot *screenshot);

#endif
