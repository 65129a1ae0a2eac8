/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation of addresses, reservation of capacity, and what the operations on
 * networks, hosts, tags and offerings accept: on a store, without any host.
 */
#include "tests/unit/fixture.h"

#include "actions/engine/request_check.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/host/host.h"
#include "actions/host/topology.h"
#include "actions/host/uri.h"
#include "actions/network/ip_range.h"
#include "actions/network/l3_network.h"
#include "hypervisor/hypervisor.h"
#include "model/json.h"

static const struct actor admin = {.source = "test"};

#define ZONE	test_uuid(1)
#define CLUSTER test_uuid(2)
#define HOST	test_uuid(3)
#define L2	test_uuid(4)
#define L3	test_uuid(5)
#define PS	test_uuid(6)
#define VM	test_uuid(7)

static void put_range(struct fixture *f, unsigned uuid, const char *first, const char *last)
{
	struct object *o = make(KIND_IP_RANGE, test_uuid(uuid));

	object_set_str(o, IP_RANGE_L3_NETWORK_UUID, L3);
	object_set_str(o, IP_RANGE_START_IP, first);
	object_set_str(o, IP_RANGE_END_IP, last);
	object_set_str(o, IP_RANGE_NETMASK, "255.255.255.0");
	object_set_str(o, IP_RANGE_GATEWAY, "10.0.0.1");
	object_set_str(o, IP_RANGE_NETWORK_CIDR, "10.0.0.0/24");
	put(f, o);
}

/* Zone, cluster, host with 4 CPUs and 8 GiB, L2, L3, primary storage of 10 GiB, and a VM on no host. */
static int setup(void **state)
{
	struct object *o;
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	put(f, make(KIND_ZONE, ZONE));
	o = make(KIND_CLUSTER, CLUSTER);
	object_set_str(o, CLUSTER_ZONE_UUID, ZONE);
	object_set_str(o, CLUSTER_HYPERVISOR_TYPE, "KVM");
	put(f, o);
	o = make(KIND_HOST, HOST);
	object_set_str(o, HOST_ZONE_UUID, ZONE);
	object_set_str(o, HOST_CLUSTER_UUID, CLUSTER);
	object_set_str(o, HOST_MANAGEMENT_IP, "192.0.2.1");
	object_set_str(o, HOST_URI, "qemu+ssh://root@192.0.2.1/system");
	object_set_str(o, HOST_STATE, "Enabled");
	object_set_str(o, HOST_STATUS, "Connecting");
	put(f, o);
	o = make(KIND_L2_NETWORK, L2);
	object_set_str(o, L2_ZONE_UUID, ZONE);
	object_set_str(o, L2_PHYSICAL_INTERFACE, "virbr-x");
	put(f, o);
	o = make(KIND_L3_NETWORK, L3);
	object_set_str(o, L3_ZONE_UUID, ZONE);
	object_set_str(o, L3_L2_NETWORK_UUID, L2);
	object_set_str(o, L3_STATE, "Enabled");
	object_set_int(o, L3_SYSTEM, false);
	put(f, o);
	o = make(KIND_PRIMARY_STORAGE, PS);
	object_set_str(o, PRIMARY_STORAGE_ZONE_UUID, ZONE);
	object_set_int(o, PRIMARY_STORAGE_TOTAL, INT64_C(10) << 30);
	object_set_int(o, PRIMARY_STORAGE_AVAILABLE, INT64_C(10) << 30);
	put(f, o);
	put(f, make(KIND_VM, VM));
	return 0;
}

/* ---------------------------------------------------------------- addresses */

struct allocation {
	const char *wanted;
	char ip[16];
};

static int allocate_fn(struct txn *t, void *arg, struct error *e)
{
	struct allocation *a = arg;
	struct object *nic = object_new(kind_get(KIND_NIC));
	char uuid[UUID_SIZE];
	int r = l3_network_allocate_ip(t, L3, a->wanted, nic, e);

	if (r < 0) {
		object_unref(nic);
		return r;
	}
	uuid_make(uuid);
	snprintf(a->ip, sizeof(a->ip), "%s", object_text(nic, NIC_IP));
	assert_true(object_str_is(nic, NIC_GATEWAY, "10.0.0.1"));
	assert_true(object_str_is(nic, NIC_NETMASK, "255.255.255.0"));
	assert_true(uuid_is_hex(object_str(nic, NIC_USED_IP_UUID)));
	object_set_str(nic, NIC_UUID, uuid);
	object_set_str(nic, NIC_VM_UUID, VM);
	return txn_put(t, nic, NULL, e);
}

