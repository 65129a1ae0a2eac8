/* SPDX-License-Identifier: Apache-2.0 */
/* See firmware.h. */
#include "actions/vm/firmware.h"

#include <errno.h>

#include "actions/vm/machine.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/firmware.h"

static bool has_uefi(struct pool *pool, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);

	return vm && vm_has_uefi(view, vm);
}

int vm_copy_firmware(struct pool *pool, const char *from_host, const char *from, const char *host,
		     const char *uuid, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r;

	if (!has_uefi(pool, uuid))
		return 0;
	r = hv_firmware_copy(pool_hypervisor(pool), from_host, from, host, uuid, &why);
	return r == 0 || r == -ENOTCONN || r == -ENOENT ? 0 : error_move(e, &why);
}

void vm_leave_host(struct pool *pool, const char *host, const char *uuid)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;

	if (hv_domain_undefine(pool_hypervisor(pool), host, uuid, &ignored) == 0 && has_uefi(pool, uuid))
		(void)hv_firmware_remove(pool_hypervisor(pool), host, uuid, NULL);
}
