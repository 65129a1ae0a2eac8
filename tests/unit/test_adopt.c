/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that others have made, in a pool of two hosts of libvirt's test driver: adopted, followed, let go. */
#include "tests/unit/pool_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "actions/engine/tags.h"
#include "actions/host/foreign.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/survey.h"
#include "model/json.h"

#define WEB "11111111111111111111111111111111"
#define DB  "22222222222222222222222222222222"

static struct pool_fixture *pool;
static char host_a[UUID_SIZE], host_b[UUID_SIZE];

/* ----------------------------------------------------- the lists of a host's domains */

/* While `held` is set, the next list is held back until it is released. Lists are counted. */
static struct {
	atomic_bool held;
	atomic_int count;
	sem_t made, released;
} lists;

int __real_hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
			   struct error *e);
int __wrap_hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
			   struct error *e);
int __wrap_hv_host_domains(struct hypervisor *hv, const char *host, struct hv_listed **ret, size_t *ret_count,
			   struct error *e)
{
	int r = __real_hv_host_domains(hv, host, ret, ret_count, e);

	(void)atomic_fetch_add(&lists.count, 1);
	if (atomic_exchange(&lists.held, false)) {
		(void)sem_post(&lists.made);
		(void)sem_wait(&lists.released);
	}
	return r;
}

/* -------------------------------------------------------------------- machines */

/* A domain with two disks, "<folder>/<name>-root" and "<folder>/<name>-data". */
static void write_domain(FILE *out, const char *name, const char *uuid, int runstate)
{
	static const char *const disks[] = {"root", "data"};

	(void)fprintf(out,
		      "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
		      "<name>%s</name><uuid>%s</uuid><memory>65536</memory><vcpu>2</vcpu>"
		      "<os><type>hvm</type></os><devices>",
		      name, uuid);
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		(void)fprintf(out,
			      "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
			      "<source file='%s/theirs/%s-%s'/><target dev='vd%c' bus='virtio'/></disk>",
			      pool->dir, name, disks[i], (char)('a' + i));
	(void)fprintf(out, "</devices><test:runstate>%d</test:runstate></domain>", runstate);
}

static FILE *begin_machine(const char *name)
{
	char path[128];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s.xml", pool->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	(void)fprintf(out, "<node><cpu><mhz>2000</mhz><model>m</model><active>8</active><nodes>1</nodes>"
			   "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu>"
			   "<memory>16777216</memory>");
	return out;
}

static void end_machine(FILE *out)
{
	(void)fprintf(out, "</node>");
	assert_int_equal(fclose(out), 0);
}

static void make_disk(const char *name)
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

static bool is_connected(const struct view *view, const void *host)
{
	const struct object *o = view_get(view, KIND_HOST, host);

	return o && object_str_is(o, HOST_STATUS, "Connected");
}

static void add_storage(void)
{
	char zone[UUID_SIZE], cluster[UUID_SIZE], storage[UUID_SIZE], folder[80];

	(void)snprintf(folder, sizeof(folder), "%s/theirs", pool->dir);
	first_uuid(pool, KIND_ZONE, zone);
	first_uuid(pool, KIND_CLUSTER, cluster);
	must(pool, "AddLocalPrimaryStorage", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "theirs", "url", folder, "zoneUuid", zone), storage);
	must(pool, "AttachPrimaryStorageToCluster", storage, json_pack("{s:s}", "clusterUuid", cluster),
	     NULL);
}

static void add_host_b(void)
{
	char cluster[UUID_SIZE], uri[128];

	first_uuid(pool, KIND_CLUSTER, cluster);
	(void)snprintf(uri, sizeof(uri), "test://%s/b.xml", pool->dir);
	must(pool, "AddHost", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "b", "uri", uri, "clusterUuid", cluster), host_b);
	wait_until(pool, is_connected, host_b);
}

/* Host A has the domains web and db, which run; of host B there is the file alone, for add_host_b(). */
static int set_up(void **state)
{
	struct pool_fixture *f = calloc(1, sizeof(*f));
	char path[128];
	FILE *out;

	assert_non_null(f);
	pool = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/poolfs-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->state, sizeof(f->state), "%s/state", f->dir);
	assert_int_equal(mkdir(f->state, 0700), 0);
	snprintf(path, sizeof(path), "%s/theirs", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	make_disk("web-root"), make_disk("web-data"), make_disk("db-root"), make_disk("db-data");
	out = begin_machine("a");
	write_domain(out, "web", WEB, 1);
	write_domain(out, "db", DB, 1);
	end_machine(out);
	end_machine(begin_machine("b"));
	snprintf(path, sizeof(path), "test://%s/a.xml", f->dir);
	assert_int_equal(
		pool_open(&(struct pool_options){.state_dir = f->state, .uri = path}, &f->pool, NULL), 0);
	wait_until(f, host_is_there, NULL);
	first_uuid(f, KIND_HOST, host_a);
	add_storage();
	*state = f;
	return 0;
}