static int allocate(struct fixture *f, const char *wanted, char ret_ip[16], struct error *e)
{
	struct allocation a = {.wanted = wanted};
	int r = store_run(f->store, allocate_fn, &a, e);

	if (r == 0 && ret_ip)
		memcpy(ret_ip, a.ip, sizeof(a.ip));
	return r;
}

static int64_t free_addresses(struct fixture *f)
{
	_cleanup_view_ struct view *view = store_view(f->store);
	int64_t count = 0;

	view_for_each_where (range, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, L3)
		count += ip_range_free_count(view, range);
	return count;
}

static void allocation_cycles_through_all_ranges(void **state)
{
	static const char *const expected[] = {"10.0.0.12", "10.0.0.10", "10.0.0.20"};
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char ip[16];

	put_range(f, 100, "10.0.0.10", "10.0.0.12");
	put_range(f, 101, "10.0.0.20", "10.0.0.20");
	assert_int_equal(free_addresses(f), 4);
	assert_int_equal(allocate(f, "10.0.0.11", NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(allocate(f, NULL, ip, NULL), 0);
		assert_string_equal(ip, expected[i]);
	}
	assert_int_equal(free_addresses(f), 0);
	assert_int_equal(allocate(f, NULL, NULL, &e), -ENOSPC);
	assert_string_equal(e.code, "L3.1000");
}

static void a_wanted_address_must_be_free_and_inside(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error taken = ERROR_INIT, outside = ERROR_INIT, malformed = ERROR_INIT;

	put_range(f, 100, "10.0.0.10", "10.0.0.12");
	assert_int_equal(allocate(f, "10.0.0.12", NULL, NULL), 0);
	assert_int_equal(allocate(f, "10.0.0.12", NULL, &taken), -EEXIST);
	assert_string_equal(taken.code, "SYS.1006");
	assert_int_equal(allocate(f, "10.0.0.13", NULL, &outside), -EINVAL);
	assert_string_equal(outside.code, "SYS.1006");
	assert_int_equal(allocate(f, "ten", NULL, &malformed), -EINVAL);
	assert_int_equal(free_addresses(f), 2);
}

/* ----------------------------------------------------------------- requests */

static int check_fn(struct txn *t, void *arg, struct error *e)
{
	return request_check(txn_view(t), arg, false, e);
}

/* Whether a request would be accepted. Takes ownership of @params. */
static int check(struct fixture *f, const char *op, const char *uuid, json_t *params, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = NULL;
	int r = request_new(operation_by_name(op), uuid, params, &admin, &req, e);

	json_decref(params);
	return r < 0 ? r : store_try(f->store, check_fn, req, e);
}

static int apply_fn(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	json_t *result = NULL;
	int r = request_check(txn_view(t), req, false, e);

	if (r == 0)
		r = req->op->apply(t, req, &result, e);
	json_decref(result);
	return r;
}

static int apply(struct fixture *f, const char *op, const char *uuid, json_t *params, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = NULL;
	int r = request_new(operation_by_name(op), uuid, params, &admin, &req, e);

	json_decref(params);
	return r < 0 ? r : store_run(f->store, apply_fn, req, e);
}

static void refused(struct fixture *f, const char *op, const char *uuid, json_t *params, int errnum,
		    const char *code, const char *words)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = check(f, op, uuid, params, &e);

	if (r != -errnum || strcmp(e.code, code) != 0 || !strstr(error_sentence(&e), words))
		fail_msg("%s answers %d %s '%s', expected -%d %s '%s'", op, r, e.code ? e.code : "-",
			 error_sentence(&e), errnum, code, words);
}

static json_t *range(const char *first, const char *last, const char *mask, const char *gateway)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "r", "startIp", first, "endIp", last, "netmask",
			 mask, "gateway", gateway);
}

