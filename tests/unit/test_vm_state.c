/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host answers may be outdated when it is written: the domain has changed
 * meanwhile, and the event of that has been handled before. The row must not keep
 * the older state.
 */
#include "tests/unit/pool_fixture.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "actions/engine/job.h"
#include "actions/host/guest.h"
#include "actions/vm/observed.h"
#include "actions/vm/state.h"

struct world {
	struct pool_fixture *f;
	char vm[UUID_SIZE], other[UUID_SIZE];
};

/* What happens once, between the host's answer and its writing. */
static void (*meanwhile)(struct world *w, virConnectPtr conn);
static struct world *meanwhile_in;
static int starting; /* how often libvirt says that it is starting the domain */

static void happen(virDomainPtr domain)
{
	void (*now)(struct world * w, virConnectPtr conn) = meanwhile;

	if (!now || strcmp(virDomainGetName(domain), meanwhile_in->vm) != 0)
		return;
	meanwhile = NULL;
	now(meanwhile_in, virDomainGetConnect(domain));
}

/* These two do what those of libvirt do; then the domain changes. */
int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
	int (*real)(virDomainPtr domain, int *state, int *reason, unsigned int flags);
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "virDomainGetState");
	r = real(domain, state, reason, flags);
	if (starting-- > 0) {
		*state = VIR_DOMAIN_PAUSED;
		*reason = VIR_DOMAIN_PAUSED_STARTING_UP;
	}
	happen(domain);
	return r;
}

int virDomainDestroy(virDomainPtr domain)
{
	int (*real)(virDomainPtr domain);
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "virDomainDestroy");
	r = real(domain);
	happen(domain);
	return r;
}

static void add_vm(struct world *w, const char *name, const char *image, char ret[UUID_SIZE])
{
	char offering[UUID_SIZE], l3[UUID_SIZE];

	first_uuid(w->f, KIND_INSTANCE_OFFERING, offering);
	first_uuid(w->f, KIND_L3_NETWORK, l3);
	must(w->f, "CreateVmInstance", NULL,
	     json_pack("{s:s, s:s, s:s, s:[s]}", "name", name, "imageUuid", image, "instanceOfferingUuid",
		       offering, "l3NetworkUuids", l3),
	     ret);
}

