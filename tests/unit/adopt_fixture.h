/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of two hosts of libvirt's test driver with domains that others have made, for tests of their adoption: host A
 * has web and db, which run; host B comes when a test wants it. What is done "by hand" is done with libvirt alone, as
 * virsh does, of which the pool hears by events.
 */
#ifndef POOLFS_ADOPT_FIXTURE_H
#define POOLFS_ADOPT_FIXTURE_H

#include "tests/unit/pool_fixture.h"

#include <stdatomic.h>

#include <libvirt/libvirt.h>

#include "actions/host/foreign.h"
#include "hypervisor/call.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/sighting.h"
#include "model/json.h"

#define WEB "11111111111111111111111111111111"
#define DB  "22222222222222222222222222222222"

/* What virDomainState says in the file of a machine. */
#define RUNS 1
#define OFF  5

static struct pool_fixture *pool;
static char host_a[UUID_SIZE], host_b[UUID_SIZE];

/* How often a host has become Connected. */
static atomic_int connections;

/* -------------------------------------------------------------------- machines */

/* A domain with two disks, "<folder>/<disks>-root" and "<folder>/<disks>-data". */
struct their_domain {
	const char *name, *uuid, *disks;
	int runstate;
};

static inline void write_domain(FILE *out, const struct their_domain *d)
{
	static const char *const disks[] = {"root", "data"};

	(void)fprintf(out,
		      "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
		      "<name>%s</name><uuid>%s</uuid><memory>65536</memory><vcpu>2</vcpu>"
		      "<os><type>hvm</type></os><devices>",
		      d->name, d->uuid);
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		(void)fprintf(out,
			      "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
			      "<source file='%s/theirs/%s-%s'/><target dev='vd%c' bus='virtio'/></disk>",
			      pool->dir, d->disks, disks[i], (char)('a' + i));
	(void)fprintf(out, "</devices><test:runstate>%d</test:runstate></domain>", d->runstate);
}

static inline void machine_path(const char *name, char ret[128])
{
	(void)snprintf(ret, 128, "%s/%s.xml", pool->dir, name);
}

/* The machine "a" or "b", as it is when its host connects the next time, with up to two domains. */
static inline void write_machine(const char *name, const struct their_domain *first,
				 const struct their_domain *second)
{
	char path[128];
	FILE *out;

	machine_path(name, path);
	out = fopen(path, "w");
	assert_non_null(out);
	(void)fprintf(out, "<node><cpu><mhz>2000</mhz><model>m</model><active>8</active><nodes>1</nodes>"
			   "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu>"
			   "<memory>16777216</memory>");
	if (first)
		write_domain(out, first);
	if (second)
		write_domain(out, second);
	(void)fprintf(out, "</node>");
	assert_int_equal(fclose(out), 0);
}

static inline void make_disk(const char *name)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/theirs/%s", pool->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), 1 << 20), 0);
	assert_int_equal(fclose(file), 0);
}

/* -------------------------------------------------------------------- fixtures */

static inline bool is_connected(const struct view *view, const void *host)
{
	const struct object *o = view_get(view, KIND_HOST, host);

	return o && object_str_is(o, HOST_STATUS, "Connected");
}

static inline bool is_disconnected(const struct view *view, const void *host)
{
	return object_str_is(view_get(view, KIND_HOST, host), HOST_STATUS, "Disconnected");
}

static inline bool is_counted(const struct view *view, const void *host)
{
	return !object_is_null(view_get(view, KIND_HOST, host), HOST_FOREIGN_CPU);
}

static inline void add_storage(const char *operation)
{
	char zone[UUID_SIZE], cluster[UUID_SIZE], storage[UUID_SIZE], folder[80];

	(void)snprintf(folder, sizeof(folder), "%s/theirs", pool->dir);
	first_uuid(pool, KIND_ZONE, zone);
	first_uuid(pool, KIND_CLUSTER, cluster);
	must(pool, operation, NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "theirs", "url", folder, "zoneUuid", zone), storage);
	must(pool, "AttachPrimaryStorageToCluster", storage, json_pack("{s:s}", "clusterUuid", cluster),
	     NULL);
}

static inline void count_connections(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)ctx, (void)view;
	for (size_t i = 0; i < count; i++)
		if (changes[i].before && changes[i].after && changes[i].after->kind->id == KIND_HOST &&
		    object_str_is(changes[i].after, HOST_STATUS, "Connected") &&
		    !object_str_is(changes[i].before, HOST_STATUS, "Connected"))
			(void)atomic_fetch_add(&connections, 1);
}

