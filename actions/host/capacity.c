/* SPDX-License-Identifier: Apache-2.0 */
/* See capacity.h. */
#include "actions/host/capacity.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/operation.h"

/* The hosts on which a VM may hold capacity: the one that it is on, and the target of a migration. */
static const int holding_fields[] = {VM_HOST_UUID, VM_MIGRATION_HOST_UUID};

/* True when the VM holds CPU and memory of the host that @field names (behaviour.md 3.6). */
static bool vm_holds_host(const struct object *vm, int field)
{
	static const enum vm_state without[] = {VM_STATE_CREATED, VM_STATE_STOPPED, VM_STATE_DESTROYING,
						VM_STATE_DESTROYED, VM_STATE_EXPUNGING};

	if (field == VM_MIGRATION_HOST_UUID)
		return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_MIGRATING));
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (object_str_is(vm, VM_STATE, vm_state_name(without[i])))
			return false;
	return true;
}

static int64_t at_least_zero(int64_t n)
{
	return n > 0 ? n : 0;
}

int capacity_update_host(struct txn *t, const char *host_uuid, struct error *e)
{
	const struct view *view = txn_view(t);
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	int64_t cpu, memory, total;
	struct object *copy;

	if (!host || object_is_null(host, HOST_CPU_NUM))
		return 0; /* gone, or never connected, so its capacity is unknown */
	cpu = object_int(host, HOST_FOREIGN_CPU);
	memory = object_int(host, HOST_FOREIGN_MEMORY);
	for (size_t i = 0; i < ARRAY_SIZE(holding_fields); i++)
		view_for_each_where (vm, view, KIND_VM, holding_fields[i], host_uuid) {
			if (!vm_holds_host(vm, holding_fields[i]))
				continue;
			cpu += object_int(vm, VM_CPU_NUM);
			memory += object_int(vm, VM_MEMORY_SIZE);
		}
	copy = object_copy(host);
	total = object_int(host, HOST_CPU_NUM) * config_int(view, "host.cpu.overProvisioning.ratio");
	object_set_int(copy, HOST_TOTAL_CPU, total);
	object_set_int(copy, HOST_AVAILABLE_CPU, at_least_zero(total - cpu));
	object_set_int(copy, HOST_AVAILABLE_MEMORY,
		       at_least_zero(object_int(host, HOST_TOTAL_MEMORY) - memory));
	return txn_put(t, copy, NULL, e);
}

/* Adds to the available capacity of a host. That of a host which never connected is computed when it does. */
static int host_give(struct txn *t, const char *uuid, int64_t cpu, int64_t memory, struct error *e)
{
	const struct object *host = view_get(txn_view(t), KIND_HOST, uuid);
	struct object *copy;

	if (!host || object_is_null(host, HOST_CPU_NUM) || (!cpu && !memory))
		return 0;
	cpu += object_int(host, HOST_AVAILABLE_CPU);
	memory += object_int(host, HOST_AVAILABLE_MEMORY);
	/* The host is, or was, overcommitted: a value that was cut off at zero cannot be added to. */
	if (cpu <= 0 || memory <= 0 || !object_int(host, HOST_AVAILABLE_CPU) ||
	    !object_int(host, HOST_AVAILABLE_MEMORY))
		return capacity_update_host(t, uuid, e);
	copy = object_copy(host);
	object_set_int(copy, HOST_AVAILABLE_CPU, cpu);
	object_set_int(copy, HOST_AVAILABLE_MEMORY, memory);
	return txn_put(t, copy, NULL, e);
}

static int follow_field(struct txn *t, const struct object *before, const struct object *after, int field,
			struct error *e)
{
	const char *from = before && vm_holds_host(before, field) ? object_str(before, field) : NULL;
	const char *to = after && vm_holds_host(after, field) ? object_str(after, field) : NULL;
	int r;