static void adopt(const char *host, const char *domain)
{
	must(pool, "AdoptVmInstance", host, json_pack("{s:s}", "domain", domain), NULL);
}

/* The volume of the VM that is of this type. */
static void volume_of(const char *vm, const char *type, char ret[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(pool);

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (object_str_is(volume, VOLUME_TYPE, type)) {
			memcpy(ret, object_uuid(volume), UUID_SIZE);
			return;
		}
	fail_msg("VM %s has no %s volume", vm, type);
}

static bool is_null(enum kind_id kind, const char *uuid, int field)
{
	_cleanup_view_ struct view *view = view_now(pool);

	return object_is_null(view_get(view, kind, uuid), field);
}

/* The file of the volume in the domain ends with @name; NULL: the domain has no such disk. */
static void expect_disk(const char *host, const char *domain, const char *volume, const char *name)
{
	char *path = NULL;

	assert_int_equal(hv_disk_path(pool_hypervisor(pool->pool), host, domain, volume, &path, NULL), 0);
	if (!path != !name || (path && strcmp(strrchr(path, '/') + 1, name) != 0))
		fail_msg("volume %s of %s is %s, not %s", volume, domain, path ? path : "none",
			 name ? name : "none");
	free(path);
}

/* ----------------------------------------------------------------------- tests */

static void a_volume_that_moves_takes_no_target_along(void **state)
{
	char volume[UUID_SIZE], other[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	volume_of(WEB, "Data", volume);
	volume_of(DB, "Data", other);
	must(pool, "DetachDataVolumeFromVm", volume, NULL, NULL);
	expect_disk(host_a, WEB, volume, NULL);
	must(pool, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", DB), NULL);
	expect_disk(host_a, DB, volume, "web-data");
	expect_disk(host_a, DB, other, "db-data");
	must(pool, "DetachDataVolumeFromVm", volume, NULL, NULL);
	expect_disk(host_a, DB, volume, NULL);
	expect_disk(host_a, DB, other, "db-data");
	must(pool, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", DB), NULL);
	/* the machines of the test driver are as at first again: without this disk */
	pool_fixture_reopen(pool);
	wait_until(pool, is_connected, host_a);
	expect_disk(host_a, DB, volume, NULL);
	expect_disk(host_a, DB, other, "db-data");
	must(pool, "DetachDataVolumeFromVm", volume, NULL, NULL);
	expect_disk(host_a, DB, other, "db-data");
}

static void a_domain_of_the_pool_is_known_by_nothing_else(void **state)
{
	char volume[UUID_SIZE], network[UUID_SIZE];

	(void)state;
	first_uuid(pool, KIND_L3_NETWORK, network);
	adopt(host_a, "web");
	must(pool, "AttachL3NetworkToVm", WEB, json_pack("{s:s}", "l3NetworkUuid", network), NULL);
	volume_of(WEB, "Data", volume);
	assert_true(field_is(pool, KIND_VM, WEB, VM_DOMAIN_NAME, "web"));
	must(pool, "RebootVmInstance", WEB, NULL, NULL);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
	assert_true(is_null(KIND_VOLUME, volume, VOLUME_DOMAIN_TARGET));
	adopt(host_a, "db");
	must(pool, "StopVmInstance", DB, NULL, NULL);
	assert_true(field_is(pool, KIND_VM, DB, VM_DOMAIN_NAME, "db"));
	must(pool, "DestroyVmInstance", DB, NULL, NULL);
	assert_true(is_null(KIND_VM, DB, VM_DOMAIN_NAME));
}

#define ISO_TAG "iso::a0000000000000000000000000000000::0"

static int put_iso_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return object_add_system_tag(t, KIND_VM, WEB, ISO_TAG, true, e);
}

static int eject_iso_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return txn_remove(t, object_find_tag(txn_view(t), KIND_SYSTEM_TAG, WEB, ISO_TAG), e);
}

static void a_vm_with_an_iso_is_not_released(void **state)
{
	(void)state;
	adopt(host_a, "web");
	assert_int_equal(store_run(pool_store(pool->pool), put_iso_fn, NULL, NULL), 0);
	must_fail(pool, "ReleaseVmInstance", WEB, NULL, EBUSY, "detach it first");
	assert_true(exists(pool, KIND_VM, WEB));
	assert_int_equal(store_run(pool_store(pool->pool), eject_iso_fn, NULL, NULL), 0);
	must(pool, "ReleaseVmInstance", WEB, NULL, NULL);
	assert_false(exists(pool, KIND_VM, WEB));
}

/* ------------------------------------------------------------------ two hosts */

static void machine_b(const char *first, const char *uuid, int runstate, const char *second,
		      const char *uuid2, int runstate2)
{
	FILE *out = begin_machine("b");

	if (first)
		write_domain(out, first, uuid, runstate);
	if (second)
		write_domain(out, second, uuid2, runstate2);
	end_machine(out);
}

static bool is_counted(const struct view *view, const void *host)
{
	return !object_is_null(view_get(view, KIND_HOST, host), HOST_FOREIGN_CPU);
}

static bool is_paused_on_b(const struct view *view, const void *arg)
{
	const struct object *vm = view_get(view, KIND_VM, DB);

	(void)arg;
	return object_str_is(vm, VM_STATE, "Paused") && object_str_is(vm, VM_HOST_UUID, host_b);
}

static enum hv_domain_state state_on(const char *host, const char *domain)
{
	enum hv_domain_reason reason;
	enum hv_domain_state state;

	assert_int_equal(hv_domain_state(pool_hypervisor(pool->pool), host, domain, &state, &reason, NULL),
			 0);
	return state;
}

/* The name of the only foreign domain of the host, and the CPUs of those that run. */
static void expect_foreign(const char *host, const char *name, int64_t cpus)
{
	_cleanup_view_ struct view *view = view_now(pool);
	_cleanup_json_ json_t *list = NULL;

	assert_int_equal(foreign_domains_list(pool->pool, view, host, &list, NULL), 0);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")), name);
	assert_int_equal(object_int(view_get(view, KIND_HOST, host), HOST_FOREIGN_CPU), cpus);
}

static void a_uuid_of_two_hosts_is_not_adopted(void **state)
{
	(void)state;
	machine_b("twin", WEB, 5, NULL, NULL, 0);
	add_host_b();
	must_fail(pool, "AdoptVmInstance", host_a, json_pack("{s:s}", "domain", "web"), 0,
		  "the host 'b' has a domain with the uuid of 'web'");
	assert_false(exists(pool, KIND_VM, WEB));
	adopt(host_a, "db");
	assert_int_equal(hv_domain_undefine(pool_hypervisor(pool->pool), host_b, WEB, NULL), 0);
	adopt(host_a, "web");
}

/* The domains of a host that comes later, with the uuids of VMs that run, and that are off. */
static void domains_of_others_are_never_touched(void **state)
{
	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	must(pool, "StopVmInstance", DB, NULL, NULL);
	machine_b("twin", WEB, 1, "db", DB, 5);
	add_host_b();
	wait_until(pool, is_counted, host_b); /* comes after the work that a new connection brings */
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_OFF);
	assert_true(field_is(pool, KIND_VM, WEB, VM_HOST_UUID, host_a));
	assert_true(field_is(pool, KIND_VM, WEB, VM_STATE, "Running"));
	/* the pool's own goes, and only that */
	must(pool, "DestroyVmInstance", WEB, NULL, NULL);
	must(pool, "DestroyVmInstance", DB, NULL, NULL);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_OFF);
}