static void ranges_are_checked(void **state)
{
	static const char mask[] = "255.255.255.0";
	static const struct {
		const char *first, *last, *mask, *gateway, *words;
	} bad[] = {
		{"10.0.0", "10.0.0.9", mask, "10.0.0.1", "start ip[10.0.0] is not a IPv4 address"},
		{"10.0.0.2", "10.0.0.256", mask, "10.0.0.1", "end ip[10.0.0.256] is not a IPv4 address"},
		{"10.0.0.2", "10.0.0.9", mask, "gw", "gateway[gw] is not a IPv4 address"},
		{"10.0.0.2", "10.0.0.9", "255.0.255.0", "10.0.0.1", "is not a netmask"},
		{"10.0.0.2", "10.0.0.9", "0.0.0.0", "10.0.0.1", "cannot be 0.0.0.0"},
		{"10.0.0.9", "10.0.0.2", mask, "10.0.0.1", "is behind end ip"},
		{"10.0.0.2", "10.0.1.9", mask, "10.0.0.1", "the endip[10.0.1.9] is not in the subnet"},
		{"10.0.0.2", "10.0.0.9", mask, "10.0.1.1", "the gateway[10.0.1.1] is not in the subnet"},
		{"10.0.0.0", "10.0.0.9", mask, "10.0.0.10", "network address or broadcast address"},
		{"10.0.0.2", "10.0.0.255", mask, "10.0.0.1", "network address or broadcast address"},
		{"10.0.0.2", "10.0.0.9", mask, "10.0.0.5", "gateway[10.0.0.5] can not be part of range"},
		{"10.0.0.2", "10.0.0.9", mask, "10.0.0.255", "is the network or broadcast address"},
		{"224.0.0.2", "224.0.0.9", mask, "224.0.0.1", "for multicast"},
		{"240.0.0.2", "240.0.0.9", mask, "240.0.0.1", "E class"},
		{"169.254.1.2", "169.254.1.9", mask, "169.254.1.1", "link local"},
		{"127.0.0.2", "127.0.0.9", mask, "127.0.0.1", "loopback"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refused(f, "AddIpRange", L3, range(bad[i].first, bad[i].last, bad[i].mask, bad[i].gateway),
			EINVAL, "SYS.1007", bad[i].words);
	assert_int_equal(check(f, "AddIpRange", L3, range("10.0.0.2", "10.0.0.9", mask, "10.0.0.1"), NULL),
			 0);
	put_range(f, 100, "10.0.0.2", "10.0.0.9");
	refused(f, "AddIpRange", L3, range("10.0.0.9", "10.0.0.20", mask, "10.0.0.1"), EEXIST, "SYS.1007",
		"overlap with");
	refused(f, "AddIpRange", L3, range("10.0.0.20", "10.0.0.30", mask, "10.0.0.254"), EINVAL, "SYS.1007",
		"different from old gateway");
	refused(f, "AddIpRange", L3, range("10.0.1.20", "10.0.1.30", mask, "10.0.1.1"), EINVAL, "SYS.1007",
		"multiple CIDR");
	assert_int_equal(check(f, "AddIpRange", L3, range("10.0.0.20", "10.0.0.30", mask, "10.0.0.1"), NULL),
			 0);
}

static void a_cidr_is_checked(void **state)
{
	static const char *const bad[] = {"10.0.0.0", "10.0.0.5/24", "10.0.0.0/33", "10.0.0.0/31",
					  "0.0.0.0/0"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refused(f, "AddIpRangeByNetworkCidr", L3,
			json_pack("{s:s, s:s}", "name", "r", "networkCidr", bad[i]), EINVAL, "SYS.1007",
			"network cidr");
	assert_int_equal(check(f, "AddIpRangeByNetworkCidr", L3,
			       json_pack("{s:s, s:s}", "name", "r", "networkCidr", "10.0.0.0/30"), NULL),
			 0);
}

static void a_range_in_use_is_kept(void **state)
{
	struct fixture *f = *state;

	put_range(f, 100, "10.0.0.10", "10.0.0.12");
	put_range(f, 101, "10.0.0.20", "10.0.0.20");
	assert_int_equal(allocate(f, "10.0.0.20", NULL, NULL), 0);
	assert_int_equal(check(f, "DeleteIpRange", test_uuid(100), NULL, NULL), 0);
	refused(f, "DeleteIpRange", test_uuid(101), NULL, ENOTEMPTY, "SYS.1006", "10.0.0.20");
	refused(f, "DeleteL3Network", L3, NULL, ENOTEMPTY, "SYS.1006", "still used by VM");
}

static void networks_are_checked(void **state)
{
	struct fixture *f = *state;

	refused(f, "CreateL3Network", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "n", "l2NetworkUuid", L2, "category", "System"), EINVAL,
		"SYS.1007",
		"not valid combination of system and category,only {false=[Public, Private], true=[System]} are valid");
	refused(f, "CreateL3Network", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "n", "l2NetworkUuid", L2, "dnsDomain", "a b"), EINVAL,
		"SYS.1007", "a b is not a valid domain name");
	refused(f, "UpdateL3Network", L3, json_pack("{s:b}", "system", 1), EINVAL, "SYS.1007",
		"you must update system and category both");
	refused(f, "AddDnsToL3Network", L3, json_pack("{s:s}", "dns", "dns.example.org"), EINVAL, "SYS.1007",
		"dns[dns.example.org] is not a IP address");
	refused(f, "CreateL2NoVlanNetwork", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "n", "zoneUuid", ZONE, "physicalInterface", "eth 0"),
		EINVAL, "SYS.1007", "not the name of a network interface");
	refused(f, "CreateL2VlanNetwork", NULL,
		json_pack("{s:s, s:s, s:s, s:i}", "name", "n", "zoneUuid", ZONE, "physicalInterface",
			  "virbr-longest", "vlan", 4094),
		EINVAL, "SYS.1007", "too long");
}

