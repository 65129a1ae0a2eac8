/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host tells or answers may be outdated when it is written: the domain has
 * changed meanwhile, by a job of the pool or by others. The row must neither keep
 * nor, after a job, show the older state.
 */
#include "tests/unit/pool_fixture.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "actions/engine/job.h"
#include "actions/host/guest.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/state.h"

struct world {
	struct pool_fixture *f;
	char vm[UUID_SIZE], other[UUID_SIZE];
};

/* What happens once, between the host's answer and its writing. */
static void (*_Atomic meanwhile)(struct world *w, virConnectPtr conn);
static struct world *meanwhile_in; /* threads of the pool look at it until that is closed: never on a stack */
static const char *meanwhile_on;   /* the name of the thread that is answered, NULL for any */
static int starting;		   /* how often libvirt says that it is starting the domain */
static atomic_int asked;	   /* how often a host was asked for the state of the VM */

static bool is_awaited(void)
{
	char name[16] = "";

	(void)pthread_getname_np(pthread_self(), name, sizeof(name));
	return meanwhile && (!meanwhile_on || strcmp(name, meanwhile_on) == 0);
}

static void happen_on(virConnectPtr conn)
{
	void (*now)(struct world * w, virConnectPtr conn) = meanwhile;

	meanwhile = NULL;
	now(meanwhile_in, conn);
}

static bool is_the_vm(virDomainPtr domain)
{
	return meanwhile_in && strcmp(virDomainGetName(domain), meanwhile_in->vm) == 0;
}

static void happen(virDomainPtr domain)
{
	/* in this order: asking for the name forgets the last error */
	if (is_awaited() && is_the_vm(domain))
		happen_on(virDomainGetConnect(domain));
}

/* These do what those of libvirt do; then the domain changes. */
int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
	int (*real)(virDomainPtr domain, int *state, int *reason, unsigned int flags);
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "virDomainGetState");
	(void)atomic_fetch_add(&asked, is_the_vm(domain));
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

int virConnectGetAllDomainStats(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr **ret,
				unsigned int flags)
{
	int (*real)(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr **ret,
		    unsigned int flags);
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "virConnectGetAllDomainStats");
	r = real(conn, stats, ret, flags);
	if (is_awaited())
		happen_on(conn);
	return r;
}

/* Lifecycle events of the VM that are held back, in their order, and who is to get them. */
static struct {
	pthread_mutex_t lock;
	bool on;
	virConnectDomainEventCallback callback;
	size_t count;
	struct {
		virDomainPtr domain;
		int type, detail;
		void *opaque;
	} events[16];
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int pass_or_hold(virConnectPtr conn, virDomainPtr domain, int type, int detail, void *opaque)
{
	pthread_mutex_lock(&held.lock);
	if (held.on && held.count < ARRAY_SIZE(held.events) && is_the_vm(domain)) {
		(void)virDomainRef(domain);
		held.events[held.count].domain = domain;
		held.events[held.count].type = type;
		held.events[held.count].detail = detail;
		held.events[held.count++].opaque = opaque;
		pthread_mutex_unlock(&held.lock);
		return 0;
	}
	pthread_mutex_unlock(&held.lock);
	return held.callback(conn, domain, type, detail, opaque);
}

/* As libvirt's, but events of the VM can be held back. */
int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr domain, int id,
				     virConnectDomainEventGenericCallback callback, void *opaque,
				     virFreeCallback release)
{
	int (*real)(virConnectPtr conn, virDomainPtr domain, int id,
		    virConnectDomainEventGenericCallback callback, void *opaque, virFreeCallback release);

	*(void **)&real = dlsym(RTLD_NEXT, "virConnectDomainEventRegisterAny");
	if (id == VIR_DOMAIN_EVENT_ID_LIFECYCLE) {
		*(void **)&held.callback = *(void **)&callback;
		callback = VIR_DOMAIN_EVENT_CALLBACK(pass_or_hold);
	}
	return real(conn, domain, id, callback, opaque, release);
}

static void hold(void)
{
	scoped_lock(&held.lock);
	held.on = true;
}

static size_t held_count(void)
{
	scoped_lock(&held.lock);
	return held.count;
}

