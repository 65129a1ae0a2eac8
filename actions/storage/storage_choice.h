/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which primary storage a new volume may be on: what the storage must have, and the strategies that a disk
 * offering can name (behaviour.md 2.6). The choice of a host is the caller's. All functions only read.
 */
#ifndef POOLFS_STORAGE_STORAGE_CHOICE_H
#define POOLFS_STORAGE_STORAGE_CHOICE_H

#include <stdbool.h>

#include "model/store.h"

#define STORAGE_STRATEGY_DEFAULT "DefaultPrimaryStorageAllocationStrategy" /* any storage */
#define STORAGE_STRATEGY_LOCAL	 "LocalPrimaryStorageStrategy"		   /* local to hosts */

/** What a new volume needs. Strings are borrowed, NULL where it does not matter. */
struct storage_wish {
	const char *cluster;  /* that has the storage */
	const char *storage;  /* this one */
	const char *strategy; /* of the offering; unknown ones are the default */
	int64_t size;	      /* bytes; 0: the room does not matter */
};

bool storage_strategy_is_known(const char *name);
/** The strategy of a disk offering, borrowed from @view; NULL when there is no such offering. */
const char *storage_strategy_of(const struct view *view, const char *disk_offering);
/**
 * True when the storage is Enabled, Connected, as wished, and has room for the volume besides @taken bytes.
 * *ret_room (may be NULL) is then what is left of its room: callers take the storage with the most.
 */
bool storage_fits(const struct view *view, const struct object *ps, const struct storage_wish *wish,
		  int64_t taken, int64_t *ret_room);

#endif
