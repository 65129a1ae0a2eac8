/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that a guest receives: ssh key, host name, passwords (behaviour.md
 * 4.1.32 and 4.1.37). The settings are system tags, see vm/setting.h.
 */
#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/tags.h"
#include "actions/operations/table.h"
#include "actions/vm/lease.h"
#include "actions/vm/setting.h"
#include "actions/vm/state.h"
#include "actions/vm/tag_rules.h"
#include "hypervisor/domain/domain.h"

static int vm_hostname_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);

	return vm_check_hostname(view, &req->actor, request_str(req, "hostname"),
				 object_text(vm, VM_DEFAULT_L3_UUID), req->target, e);
}

static int vm_ssh_key_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	return vm_check_ssh_key(request_str(req, "SshKey"), e);
}

/* The manual's [\da-zA-Z-`=\\\[\];',./~!@#$%^&*()_+|{}:"<>?]: printable ASCII without the space. */
static bool is_guest_password(const char *password)
{
	for (const char *p = password; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

static int vm_change_password_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);

	if (!config_bool(view, "image.enableResetPassword"))
		return error_set(e, EACCES,
				 "the setting image.enableResetPassword is false, passwords in guests stay");
	if (!object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)))
		return error_set_code(e, EBUSY, "VM.1011", "state is not correct while change password.");
	if (!tag_value(view, req->target, "qemuga"))
		return error_set(e, EBUSY,
				 "not system tag found on vm, vm must have the following system tag: qemuga, "
				 "which set-qga enable=true gives");
	return 0;
}

static int vm_change_password_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	if (is_guest_password(request_str(req, "password")))
		return 0;
	return error_set(e, EINVAL,
			 "field[password] may only contain printable ASCII characters other than the space");
}

static int vm_change_password_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? vm_active_host(vm) : NULL;

	(void)ret_result;
	if (!host)
		return error_set(e, EBUSY, "state is not correct while change password.");
	kill_point("password-asked");
	return hv_domain_set_password(pool_hypervisor(job->pool), host, job->req->target,
				      request_str(job->req, "account"), request_str(job->req, "password"), e);
}

/* Not set again: the guest cannot be asked for its password, and its user may have changed it since. */
static int vm_change_password_recover(struct job *job, json_t **ret_result, struct error *e)
{
	(void)job, (void)ret_result;
	return error_set_code(
		e, EINTR, "SYS.1000",
		"the daemon ended while the password was being changed; the guest has either the old "
		"or the new one: change it again");
}

/* -------------------------------------------------------------- the settings */

static const struct vm_setting ssh_key = {
	.prefix = "sshkey",
	.param = "SshKey",
	.results = {"sshKey"},
};

/* The guest gets the name when it renews its DHCP lease. */
static int push_hostname(struct pool *pool, const struct view *view, const struct object *vm,
			 const char *host, struct error *e)
{
	return vm_apply_leases(pool, view, object_uuid(vm), host, e);
}

static const struct vm_setting hostname = {
	.prefix = "hostname",
	.param = "hostname",
	.results = {"hostname"},
	.push = push_hostname,
};

static const struct vm_setting qga = {
	.prefix = "qemuga",
	.form = SETTING_MARK,
	.param = "enable",
	.results = {"enable"},
};

/* ------------------------------------------------------------------ the rows */

static const struct operation set_vm_ssh_key = {
	.section = "4.1.29",
	.name = "SetVmSshKey",
	.message = "org.zstack.header.vm.APISetVmSshKeyMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmSshKey",
	.params = (const struct param[]){P_UUID(KIND_VM),
					 {.name = "SshKey",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_LINES | PARAM_REQUIRED | PARAM_SECRET},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-ssh-key",
	.help = "sets the ssh key that the guest receives",
	.data = &ssh_key,
	.check = vm_ssh_key_check,
	.apply = vm_setting_apply,
};

static const struct operation get_vm_ssh_key = {
	.section = "4.1.30",
	.name = "GetVmSshKey",
	.message = "org.zstack.header.vm.APIGetVmSshKeyMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/ssh-keys", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"sshKey:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "ssh-keys",
	.flags = OP_SYNC | OP_SECRET,
	.help = "ssh key of the guest",
	.data = &ssh_key,
	.get = vm_setting_get,
};

static const struct operation delete_vm_ssh_key = {
	.section = "4.1.31",
	.name = "DeleteVmSshKey",
	.message = "org.zstack.header.vm.APIDeleteVmSshKeyMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{uuid}/ssh-keys", NULL},
	.params =
		(const struct param[]){
			{.name = "uuid", .type = PARAM_STRING, .in = IN_PATH, .resource = KIND_VM}, {0}},
	.own_results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "delete-ssh-key",
	.help = "deletes the ssh key of the guest",
	.data = &ssh_key,
	.apply = vm_setting_apply,
};