static void a_domain_of_others_is_not_taken_for_a_vm_that_is_off(void **state)
{
	(void)state;
	adopt(host_a, "db");
	must(pool, "StopVmInstance", DB, NULL, NULL);
	machine_b("twin", DB, 1, NULL, NULL, 0);
	add_host_b();
	wait_until(pool, is_counted, host_b);
	assert_true(field_is(pool, KIND_VM, DB, VM_STATE, "Stopped"));
	expect_foreign(host_b, "twin", 2);
	/* the VM's own host has it no more: it was moved */
	assert_int_equal(hv_domain_undefine(pool_hypervisor(pool->pool), host_a, DB, NULL), 0);
	assert_int_equal(hv_domain_suspend(pool_hypervisor(pool->pool), host_b, DB, NULL), 0);
	wait_until(pool, is_paused_on_b, NULL);
}

/* What a job that was interrupted says of itself afterwards. */
static int recover(const char *host, const char *domain)
{
	const struct actor actor = {.source = "fs"};
	const struct operation *op = operation_by_name("AdoptVmInstance");
	struct job job = {.pool = pool->pool, .uuid = "j", .deadline = INT64_MAX};
	_cleanup_json_ json_t *params = json_pack("{s:s}", "domain", domain), *result = NULL;
	int r;

	assert_int_equal(request_new(op, host, params, &actor, &job.req, NULL), 0);
	r = op->recover(&job, &result, NULL);
	request_free(job.req);
	return r;
}