/* Host B, with all the work behind it that a new connection brings. */
static inline void add_host_b(void)
{
	char cluster[UUID_SIZE], uri[128];

	first_uuid(pool, KIND_CLUSTER, cluster);
	(void)snprintf(uri, sizeof(uri), "test://%s/b.xml", pool->dir);
	must(pool, "AddHost", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "b", "uri", uri, "clusterUuid", cluster), host_b);
	wait_until(pool, is_connected, host_b);
	wait_until(pool, is_counted, host_b);
}

static inline int set_up_on(void **state, const char *storage)
{
	static const struct their_domain web = {"web", WEB, "web", RUNS}, db = {"db", DB, "db", RUNS};
	struct pool_fixture *f = calloc(1, sizeof(*f));
	char path[128];

	assert_non_null(f);
	pool = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/poolfs-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->state, sizeof(f->state), "%s/state", f->dir);
	assert_int_equal(mkdir(f->state, 0700), 0);
	snprintf(path, sizeof(path), "%s/theirs", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	make_disk("web-root"), make_disk("web-data"), make_disk("db-root"), make_disk("db-data");
	make_disk("twin-root"), make_disk("twin-data");
	write_machine("a", &web, &db);
	write_machine("b", NULL, NULL);
	snprintf(path, sizeof(path), "test://%s/a.xml", f->dir);
	assert_int_equal(
		pool_open(&(struct pool_options){.state_dir = f->state, .uri = path}, &f->pool, NULL), 0);
	wait_until(f, host_is_there, NULL);
	first_uuid(f, KIND_HOST, host_a);
	wait_until(f, is_counted, host_a);
	add_storage(storage);
	assert_int_equal(store_observe(pool_store(f->pool), count_connections, NULL), 0);
	*state = f;
	return 0;
}

static inline int set_up_local(void **state)
{
	return set_up_on(state, "AddLocalPrimaryStorage");
}

static inline int set_up_shared(void **state)
{
	return set_up_on(state, "AddSharedMountPointPrimaryStorage");
}

static inline void adopt(const char *host, const char *domain)
{
	must(pool, "AdoptVmInstance", host, json_pack("{s:s}", "domain", domain), NULL);
}

/* The volume of the VM that is of this type. */
static inline void volume_of(const char *vm, const char *type, char ret[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(pool);

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (object_str_is(volume, VOLUME_TYPE, type)) {
			memcpy(ret, object_uuid(volume), UUID_SIZE);
			return;
		}
	fail_msg("VM %s has no %s volume", vm, type);
}

static inline bool is_null(enum kind_id kind, const char *uuid, int field)
{
	_cleanup_view_ struct view *view = view_now(pool);

	return object_is_null(view_get(view, kind, uuid), field);
}

/* The file of the volume in the domain ends with @name; NULL: the domain has no such disk. */
static inline void expect_disk(const char *host, const char *domain, const char *volume, const char *name)
{
	char *path = NULL;

	assert_int_equal(hv_disk_path(pool_hypervisor(pool->pool), host, domain, volume, &path, NULL), 0);
	if (path && name ? strcmp(strrchr(path, '/') + 1, name) != 0 : path || name)
		fail_msg("volume %s of %s is %s, not %s", volume, domain, path ? path : "none",
			 name ? name : "none");
	free(path);
}

/* --------------------------------------------------------------------- by hand */

/* A host that has been lost connects by itself, too, so that another connection may be in the way. */
static inline void begin_call(const char *host, struct hv_call *ret)
{
	while (hv_call_begin(pool_hypervisor(pool->pool), host, ret, NULL) < 0) {
		hv_call_end(ret);
		*ret = (struct hv_call){0};
		wait_until(pool, is_connected, host);
	}
}

static inline void by_hand(const char *host, const char *uuid, int (*act)(virDomainPtr domain))
{
	_cleanup_call_ struct hv_call call = {0};
	virDomainPtr domain;

	begin_call(host, &call);
	domain = virDomainLookupByUUIDString(call.conn, uuid);
	assert_non_null(domain);
	assert_int_equal(act(domain), 0);
	assert_int_equal(virDomainFree(domain), 0);
}

/* The name of the pool's domains. */
static inline int take_uuid_as_name(virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN], name[UUID_SIZE];
	size_t n = 0;

	assert_int_equal(virDomainGetUUIDString(domain, uuid), 0);
	for (const char *c = uuid; *c; c++)
		if (*c != '-')
			name[n++] = *c;
	name[n] = '\0';
	return virDomainRename(domain, name, 0);
}

