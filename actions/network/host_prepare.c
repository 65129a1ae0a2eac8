/* SPDX-License-Identifier: Apache-2.0 */
/* See host_prepare.h. */
#include "actions/network/host_prepare.h"

#include <errno.h>
#include <string.h>

#include "actions/engine/pool_internal.h"
#include "actions/host/host.h"
#include "actions/network/l3_network.h"
#include "actions/storage/primary_storage.h"
#include "model/log.h"
#include "model/states.h"

/* Keeps the first of several errors. */
static void note(int *result, int r)
{
	if (r < 0 && *result == 0)
		*result = r;
}

void host_prepare_wait(struct pool *pool)
{
	/* a preparation takes its view under the lock, so that a later one sees the change */
	scoped_lock(&pool->prepare_lock);
}

/* The part of host_prepare() on the host. */
static int open_all(struct pool *pool, const char *host_uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	const char *cluster = host ? object_str(host, HOST_CLUSTER_UUID) : NULL;
	int result = 0;

	view_for_each_where (attached, view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, cluster) {
		const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE,
						   object_str(attached, CLUSTER_PS_PRIMARY_STORAGE_UUID));

		note(&result, ps ? primary_storage_open_on_host(pool, view, ps, host_uuid, e) : 0);
	}
	view_for_each_where (attached, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster)
		view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID,
				     object_str(attached, CLUSTER_L2_L2_NETWORK_UUID))
			note(&result, l3_network_apply_on_host(pool, object_uuid(l3), host_uuid, e));
	return result;
}

struct outcome {
	const char *host;
	const char *failure; /* NULL: none */
	bool noted;
};

static int note_outcome_fn(struct txn *t, void *arg, struct error *e)
{
	struct outcome *o = arg;
	const struct object *host = view_get(txn_view(t), KIND_HOST, o->host);

	/* one that is not Connected any more has another reason */
	o->noted = !host || object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
	return host_set_trouble(t, o->host, o->failure, e);
}

/*
 * A host on which nothing was wrong, and nothing is, has nothing to be written. A failure that cannot be written is in the log;
 * the log tells of all that is written (pool_log.c).
 */
void host_note_failure(struct pool *pool, const char *host_uuid, const struct error *failure)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	struct outcome o = {.host = host_uuid,
			    .failure = error_is_set(failure) ? error_sentence(failure) : NULL};

	if (!host || (!o.failure && !*object_text(host, HOST_STATUS_REASON)))
		return;
	if ((store_run(pool_store(pool), note_outcome_fn, &o, NULL) < 0 || !o.noted) && o.failure)
		log_warning("host", host_uuid, "%s", o.failure);
}

int host_prepare(struct pool *pool, const char *host_uuid, struct error *e)
{
	_cleanup_(error_done) struct error failure = ERROR_INIT;
	int r;

	/* Two preparations at once would both find a libvirt pool missing, and both define it. */
	scoped_lock(&pool->prepare_lock);
	r = open_all(pool, host_uuid, &failure);
	host_note_failure(pool, host_uuid, &failure);
	return r < 0 ? error_move(e, &failure) : 0;
}

/* ------------------------------------------------------------- hosts that lack something */

static bool lacks_something(const struct object *host)
{
	return object_str_is(host, HOST_STATUS, STATUS_CONNECTED) && *object_text(host, HOST_STATUS_REASON);
}

static void prepare_again(void *arg)
{
	struct pool *pool = arg;
	_cleanup_view_ struct view *view = NULL;

	/* before the view is taken: who comes later is to have another look */
	atomic_store(&pool->prepares_again, false);
	view = store_view(pool_store(pool));
	view_for_each (host, view, KIND_HOST)
		if (lacks_something(host) && !pool_is_closing(pool))
			(void)host_prepare(pool, object_uuid(host), NULL);
}

void hosts_prepare_again(struct pool *pool)
{
	int r;

	if (atomic_exchange(&pool->prepares_again, true))
		return;
	r = pool_background(pool, prepare_again, pool);
	if (r < 0)
		atomic_store(&pool->prepares_again, false);
	if (r < 0 && r != -ESHUTDOWN)
		log_error("pool", NULL, "cannot prepare hosts again: %s", strerror(-r));
}