static void build(struct pool_fixture *f, struct world *w)
{
	char path[128], bs[UUID_SIZE], image[UUID_SIZE];
	int fd;

	w->f = f;
	snprintf(path, sizeof(path), "file://%s/disk", f->dir);
	fd = open(path + strlen("file://"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\x55\xaa", 2, 510), 2);
	assert_int_equal(close(fd), 0);
	first_uuid(f, KIND_BACKUP_STORAGE, bs);
	must(f, "AddImage", NULL,
	     json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "name", "image", "url", path, "format", "raw",
		       "platform", "Linux", "backupStorageUuids", bs),
	     image);
	add_vm(w, "vm", image, w->vm);
	add_vm(w, "other", image, w->other);
	meanwhile_in = w;
}

/* The host of all VMs here. */
static void host_of(struct world *w, char ret[UUID_SIZE])
{
	first_uuid(w->f, KIND_HOST, ret);
}

static void suspend(virConnectPtr conn, const char *uuid)
{
	virDomainPtr domain = virDomainLookupByUUIDString(conn, uuid);

	assert_non_null(domain);
	assert_int_equal(virDomainSuspend(domain), 0);
	assert_int_equal(virDomainFree(domain), 0);
}

static void resume(virConnectPtr conn, const char *uuid)
{
	virDomainPtr domain = virDomainLookupByUUIDString(conn, uuid);

	assert_non_null(domain);
	assert_int_equal(virDomainResume(domain), 0);
	assert_int_equal(virDomainFree(domain), 0);
}

static bool is_paused(const struct view *view, const void *uuid)
{
	return object_str_is(view_get(view, KIND_VM, uuid), VM_STATE, "Paused");
}

static void pauses_and_is_seen(struct world *w, virConnectPtr conn)
{
	suspend(conn, w->vm);
	wait_until(w->f, is_paused, w->vm);
}

static void an_event_after_the_answer_counts(void **state)
{
	struct world w;
	char host[UUID_SIZE];

	build(*state, &w);
	host_of(&w, host);
	meanwhile = pauses_and_is_seen;
	vm_reconcile(w.f->pool, host, w.vm);
	assert_null(meanwhile);
	assert_true(field_is(w.f, KIND_VM, w.vm, VM_STATE, "Paused"));
}

/* The event is ignored, since a job changes the VM; that of the other VM, which is not, shows when it has come. */
static void resumes_unseen(struct world *w, virConnectPtr conn)
{
	resume(conn, w->vm);
	suspend(conn, w->other);
	wait_until(w->f, is_paused, w->other);
}

/* The daemon was killed in `resume`, whose call libvirt has not done yet when it is asked what has become of it. */
static void a_call_that_outlives_the_daemon_counts(void **state)
{
	static const struct actor actor = {.source = "fs"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct job job = {0};
	struct world w;

	build(*state, &w);
	must(w.f, "PauseVmInstance", w.vm, NULL, NULL);
	assert_int_equal(vm_set_state(w.f->pool, w.vm, VM_STATE_RESUMING, &e), 0);
	assert_int_equal(request_new(operation_by_name("ResumeVmInstance"), w.vm, NULL, &actor, &job.req, &e),
			 0);
	job.pool = w.f->pool;
	meanwhile = resumes_unseen;
	(void)vm_recover_state(&job, w.vm, VM_STATE_RUNNING);
	assert_null(meanwhile);
	assert_true(field_is(w.f, KIND_VM, w.vm, VM_STATE, "Running"));
	request_free(job.req);
}

/* The daemon was killed in `start`, which libvirt goes on with: that is neither a failure nor a pause. */
static void a_start_that_outlives_the_daemon_is_awaited(void **state)
{
	static const struct actor actor = {.source = "fs"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct job job = {0};
	struct world w;

	build(*state, &w);
	assert_int_equal(vm_set_state(w.f->pool, w.vm, VM_STATE_STARTING, &e), 0);
	assert_int_equal(request_new(operation_by_name("StartVmInstance"), w.vm, NULL, &actor, &job.req, &e),
			 0);
	job.pool = w.f->pool;
	starting = 3;
	assert_int_equal(vm_recover_state(&job, w.vm, VM_STATE_RUNNING), 0);
	assert_true(field_is(w.f, KIND_VM, w.vm, VM_STATE, "Running"));
	request_free(job.req);
}

/* Somebody starts the domain on the host after the job has stopped it. */
static void starts_unseen(struct world *w, virConnectPtr conn)
{
	virDomainPtr domain = virDomainLookupByUUIDString(conn, w->vm);

	assert_non_null(domain);
	assert_int_equal(virDomainCreate(domain), 0);
	assert_int_equal(virDomainFree(domain), 0);
	suspend(conn, w->other);
	wait_until(w->f, is_paused, w->other);
}

static void a_start_after_the_stop_counts(void **state)
{
	struct world w;

	build(*state, &w);
	meanwhile = starts_unseen;
	must(w.f, "StopVmInstance", w.vm, json_pack("{s:s}", "type", "cold"), NULL);
	assert_null(meanwhile);
	assert_true(field_is(w.f, KIND_VM, w.vm, VM_STATE, "Running"));
}

/* A VM that was not started yet: the host of its row is a wish, but a clone has its firmware's variables on the last. */
static void the_place_of_a_vm(void **state)
{
	_cleanup_object_ struct object *vm = object_new(kind_get(KIND_VM));

	(void)state;
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_CREATED));
	object_set_str(vm, VM_HOST_UUID, "wish");
	assert_null(vm_place(vm));
	object_set_str(vm, VM_LAST_HOST_UUID, "last");
	assert_string_equal(vm_place(vm), "last");
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING));
	assert_string_equal(vm_place(vm), "wish");
	object_set_null(vm, VM_HOST_UUID);
	assert_string_equal(vm_place(vm), "last");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_of_a_vm),
		cmocka_unit_test_setup_teardown(an_event_after_the_answer_counts, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_call_that_outlives_the_daemon_counts, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_start_that_outlives_the_daemon_is_awaited,
						pool_fixture_setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_start_after_the_stop_counts, pool_fixture_setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests_name("vm_state", tests, NULL, NULL);
}
