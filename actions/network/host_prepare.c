/* SPDX-License-Identifier: Apache-2.0 */
/* See host_prepare.h. */
#include "actions/network/host_prepare.h"

#include "actions/engine/pool_internal.h"
#include "actions/host/host.h"
#include "actions/network/l3_network.h"
#include "actions/storage/primary_storage.h"

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
};

static int note_outcome_fn(struct txn *t, void *arg, struct error *e)
{
	const struct outcome *o = arg;

	return host_set_trouble(t, o->host, o->failure, e);
}

/* A host on which nothing was wrong, and nothing is, has nothing to be written. */
static void note_outcome(struct pool *pool, const char *host_uuid, const struct error *failure)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	struct outcome o = {.host = host_uuid,
			    .failure = error_is_set(failure) ? error_sentence(failure) : NULL};

	if (host && (o.failure || *object_text(host, HOST_STATUS_REASON)))
		(void)store_run(pool_store(pool), note_outcome_fn, &o, NULL);
}

int host_prepare(struct pool *pool, const char *host_uuid, struct error *e)
{
	_cleanup_(error_done) struct error failure = ERROR_INIT;
	int r;

	/* Two preparations at once would both find a libvirt pool missing, and both define it. */
	scoped_lock(&pool->prepare_lock);
	r = open_all(pool, host_uuid, &failure);
	note_outcome(pool, host_uuid, &failure);
	return r < 0 ? error_move(e, &failure) : 0;
}
