/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adopted VMs on shared storage, whose guests somebody moves, or whose hosts fail, in a pool of two hosts of libvirt's
 * test driver: the VM's own domain is never lost, and no disk gets two guests.
 */
#include "tests/unit/adopt_fixture.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "hypervisor/domain/migrate.h"

/* Set: hosts do not answer when they are asked what has a uuid, and each such question is posted. */
static atomic_bool silent;
static sem_t asked;
/* Set: definitions cannot be removed. */
static atomic_bool sticky;
/* A VM was seen as Stopped. */
static atomic_bool stopped;

int __real_hv_domain_sight(struct hypervisor *hv, const char *host, const char *uuid,
			   const char *const *files, struct hv_sighting *ret, struct error *e);
int __wrap_hv_domain_sight(struct hypervisor *hv, const char *host, const char *uuid,
			   const char *const *files, struct hv_sighting *ret, struct error *e);
int __wrap_hv_domain_sight(struct hypervisor *hv, const char *host, const char *uuid,
			   const char *const *files, struct hv_sighting *ret, struct error *e)
{
	if (!atomic_load(&silent))
		return __real_hv_domain_sight(hv, host, uuid, files, ret, e);
	(void)sem_post(&asked);
	return error_set(e, ENOTCONN, "silent");
}

int __real_virDomainUndefine(virDomainPtr domain);
int __wrap_virDomainUndefine(virDomainPtr domain);
int __wrap_virDomainUndefine(virDomainPtr domain)
{
	return atomic_load(&sticky) ? -1 : __real_virDomainUndefine(domain);
}

int __real_virDomainUndefineFlags(virDomainPtr domain, unsigned int flags);
int __wrap_virDomainUndefineFlags(virDomainPtr domain, unsigned int flags);
int __wrap_virDomainUndefineFlags(virDomainPtr domain, unsigned int flags)
{
	return atomic_load(&sticky) ? -1 : __real_virDomainUndefineFlags(domain, flags);
}

/* What happens on host B, or to the guest, while a migration fails; NULL: it does not fail. */
static _Atomic(void (*)(void)) meanwhile;

int __real_hv_domain_migrate(struct hypervisor *hv, const char *from, const char *to, const char *uuid,
			     const struct hv_migration *how, hv_progress *progress, void *ctx,
			     struct error *e);
int __wrap_hv_domain_migrate(struct hypervisor *hv, const char *from, const char *to, const char *uuid,
			     const struct hv_migration *how, hv_progress *progress, void *ctx,
			     struct error *e);
int __wrap_hv_domain_migrate(struct hypervisor *hv, const char *from, const char *to, const char *uuid,
			     const struct hv_migration *how, hv_progress *progress, void *ctx,
			     struct error *e)
{
	void (*happens)(void) = atomic_exchange(&meanwhile, NULL);

	if (!happens)
		return __real_hv_domain_migrate(hv, from, to, uuid, how, progress, ctx, e);
	happens();
	return error_set(e, EIO, "failed");
}

static void see_stops(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)ctx, (void)view;
	for (size_t i = 0; i < count; i++)
		if (changes[i].after && changes[i].after->kind->id == KIND_VM &&
		    object_str_is(changes[i].after, VM_STATE, "Stopped"))
			atomic_store(&stopped, true);
}

static void watch_for_stops(void)
{
	assert_int_equal(store_observe(pool_store(pool->pool), see_stops, NULL), 0);
	atomic_store(&stopped, false);
}

static bool runs_on_b(const struct view *view, const void *uuid)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);

	return object_str_is(vm, VM_STATE, "Running") && object_str_is(vm, VM_HOST_UUID, host_b);
}

static bool is_unknown(const struct view *view, const void *uuid)
{
	return object_str_is(view_get(view, KIND_VM, uuid), VM_STATE, "Unknown");
}

static bool is_stopped(const struct view *view, const void *uuid)
{
	return object_str_is(view_get(view, KIND_VM, uuid), VM_STATE, "Stopped");
}

/* The machine is off, and what runs there is lost; its file says how it is when it is on again. */
static void lose_host_a(void)
{
	char path[128];

	machine_path("a", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hv_host_reconnect(pool_hypervisor(pool->pool), host_a, NULL), 0);
	wait_until(pool, is_disconnected, host_a);
}