static void l2_networks_are_attached_once(void **state)
{
	struct fixture *f = *state;
	struct object *twin = make(KIND_L2_NETWORK, test_uuid(50));

	object_set_str(twin, L2_ZONE_UUID, ZONE);
	object_set_str(twin, L2_PHYSICAL_INTERFACE, "virbr-x");
	put(f, twin);
	assert_int_equal(
		apply(f, "AttachL2NetworkToCluster", L2, json_pack("{s:s}", "clusterUuid", CLUSTER), NULL),
		0);
	refused(f, "AttachL2NetworkToCluster", L2, json_pack("{s:s}", "clusterUuid", CLUSTER), EEXIST,
		"SYS.1006", "can't attach again");
	refused(f, "AttachL2NetworkToCluster", test_uuid(50), json_pack("{s:s}", "clusterUuid", CLUSTER),
		EEXIST, "SYS.1007", "physical interface[virbr-x]");
	assert_int_equal(
		check(f, "DetachL2NetworkFromCluster", L2, json_pack("{s:s}", "clusterUuid", CLUSTER), NULL),
		0);
	refused(f, "DetachL2NetworkFromCluster", test_uuid(50), json_pack("{s:s}", "clusterUuid", CLUSTER),
		EBUSY, "SYS.1006", "has not attached to cluster");
}

static void hosts_are_checked(void **state)
{
	struct fixture *f = *state;

	refused(f, "AddKVMHost", NULL,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "h", "managementIp", "192.0.2.1",
			  "clusterUuid", CLUSTER, "username", "root", "password", "x"),
		EEXIST, "SYS.1007", "there has been a host having managementIp[192.0.2.1]");
	refused(f, "AddKVMHost", NULL,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "h", "managementIp", "192.0.2.999",
			  "clusterUuid", CLUSTER, "username", "root", "password", "x"),
		EINVAL, "SYS.1007", "neither an IPv4 address nor a valid hostname");
	refused(f, "AddKVMHost", NULL,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", "h", "managementIp", "192.0.2.2",
			  "clusterUuid", CLUSTER, "username", "a@b", "password", "x"),
		EINVAL, "SYS.1007", "'a@b' is not a user name");
	refused(f, "AddSimulatorHost", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "h", "managementIp", "192.0.2.2", "clusterUuid",
			  CLUSTER),
		EINVAL, "SYS.1007", "hypervisorType[Simulator]");
	refused(f, "AddHost", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "h", "uri", "qemu+ssh://root@192.0.2.1/system",
			  "clusterUuid", CLUSTER),
		EEXIST, "SYS.1007", "already");
	refused(f, "UpdateHost", HOST, json_pack("{s:s}", "managementIp", "-x"), EINVAL, "SYS.1007",
		"neither");
	assert_int_equal(check(f, "UpdateHost", HOST, json_pack("{s:s}", "managementIp", "192.0.2.1"), NULL),
			 0);
}

