/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in what they see the readers of events stand, kept for the next process (model/keep.h): positions go on there.
 */
#ifndef POOLFS_FS_TELL_EVENT_PLACES_H
#define POOLFS_FS_TELL_EVENT_PLACES_H

#include "model/keep.h"
#include "model/store.h"

/** The readers of the process before this one, whose accounts are in @view, go on where they were. -ENOMEM. */
int event_places_load(struct keep *keep, struct event_log *events, const struct view *view);
/** Keeps what is new; of readers whose accounts are deleted nothing stays. In the thread of the store, as its observer. */
void event_places_observe(struct keep *keep, struct event_log *events, const struct view *view,
			  const struct change *changes, size_t count);

#endif
