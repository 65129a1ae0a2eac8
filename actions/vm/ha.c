/* SPDX-License-Identifier: Apache-2.0 */
/* See ha.h. The level is set with the operations 4.1.52 to 4.1.54 of the manual. */
#include "actions/vm/ha.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "actions/engine/config.h"
#include "actions/engine/tags.h"
#include "actions/vm/state.h"
#include "model/states.h"

#define HA_SOURCE "ha"
/* Starts that were submitted longer ago do not count, seconds. */
#define RECENT_S 3600
#define SSH_PORT 22
/* How long to wait for an answer from a host's address, milliseconds. */
#define PROBE_MS 3000

/* ------------------------------------------------------------------- starts */

/* When the next start is due, ns since 1970. */
static int64_t next_try(const struct view *view, const char *vm, int64_t now)
{
	int64_t max = config_int(view, "ha.neverStopVm.gc.maxRetryIntervalTime"), last = 0, wait = 1;
	unsigned tries = 0;

	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, vm) {
		if (!object_str_is(job, JOB_SOURCE, HA_SOURCE) ||
		    object_int(job, JOB_CREATED) < now - RECENT_S * NS_PER_S)
			continue;
		tries++;
		last = object_int(job, JOB_FINISHED) > last ? object_int(job, JOB_FINISHED) : last;
	}
	for (; tries > 1 && wait < max; tries--)
		wait *= 2;
	return last + (wait < max ? wait : max) * NS_PER_S;
}

static int submit_start(struct txn *t, const struct object *vm, struct error *e)
{
	struct actor actor = {.source = HA_SOURCE};
	_cleanup_(request_free_p) struct request *req = NULL;
	int r;

	snprintf(actor.account, sizeof(actor.account), "%s", object_text(vm, VM_ACCOUNT_UUID));
	r = request_new(operation_by_name("StartVmInstance"), object_uuid(vm), NULL, &actor, &req, e);
	return r < 0 ? r : job_submit(t, req, e);
}

/* True when a NeverStop VM is Stopped, not on purpose, and its next start is due. */
static bool is_due(const struct view *view, const struct object *vm, int64_t now)
{
	return vm && object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) &&
	       !object_int(vm, VM_STOPPED_BY_HA) && !job_is_pending_for(view, object_uuid(vm)) &&
	       next_try(view, object_uuid(vm), now) <= now;
}

static const struct object *next_due(const struct view *view, int64_t now, int64_t *after)
{
	const struct object *tag;

	while ((tag = view_next_where(view, KIND_SYSTEM_TAG, SYSTEM_TAG_TAG, HA_TAG "::NeverStop", *after))) {
		const struct object *vm = view_get(view, KIND_VM, object_str(tag, SYSTEM_TAG_RESOURCE_UUID));

		*after = tag->id;
		if (is_due(view, vm, now))
			return vm;
	}
	return NULL;
}

static int start_stopped_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *vm;
	int64_t after = 0;

	(void)arg;
	while ((vm = next_due(txn_view(t), txn_now(t), &after))) {
		int r = submit_start(t, vm, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int ha_start_stopped(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t after = 0;
	bool any = config_bool(view, "ha.enable") && next_due(view, store_now(), &after);

	return any ? store_run(pool_store(pool), start_stopped_fn, NULL, e) : 0;
}

/* -------------------------------------------------------------- dead hosts */

/* True when the address accepts or refuses a connection: the machine is up. */
static bool address_answers(const char *address, int64_t port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
	struct pollfd fd = {.fd = -1, .events = POLLOUT};
	bool answers = false;
	char service[24];

	snprintf(service, sizeof(service), "%lld", (long long)port);
	if (getaddrinfo(address, service, &hints, &list) != 0)
		return true; /* a failed name lookup does not prove that the host is dead */
	for (const struct addrinfo *a = list; a && !answers; a = a->ai_next) {
		socklen_t size = sizeof(int);
		int error = 0;

		fd.fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
		if (fd.fd < 0)
			continue;
		if (connect(fd.fd, a->ai_addr, a->ai_addrlen) < 0)
			error = errno;
		if (error == EINPROGRESS && poll(&fd, 1, PROBE_MS) > 0)
			(void)getsockopt(fd.fd, SOL_SOCKET, SO_ERROR, &error, &size);
		answers = error == 0 || error == ECONNREFUSED;
		(void)close(fd.fd);
	}
	freeaddrinfo(list);
	return answers;
}

static bool is_dead(const struct object *host)
{
	int64_t port = object_int(host, HOST_SSH_PORT);

	/* A simulated host has no address: it is up while it is connected. */
	if (object_str_is(host, HOST_VIRT_TYPE, "test"))
		return true;
	return object_str(host, HOST_MANAGEMENT_IP) &&
	       !address_answers(object_str(host, HOST_MANAGEMENT_IP), port ? port : SSH_PORT);
}

static bool is_on_shared_storage(const struct view *view, const struct object *vm)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm))
		if (object_str(volume, VOLUME_HOST_UUID))
			return false;
	return true;
}