/* Waits until @count events are held back. */
static void wait_for_held(size_t count)
{
	const struct timespec step = {.tv_nsec = POOL_STEP_MS * 1000000L};

	for (int waited = 0; held_count() < count && waited < POOL_PATIENCE_MS; waited += POOL_STEP_MS)
		(void)nanosleep(&step, NULL);
	assert_int_equal(held_count(), count);
}

/* Lets the oldest of the events that are held back go, as far as the queue of the host's thread; all of them: SIZE_MAX. */
static void let_go(size_t count)
{
	for (; count > 0 && held_count() > 0; count--) {
		virDomainPtr domain = held.events[0].domain;

		(void)held.callback(virDomainGetConnect(domain), domain, held.events[0].type,
				    held.events[0].detail, held.events[0].opaque);
		(void)virDomainFree(domain);
		scoped_lock(&held.lock);
		held.count--;
		memmove(&held.events[0], &held.events[1], held.count * sizeof(held.events[0]));
	}
}

/* From now on events come as they are. Those that are held back are lost. */
static void hold_no_more(void)
{
	scoped_lock(&held.lock);
	held.on = false;
	while (held.count > 0)
		(void)virDomainFree(held.events[--held.count].domain);
}

/* The states that the VM's row had, one after the other; only the writer thread adds to it. */
static struct {
	pthread_mutex_t lock;
	char text[512];
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void see(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	struct world *w = ctx;

	(void)view;
	scoped_lock(&seen.lock);
	for (size_t i = 0; i < count; i++) {
		const struct object *before = changes[i].before, *after = changes[i].after;
		size_t len = strlen(seen.text);

		if (after && after->kind->id == KIND_VM && strcmp(object_uuid(after), w->vm) == 0 &&
		    !(before && object_str_is(after, VM_STATE, object_text(before, VM_STATE))))
			snprintf(seen.text + len, sizeof(seen.text) - len, "%s ",
				 object_text(after, VM_STATE));
	}
}

static void take_seen(char ret_text[sizeof(seen.text)])
{
	scoped_lock(&seen.lock);
	memcpy(ret_text, seen.text, sizeof(seen.text));
	seen.text[0] = '\0';
}

static void assert_seen(const char *states)
{
	char text[sizeof(seen.text)];

	take_seen(text);
	assert_string_equal(text, states);
}

static struct world world_now;

static void build(struct pool_fixture *f, struct world *w)
{
	char image[UUID_SIZE];

	w->f = f;
	add_image(f, "image", "raw", json_pack("{s:s}", "platform", "Linux"), image);
	create_vm(f, "vm", image, NULL, w->vm);
	create_vm(f, "other", image, NULL, w->other);
	world_now = *w;
	meanwhile_in = &world_now;
	meanwhile_on = NULL;
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

/* ------------------------------------------------------------ late events */

static int late_teardown(void **state)
{
	hold_no_more();
	meanwhile = NULL;
	meanwhile_in = NULL;
	return pool_fixture_teardown(state);
}

static bool is_running(const struct view *view, const void *uuid)
{
	return object_str_is(view_get(view, KIND_VM, uuid), VM_STATE, "Running");
}

/* Events come in their order: when that of the other VM has been handled, all before it have been. */
static void let_events_be_handled(struct world *w)
{
	virConnectPtr conn = virConnectOpen("test:///default");

	assert_non_null(conn);
	suspend(conn, w->other);
	wait_until(w->f, is_paused, w->other);
	resume(conn, w->other);
	wait_until(w->f, is_running, w->other);
	(void)virConnectClose(conn);
}

/* The world of a test that looks at the states of the VM while its events are late. */
static struct world *late_world(struct pool_fixture *f)
{
	static struct world w; /* of the observer, which stays until the pool is closed */

	build(f, &w);
	let_events_be_handled(&w); /* those of its creation */
	seen.text[0] = '\0';
	assert_int_equal(store_observe(pool_store(f->pool), see, &w), 0);
	hold();
	return &w;
}

static void a_late_event_is_no_news(void **state)
{
	struct world *w = late_world(*state);
	int before;

	must(w->f, "StopVmInstance", w->vm, json_pack("{s:s}", "type", "cold"), NULL);
	must(w->f, "StartVmInstance", w->vm, NULL, NULL);
	must(w->f, "PauseVmInstance", w->vm, NULL, NULL);
	wait_for_held(4);
	assert_seen("Stopping Stopped Starting Running Pausing Paused ");
	let_go(1); /* it has stopped */
	let_events_be_handled(w);
	assert_seen("");
	let_go(2); /* it has been defined anew, and started */
	let_events_be_handled(w);
	assert_seen("");
	/* it is paused, as its row says: the host need not be asked */
	before = atomic_load(&asked);
	let_go(1);
	let_events_be_handled(w);
	assert_seen("");
	assert_int_equal(atomic_load(&asked), before);
}

static void jobs_stop_and_start_it(struct world *w, virConnectPtr conn)
{
	(void)conn;
	must(w->f, "StopVmInstance", w->vm, json_pack("{s:s}", "type", "cold"), NULL);
	must(w->f, "StartVmInstance", w->vm, NULL, NULL);
}

/* The row has the same state as when the host was asked, and is another one all the same. */
static void a_row_that_has_changed_does_not_get_the_answer(void **state)
{
	struct world *w = late_world(*state);
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr domain = virDomainLookupByUUIDString(conn, w->vm);
	char host[UUID_SIZE];

	host_of(w, host);
	meanwhile = jobs_stop_and_start_it;
	meanwhile_on = "hv-host";
	assert_int_equal(virDomainDestroy(domain), 0);
	wait_for_held(1);
	let_go(1);
	let_events_be_handled(w);
	assert_null(meanwhile);
	assert_seen("Stopping Stopped Starting Running ");
	assert_true(field_is(w->f, KIND_VM, w->vm, VM_HOST_UUID, host));
	(void)virDomainFree(domain);
	(void)virConnectClose(conn);
}

static bool host_is_connected(const struct view *view, const void *uuid)
{
	return object_str_is(view_get(view, KIND_HOST, uuid), HOST_STATUS, "Connected");
}

static bool it_has_happened(const struct view *view, const void *arg)
{
	(void)view, (void)arg;
	return !meanwhile;
}

static void a_job_pauses_it(struct world *w, virConnectPtr conn)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	suspend(conn, w->vm);
	assert_int_equal(vm_set_state(w->f->pool, w->vm, VM_STATE_PAUSING, &e), 0);
	assert_int_equal(vm_set_state(w->f->pool, w->vm, VM_STATE_PAUSED, &e), 0);
}

/* A host that connects tells what it has; a job that was under way ends before that is written. */
static void a_late_list_is_no_news(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct world *w = late_world(*state);
	char host[UUID_SIZE];

	host_of(w, host);
	meanwhile = a_job_pauses_it;
	meanwhile_on = "hv-host";
	assert_int_equal(hv_host_reconnect(pool_hypervisor(w->f->pool), host, &e), 0);
	wait_until(w->f, it_has_happened, NULL); /* the host has been asked, anew */
	wait_until(w->f, host_is_connected, host);
	let_events_be_handled(w);
	assert_seen("Pausing Paused ");
}

/* The host does not know the domain any more, the event does. */
static void a_domain_that_is_gone_keeps_its_reason(void **state)
{
	struct world *w = late_world(*state);
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr domain = virDomainLookupByUUIDString(conn, w->vm);

	assert_int_equal(virDomainShutdown(domain), 0);
	assert_int_equal(virDomainUndefine(domain), 0);
	wait_for_held(2);
	let_go(2);
	let_events_be_handled(w);
	assert_seen("Stopped ");
	assert_true(field_is(w->f, KIND_VM, w->vm, VM_STATE_REASON, "guest"));
	(void)virDomainFree(domain);
	(void)virConnectClose(conn);
}

/* ------------------------------------------------------------------ place */

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
		cmocka_unit_test_setup_teardown(a_late_event_is_no_news, pool_fixture_setup, late_teardown),
		cmocka_unit_test_setup_teardown(a_row_that_has_changed_does_not_get_the_answer,
						pool_fixture_setup, late_teardown),
		cmocka_unit_test_setup_teardown(a_late_list_is_no_news, pool_fixture_setup, late_teardown),
		cmocka_unit_test_setup_teardown(a_domain_that_is_gone_keeps_its_reason, pool_fixture_setup,
						late_teardown),
	};

	return cmocka_run_group_tests_name("vm_state", tests, NULL, NULL);
}
