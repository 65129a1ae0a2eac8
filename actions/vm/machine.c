/* SPDX-License-Identifier: Apache-2.0 */
/* See machine.h. */
#include "actions/vm/machine.h"

#include <string.h>
#include <strings.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/vm/nic.h"

/* Devices on ports that each VM has: SCSI, serial and USB controllers, balloon, random numbers; one to spare. */
#define FIXED_DEVICES 6

static bool tag_is(const struct view *view, const struct object *vm, const char *prefix, const char *value)
{
	const char *have = tag_value(view, object_uuid(vm), prefix);

	return have && strcasecmp(have, value) == 0;
}

const char *vm_machine_type(const struct view *view, const struct object *vm)
{
	const char *tag = tag_value(view, object_uuid(vm), "vmMachineType");
	const char *type = tag ? tag : object_str(vm, VM_MACHINE_TYPE);

	if (!tag && tag_is(view, vm, "secureBoot", "true"))
		return "q35"; /* pc has no Secure Boot */
	return type && strcasecmp(type, "q35") == 0 ? "q35" : "pc";
}

bool vm_has_uefi(const struct view *view, const struct object *vm)
{
	return tag_is(view, vm, "bootMode", "UEFI") || tag_is(view, vm, "secureBoot", "true");
}

void vm_machine_needs(const struct view *view, const struct object *vm, const char *ret_words[4])
{
	size_t n = 0;

	if (vm_has_uefi(view, vm))
		ret_words[n++] = "uefi";
	if (tag_is(view, vm, "secureBoot", "true"))
		ret_words[n++] = "secureBoot";
	if (tag_is(view, vm, "tpm", "2.0"))
		ret_words[n++] = "tpm";
	ret_words[n] = NULL;
}

/* As many as the VM may ever get devices: a running guest gets no further port. */
static int pcie_ports(const struct view *view)
{
	return FIXED_DEVICES + 1 + (int)config_int(view, "kvm.dataVolume.maxNum") + VM_NICS_MAX;
}

void vm_describe_machine(const struct view *view, const struct object *vm, struct hv_domain_def *ret)
{
	ret->machine = vm_machine_type(view, vm);
	ret->pcie_ports = pcie_ports(view);
	ret->cpu_mode = tag_value(view, object_uuid(vm), "vmCpuMode");
	if (!ret->cpu_mode)
		ret->cpu_mode = config_str(view, "kvm.vm.cpuMode");
	ret->uefi = vm_has_uefi(view, vm);
	ret->secure_boot = tag_is(view, vm, "secureBoot", "true");
	ret->tpm = tag_is(view, vm, "tpm", "2.0");
}
