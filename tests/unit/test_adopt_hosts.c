/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adopted VMs, and domains with their uuids on another host, in a pool of two hosts of libvirt's test driver: what
 * others have made is never touched, and which domain is the VM's own is asked of its host.
 */
#include "tests/unit/adopt_fixture.h"

#include <sys/stat.h>

#include "actions/vm/reconcile.h"
#include "actions/vm/state.h"

static int starting_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *vm;
	int r = txn_edit(t, KIND_VM, arg, &vm, e);

	if (r < 0)
		return r;
	object_set_str(vm, VM_STATE, "Starting");
	object_set_str(vm, VM_HOST_UUID, host_a);
	return txn_put(t, vm, NULL, e);
}

/* The daemon was killed in a start, and the next one asks what has become of it. */
static void recover_start(const char *vm)
{
	const struct actor actor = {.source = "fs"};
	struct job job = {.pool = pool->pool, .uuid = "j", .deadline = INT64_MAX};

	assert_int_equal(request_new(operation_by_name("StartVmInstance"), vm, NULL, &actor, &job.req, NULL),
			 0);
	assert_int_equal(vm_recover_state(&job, vm, VM_STATE_RUNNING), 0);
	request_free(job.req);
}

static void stop_and_begin_start(const char *vm)
{
	must(pool, "StopVmInstance", vm, json_pack("{s:s}", "type", "cold"), NULL);
	assert_int_equal(store_run(pool_store(pool->pool), starting_fn, (void *)(uintptr_t)vm, NULL), 0);
}

/* -------------------------------------------------------- domains of others */

static void a_uuid_of_two_hosts_is_not_adopted(void **state)
{
	(void)state;
	write_machine("b", AT("twin", WEB, "twin", OFF), NULL);
	add_host_b();
	must_fail(pool, "AdoptVmInstance", host_a, json_pack("{s:s}", "domain", "web"), 0,
		  "the host 'b' has a domain with the uuid of 'web'");
	assert_false(exists(pool, KIND_VM, WEB));
	adopt(host_a, "db");
	by_hand(host_b, WEB, virDomainUndefine);
	adopt(host_a, "web");
}

/* Host B, with a file of its machine that cannot be read before end_silence(): it connects no sooner. */
static void begin_silence(void)
{
	char path[128];

	machine_path("b", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void end_silence(const struct their_domain *twin)
{
	write_machine("b", twin, NULL);
}

static bool is_prepared(const struct view *view, const void *host)
{
	return !host_is_coming(view_get(view, KIND_HOST, host), false);
}

/* Right after a start, when the other host is yet to come, so that it cannot be asked. */
static void a_twin_of_a_host_that_is_coming_is_seen(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char job[UUID_SIZE], target[UUID_SIZE], image[UUID_SIZE];

	(void)state;
	add_host_b();
	begin_silence();
	pool_fixture_reopen(pool);
	wait_until(pool, is_prepared, host_a);
	assert_int_equal(submit(pool, "AdoptVmInstance", host_a, json_pack("{s:s}", "domain", "web"), job,
				target, NULL),
			 0);
	add_image(pool, "other", "raw", NULL, image); /* meanwhile other work is done */
	end_silence(AT("twin", WEB, "twin", OFF));
	assert_true(job_end(pool, job, &e) < 0);
	assert_non_null(strstr(error_sentence(&e), "the host 'b' has a domain with the uuid of 'web'"));
	assert_false(exists(pool, KIND_VM, WEB));
}

/* The domains of a host that comes later, with the uuids of VMs that run, and that are off. */
static void domains_of_others_are_never_touched(void **state)
{
	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	must(pool, "StopVmInstance", DB, NULL, NULL);
	write_machine("b", AT("twin", WEB, "twin", RUNS), AT("db", DB, "twin", OFF));
	add_host_b();
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_OFF);
	expect_state(WEB, "Running", host_a);
	/* the pool's own goes, and only that */
	must(pool, "DestroyVmInstance", WEB, NULL, NULL);
	must(pool, "DestroyVmInstance", DB, NULL, NULL);
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_ABSENT);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_OFF);
	wait_for_row(WEB, NULL);
	wait_for_row(DB, NULL);
}

/* Nor those that come when the pool itself has made the VM's domain, in a start that outlives the daemon. */
static void domains_of_others_are_not_touched_after_a_recovery(void **state)
{
	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	stop_and_begin_start(WEB);
	stop_and_begin_start(DB);
	by_hand(host_a, WEB, take_uuid_as_name);
	by_hand(host_a, DB, take_uuid_as_name);
	by_hand(host_a, WEB, virDomainCreate);
	by_hand(host_a, DB, virDomainCreate);
	recover_start(WEB);
	recover_start(DB);
	expect_state(WEB, "Running", host_a);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
	write_machine("b", AT("twin", WEB, "twin", OFF), AT("twin2", DB, "twin", RUNS));
	add_host_b();
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_OFF);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_RUNNING);
	expect_state(DB, "Running", host_a);
}