static void a_guest_that_moves_is_followed(void **state)
{
	char data[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	volume_of(WEB, "Data", data);
	add_host_b();
	by_hand(host_a, WEB, virDomainDestroy);
	wait_until(pool, is_stopped, WEB);
	define_by_hand(host_b, AT("web", WEB, "web", RUNS));
	wait_until(pool, runs_on_b, WEB);
	expect_disk(host_b, WEB, data, "web-data");
	/* what is left is of no use */
	connect_again(host_a);
	wait_for_row(WEB, host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
}

/* The host is silent, so somebody starts its guest on another one; then the host is back, with the guest off. */
static void a_guest_that_moves_from_a_silent_host_is_followed(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	watch_for_stops();
	lose_host_a();
	wait_until(pool, is_unknown, WEB);
	define_by_hand(host_b, AT("web", WEB, "web", RUNS));
	wait_until(pool, runs_on_b, WEB);
	write_machine("a", AT("web", WEB, "web", OFF), NULL);
	connect_again(host_a);
	wait_for_row(WEB, host_b);
	expect_state(WEB, "Running", host_b);
	assert_true(is_null(KIND_VM, WEB, VM_HA_RESTART));
	assert_false(atomic_load(&stopped));
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
}

/* Or with the guest running: one disk has one guest. */
static void a_guest_that_runs_on_its_old_host_again_is_ended(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	lose_host_a();
	wait_until(pool, is_unknown, WEB);
	define_by_hand(host_b, AT("web", WEB, "web", RUNS));
	wait_until(pool, runs_on_b, WEB);
	write_machine("a", AT("web", WEB, "web", RUNS), NULL);
	connect_again(host_a);
	wait_for_row(WEB, host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
}

/* Nobody could look at the guest when it came: its old host says that it has it no more, so the others are asked again. */
static void a_guest_is_sought_before_it_counts_as_stopped(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	watch_for_stops();
	lose_host_a();
	wait_until(pool, is_unknown, WEB);
	atomic_store(&silent, true);
	define_by_hand(host_b, AT("web", WEB, "web", RUNS));
	(void)sem_wait(&asked);
	expect_state(WEB, "Unknown", host_a);
	atomic_store(&silent, false);
	write_machine("a", AT("web", WEB, "web", OFF), NULL);
	connect_again(host_a);
	wait_until(pool, runs_on_b, WEB);
	assert_false(atomic_load(&stopped));
}

/* One on the VM's path, but of a cluster that has not its storage, is on another file. */
static void a_path_says_nothing_without_the_storage(void **state)
{
	char cluster[UUID_SIZE], zone[UUID_SIZE], uri[128];

	(void)state;
	adopt(host_a, "web");
	must(pool, "StopVmInstance", WEB, NULL, NULL);
	first_uuid(pool, KIND_ZONE, zone);
	must(pool, "CreateCluster", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "other", "zoneUuid", zone, "hypervisorType", "Simulator"),
	     cluster);
	write_machine("b", AT("web", WEB, "web", RUNS), NULL);
	(void)snprintf(uri, sizeof(uri), "test://%s/b.xml", pool->dir);
	must(pool, "AddHost", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "b", "uri", uri, "clusterUuid", cluster), host_b);
	wait_until(pool, is_counted, host_b);
	expect_state(WEB, "Stopped", NULL);
	wait_for_row(WEB, host_a);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
}

/* A migration whose source keeps the definition: it is the VM's own until it is gone. */
static void what_a_migration_leaves_is_removed(void **state)
{
	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	add_host_b();
	atomic_store(&sticky, true);
	must(pool, "MigrateVm", WEB, json_pack("{s:s}", "hostUuid", host_b), NULL);
	must(pool, "MigrateVm", DB, json_pack("{s:s}", "hostUuid", host_b), NULL);
	atomic_store(&sticky, false);
	expect_state(WEB, "Running", host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_OFF);
	assert_true(field_is(pool, KIND_VM, WEB, VM_DOMAIN_NAME, "web"));
	/* started by hand, it is on the VM's disk */
	by_hand(host_a, DB, virDomainCreate);
	wait_until(pool, runs_on_b, DB);
	wait_for_row(DB, host_b);
	connect_again(host_a);
	wait_for_row(WEB, host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
	assert_int_equal(state_on(host_a, DB), HV_DOMAIN_ABSENT);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_RUNNING);
}

static void a_migration_replaces_no_domain_of_others(void **state)
{
	(void)state;
	adopt(host_a, "web");
	write_machine("b", AT("web", WEB, "twin", OFF), NULL);
	add_host_b();
	must_fail(pool, "MigrateVm", WEB, json_pack("{s:s}", "hostUuid", host_b), EBUSY,
		  "has a domain of others");
	expect_state(WEB, "Running", host_a);
	wait_for_row(WEB, host_a);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_OFF);
}

