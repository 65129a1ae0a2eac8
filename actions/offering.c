/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instance and disk offerings, sections 4.5 and 4.6 of the manual.
 *
 * An offering is only read when a VM or volume is made from it: these keep their
 * own numbers, so changing or deleting an offering never touches them
 * (behaviour.md 3.4).
 */
#include "actions/offering.h"

#include <string.h>

#include "actions/config.h"
#include "actions/handlers.h"
#include "actions/object_ops.h"
#include "actions/vm.h"

#define MEMORY_MIN (INT64_C(16) << 20)

static const char *const storage_strategies[] = {
	STORAGE_STRATEGY_DEFAULT,
	"LocalPrimaryStorageStrategy",
	NULL,
};

static bool is_in(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

bool storage_strategy_is_known(const char *name)
{
	return is_in(storage_strategies, name);
}

static int check_host_strategy(const struct request *req, struct error *e)
{
	const char *name = request_str(req, "allocatorStrategy");

	if (!name || placement_strategy_is_known(name))
		return 0;
	return error_set(e, EINVAL, "unsupported host allocation strategy[%s]", name);
}

/* ------------------------------------------------------ instance offerings */

int instance_offering_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int64_t memory = request_int(req, "memorySize", 0);
	const char *type = request_str(req, "type");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (memory < MEMORY_MIN)
		return error_set(e, EINVAL,
				 "memory size[%lld bytes] is less than 16M, no modern operating system is "
				 "likely able to boot with such small memory size",
				 (long long)memory);
	if (type && strcmp(type, "UserVm") != 0)
		return error_set(e, EINVAL, "unsupported instance offering type[%s]", type);
	return check_host_strategy(req, e);
}

int instance_offering_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_INSTANCE_OFFERING, req, &o, e);

	if (r < 0)
		return r;
	object_set_int(o, INSTANCE_OFFERING_CPU_SPEED, 0);
	object_set_int(o, INSTANCE_OFFERING_SORT_KEY, 0); /* the manual's server stores 0 whatever is given */
	object_set_str(o, INSTANCE_OFFERING_TYPE, "UserVm");
	object_set_str(o, INSTANCE_OFFERING_STATE, "Enabled");
	if (object_is_null(o, INSTANCE_OFFERING_ALLOCATOR_STRATEGY))
		object_set_str(o, INSTANCE_OFFERING_ALLOCATOR_STRATEGY, HOST_STRATEGY_DEFAULT);
	return object_create(t, o, req, ret_result, e);
}

int instance_offering_update_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	return check_host_strategy(req, e);
}

static int gone(const struct request *req, struct error *e)
{
	return error_set(e, ENOENT, "%s '%s' is gone", kind_get(req->op->kind)->noun, req->target);
}

int instance_offering_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
{
	int r = 0;

	(void)ret_result;
	if (!request_object(txn_view(t), req))
		return gone(req, e);
	if (config_bool(txn_view(t), "vm.instanceOffering.setNullWhenDeleting"))
		r = object_clear_where(t, KIND_VM, VM_INSTANCE_OFFERING_UUID, req->target, e);
	return r < 0 ? r : object_remove(t, request_object(txn_view(t), req), e);
}

/* ---------------------------------------------------------- disk offerings */

int disk_offering_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *strategy = request_str(req, "allocationStrategy");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (strategy && !storage_strategy_is_known(strategy))
		return error_set(e, EINVAL, "unsupported primary storage allocation strategy[%s]", strategy);
	return 0;
}

int disk_offering_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_DISK_OFFERING, req, &o, e);

	if (r < 0)
		return r;
	object_set_int(o, DISK_OFFERING_SORT_KEY, request_int(req, "sortKey", 0));
	object_set_str(o, DISK_OFFERING_TYPE, "zstack");
	object_set_str(o, DISK_OFFERING_STATE, "Enabled");
	object_set_str(o, DISK_OFFERING_ALLOCATOR_STRATEGY, STORAGE_STRATEGY_DEFAULT);
	object_set_from_param(o, DISK_OFFERING_ALLOCATOR_STRATEGY, req, "allocationStrategy");
	return object_create(t, o, req, ret_result, e);
}

int disk_offering_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r;

	(void)ret_result;
	if (!request_object(txn_view(t), req))
		return gone(req, e);
	r = object_clear_where(t, KIND_VOLUME, VOLUME_DISK_OFFERING_UUID, req->target, e);
	return r < 0 ? r : object_remove(t, request_object(txn_view(t), req), e);
}
