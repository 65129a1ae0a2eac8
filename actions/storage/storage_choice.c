/* SPDX-License-Identifier: Apache-2.0 */
/* See storage_choice.h. */
#include "actions/storage/storage_choice.h"

#include <string.h>

#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "actions/storage/primary_storage.h"
#include "model/states.h"

bool storage_strategy_is_known(const char *name)
{
	return strcmp(name, STORAGE_STRATEGY_DEFAULT) == 0 || strcmp(name, STORAGE_STRATEGY_LOCAL) == 0;
}

const char *storage_strategy_of(const struct view *view, const char *disk_offering)
{
	const struct object *o = view_get(view, KIND_DISK_OFFERING, disk_offering);

	return o ? object_str(o, DISK_OFFERING_ALLOCATOR_STRATEGY) : NULL;
}

bool storage_fits(const struct view *view, const struct object *ps, const struct storage_wish *wish,
		  int64_t taken, int64_t *ret_room)
{
	bool local = wish->strategy && strcmp(wish->strategy, STORAGE_STRATEGY_LOCAL) == 0;
	int64_t room = capacity_storage_room(view, ps) - taken;

	if ((wish->storage && strcmp(wish->storage, object_uuid(ps)) != 0) ||
	    (wish->cluster && !cluster_has_primary_storage(view, wish->cluster, object_uuid(ps))) ||
	    (local && !primary_storage_is_local(ps)) ||
	    !object_str_is(ps, PRIMARY_STORAGE_STATE, STATE_ENABLED) ||
	    !object_str_is(ps, PRIMARY_STORAGE_STATUS, STATUS_CONNECTED) || (wish->size && room < wish->size))
		return false;
	if (ret_room)
		*ret_room = room;
	return true;
}