static void others_define_theirs(void)
{
	define_by_hand(host_b, AT("new", WEB, "twin", OFF));
}

/* Nor is one undone that has come to the target since it was asked. */
static void a_migration_that_fails_removes_no_domain_of_others(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	atomic_store(&meanwhile, others_define_theirs);
	must_fail(pool, "MigrateVm", WEB, json_pack("{s:s}", "hostUuid", host_b), EIO, "failed");
	expect_state(WEB, "Running", host_a);
	wait_for_row(WEB, host_a);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_OFF);
}

static void the_guest_dies(void)
{
	by_hand(host_a, WEB, virDomainDestroy);
}

static void a_target_where_nothing_has_come_is_forgotten(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	atomic_store(&meanwhile, the_guest_dies);
	must_fail(pool, "MigrateVm", WEB, json_pack("{s:s}", "hostUuid", host_b), EIO, "failed");
	expect_state(WEB, "Stopped", NULL);
	wait_for_row(WEB, host_a);
}

/* The VM is on host B, started there when host A was dead. */
static void leave_dead_host_a(void)
{
	adopt(host_a, "web");
	attach_nic(WEB);
	add_host_b();
	lose_host_a();
	wait_until(pool, is_unknown, WEB);
	must(pool, "ConfirmHostDead", host_a, NULL, NULL);
	wait_until(pool, is_stopped, WEB);
	must(pool, "StartVmInstance", WEB, json_pack("{s:s}", "hostUuid", host_b), NULL);
}

/* Its host is dead, so the VM is started elsewhere. The host comes back and starts what it had. */
static void what_a_dead_host_starts_again_is_ended(void **state)
{
	(void)state;
	leave_dead_host_a();
	expect_state(WEB, "Running", host_b);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
	write_machine("a", AT("web", WEB, "web", RUNS), NULL);
	connect_again(host_a);
	wait_for_row(WEB, NULL);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	expect_state(WEB, "Running", host_b);
}

/* Somebody removes what is left, and makes something else of the uuid. */
static void what_has_left_is_forgotten(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	atomic_store(&sticky, true);
	must(pool, "MigrateVm", WEB, json_pack("{s:s}", "hostUuid", host_b), NULL);
	atomic_store(&sticky, false);
	by_hand(host_a, WEB, virDomainUndefine);
	wait_for_row(WEB, host_b);
	define_by_hand(host_a, AT("new", WEB, "twin", RUNS));
	connect_again(host_a);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_RUNNING);
	expect_state(WEB, "Running", host_b);
}

/* A dead host that comes back without it is forgotten. */
static void what_a_dead_host_has_lost_is_forgotten(void **state)
{
	(void)state;
	leave_dead_host_a();
	write_machine("a", NULL, NULL);
	connect_again(host_a);
	wait_for_row(WEB, NULL);
	/* what comes then is somebody else's */
	define_by_hand(host_a, AT("new", WEB, "twin", RUNS));
	connect_again(host_a);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_RUNNING);
	expect_state(WEB, "Running", host_b);
}

/* Somebody has made something else of the uuid while the host was silent: it is not on the VM's files. */
static void what_replaces_it_on_a_dead_host_is_not_ended(void **state)
{
	(void)state;
	leave_dead_host_a();
	write_machine("a", AT("new", WEB, "twin", RUNS), NULL);
	connect_again(host_a);
	wait_for_row(WEB, NULL);
	expect_state(WEB, "Running", host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_RUNNING);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	expect_foreign(host_a, "new", 2);
}

static void what_replaces_it_on_a_dead_host_is_not_removed(void **state)
{
	(void)state;
	leave_dead_host_a();
	write_machine("a", AT("new", WEB, "twin", OFF), NULL);
	connect_again(host_a);
	wait_for_row(WEB, NULL);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_OFF);
	expect_foreign(host_a, "new", 0);
}

