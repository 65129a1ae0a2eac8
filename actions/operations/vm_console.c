/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console and the boot order of a VM (behaviour.md 4.1.33, 4.1.36, 4.1.44
 * and 4.1.60): settings with the checks of their values, and the address of the
 * console. The settings are system tags, see vm/setting.h.
 */
#include <string.h>

#include "actions/engine/pool.h"
#include "actions/engine/tags.h"
#include "actions/operations/table.h"
#include "actions/vm/console_access.h"
#include "actions/vm/describe.h"
#include "actions/vm/setting.h"
#include "actions/vm/tag_rules.h"
#include "hypervisor/domain/console.h"

static int vm_console_password_check(const struct view *view, const struct request *req, struct error *e)
{
	return vm_check_console_password(request_str(req, "consolePassword"), vm_has_spice(view, req->target),
					 e);
}

static int vm_boot_order_check(const struct view *view, const struct request *req, struct error *e)
{
	const json_t *list = request_list(req, "bootOrder");
	char shown[256] = "";
	size_t len = 0, i;
	json_t *item;

	(void)view;
	json_array_foreach (list, i, item) {
		len += (size_t)snprintf(shown + len, len < sizeof(shown) ? sizeof(shown) - len : 0, "%s%s",
					i ? ", " : "", json_string_value(item));
		if (len >= sizeof(shown))
			len = sizeof(shown) - 1;
	}
	json_array_foreach (list, i, item) {
		int r = vm_check_boot_order(json_string_value(item), shown, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int vm_monitor_number_check(const struct view *view, const struct request *req, struct error *e)
{
	char tag[64];
	const struct tag_subject s = {
		.view = view, .actor = &req->actor, .kind = KIND_VM, .uuid = req->target, .text = tag};

	snprintf(tag, sizeof(tag), "VDIMonitorNumber::%lld", (long long)request_int(req, "monitorNumber", 0));
	return system_tag_check(&s, e);
}

static int vm_console_address_get(struct pool *pool, const struct view *view, const struct request *req,
				  json_t **ret_result, struct error *e)
{
	struct console_address address;
	int r = console_address_find(pool, view, request_object(view, req), &address, e);

	if (r < 0)
		return r;
	*ret_result = json_pack("{s:s, s:i, s:s}", "hostIp", address.host, "port", address.port, "protocol",
				address.protocol);
	return *ret_result ? 0 : error_oom(e);
}

/* -------------------------------------------------------------- the settings */

static int push_console_password(struct pool *pool, const struct view *view, const struct object *vm,
				 const char *host, struct error *e)
{
	return hv_console_set_password(pool_hypervisor(pool), host, object_uuid(vm),
				       tag_value(view, object_uuid(vm), "consolePassword"), e);
}

static const struct vm_setting console_password = {
	.prefix = "consolePassword",
	.param = "consolePassword",
	.results = {"password", "consolePassword"},
	.push = push_console_password,
};

static const struct vm_setting boot_order = {
	.prefix = "bootOrder",
	.form = SETTING_LIST,
	.param = "bootOrder",
	.results = {"orders", "order"},
	.companion = "cdromBootOnce",
	.missing = vm_boot_order,
};

static const struct vm_setting rdp = {
	.prefix = "RDPEnable",
	.form = SETTING_TRUE,
	.param = "enable",
	.results = {"enable"},
};

static const char *one_monitor(const struct view *view, const char *vm_uuid)
{
	(void)view, (void)vm_uuid;
	return "1";
}

static const struct vm_setting monitor_number = {
	.prefix = "VDIMonitorNumber",
	.form = SETTING_NUMBER,
	.param = "monitorNumber",
	.results = {"monitorNumber"},
	.missing = one_monitor,
};

/* ------------------------------------------------------------------ the rows */

static const struct operation set_vm_console_password = {
	.section = "4.1.33",
	.name = "SetVmConsolePassword",
	.message = "org.zstack.header.vm.APISetVmConsolePasswordMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmConsolePassword",
	.params = (const struct param[]){P_UUID(KIND_VM),
					 {.name = "consolePassword",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_SECRET | PARAM_NOTRIM},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-console-password",
	.help = "sets the password of the console",
	.data = &console_password,
	.check = vm_console_password_check,
	.apply = vm_setting_apply,
	.run = vm_setting_run,
	.recover = vm_setting_recover,
};

static const struct operation get_vm_console_password = {
	.section = "4.1.34",
	.name = "GetVmConsolePassword",
	.message = "org.zstack.header.vm.APIGetVmConsolePasswordMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/console-passwords", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"password:String", NULL},
	.own_results = (const char *const[]){"consolePassword:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "console-passwords",
	.flags = OP_SYNC | OP_SECRET,
	.help = "password of the console",
	.data = &console_password,
	.get = vm_setting_get,
};

static const struct operation delete_vm_console_password = {
	.section = "4.1.35",
	.name = "DeleteVmConsolePassword",
	.message = "org.zstack.header.vm.APIDeleteVmConsolePasswordMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{uuid}/console-password", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.own_results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "delete-console-password",
	.help = "deletes the password of the console",
	.data = &console_password,
	.apply = vm_setting_apply,
	.run = vm_setting_run,
	.recover = vm_setting_recover,
};

static const struct operation get_vm_console_address = {
	.section = "4.1.36",
	.name = "GetVmConsoleAddress",
	.message = "org.zstack.header.vm.APIGetVmConsoleAddressMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/console-addresses", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"hostIp:String", "port:int", "protocol:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "console-addresses",
	.flags = OP_NEEDS_HOST | OP_SYNC,
	.states = S_RUNNING,
	.help = "address and port of the console",
	.get = vm_console_address_get,
};

static const struct operation get_vm_boot_order = {
	.section = "4.1.43",
	.name = "GetVmBootOrder",
	.message = "org.zstack.header.vm.APIGetVmBootOrderMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/boot-orders", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"orders:List", NULL},
	.own_results = (const char *const[]){"order:[string]", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "boot-orders",
	.flags = OP_SYNC,
	.help = "devices the VM boots from",
	.data = &boot_order,
	.get = vm_setting_get,
};

static const struct operation set_vm_boot_order = {
	.section = "4.1.44",
	.name = "SetVmBootOrder",
	.message = "org.zstack.header.vm.APISetVmBootOrderMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmBootOrder",
	.params = (const struct param[]){P_UUID(KIND_VM),
					 {.name = "bootOrder", .type = PARAM_LIST, .in = IN_BODY},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-boot-order",
	.help = "sets the devices the VM boots from; takes effect at its next start",
	.data = &boot_order,
	.check = vm_boot_order_check,
	.apply = vm_setting_apply,
};

static const struct operation get_vm_rdp = {
	.section = "4.1.57",
	.name = "GetVmRDP",
	.message = "org.zstack.header.vm.APIGetVmRDPMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/rdp", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"enable:boolean", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "rdp",
	.flags = OP_SYNC,
	.help = "whether RDP is on",
	.data = &rdp,
	.get = vm_setting_get,
};

static const struct operation set_vm_rdp = {
	.section = "4.1.58",
	.name = "SetVmRDP",
	.message = "org.zstack.header.vm.APISetVmRDPMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmRDP",
	.params =
		(const struct param[]){
			P_UUID(KIND_VM),
			{.name = "enable", .type = PARAM_BOOL, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-rdp",
	.help = "switches RDP on or off",
	.data = &rdp,
	.apply = vm_setting_apply,
};

static const struct operation get_vm_monitor_number = {
	.section = "4.1.59",
	.name = "GetVmMonitorNumber",
	.message = "org.zstack.header.vm.APIGetVmMonitorNumberMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/monitorNumber", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"monitorNumber:Integer", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "monitorNumber",
	.flags = OP_SYNC,
	.help = "number of monitors",
	.data = &monitor_number,
	.get = vm_setting_get,
};

static const struct operation set_vm_monitor_number = {
	.section = "4.1.60",
	.name = "SetVmMonitorNumber",
	.message = "org.zstack.header.vm.APISetVmMonitorNumberMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmMonitorNumber",
	.params =
		(const struct param[]){
			P_UUID(KIND_VM),
			{.name = "monitorNumber", .type = PARAM_INT, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-monitor-number",
	.help = "sets the number of monitors; takes effect at the next start of the VM",
	.data = &monitor_number,
	.check = vm_monitor_number_check,
	.apply = vm_setting_apply,
};

const struct operation *const operations_vm_console[] = {
	&set_vm_console_password,
	&get_vm_console_password,
	&delete_vm_console_password,
	&get_vm_console_address,
	&get_vm_boot_order,
	&set_vm_boot_order,
	&get_vm_rdp,
	&set_vm_rdp,
	&get_vm_monitor_number,
	&set_vm_monitor_number,
	NULL,
};
