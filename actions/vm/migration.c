/* SPDX-License-Identifier: Apache-2.0 */
/* See migration.h. */
#include "actions/vm/migration.h"

#include "actions/engine/config.h"
#include "actions/vm/nic.h"
#include "actions/vm/placement.h"

int vm_migration_targets(const struct view *view, const struct object *vm, const char *host,
			 const struct object ***ret_hosts, size_t *ret_count, struct error *e)
{
	const struct object *now = view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID));
	const char *networks[VM_NICS_MAX];
	_cleanup_free_ const struct object **hosts = NULL;
	struct placement want;
	size_t count = 0, suitable = 0;
	int r;

	placement_for_vm(view, vm, &want, networks);
	want.host = host;
	want.strategy = "MigrateVmAllocatorStrategy";
	want.avoid_host = object_str(vm, VM_HOST_UUID);
	want.volumes_move = config_bool(view, CONFIG_MIGRATE_LOCAL);
	r = placement_list(view, &want, &hosts, &count, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		if (now && object_str_is(hosts[i], HOST_VIRT_TYPE, object_text(now, HOST_VIRT_TYPE)))
			hosts[suitable++] = hosts[i];
	if (!suitable)
		return error_set_code(e, ENOSPC, "HOST_ALLOCATION.1000",
				      "no host having state=Enabled status=Connected hypervisorType=%s found",
				      now ? object_text(now, HOST_VIRT_TYPE) : "");
	*ret_hosts = steal(&hosts);
	*ret_count = suitable;
	return 0;
}