/* True when the host has been Disconnected long enough to be dead. Only a probe of its address can tell. */
static bool is_suspect(const struct view *view, const struct object *host, int64_t now)
{
	int64_t patience = config_int(view, "host.ping.interval") * config_int(view, "host.ping.maxFailure");

	return object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED) &&
	       host->times[HOST_STATUS] + patience * NS_PER_S <= now;
}

/* True when HA may start the VM of a dead host elsewhere. */
static bool can_restart(const struct view *view, const struct object *vm)
{
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN)) &&
	       tag_value(view, object_uuid(vm), HA_TAG) && !job_is_pending_for(view, object_uuid(vm)) &&
	       is_on_shared_storage(view, vm);
}

static const struct object *next_to_restart(const struct view *view, const char *host, int64_t *after)
{
	const struct object *vm;

	while ((vm = view_next_where(view, KIND_VM, VM_HOST_UUID, host, *after))) {
		*after = vm->id;
		if (can_restart(view, vm))
			return vm;
	}
	return NULL;
}

/* In one change, each VM leaves the dead host and gets the job that starts it elsewhere. */
static int evacuate_fn(struct txn *t, void *arg, struct error *e)
{
	const char *uuid = arg;
	const struct object *host = view_get(txn_view(t), KIND_HOST, uuid), *vm;
	int64_t after = 0;

	if (!host || !is_suspect(txn_view(t), host, txn_now(t)))
		return 0; /* it came back */
	while ((vm = next_to_restart(txn_view(t), uuid, &after))) {
		char moved[UUID_SIZE];
		int r;

		snprintf(moved, sizeof(moved), "%s", object_uuid(vm));
		r = vm_put_stopped(t, moved, VM_STATE_STOPPED, e);
		if (r < 0)
			return r;
		r = submit_start(t, view_get(txn_view(t), KIND_VM, moved), e);
		if (r < 0)
			return r;
	}
	return 0;
}

struct probe {
	struct pool *pool;
	char host[UUID_SIZE];
};

static void probe_host(void *arg)
{
	_cleanup_free_ struct probe *probe = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(probe->pool));
	const struct object *host = view_get(view, KIND_HOST, probe->host);

	if (host && is_dead(host) && store_run(pool_store(probe->pool), evacuate_fn, probe->host, &e) < 0)
		fprintf(stderr, "poolfs: host %s is dead: %s\n", probe->host, error_sentence(&e));
}

int ha_check_hosts(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t now = store_now();

	if (!config_bool(view, "ha.enable"))
		return 0;
	view_for_each (host, view, KIND_HOST) {
		struct probe *probe;
		int64_t after = 0;

		if (!is_suspect(view, host, now) || !next_to_restart(view, object_uuid(host), &after))
			continue;
		probe = malloc(sizeof(*probe));
		if (!probe)
			return error_oom(e);
		probe->pool = pool;
		snprintf(probe->host, sizeof(probe->host), "%s", object_uuid(host));
		if (pool_background(pool, probe_host, probe) < 0)
			free(probe);
	}
	return 0;
}
