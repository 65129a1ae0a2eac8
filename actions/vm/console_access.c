/* SPDX-License-Identifier: Apache-2.0 */
/* See console_access.h. */
#include "actions/vm/console_access.h"

#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/ip_network.h"
#include "actions/engine/operation.h"
#include "actions/engine/steps.h"
#include "actions/host/uri.h"
#include "hypervisor/domain/console.h"
#include "model/access.h"

#define TOKEN_NS     (3600 * NS_PER_S)	/* for new connections */
#define CONNECTED_NS (86400 * NS_PER_S) /* from then on, for those that are there */

int console_address_find(struct pool *pool, const struct view *view, const struct object *vm,
			 struct console_address *ret, struct error *e)
{
	const struct object *host = view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID));
	struct hv_console console;
	bool everywhere;
	int r;

	if (!host)
		return error_set(e, EBUSY, "VM '%s' is on no host", object_uuid(vm));
	r = hv_domain_console(pool_hypervisor(pool), object_uuid(host), object_uuid(vm), &console, e);
	if (r < 0)
		return r;
	everywhere = strcmp(console.address, "0.0.0.0") == 0 || strcmp(console.address, "::") == 0;
	*ret = (struct console_address){.protocol = console.protocol, .port = console.port};
	snprintf(ret->host, sizeof(ret->host), "%s",
		 everywhere ? object_text(host, HOST_MANAGEMENT_IP) : console.address);
	return 0;
}

/* The addresses by which every machine reaches itself: connecting to 0.0.0.0 does, too. */
static bool leads_here(const struct ip_address *address)
{
	const char *networks = "0.0.0.0/8, 127.0.0.0/8, ::/127";
	struct ip_network network;

	while (ip_network_next(&networks, &network, NULL) > 0)
		if (ip_network_has(&network, address))
			return true;
	return false;
}

int console_address_check(const struct view *view, const struct object *vm,
			  const struct console_address *address, struct error *e)
{
	const struct object *host = view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID));
	const char *place = host ? object_text(host, HOST_MANAGEMENT_IP) : "";
	struct ip_address ip;

	if (host && (host_uri_is_local(object_text(host, HOST_URI)) || strcmp(place, address->host) == 0))
		return 0;
	/* a name is that of another machine here than there */
	if (host && ip_address_parse(address->host, &ip) && !leads_here(&ip))
		return 0;
	return error_set(
		e, EHOSTUNREACH,
		"the console of VM '%s' listens on '%s' of its host, which is not reached from here: see the "
		"setting vm.consoleListenAddress",
		object_uuid(vm), address->host);
}

/* --------------------------------------------------------------------- tokens */

static const struct object *find(const struct view *view, const char *vm_uuid, const char *account)
{
	view_for_each_where (access, view, KIND_CONSOLE_ACCESS, CONSOLE_ACCESS_VM_UUID, vm_uuid)
		if (object_str_is(access, CONSOLE_ACCESS_ACCOUNT_UUID, account))
			return access;
	return NULL;
}

int console_access_grant(struct txn *t, const char *vm_uuid, const char *account,
			 const struct object **ret_access, struct error *e)
{
	const char *owner = *account ? account : ADMIN_ACCOUNT_UUID;
	const struct object *before = find(txn_view(t), vm_uuid, owner);
	bool renew = before && console_access_end(before) > txn_now(t);
	struct object *access;
	char token[UUID_SIZE];
	int r;

	if (before && !renew) {
		r = txn_remove(t, before, e);
		if (r < 0)
			return r;
	}
	access = renew ? object_copy(before) : object_new(kind_get(KIND_CONSOLE_ACCESS));
	if (!access)
		return error_oom(e);
	if (!renew) {
		uuid_make(token);
		object_set_str(access, CONSOLE_ACCESS_UUID, token);
		object_set_str(access, CONSOLE_ACCESS_VM_UUID, vm_uuid);
		object_set_str(access, CONSOLE_ACCESS_ACCOUNT_UUID, owner);
	}
	object_set_int(access, CONSOLE_ACCESS_EXPIRED_DATE, txn_now(t) + TOKEN_NS);
	return txn_put(t, access, ret_access, e);
}

int64_t console_access_end(const struct object *access)
{
	return object_int(access, CONSOLE_ACCESS_EXPIRED_DATE);
}

const char *console_access_account(const struct view *view, const char *token)
{
	const struct object *access = view_get(view, KIND_CONSOLE_ACCESS, token);

	return access ? object_text(access, CONSOLE_ACCESS_ACCOUNT_UUID) : "";
}

static bool may_use(const struct view *view, const struct object *vm, const char *account)
{
	return view_get(view, KIND_ACCOUNT, account) && !access_is_closed(view, account) &&
	       (access_is_admin(view, account) || access_owns(view, vm, account));
}

int console_access_vm(const struct view *view, const char *token, bool connected, int64_t now,
		      const struct object **ret_vm, struct error *e)
{
	const struct object *access = view_get(view, KIND_CONSOLE_ACCESS, token), *vm = NULL;
	int64_t end = access ? console_access_end(access) + (connected ? CONNECTED_NS : 0) : 0;

	if (end > now)
		vm = view_get(view, KIND_VM, object_text(access, CONSOLE_ACCESS_VM_UUID));
	if (!vm || !may_use(view, vm, object_text(access, CONSOLE_ACCESS_ACCOUNT_UUID)))
		return error_set_code(e, EACCES, "ID.1002", "the token gives no access to a console");
	if (!connected && !vm_state_is_in(object_str(vm, VM_STATE), CONSOLE_STATES))
		return error_set(e, EBUSY, "VM '%s' is %s and has no console", object_uuid(vm),
				 object_text(vm, VM_STATE));
	*ret_vm = vm;
	return 0;
}

static int remove_ended_step(struct txn *t, void *arg, size_t *left, struct error *e)
{
	const struct object *access;
	int64_t after = 0;

	(void)arg;
	while (*left && (access = view_next(txn_view(t), KIND_CONSOLE_ACCESS, after))) {
		int r;

		after = access->id;
		if (console_access_end(access) + CONNECTED_NS > txn_now(t) &&
		    view_get(txn_view(t), KIND_VM, object_text(access, CONSOLE_ACCESS_VM_UUID)))
			continue;
		(*left)--;
		r = txn_remove(t, access, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int console_access_remove_ended(struct pool *pool, struct error *e)
{
	return pool_run_steps(pool, remove_ended_step, NULL, e);
}