static void a_start_replaces_no_domain_of_others(void **state)
{
	(void)state;
	adopt(host_a, "web");
	adopt(host_a, "db");
	attach_nic(WEB);
	attach_nic(DB);
	must(pool, "StopVmInstance", WEB, NULL, NULL);
	must(pool, "StopVmInstance", DB, NULL, NULL);
	write_machine("b", AT("db", DB, "twin", OFF), AT("twin", WEB, "twin2", RUNS));
	add_host_b();
	must_fail(pool, "StartVmInstance", DB, json_pack("{s:s}", "hostUuid", host_b), EBUSY,
		  "the host has a domain of others, 'db'");
	expect_state(DB, "Stopped", NULL);
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_OFF);
	/* nor ends it the guest of others */
	must_fail(pool, "StartVmInstance", WEB, json_pack("{s:s}", "hostUuid", host_b), EBUSY,
		  "the host has a domain of others, 'twin'");
	expect_state(WEB, "Stopped", NULL);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
	must(pool, "StartVmInstance", DB, NULL, NULL);
	expect_state(DB, "Running", host_a);
}

static int stopped_fn(struct txn *t, void *arg, struct error *e)
{
	return vm_put_stopped(t, arg, VM_STATE_STOPPED, e);
}

/* Somebody else has started the VM, of which the pool has not heard yet. */
static void a_start_does_not_end_what_runs_already(void **state)
{
	(void)state;
	adopt(host_a, "web");
	attach_nic(WEB);
	assert_int_equal(store_run(pool_store(pool->pool), stopped_fn, WEB, NULL), 0);
	must_fail(pool, "StartVmInstance", WEB, json_pack("{s:s}", "hostUuid", host_a), 0,
		  "is already active");
	assert_int_equal(state_on(host_a, WEB), HV_DOMAIN_RUNNING);
	expect_state(WEB, "Running", host_a);
}

/* One on another disk is not the VM, even when the VM's own host has it no more. */
static void a_domain_of_others_is_not_taken_for_the_vm(void **state)
{
	(void)state;
	adopt(host_a, "db");
	must(pool, "StopVmInstance", DB, NULL, NULL);
	write_machine("b", AT("twin", DB, "twin", RUNS), NULL);
	add_host_b();
	expect_state(DB, "Stopped", NULL);
	expect_foreign(host_b, "twin", 2);
	by_hand(host_a, DB, virDomainUndefine);
	connect_again(host_b);
	expect_state(DB, "Stopped", NULL);
	expect_foreign(host_b, "twin", 2);
	assert_true(is_null(KIND_VM, DB, VM_HOST_UUID));
	assert_int_equal(state_on(host_b, DB), HV_DOMAIN_RUNNING);
}

/* The same path on local storage is another file. */
static void a_path_says_nothing_on_local_storage(void **state)
{
	(void)state;
	adopt(host_a, "web");
	must(pool, "StopVmInstance", WEB, NULL, NULL);
	write_machine("b", AT("web", WEB, "web", RUNS), NULL);
	add_host_b();
	expect_state(WEB, "Stopped", NULL);
	wait_for_row(WEB, host_a);
	assert_int_equal(state_on(host_b, WEB), HV_DOMAIN_RUNNING);
}

/* -------------------------------------------------------- the VM's own domain */

/* The daemon was killed before it started the VM, and somebody else has. */
static void a_start_by_hand_makes_no_domain_of_the_pool(void **state)
{
	char data[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	volume_of(WEB, "Data", data);
	stop_and_begin_start(WEB);
	by_hand(host_a, WEB, virDomainCreate);
	recover_start(WEB);
	expect_state(WEB, "Running", host_a);
	assert_true(field_is(pool, KIND_VM, WEB, VM_DOMAIN_NAME, "web"));
	expect_disk(host_a, WEB, data, "web-data");
}

static int starting_on_b_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *vm;
	int r = starting_fn(t, arg, e);

	if (r == 0)
		r = txn_edit(t, KIND_VM, arg, &vm, e);
	if (r < 0)
		return r;
	object_set_str(vm, VM_HOST_UUID, host_b);
	return txn_put(t, vm, NULL, e);
}