	if (from && to && strcmp(from, to) == 0)
		return host_give(t, to, object_int(before, VM_CPU_NUM) - object_int(after, VM_CPU_NUM),
				 object_int(before, VM_MEMORY_SIZE) - object_int(after, VM_MEMORY_SIZE), e);
	if (from) {
		r = host_give(t, from, object_int(before, VM_CPU_NUM), object_int(before, VM_MEMORY_SIZE), e);
		if (r < 0)
			return r;
	}
	if (!to)
		return 0;
	return host_give(t, to, -object_int(after, VM_CPU_NUM), -object_int(after, VM_MEMORY_SIZE), e);
}

int capacity_follow_vm(struct txn *t, const struct object *before, const struct object *after,
		       struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(holding_fields); i++) {
		int r = follow_field(t, before, after, holding_fields[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The sum of the field @size of all objects of @kind on the primary storage. */
static int64_t sum_on_storage(const struct view *view, enum kind_id kind, int storage, int size,
			      const char *uuid)
{
	int64_t sum = 0;

	view_for_each_where (o, view, kind, storage, uuid)
		sum += object_int(o, size);
	return sum;
}

static int set_available(struct txn *t, const struct object *ps, int64_t available, struct error *e)
{
	struct object *copy = object_copy(ps);

	object_set_int(copy, PRIMARY_STORAGE_AVAILABLE, at_least_zero(available));
	return txn_put(t, copy, NULL, e);
}

int capacity_update_primary_storage(struct txn *t, const char *uuid, struct error *e)
{
	const struct view *view = txn_view(t);
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, uuid);
	int64_t used;

	if (!ps || object_is_null(ps, PRIMARY_STORAGE_TOTAL))
		return 0; /* gone, or never measured */
	used = sum_on_storage(view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, VOLUME_SIZE, uuid) +
	       sum_on_storage(view, KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, IMAGE_CACHE_SIZE,
			      uuid) +
	       sum_on_storage(view, KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID, SNAPSHOT_SIZE, uuid);
	return set_available(t, ps, object_int(ps, PRIMARY_STORAGE_TOTAL) - used, e);
}

int64_t capacity_storage_room(const struct view *view, const struct object *ps)
{
	int64_t total = object_int(ps, PRIMARY_STORAGE_TOTAL_PHYSICAL);
	int64_t used = total - object_int(ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL);

	if (used > total / 100 * config_int(view, "primaryStorage.physicalCapacityThreshold"))
		return 0;
	return at_least_zero(object_int(ps, PRIMARY_STORAGE_AVAILABLE) -
			     config_int(view, "primaryStorage.reservedCapacity"));
}

int capacity_reserve_storage(struct txn *t, const char *uuid, int64_t bytes, struct error *e)
{
	const struct object *ps = view_get(txn_view(t), KIND_PRIMARY_STORAGE, uuid);
	int64_t available;

	if (!ps)
		return error_gone(e, KIND_PRIMARY_STORAGE, uuid);
	available = object_int(ps, PRIMARY_STORAGE_AVAILABLE);
	if (bytes > capacity_storage_room(txn_view(t), ps))
		return error_set_code(
			e, ENOSPC, "PS.1000",
			"primary storage '%s' has %lld bytes left of which %lld are reserved, and %lld of the %lld "
			"bytes of its file system are free, %lld are needed",
			object_name(ps), (long long)available,
			(long long)config_int(txn_view(t), "primaryStorage.reservedCapacity"),
			(long long)object_int(ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL),
			(long long)object_int(ps, PRIMARY_STORAGE_TOTAL_PHYSICAL), (long long)bytes);
	return set_available(t, ps, available - bytes, e);
}

int capacity_release_storage(struct txn *t, const char *uuid, int64_t bytes, struct error *e)
{
	const struct object *ps = view_get(txn_view(t), KIND_PRIMARY_STORAGE, uuid);
	int64_t total, available;

	if (!ps)
		return 0;
	total = object_int(ps, PRIMARY_STORAGE_TOTAL);
	available = object_int(ps, PRIMARY_STORAGE_AVAILABLE) + bytes;
	return set_available(t, ps, available < total ? available : total, e);
}
