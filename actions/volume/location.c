/* SPDX-License-Identifier: Apache-2.0 */
/* See location.h. */
#include "actions/volume/location.h"

#include <string.h>

#include "actions/engine/request.h"
#include "actions/host/topology.h"
#include "actions/storage/primary_storage.h"
#include "actions/volume/volume.h"
#include "model/states.h"

static bool is_connected(const struct object *host)
{
	return host && object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
}

const struct object *volume_any_host(const struct view *view, const struct object *volume)
{
	const char *local = object_str(volume, VOLUME_HOST_UUID);
	const struct object *host = local ? view_get(view, KIND_HOST, local) : NULL;

	if (local)
		return is_connected(host) ? host : NULL;
	return primary_storage_next_host(view, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), 0);
}

const char *volume_base_path(const struct view *view, const struct object *volume)
{
	const char *host = object_str(volume, VOLUME_HOST_UUID);

	view_for_each_where (cache, view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID,
			     object_text(volume, VOLUME_ROOT_IMAGE_UUID))
		if (object_str_is(cache, IMAGE_CACHE_PRIMARY_STORAGE_UUID,
				  object_text(volume, VOLUME_PRIMARY_STORAGE_UUID)) &&
		    (!host || object_str_is(cache, IMAGE_CACHE_HOST_UUID, host)))
			return object_str(cache, IMAGE_CACHE_INSTALL_PATH);
	return NULL;
}

static int error_no_host(const char *ps, struct error *e)
{
	return error_set_code(e, ENOTCONN, "PS.1003", "no host of primary storage '%s' is connected", ps);
}

int volume_find_host(const struct view *view, const struct object *volume, const struct object **ret_host,
		     struct error *e)
{
	*ret_host = volume_any_host(view, volume);
	return *ret_host ? 0 : error_no_host(object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), e);
}

int volume_locate(const struct view *view, const char *uuid, struct volume_location *ret, struct error *e)
{
	const struct object *volume = view_get(view, KIND_VOLUME, uuid), *host;
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!volume || !object_str(volume, VOLUME_INSTALL_PATH))
		return error_set(e, ENOENT, "volume '%s' has no file", uuid);
	*ret = (struct volume_location){
		.volume = volume, .vm = vm, .ps = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID)};
	ret->active = vm && volume_vm_is_active(vm);
	if (vm && !ret->active && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) &&
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)))
		return error_set(e, EBUSY, "vm[uuid:%s] is not Running or Stopped, current state[%s]",
				 object_uuid(vm), object_text(vm, VM_STATE));
	host = ret->active ? view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID))
			   : volume_any_host(view, volume);
	if (!is_connected(host))
		return error_no_host(ret->ps, e);
	ret->host = object_uuid(host);
	return 0;
}

/* ----------------------------------------------------------------- new volumes */

/* The host on whose local storage the volumes of a VM are, or are to be created; NULL = any. */
static const char *host_of_vm(const struct view *view, const struct object *vm)
{
	const struct object *root = vm_root_volume(view, vm);

	if (root && object_str(root, VOLUME_HOST_UUID))
		return object_str(root, VOLUME_HOST_UUID);
	return object_str(vm, VM_HOST_UUID) ? object_str(vm, VM_HOST_UUID)
					    : object_str(vm, VM_LAST_HOST_UUID);
}

/* A connected host of the storage: @wanted, else the VM's, else (unless that is local) one of its cluster. */
static const struct object *host_for(const struct view *view, const struct object *vm,
				     const struct object *ps, const char *wanted)
{
	const char *near = wanted ? wanted : vm ? host_of_vm(view, vm) : NULL;
	bool must = wanted || (near && primary_storage_is_local(ps));
	const struct object *first = NULL;

	for (const struct object *host = host_of_primary_storage(view, object_uuid(ps), 0); host;
	     host = host_of_primary_storage(view, object_uuid(ps), host->id)) {
		if (near && strcmp(near, object_uuid(host)) == 0)
			return host;
		if (!first &&
		    (!vm || object_str_is(host, HOST_CLUSTER_UUID, object_text(vm, VM_CLUSTER_UUID))))
			first = host;
	}
	return must ? NULL : first;
}

/* Whether a host that is Connecting would do for volume_choose_storage(), with one of the storages that fit. */
static bool awaits_host(const struct view *view, const struct object *vm, const struct storage_wish *wish,
			const char *wanted)
{
	const char *near = wanted ? wanted : vm ? host_of_vm(view, vm) : NULL;

	view_for_each (host, view, KIND_HOST) {
		bool is_near = !near || strcmp(near, object_uuid(host)) == 0;

		if (!object_str_is(host, HOST_STATE, STATE_ENABLED) ||
		    !object_str_is(host, HOST_STATUS, STATUS_CONNECTING) || (wanted && !is_near))
			continue;
		view_for_each (ps, view, KIND_PRIMARY_STORAGE)
			if (storage_fits(view, ps, wish, 0, NULL) &&
			    (is_near || !primary_storage_is_local(ps)) &&
			    cluster_has_primary_storage(view, object_str(host, HOST_CLUSTER_UUID),
							object_uuid(ps)))
				return true;
	}
	return false;
}

int volume_choose_storage(const struct view *view, const struct object *vm, const struct storage_wish *wish,
			  const char *wanted_host, const struct object **ret_ps,
			  const struct object **ret_host, struct error *e)
{
	struct storage_wish own = *wish;
	int64_t most = 0, room;

	if (vm)
		own.cluster = object_text(vm, VM_CLUSTER_UUID);
	*ret_ps = *ret_host = NULL;
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		const struct object *host;

		if (!storage_fits(view, ps, &own, 0, &room) || (*ret_ps && room <= most))
			continue;
		host = host_for(view, vm, ps, wanted_host);
		if (!host)
			continue;
		*ret_ps = ps;
		*ret_host = host;
		most = room;
	}
	if (*ret_ps)
		return 0;
	if (awaits_host(view, vm, &own, wanted_host))
		error_may_pass(e);
	return error_set_code(
		e, ENOSPC, "PS.1000",
		"cannot find available primary storage[state: Enabled, status: Connected, available "
		"capacity %lld bytes]. Check the state/status of primary storage and make sure they have "
		"been attached to clusters",
		(long long)wish->size);
}

const struct object *vm_root_volume(const struct view *view, const struct object *vm)
{
	return view_get(view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));
}