/* The daemon was killed when it had started the VM on another host than that of the domain of others. */
static void a_start_elsewhere_makes_a_domain_of_the_pool(void **state)
{
	(void)state;
	adopt(host_a, "web");
	add_host_b();
	must(pool, "StopVmInstance", WEB, NULL, NULL);
	assert_int_equal(store_run(pool_store(pool->pool), starting_on_b_fn, WEB, NULL), 0);
	define_by_hand(host_b, AT(WEB, WEB, "web", RUNS));
	recover_start(WEB);
	expect_state(WEB, "Running", host_b);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
	/* what is left on the former host is the VM's own still */
	wait_for_row(WEB, host_a);
}

/* Of a start whose host was lost, it is known when the host is back. */
static void a_start_that_was_lost_counts_later(void **state)
{
	char data[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	volume_of(WEB, "Data", data);
	stop_and_begin_start(WEB);
	assert_int_equal(vm_set_state(pool->pool, WEB, VM_STATE_UNKNOWN, NULL), 0);
	by_hand(host_a, WEB, take_uuid_as_name);
	by_hand(host_a, WEB, virDomainCreate);
	connect_again(host_a);
	wait_for_row(WEB, NULL);
	assert_true(is_null(KIND_VM, WEB, VM_DOMAIN_NAME));
	assert_true(is_null(KIND_VOLUME, data, VOLUME_DOMAIN_TARGET));
	expect_state(WEB, "Running", host_a);
}

static int forget_hosts_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *vm;
	int r = txn_edit(t, KIND_VM, arg, &vm, e);

	if (r < 0)
		return r;
	object_set_null(vm, VM_DOMAIN_HOSTS);
	return txn_put(t, vm, NULL, e);
}

/* Of a pool from before rows had hosts. */
static void a_row_without_hosts_gets_that_of_the_vm(void **state)
{
	char data[UUID_SIZE];

	(void)state;
	adopt(host_a, "web");
	volume_of(WEB, "Data", data);
	assert_int_equal(store_run(pool_store(pool->pool), forget_hosts_fn, WEB, NULL), 0);
	pool_fixture_reopen(pool);
	wait_until(pool, is_connected, host_a);
	wait_for_row(WEB, host_a);
	expect_disk(host_a, WEB, data, "web-data");
	expect_state(WEB, "Running", host_a);
}

static void its_host_does_not_start_it(void **state)
{
	(void)state;
	by_hand(host_a, WEB, set_autostart);
	adopt(host_a, "web");
	by_hand(host_a, WEB, has_no_autostart);
}

/* -------------------------------------------------------------------- recovery */

/* What a job that was interrupted says of itself afterwards. */
static int recover(const char *host, const char *domain)
{
	const struct actor actor = {.source = "fs"};
	const struct operation *op = operation_by_name("AdoptVmInstance");
	struct job job = {.pool = pool->pool, .uuid = "j", .deadline = INT64_MAX};
	_cleanup_json_ json_t *params = json_pack("{s:s}", "domain", domain), *result = NULL;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r;

	assert_int_equal(request_new(op, host, params, &actor, &job.req, NULL), 0);
	r = op->recover(&job, &result, &e);
	assert_int_equal(e.undone, r < 0); /* what was not adopted can be asked for once more */
	request_free(job.req);
	free(job.inventory);
	return r;
}

static void an_interrupted_adoption_knows_its_own_domain(void **state)
{
	(void)state;
	write_machine("b", AT("web", DB, "twin", OFF), NULL);
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

#define LOCAL(test)  cmocka_unit_test_setup_teardown(test, set_up_local, pool_fixture_teardown)
#define SHARED(test) cmocka_unit_test_setup_teardown(test, set_up_shared, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL(a_uuid_of_two_hosts_is_not_adopted),
		LOCAL(a_twin_of_a_host_that_is_coming_is_seen),
		LOCAL(domains_of_others_are_never_touched),
		LOCAL(domains_of_others_are_not_touched_after_a_recovery),
		SHARED(a_start_replaces_no_domain_of_others),
		LOCAL(a_domain_of_others_is_not_taken_for_the_vm),
		SHARED(a_domain_of_others_is_not_taken_for_the_vm),
		LOCAL(a_path_says_nothing_on_local_storage),
		LOCAL(a_start_by_hand_makes_no_domain_of_the_pool),
		SHARED(a_start_elsewhere_makes_a_domain_of_the_pool),
		LOCAL(a_start_does_not_end_what_runs_already),
		LOCAL(a_start_that_was_lost_counts_later),
		LOCAL(a_row_without_hosts_gets_that_of_the_vm),
		LOCAL(its_host_does_not_start_it),
		LOCAL(an_interrupted_adoption_knows_its_own_domain),
	};

	return cmocka_run_group_tests_name("adopt_hosts", tests, NULL, NULL);
}