/* Nor does a VM run because something else does. */
static void what_replaces_it_on_a_dead_host_is_not_the_vm(void **state)
{
	(void)state;
	leave_dead_host_a();
	must(pool, "StopVmInstance", WEB, json_pack("{s:s}", "type", "cold"), NULL);
	write_machine("a", AT("new", WEB, "twin", RUNS), NULL);
	connect_again(host_a);
	wait_for_row(WEB, NULL);
	expect_state(WEB, "Stopped", NULL);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_RUNNING);
}

static bool field_ends_with(enum kind_id kind, const char *uuid, int field, const char *end)
{
	_cleanup_view_ struct view *view = view_now(pool);
	const char *text = object_text(view_get(view, kind, uuid), field);

	return strlen(text) > strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* What is left of a migration has been replaced, too; its own is on a file that a snapshot has now. */
static void what_replaces_the_rest_of_a_migration_is_not_removed(void **state)
{
	char root[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	volume_of(DB, "Root", root);
	add_host_b();
	atomic_store(&sticky, true);
	must(pool, "MigrateVm", WEB, json_pack("{s:s}", "hostUuid", host_b), NULL);
	must(pool, "MigrateVm", DB, json_pack("{s:s}", "hostUuid", host_b), NULL);
	atomic_store(&sticky, false);
	assert_true(field_ends_with(KIND_VOLUME, root, VOLUME_INSTALL_PATH, "/db-root"));
	must(pool, "CreateVolumeSnapshot", root, json_pack("{s:s}", "name", "s"), NULL);
	assert_false(field_ends_with(KIND_VOLUME, root, VOLUME_INSTALL_PATH, "/db-root"));
	lose_host_a();
	write_machine("a", AT("new", WEB, "twin", OFF), AT("db", DB, "db", OFF));
	connect_again(host_a);
	wait_for_row(WEB, host_b);
	wait_for_row(DB, host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_OFF);
	assert_int_equal(state_on(host_a, DB), HV_DOMAIN_ABSENT);
}

/* Where the VM was last, its domain may have been replaced when it is started elsewhere. */
static void a_start_elsewhere_removes_no_domain_of_others(void **state)
{
	(void)state;
	adopt(host_a, "web");
	attach_nic(WEB);
	add_host_b();
	must(pool, "StopVmInstance", WEB, json_pack("{s:s}", "type", "cold"), NULL);
	lose_host_a();
	write_machine("a", AT("new", WEB, "twin", OFF), NULL);
	connect_again(host_a);
	must(pool, "StartVmInstance", WEB, json_pack("{s:s}", "hostUuid", host_b), NULL);
	wait_for_row(WEB, NULL);
	expect_state(WEB, "Running", host_b);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_OFF);
}

#define SHARED(test) cmocka_unit_test_setup_teardown(test, set_up_shared, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARED(a_guest_that_moves_is_followed),
		SHARED(a_guest_that_moves_from_a_silent_host_is_followed),
		SHARED(a_guest_that_runs_on_its_old_host_again_is_ended),
		SHARED(a_guest_is_sought_before_it_counts_as_stopped),
		SHARED(a_path_says_nothing_without_the_storage),
		SHARED(what_a_migration_leaves_is_removed),
		SHARED(a_migration_replaces_no_domain_of_others),
		SHARED(a_migration_that_fails_removes_no_domain_of_others),
		SHARED(a_target_where_nothing_has_come_is_forgotten),
		SHARED(what_has_left_is_forgotten),
		SHARED(what_a_dead_host_starts_again_is_ended),
		SHARED(what_a_dead_host_has_lost_is_forgotten),
		SHARED(what_replaces_it_on_a_dead_host_is_not_ended),
		SHARED(what_replaces_it_on_a_dead_host_is_not_removed),
		SHARED(what_replaces_it_on_a_dead_host_is_not_the_vm),
		SHARED(what_replaces_the_rest_of_a_migration_is_not_removed),
		SHARED(a_start_elsewhere_removes_no_domain_of_others),
	};

	(void)sem_init(&asked, 0, 0);
	return cmocka_run_group_tests_name("adopt_moved", tests, NULL, NULL);
}
