/* SPDX-License-Identifier: Apache-2.0 */
/* A small pool in memory for tests of the query language, and the answers to queries about it. */
#ifndef POOLFS_QUERY_FIXTURE_H
#define POOLFS_QUERY_FIXTURE_H

#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

#include "model/query_run.h"

/* Nov 14, 2017 22:20:57 UTC */
#define DATE INT64_C(1510698057000000000)

static struct view *view;
static int64_t ids[KIND_COUNT];

/* The uuid of the object called @name: readable, and the same for all kinds. */
static inline const char *uuid_of(const char *name)
{
	static char ring[4][80];
	static int next;
	char *u = ring[next++ % 4];

	snprintf(u, sizeof(ring[0]), "u-%s", name);
	return u;
}

static inline struct object *make(enum kind_id kind, const char *name)
{
	struct object *o = object_new(kind_get(kind));

	assert_non_null(o);
	o->id = ++ids[kind];
	object_set_str(o, FIELD_UUID, uuid_of(name));
	if (o->kind->name_field >= 0)
		object_set_str(o, o->kind->name_field, name);
	return o;
}

static inline void put(struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static inline void link_objects(enum kind_id kind, int a_field, const char *a, int b_field, const char *b)
{
	char name[64];
	struct object *o;

	snprintf(name, sizeof(name), "%s+%s", a, b);
	o = make(kind, name);
	object_set_str(o, a_field, uuid_of(a));
	object_set_str(o, b_field, uuid_of(b));
	put(o);
}

static inline void tag(enum kind_id kind, const char *resource, const char *text)
{
	struct object *o = make(kind, text);

	if (kind == KIND_SYSTEM_TAG) {
		object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, uuid_of(resource));
		object_set_str(o, SYSTEM_TAG_TAG, text);
	} else {
		object_set_str(o, USER_TAG_RESOURCE_UUID, uuid_of(resource));
		object_set_str(o, USER_TAG_TAG, text);
	}
	put(o);
}

static inline void vm(const char *name, const char *state, const char *host, int cpus, int64_t memory,
		      const char *account)
{
	struct object *o = make(KIND_VM, name);

	object_set_str(o, VM_STATE, state);
	object_set_str(o, VM_HOST_UUID, host ? uuid_of(host) : NULL);
	object_set_str(o, VM_ZONE_UUID, uuid_of("z1"));
	object_set_int(o, VM_CPU_NUM, cpus);
	if (memory)
		object_set_int(o, VM_MEMORY_SIZE, memory);
	object_set_int(o, VM_CREATE_DATE, DATE + cpus * NS_PER_S + 500);
	object_set_str(o, VM_ACCOUNT_UUID, account ? uuid_of(account) : NULL);
	put(o);
}

static inline void nic(const char *name, const char *of, const char *ip, const char *l3)
{
	struct object *o = make(KIND_NIC, name);

	object_set_str(o, NIC_VM_UUID, uuid_of(of));
	object_set_str(o, NIC_IP, ip);
	object_set_str(o, NIC_L3_UUID, uuid_of(l3));
	put(o);
}

static inline int setup(void **state)
{
	struct object *o;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	view = view_new();
	assert_non_null(view);
	put(make(KIND_ZONE, "z1"));
	o = make(KIND_CLUSTER, "c1");
	object_set_str(o, CLUSTER_ZONE_UUID, uuid_of("z1"));
	put(o);
	for (int i = 1; i <= 2; i++) {
		o = make(KIND_HOST, i == 1 ? "h1" : "h2");
		object_set_str(o, HOST_ZONE_UUID, uuid_of("z1"));
		object_set_str(o, HOST_CLUSTER_UUID, uuid_of("c1"));
		object_set_str(o, HOST_MANAGEMENT_IP, i == 1 ? "10.0.0.1" : "10.0.0.2");
		object_set_str(o, HOST_HYPERVISOR_TYPE, "KVM");
		put(o);
	}
	o = make(KIND_L2_NETWORK, "l2");
	object_set_str(o, L2_ZONE_UUID, uuid_of("z1"));
	object_set_str(o, L2_TYPE, "L2NoVlanNetwork");
	put(o);
	link_objects(KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, "c1", CLUSTER_L2_L2_NETWORK_UUID,
		     "l2");
	o = make(KIND_L3_NETWORK, "l3");
	object_set_str(o, L3_L2_NETWORK_UUID, uuid_of("l2"));
	object_set_str(o, L3_ZONE_UUID, uuid_of("z1"));
	put(o);
	o = make(KIND_ACCOUNT, "admin");
	object_set_str(o, ACCOUNT_TYPE, "SystemAdmin");
	put(o);
	put(make(KIND_ACCOUNT, "bob"));
	vm("web1", "Running", "h1", 1, INT64_C(1) << 30, "bob");
	vm("web2", "Running", "h2", 2, INT64_C(2) << 30, "bob");
	vm("DB", "Stopped", NULL, 4, INT64_C(4) << 30, "admin");
	vm("it's; --", "Stopped", NULL, 8, 0, "admin");
	vm("云_%", "running ", "h1", 8, INT64_MAX, NULL);
	nic("n1", "web1", "192.168.0.1", "l3");
	nic("n2", "web1", "192.168.0.2", "l3");
	nic("n3", "web2", "192.168.0.3", "l3");
	tag(KIND_USER_TAG, "web1", "prod");
	tag(KIND_USER_TAG, "web2", "test");
	tag(KIND_USER_TAG, "web2", "prod2");
	tag(KIND_SYSTEM_TAG, "DB", "ha::NeverStop");
	tag(KIND_USER_TAG, "n3", "nic-tag");
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	view_unref(view);
	return 0;
}

/* Names of the answer's inventories, separated by commas; in an answer of `fields`, the first field. */
static inline const char *names(json_t *json)
{
	static char text[512];
	size_t at = 0, i;
	json_t *item;

	text[0] = '\0';
	json_array_foreach (json_object_get(json, "inventories"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		if (!name)
			name = json_string_value(json_object_get(item, "uuid"));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "", name ? name : "?");
	}
	return text;
}

static inline json_t *ask_as(const char *account, enum kind_id kind, const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	json_t *json = NULL;

	if (query_parse(kind_get(kind), text, &q, &e) < 0 ||
	    query_run(q, view, &(struct query_scope){.account = account}, &json, &e) < 0)
		fail_msg("%s: %s", text, error_sentence(&e));
	return json;
}

static inline json_t *ask(enum kind_id kind, const char *text)
{
	return ask_as(NULL, kind, text);
}

#endif