static const struct operation change_vm_password = {
	.section = "4.1.32",
	.name = "ChangeVmPassword",
	.message = "org.zstack.header.vm.APIChangeVmPasswordMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "changeVmPassword",
	.params = (const struct param[]){P_UUID(KIND_VM),
					 {.name = "password",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_SECRET | PARAM_NOTRIM,
					  .max_length = 32},
					 {.name = "account",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_NONEMPTY | PARAM_NOTRIM},
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "change-password",
	.error_code = "VM.1011",
	.help = "changes the password of an account inside the guest, through the QEMU guest agent",
	.allows = vm_change_password_allows,
	.check = vm_change_password_check,
	.run = vm_change_password_run,
	.recover = vm_change_password_recover,
};

static const struct operation set_vm_hostname = {
	.section = "4.1.37",
	.name = "SetVmHostname",
	.message = "org.zstack.header.vm.APISetVmHostnameMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmHostname",
	.params =
		(const struct param[]){
			P_UUID(KIND_VM),
			{.name = "hostname", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-hostname",
	.help = "sets the host name that DHCP gives to the guest",
	.data = &hostname,
	.check = vm_hostname_check,
	.apply = vm_setting_apply,
	.run = vm_setting_run,
	.recover = vm_setting_recover,
};

static const struct operation get_vm_hostname = {
	.section = "4.1.38",
	.name = "GetVmHostname",
	.message = "org.zstack.header.vm.APIGetVmHostnameMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/hostnames", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"hostname:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "hostnames",
	.flags = OP_SYNC,
	.help = "host name that DHCP gives to the guest",
	.data = &hostname,
	.get = vm_setting_get,
};

static const struct operation delete_vm_hostname = {
	.section = "4.1.39",
	.name = "DeleteVmHostname",
	.message = "org.zstack.header.vm.APIDeleteVmHostnameMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{uuid}/hostnames", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), P_DELETE_MODE, {0}},
	.own_results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "delete-hostname",
	.help = "deletes the host name of the guest",
	.data = &hostname,
	.apply = vm_setting_apply,
	.run = vm_setting_run,
	.recover = vm_setting_recover,
};

static const struct operation get_vm_qga = {
	.section = "4.1.55",
	.name = "GetVmQga",
	.message = "org.zstack.header.vm.APIGetVmQgaMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/qga", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"enable:boolean", NULL},
	.own_results = (const char *const[]){"uuid:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "qga",
	.flags = OP_SYNC,
	.help = "whether the guest runs the QEMU guest agent",
	.data = &qga,
	.get = vm_setting_get,
};

static const struct operation set_vm_qga = {
	.section = "4.1.56",
	.name = "SetVmQga",
	.message = "org.zstack.header.vm.APISetVmQgaMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setVmQga",
	.key_aliases = (const char *const[]){"params", NULL},
	.params =
		(const struct param[]){
			P_UUID(KIND_VM),
			{.name = "enable", .type = PARAM_BOOL, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-qga",
	.help = "sets whether the guest runs the QEMU guest agent",
	.data = &qga,
	.apply = vm_setting_apply,
};

const struct operation *const operations_vm_guest[] = {
	&set_vm_ssh_key,  &get_vm_ssh_key,     &delete_vm_ssh_key, &change_vm_password, &set_vm_hostname,
	&get_vm_hostname, &delete_vm_hostname, &get_vm_qga,	   &set_vm_qga,		NULL,
};
