/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest is told from outside: host name and passwords (behaviour.md
 * 4.1.32 and 4.1.37). The settings themselves are tags, see vm_tags.c.
 */
#include <string.h>

#include "actions/handlers.h"
#include "actions/vm.h"

int vm_hostname_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);

	return vm_check_hostname(view, request_str(req, "hostname"), object_text(vm, VM_DEFAULT_L3_UUID),
				 req->target, e);
}

/* The manual's [\da-zA-Z-`=\\\[\];',./~!@#$%^&*()_+|{}:"<>?]: every printable ASCII character but the space.
 */
static bool is_guest_password(const char *password)
{
	for (const char *p = password; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

int vm_change_password_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);

	if (!is_guest_password(request_str(req, "password")))
		return error_set(
			e, EINVAL,
			"field[password] may have letters, digits and the signs of a keyboard, no space");
	if (!object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)))
		return error_set_code(e, EBUSY, "VM.1011", "state is not correct while change password.");
	if (!tag_value(view, req->target, "qemuga"))
		return error_set(e, EBUSY,
				 "not system tag found on vm, vm must have the following system tag: qemuga, "
				 "which set-qga enable=true gives");
	return 0;
}

int vm_change_password_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? vm_active_host(vm) : NULL;

	(void)ret_result;
	if (!host)
		return error_set(e, EBUSY, "state is not correct while change password.");
	return hv_domain_set_password(pool_hypervisor(job->pool), host, job->req->target,
				      request_str(job->req, "account"), request_str(job->req, "password"), e);
}
