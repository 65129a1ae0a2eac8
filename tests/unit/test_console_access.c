/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tokens of consoles lead to. The hosts, which say where a console listens, are the test. */
#include "tests/unit/test.h"

#include <errno.h>

#include "actions/engine/operation.h"
#include "actions/engine/request.h"
#include "actions/vm/console_access.h"
#include "hypervisor/domain/console.h"
#include "model/access.h"
#include "model/json.h"
#include "model/states.h"
#include "model/uuid.h"

#define ALICE "00000000000000000000000000000a11"
#define HOST  "00000000000000000000000000000405"
#define VM    "000000000000000000000000000000f1"
#define TOKEN "0000000000000000000000000000704e"

static const char *listens; /* where the console does, as its host says */

int __wrap_hv_domain_console(struct hypervisor *hv, const char *host, const char *uuid,
			     struct hv_console *ret, struct error *e);

struct hypervisor *__wrap_pool_hypervisor(struct pool *pool);

struct hypervisor *__wrap_pool_hypervisor(struct pool *pool)
{
	(void)pool;
	return NULL;
}

int __wrap_hv_domain_console(struct hypervisor *hv, const char *host, const char *uuid,
			     struct hv_console *ret, struct error *e)
{
	(void)hv, (void)host, (void)uuid, (void)e;
	*ret = (struct hv_console){.protocol = "vnc", .port = 5900};
	snprintf(ret->address, sizeof(ret->address), "%s", listens);
	return 0;
}

static struct object *make_row(enum kind_id kind, const char *uuid)
{
	struct object *o = object_new(kind_get(kind));

	assert_non_null(o);
	object_set_str(o, FIELD_UUID, uuid);
	o->id = 1;
	return o;
}

static void add(struct view *view, struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

/* Alice has a VM that runs on the host, and a token for it. */
static struct view *make_view(const char *uri, const char *management_ip)
{
	struct view *view = view_new();
	struct object *o = make_row(KIND_ACCOUNT, ALICE);

	assert_non_null(view);
	add(view, o);
	o = make_row(KIND_HOST, HOST);
	object_set_str(o, HOST_URI, uri);
	object_set_str(o, HOST_MANAGEMENT_IP, management_ip);
	add(view, o);
	o = make_row(KIND_VM, VM);
	object_set_str(o, VM_ACCOUNT_UUID, ALICE);
	object_set_str(o, VM_HOST_UUID, HOST);
	object_set_str(o, VM_STATE, vm_state_name(VM_STATE_RUNNING));
	add(view, o);
	o = make_row(KIND_CONSOLE_ACCESS, TOKEN);
	object_set_str(o, CONSOLE_ACCESS_VM_UUID, VM);
	object_set_str(o, CONSOLE_ACCESS_ACCOUNT_UUID, ALICE);
	object_set_int(o, CONSOLE_ACCESS_EXPIRED_DATE, INT64_MAX / 2);
	add(view, o);
	return view;
}

/* The loopback address of another host is this machine here, with the consoles of the VMs of others. */
static void leads_to_the_host_of_the_vm_alone(void **state)
{
	static const char far[] = "qemu+ssh://10.0.0.7/system", here[] = "qemu:///system";
	static const struct {
		const char *uri, *ip, *listens;
		const char *leads; /* NULL: it is refused */
	} rows[] = {
		{far, "10.0.0.7", "0.0.0.0", "10.0.0.7"},
		{far, "10.0.0.7", "::", "10.0.0.7"},
		{far, "10.0.0.7", "10.0.1.7", "10.0.1.7"},
		{far, "10.0.0.7", "fd00::7", "fd00::7"},
		{far, "far.example", "far.example", "far.example"},
		{far, "10.0.0.7", "127.0.0.1", NULL},
		{far, "10.0.0.7", "127.0.0.2", NULL},
		{far, "10.0.0.7", "::1", NULL},
		{far, "10.0.0.7", "::ffff:127.0.0.1", NULL},
		{far, "10.0.0.7", "::ffff:0.0.0.0", NULL},
		{far, "10.0.0.7", "0.0.0.1", NULL},
		{far, "10.0.0.7", "localhost", NULL},
		{far, "10.0.0.7", "127.1", NULL},
		{here, "10.0.0.1", "127.0.0.1", "127.0.0.1"},
		{"test:///default", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_view_ struct view *view = make_view(rows[i].uri, rows[i].ip);
		_cleanup_json_ json_t *params = json_pack("{s:s}", "token", TOKEN), *result = NULL;
		_cleanup_(error_done) struct error e = ERROR_INIT;
		const struct request req = {.params = params};
		const char *leads;
		int r;

		listens = rows[i].listens;
		r = operation_by_name("GetConsoleTarget")->get(NULL, view, &req, &result, &e);
		leads = json_string_value(json_object_get(result, "hostIp"));
		if (rows[i].leads ? !leads || strcmp(leads, rows[i].leads) != 0 : r != -EHOSTUNREACH)
			fail_msg("'%s' of the host %s leads to '%s', %d", rows[i].listens, rows[i].uri,
				 leads ? leads : "nothing", r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leads_to_the_host_of_the_vm_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
