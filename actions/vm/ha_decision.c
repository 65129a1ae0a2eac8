/* SPDX-License-Identifier: Apache-2.0 */
/* See ha_decision.h. */
#include "actions/vm/ha_decision.h"

enum ha_host_step ha_decide_host(const struct ha_host *host)
{
	if (!host->disconnected)
		return HA_HOST_WAIT;
	if (host->dead)
		return HA_HOST_RELEASE;
	if (!host->needed || host->pending || host->silent_ns < host->patience_ns)
		return HA_HOST_WAIT;
	if (host->answers)
		return HA_HOST_LIVES;
	if (!host->has_command)
		return HA_HOST_ASK;
	return host->next_try_ns > 0 ? HA_HOST_WAIT : HA_HOST_FENCE;
}

enum ha_vm_step ha_decide_vm(const struct ha_vm *vm)
{
	/* Files on the host alone cannot be used without it: only its return decides about such a VM. */
	if (!vm->unknown || vm->pending || vm->elsewhere || !vm->shared)
		return HA_VM_KEEP;
	return vm->available ? HA_VM_RESTART : HA_VM_STOP;
}