/* A host that is Connecting may be there when the job begins, as after a mount; then it has to be. */
static void hosts_are_awaited_until_the_turn(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *maintain = json_pack("{s:s}", "stateEvent", "maintain");
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_view_ struct view *view = NULL;
	struct object *host;

	assert_int_equal(request_new(operation_by_name("ChangeHostState"), HOST, maintain, &admin, &req, &e),
			 0);
	assert_int_equal(store_try(f->store, check_fn, req, &e), 0);
	req->due = true;
	assert_int_equal(store_try(f->store, check_fn, req, &e), -EBUSY);
	assert_non_null(strstr(error_sentence(&e), "status:Connecting]which is not Connected"));
	view = store_view(f->store);
	host = object_copy(view_get(view, KIND_HOST, HOST));
	object_set_str(host, HOST_STATUS, "Disconnected");
	put(f, host);
	refused(f, "ChangeHostState", HOST, json_incref(maintain), EBUSY, "SYS.1006",
		"status:Disconnected]which is not Connected");
}

static void addresses_of_uris(void **state)
{
	static const struct {
		const char *uri, *address;
	} uris[] = {
		{"qemu:///system", NULL},
		{"qemu+unix:///system?socket=/run/x@y:1", NULL},
		{"qemu+ssh://root@10.0.0.1:22/system?no_tty=1", "10.0.0.1"},
		{"qemu+tls://node.example.org/system", "node.example.org"},
		{"qemu+tcp://[fe80::1]:16509/system", "fe80::1"},
		{"test:///default", NULL},
		{"nonsense", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		_cleanup_free_ char *address = host_address_of_uri(uris[i].uri);

		if (uris[i].address)
			assert_string_equal(address, uris[i].address);
		else
			assert_null(address);
	}
	assert_true(host_name_is_valid("node-1.example.org"));
	assert_false(host_name_is_valid("node_1"));
	assert_false(host_name_is_valid("a..b"));
	assert_false(host_name_is_valid(""));
	assert_false(host_name_is_valid("1.2.3.4.5"));
	assert_false(host_name_is_valid("node."));
}

/* ----------------------------------------------------------------- capacity */

static int connect_fn(struct txn *t, void *arg, struct error *e)
{
	struct hv_host_info info = {.virt_type = "kvm", .memory = INT64_C(8) << 30, .cpus = 4, .sockets = 1};

	(void)arg;
	return host_set_connected(t, HOST, &info, e);
}

static int update_host_fn(struct txn *t, void *arg, struct error *e)
{
	return capacity_update_host(t, arg, e);
}

static void put_vm_on_host(struct fixture *f, unsigned uuid, const char *state)
{
	struct object *o = make(KIND_VM, test_uuid(uuid));

	object_set_str(o, VM_HOST_UUID, HOST);
	object_set_str(o, VM_STATE, state);
	object_set_int(o, VM_CPU_NUM, 2);
	object_set_int(o, VM_MEMORY_SIZE, INT64_C(1) << 30);
	put(f, o);
}

static void running_vms_reserve_on_their_host(void **state)
{
	static const char *const without[] = {"Stopped", "Created", "Destroying", "Destroyed", "Expunging"};
	struct fixture *f = *state;
	const struct object *host;

	assert_int_equal(store_run(f->store, connect_fn, NULL, NULL), 0);
	put_vm_on_host(f, 20, "Running");
	put_vm_on_host(f, 21, "Unknown");
	put_vm_on_host(f, 22, "Starting");
	for (unsigned i = 0; i < ARRAY_SIZE(without); i++)
		put_vm_on_host(f, 30 + i, without[i]);
	assert_int_equal(store_run(f->store, update_host_fn, (void *)(uintptr_t)HOST, NULL), 0);
	host = get(f, KIND_HOST, HOST);
	assert_true(host_is_usable(host));
	assert_int_equal(object_int(host, HOST_TOTAL_CPU), 40);
	assert_int_equal(object_int(host, HOST_AVAILABLE_CPU), 34);
	assert_int_equal(object_int(host, HOST_AVAILABLE_MEMORY), INT64_C(5) << 30);
	object_unref(host);
}

struct reservation {
	int64_t bytes;
	bool back;
};

static int reserve_fn(struct txn *t, void *arg, struct error *e)
{
	const struct reservation *p = arg;

	return p->back ? capacity_release_storage(t, PS, p->bytes, e)
		       : capacity_reserve_storage(t, PS, p->bytes, e);
}

static int64_t storage_left(struct fixture *f)
{
	const struct object *ps = get(f, KIND_PRIMARY_STORAGE, PS);
	int64_t left = object_int(ps, PRIMARY_STORAGE_AVAILABLE);

	object_unref(ps);
	return left;
}

static int update_storage_fn(struct txn *t, void *arg, struct error *e)
{
	return capacity_update_primary_storage(t, arg, e);
}

static void storage_keeps_its_reserve(void **state)
{
	struct reservation nine = {.bytes = INT64_C(9) << 30}, one = {.bytes = 1},
			   back = {INT64_C(20) << 30, true};
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct object *volume;

	assert_int_equal(store_run(f->store, reserve_fn, &nine, NULL), 0);
	assert_int_equal(storage_left(f), INT64_C(1) << 30);
	assert_int_equal(store_run(f->store, reserve_fn, &one, &e), -ENOSPC);
	assert_string_equal(e.code, "PS.1000");
	assert_int_equal(store_run(f->store, reserve_fn, &back, NULL), 0);
	assert_int_equal(storage_left(f), INT64_C(10) << 30); /* never more than there is */
	volume = make(KIND_VOLUME, test_uuid(40));
	object_set_str(volume, VOLUME_PRIMARY_STORAGE_UUID, PS);
	object_set_int(volume, VOLUME_SIZE, INT64_C(3) << 30);
	put(f, volume);
	assert_int_equal(store_run(f->store, update_storage_fn, (void *)(uintptr_t)PS, NULL), 0);
	assert_int_equal(storage_left(f), INT64_C(7) << 30);
}

/* --------------------------------------------------- tags, uuids, offerings */

static json_t *tag_on(const char *type, const char *uuid)
{
	return json_pack("{s:s, s:s, s:s}", "resourceType", type, "resourceUuid", uuid, "tag", "x");
}

static void tags_are_unique_and_removed_with_their_object(void **state)
{
	static const char zone[] = "36c27e8ff05c4780bf6d2fa65700f22f",
			  nobody[] = "36c27e8ff05c4780bf6d2fa65700f220";
	struct fixture *f = *state;
	struct object_key key = {KIND_ZONE, zone};
	_cleanup_view_ struct view *before = NULL, *after = NULL;

	put(f, make(KIND_ZONE, zone));
	refused(f, "CreateUserTag", NULL, tag_on("Zone", zone), EINVAL, "SYS.1007",
		"no resource type[Zone] found in tag system");
	refused(f, "CreateUserTag", NULL, tag_on("ZoneVO", nobody), ENOENT, "SYS.1003", "not found");
	refused(f, "CreateUserTag", NULL, tag_on("HostVO", zone), ENOENT, "SYS.1003", "not found");
	assert_int_equal(apply(f, "CreateUserTag", NULL, tag_on("ZoneVO", zone), NULL), 0);
	assert_int_equal(apply(f, "CreateSystemTag", NULL, tag_on("ZoneVO", zone), NULL), 0);
	refused(f, "CreateUserTag", NULL, tag_on("ZoneVO", zone), EEXIST, "SYS.1006",
		"Duplicated Tag[tag:x, type:User, resourceType:ZoneVO, resourceUuid:36c27e8ff05c4780bf6d2fa65700f22f]");
	refused(f, "CreateSystemTag", NULL, tag_on("ZoneVO", zone), EEXIST, "SYS.1006", "type:System");
	before = store_view(f->store);
	assert_int_equal(view_count(before, KIND_USER_TAG), 1);
	assert_int_equal(view_count(before, KIND_SYSTEM_TAG), 1);
	assert_int_equal(store_run(f->store, object_remove_key, &key, NULL), 0);
	assert_int_equal(store_run(f->store, object_remove_key, &key, NULL),
			 0); /* it is deleted already: no error */
	after = store_view(f->store);
	assert_int_equal(view_count(after, KIND_USER_TAG), 0);
	assert_int_equal(view_count(after, KIND_SYSTEM_TAG), 0);
}

static int tag_fn(struct txn *t, void *arg, struct error *e)
{
	int r = object_add_system_tag(t, KIND_VM, VM, arg, true, e);

	return r < 0 ? r : object_add_system_tag(t, KIND_VM, VM, arg, true, e);
}

static void inherent_tags_cannot_be_deleted(void **state)
{
	struct fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;
	const struct object *tag;

	assert_int_equal(store_run(f->store, tag_fn, (void *)(uintptr_t) "iso::x::0", NULL), 0);
	view = store_view(f->store);
	assert_int_equal(view_count(view, KIND_SYSTEM_TAG), 1);
	tag = object_find_tag(view, KIND_SYSTEM_TAG, VM, "iso::x::0");
	assert_non_null(tag);
	refused(f, "DeleteSystemTag", object_uuid(tag), NULL, EBUSY, "SYS.1006",
		"is an inherent system tag, can not be removed");
	refused(f, "UpdateSystemTag", object_uuid(tag), json_pack("{s:s}", "tag", "y"), EBUSY, "SYS.1006",
		"inherent");
}

static void offerings_are_checked(void **state)
{
	static const char uuid[] = "36c27e8ff05c4780bf6d2fa65700f22e";
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct object *vm;
	const struct object *o;

	refused(f, "CreateInstanceOffering", NULL,
		json_pack("{s:s, s:i, s:i}", "name", "o", "cpuNum", 1, "memorySize", 16 * 1024 * 1024 - 1),
		EINVAL, "SYS.1007",
		"memory size[16777215 bytes] is less than 16M, no modern operating system is likely able to boot with "
		"such small memory size");
	refused(f, "CreateInstanceOffering", NULL,
		json_pack("{s:s, s:i, s:i, s:s}", "name", "o", "cpuNum", 1, "memorySize", 1 << 24,
			  "allocatorStrategy", "Best"),
		EINVAL, "SYS.1007", "unsupported host allocation strategy[Best]");
	refused(f, "CreateDiskOffering", NULL,
		json_pack("{s:s, s:i, s:s}", "name", "o", "diskSize", 1, "allocationStrategy", "Best"),
		EINVAL, "SYS.1007", "unsupported primary storage allocation strategy[Best]");
	assert_int_equal(apply(f, "CreateInstanceOffering", NULL,
			       json_pack("{s:s, s:i, s:i, s:s}", "name", "o", "cpuNum", 1, "memorySize",
					 1 << 24, "resourceUuid", uuid),
			       NULL),
			 0);
	assert_int_equal(check(f, "CreateDiskOffering", NULL,
			       json_pack("{s:s, s:i, s:s}", "name", "o", "diskSize", 1, "resourceUuid", uuid),
			       &e),
			 -EEXIST); /* uuids are unique among all kinds */
	vm = make(KIND_VM, test_uuid(60));
	object_set_str(vm, VM_INSTANCE_OFFERING_UUID, uuid);
	object_set_int(vm, VM_MEMORY_SIZE, 1 << 24);
	put(f, vm);
	assert_int_equal(apply(f, "ChangeInstanceOfferingState", uuid,
			       json_pack("{s:s}", "stateEvent", "disable"), NULL),
			 0);
	o = get(f, KIND_INSTANCE_OFFERING, uuid);
	assert_true(object_str_is(o, INSTANCE_OFFERING_STATE, "Disabled"));
	object_unref(o);
	assert_int_equal(apply(f, "DeleteInstanceOffering", uuid, NULL, NULL), 0);
	o = get(f, KIND_VM, test_uuid(60));
	assert_null(object_str(o, VM_INSTANCE_OFFERING_UUID));
	assert_int_equal(object_int(o, VM_MEMORY_SIZE), 1 << 24);
	object_unref(o);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(allocation_cycles_through_all_ranges),
		FRESH(a_wanted_address_must_be_free_and_inside),
		FRESH(ranges_are_checked),
		FRESH(a_cidr_is_checked),
		FRESH(a_range_in_use_is_kept),
		FRESH(networks_are_checked),
		FRESH(l2_networks_are_attached_once),
		FRESH(hosts_are_checked),
		FRESH(hosts_are_awaited_until_the_turn),
		cmocka_unit_test(addresses_of_uris),
		FRESH(running_vms_reserve_on_their_host),
		FRESH(storage_keeps_its_reserve),
		FRESH(tags_are_unique_and_removed_with_their_object),
		FRESH(inherent_tags_cannot_be_deleted),
		FRESH(offerings_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
