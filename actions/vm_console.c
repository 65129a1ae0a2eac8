/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console and what the machine boots from (behaviour.md 4.1.33, 4.1.36,
 * 4.1.44 and 4.1.60): what their settings may be, and where the console is.
 * The settings themselves are tags, see vm_tags.c.
 */
#include <string.h>

#include "actions/handlers.h"
#include "actions/vm.h"

int vm_console_password_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	return vm_check_console_password(request_str(req, "consolePassword"), e);
}

int vm_boot_order_check(const struct view *view, const struct request *req, struct error *e)
{
	const json_t *list = request_list(req, "bootOrder");
	char shown[256] = "";
	size_t len = 0, i;
	json_t *item;
	int r = 0;

	(void)view;
	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		len += (size_t)snprintf(shown + len, len < sizeof(shown) ? sizeof(shown) - len : 0, "%s%s",
					i ? ", " : "", json_string_value(item));
		if (len >= sizeof(shown))
			len = sizeof(shown) - 1;
	}
	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		if (r == 0)
			r = vm_check_boot_order(json_string_value(item), shown, e);
	}
	return r;
}

int vm_monitor_number_check(const struct view *view, const struct request *req, struct error *e)
{
	char number[24];

	(void)view;
	snprintf(number, sizeof(number), "%lld", (long long)request_int(req, "monitorNumber", 0));
	return vm_check_monitors(number, e);
}

int vm_console_address_get(struct pool *pool, const struct view *view, const struct request *req,
			   json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct object *host = view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID));
	const char *protocol;
	int port, r;

	if (!host)
		return error_set(e, EBUSY, "VM '%s' is on no host", req->target);
	r = hv_domain_console(pool_hypervisor(pool), object_uuid(host), req->target, &port, &protocol, e);
	if (r < 0)
		return r;
	*ret_result = json_pack("{s:s, s:i, s:s}", "hostIp", object_text(host, HOST_MANAGEMENT_IP), "port",
				port, "protocol", protocol);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}