static void an_interrupted_adoption_knows_its_own_domain(void **state)
{
	(void)state;
	machine_b("web", DB, 5, NULL, NULL, 0);
	add_host_b();
	adopt(host_a, "web");
	assert_int_equal(recover(host_a, "web"), 0);
	assert_int_equal(recover(host_a, "11111111-1111-1111-1111-111111111111"), 0);
	assert_int_equal(recover(host_a, WEB), 0);
	/* another host's, another domain */
	assert_int_equal(recover(host_b, "web"), -EINTR);
	assert_int_equal(recover(host_b, WEB), -EINTR);
	assert_int_equal(recover(host_a, "db"), -EINTR);
	assert_int_equal(recover(host_a, "11111111-1111-1111-1111-11111111111"), -EINTR);
}

/* ------------------------------------------------------------------- counting */

#define MANY 100

static void *count_in_thread(void *arg)
{
	foreign_domains_count(arg, host_a);
	return NULL;
}

static int64_t foreign_cpus(void)
{
	_cleanup_view_ struct view *view = view_now(pool);

	return object_int(view_get(view, KIND_HOST, host_a), HOST_FOREIGN_CPU);
}

static void an_older_list_is_not_the_last_word(void **state)
{
	pthread_t thread;
	int before;

	(void)state;
	wait_until(pool, is_counted, host_a);
	foreign_domains_count(pool->pool, host_a);
	assert_int_equal(foreign_cpus(), 4);
	atomic_store(&lists.held, true);
	assert_int_equal(pthread_create(&thread, NULL, count_in_thread, pool->pool), 0);
	(void)sem_wait(&lists.made); /* it has a list with both domains */
	before = atomic_load(&lists.count);
	assert_int_equal(hv_domain_destroy(pool_hypervisor(pool->pool), host_a, WEB, NULL), 0);
	for (int i = 0; i < MANY; i++)
		foreign_domains_changed(pool->pool, host_a);
	assert_int_equal(atomic_load(&lists.count), before);
	(void)sem_post(&lists.released);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(foreign_cpus(), 2);
	/* one for all of them, and one if the event came later */
	assert_in_range(atomic_load(&lists.count), before + 1, before + 2);
}

/* Whoever waits sees what was true when it asked. */
static void who_waits_sees_what_was_true_before(void **state)
{
	pthread_t first, second;

	(void)state;
	wait_until(pool, is_counted, host_a);
	atomic_store(&lists.held, true);
	assert_int_equal(pthread_create(&first, NULL, count_in_thread, pool->pool), 0);
	(void)sem_wait(&lists.made);
	assert_int_equal(hv_domain_destroy(pool_hypervisor(pool->pool), host_a, WEB, NULL), 0);
	assert_int_equal(pthread_create(&second, NULL, count_in_thread, pool->pool), 0);
	(void)sem_post(&lists.released);
	assert_int_equal(pthread_join(second, NULL), 0);
	assert_int_equal(foreign_cpus(), 2);
	assert_int_equal(pthread_join(first, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_volume_that_moves_takes_no_target_along, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_domain_of_the_pool_is_known_by_nothing_else, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_vm_with_an_iso_is_not_released, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_uuid_of_two_hosts_is_not_adopted, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(an_interrupted_adoption_knows_its_own_domain, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(domains_of_others_are_never_touched, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_domain_of_others_is_not_taken_for_a_vm_that_is_off, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(an_older_list_is_not_the_last_word, set_up,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(who_waits_sees_what_was_true_before, set_up,
						pool_fixture_teardown),
	};

	(void)sem_init(&lists.made, 0, 0);
	(void)sem_init(&lists.released, 0, 0);

	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
