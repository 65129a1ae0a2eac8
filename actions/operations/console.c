/* SPDX-License-Identifier: Apache-2.0 */
/* Access to consoles through poolfs-rest (actions/vm/console_access.h): tokens, and what they lead to. */
#include <stdlib.h>
#include <string.h>

#include "actions/engine/url.h"
#include "actions/operations/table.h"
#include "actions/vm/console_access.h"
#include "actions/vm/tag_rules.h"
#include "model/render.h"

/* ---------------------------------------------------------- requesting access */

/* Where poolfs-rest is for the client. */
struct place {
	const char *scheme; /* static */
	char host[256];
	int port;
};

/* @base: as url_check_base() accepts it, "https://[::1]:8443/zstack". */
static int place_parse(const char *base, struct place *ret, struct error *e)
{
	const char *at = strstr(base, "://") + 3, *end = at + strcspn(at, "/"), *port = end;
	size_t len;

	ret->scheme = strncmp(base, "https:", 6) == 0 ? "https" : "http";
	ret->port = strcmp(ret->scheme, "https") == 0 ? 443 : 80;
	while (port > at && port[-1] >= '0' && port[-1] <= '9')
		port--;
	if (port > at && port < end && port[-1] == ':') {
		ret->port = (int)strtol(port, NULL, 10);
		end = port - 1;
	}
	if (*at == '[' && end > at && end[-1] == ']') { /* without the brackets of an address */
		at++;
		end--;
	}
	len = (size_t)(end - at);
	if (!len || len >= sizeof(ret->host) || ret->port <= 0 || ret->port > 65535)
		return error_set(e, EINVAL, "baseUrl '%s' has no host and port", base);
	memcpy(ret->host, at, len);
	ret->host[len] = '\0';
	return 0;
}

static int access_request_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, request_str(req, "vmInstanceUuid"));
	const char *base = request_str(req, "baseUrl");
	struct place place;
	int r;

	if (!base)
		return error_set(e, EINVAL, "a console is requested at poolfs-rest, which fills in baseUrl");
	r = url_check_base(base, e);
	if (r == 0)
		r = place_parse(base, &place, e);
	if (r < 0)
		return r;
	if (!vm_state_is_in(object_str(vm, VM_STATE), CONSOLE_STATES))
		return error_set(e, EBUSY,
				 "vm[uuid:%s] is not in state of [Running, Paused], current state is %s",
				 object_uuid(vm), object_text(vm, VM_STATE));
	return 0;
}

static int access_request_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	const char *vm = request_str(req, "vmInstanceUuid");
	const struct object *access;
	struct place place;
	char end[DATE_SIZE];
	int r = place_parse(request_str(req, "baseUrl"), &place, e);

	if (r == 0)
		r = console_access_grant(t, vm, req->actor.account, &access, e);
	if (r < 0)
		return r;
	render_date(console_access_end(access), end);
	*ret_result =
		json_pack("{s:{s:s, s:s, s:s, s:i, s:s, s:s}}", "inventory", "scheme", place.scheme,
			  "targetScheme", vm_has_spice(txn_view(t), vm) ? "spice" : "vnc", "hostname",
			  place.host, "port", place.port, "token", object_uuid(access), "expiredDate", end);
	return *ret_result ? 0 : error_oom(e);
}

/* ----------------------------------------------------- what tokens lead to */

static int target_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm;

	return console_access_vm(view, request_str(req, "token"), false, store_now(), &vm, e);
}

static int target_get(struct pool *pool, const struct view *view, const struct request *req,
		      json_t **ret_result, struct error *e)
{
	struct console_address address;
	const struct object *vm;
	int r = console_access_vm(view, request_str(req, "token"), false, store_now(), &vm, e);

	if (r == 0)
		r = console_address_find(pool, view, vm, &address, e);
	if (r == 0)
		r = console_address_check(view, vm, &address, e);
	if (r < 0)
		return r;
	*ret_result = json_pack("{s:s, s:i, s:s, s:s}", "hostIp", address.host, "port", address.port,
				"protocol", address.protocol, "accountUuid",
				console_access_account(view, request_str(req, "token")));
	return *ret_result ? 0 : error_oom(e);
}

static int access_get(struct pool *pool, const struct view *view, const struct request *req,
		      json_t **ret_result, struct error *e)
{
	const struct object *vm;
	int r = console_access_vm(view, request_str(req, "token"), true, store_now(), &vm, e);

	if (r < 0)
		return r;
	*ret_result = json_pack("{s:s, s:I}", "vmInstanceUuid", object_uuid(vm), "stamp",
				(json_int_t)store_stamp(pool_store(pool), view));
	return *ret_result ? 0 : error_oom(e);
}

/* Whoever has the token may do what it is for. */
#define P_TOKEN                                                                                              \
	{                                                                                                    \
		.name = "token", .type = PARAM_STRING, .in = IN_PATH, .flags = PARAM_REQUIRED | PARAM_SECRET \
	}

static const struct operation request_console_access = {
	.section = "5.4",
	.name = "RequestConsoleAccess",
	.message = "org.zstack.header.console.APIRequestConsoleAccessMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/consoles", NULL},
	.key = "params",
	.params = (const struct param[]){{.name = "vmInstanceUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_CHANGES,
					  .resource = KIND_VM},
					 P_BASE_URL,
					 {0}},
	.results = (const char *const[]){"inventory:ConsoleInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.help = "gives a token with which the console of a VM is reached for an hour: as a websocket at /websockify?token=TOKEN of poolfs-rest",
	.check = access_request_check,
	.apply = access_request_apply,
};

static const struct operation get_console_target = {
	.section = "5.4",
	.name = "GetConsoleTarget",
	.message = "org.zstack.poolfs.APIGetConsoleTargetMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/consoles/{token}/target", NULL},
	.params = (const struct param[]){P_TOKEN, {0}},
	.own_results = (const char *const[]){"hostIp:String", "port:int", "protocol:String",
					     "accountUuid:String", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_NO_SESSION,
	.help = "where the console is that a token gives access to, for poolfs-rest, which stands in front of it",
	.check = target_check,
	.get = target_get,
};

static const struct operation get_console_access = {
	.section = "5.4",
	.name = "GetConsoleAccess",
	.message = "org.zstack.poolfs.APIGetConsoleAccessMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/consoles/{token}", NULL},
	.params = (const struct param[]){P_TOKEN, {0}},
	.own_results = (const char *const[]){"vmInstanceUuid:String", "stamp:long", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "the VM whose console whoever is connected with the token may still use, and the stamp of the state in which that is so",
	.get = access_get,
};

const struct operation *const operations_console[] = {
	&request_console_access,
	&get_console_target,
	&get_console_access,
	NULL,
};