static inline int set_autostart(virDomainPtr domain)
{
	return virDomainSetAutostart(domain, 1);
}

static inline int has_no_autostart(virDomainPtr domain)
{
	int on = -1;

	assert_int_equal(virDomainGetAutostart(domain, &on), 0);
	return on;
}

/* Defines it, and starts it if it is to run. */
static inline void define_by_hand(const char *host, const struct their_domain *d)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_free_ char *xml = NULL;
	virDomainPtr domain;
	size_t size;
	FILE *out = open_memstream(&xml, &size);

	write_domain(out, d);
	assert_int_equal(fclose(out), 0);
	begin_call(host, &call);
	domain = virDomainDefineXML(call.conn, xml);
	assert_non_null(domain);
	if (d->runstate == RUNS)
		assert_int_equal(virDomainCreate(domain), 0);
	assert_int_equal(virDomainFree(domain), 0);
}

/* --------------------------------------------------------------------- looking */

/* Of whatever has that uuid there. */
static inline enum hv_domain_state state_on(const char *host, const char *domain)
{
	struct hv_sighting s;

	while (hv_domain_sight(pool_hypervisor(pool->pool), host, domain, NULL, &s, NULL) < 0)
		wait_until(pool, is_connected, host);
	return s.state;
}

/* The name of the only foreign domain of the host, and the CPUs of those that run. */
static inline void expect_foreign(const char *host, const char *name, int64_t cpus)
{
	_cleanup_view_ struct view *view = view_now(pool);
	_cleanup_json_ json_t *list = NULL;

	assert_int_equal(foreign_domains_list(pool->pool, view, host, &list, NULL), 0);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")), name);
	assert_int_equal(object_int(view_get(view, KIND_HOST, host), HOST_FOREIGN_CPU), cpus);
}

#define AT(its_name, its_uuid, its_disks, is)                                                                \
	(&(const struct their_domain){(its_name), (its_uuid), (its_disks), (is)})

/* The only host in the VM's row is @host; NULL: none is. */
struct in_row {
	const char *vm, *host;
};

static inline bool is_alone_in_row(const struct view *view, const void *arg)
{
	const struct in_row *r = arg;
	const struct object *vm = view_get(view, KIND_VM, r->vm);

	return r->host ? object_str_is(vm, VM_DOMAIN_HOSTS, r->host) : object_is_null(vm, VM_DOMAIN_HOSTS);
}

static inline void wait_for_row(const char *vm, const char *host)
{
	wait_until(pool, is_alone_in_row, &(struct in_row){vm, host});
}

static inline void expect_state(const char *vm, const char *state, const char *host)
{
	if (!field_is(pool, KIND_VM, vm, VM_STATE, state))
		fail_msg("VM %s is not %s", vm, state);
	if (host)
		assert_true(field_is(pool, KIND_VM, vm, VM_HOST_UUID, host));
}

static inline int uncount_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *host;
	int r = txn_edit(t, KIND_HOST, arg, &host, e);

	if (r < 0)
		return r;
	object_set_null(host, HOST_FOREIGN_CPU);
	return txn_put(t, host, NULL, e);
}

static inline bool has_connected(const struct view *view, const void *before)
{
	(void)view;
	return atomic_load(&connections) > *(const int *)before;
}

/* Connects anew, with all the work behind it that this brings. */
static inline void connect_again(char *host)
{
	int before = atomic_load(&connections);

	assert_int_equal(store_run(pool_store(pool->pool), uncount_fn, host, NULL), 0);
	assert_int_equal(hv_host_reconnect(pool_hypervisor(pool->pool), host, NULL), 0);
	wait_until(pool, has_connected, &before);
	wait_until(pool, is_counted, host);
}

/* What is to be started by the pool must have one. */
static inline void attach_nic(const char *vm)
{
	char network[UUID_SIZE];

	first_uuid(pool, KIND_L3_NETWORK, network);
	must(pool, "AttachL3NetworkToVm", vm, json_pack("{s:s}", "l3NetworkUuid", network), NULL);
}

#endif
