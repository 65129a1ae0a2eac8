/* SPDX-License-Identifier: Apache-2.0 */
/* See pool.h. */
#include "actions/engine/pool.h"

#include "actions/engine/config.h"
#include "actions/engine/pause.h"
#include "actions/engine/pool_internal.h"
#include "model/clock.h"
#include "model/log.h"
#include "model/states.h"

struct store *pool_store(struct pool *pool)
{
	return pool->store;
}

struct hypervisor *pool_hypervisor(struct pool *pool)
{
	return pool->hv;
}

struct job_stats *pool_job_stats(struct pool *pool)
{
	return pool->job_stats;
}

struct uploads *pool_uploads(struct pool *pool)
{
	return pool->uploads;
}

const char *pool_state_dir(const struct pool *pool)
{
	return pool->state_dir;
}

bool pool_is_read_only(const struct pool *pool)
{
	return pool->read_only;
}

int pool_check_writable(const struct pool *pool, struct error *e)
{
	return pool->read_only ? error_set(e, EROFS, "the pool is mounted read-only") : 0;
}

int pool_post(struct pool *pool, txn_fn *fn, void *arg, txn_done_fn *done, struct error *e)
{
	int r = store_post(pool->store, fn, arg, done);

	if (r == -ENOMEM)
		return error_oom(e);
	return r < 0 ? error_set(e, -r, "the pool is shutting down") : 0;
}

int pool_observe(struct pool *pool, store_observer_fn *fn, void *ctx, struct error *e)
{
	int r = store_observe(pool->store, fn, ctx);

	if (r == -ENOMEM)
		return error_oom(e);
	return r < 0 ? error_set(e, -r, "too many observers of the store") : 0;
}

/* -------------------------------------------------------------- background */

int pool_background(struct pool *pool, void (*fn)(void *arg), void *arg)
{
	return workers_run(pool->background, fn, arg);
}

int pool_take_turn(struct pool *pool, const char *client, void (*fn)(void *arg), void *arg)
{
	return turns_run(pool->turns, client, fn, arg);
}

int64_t pool_query_deadline(const struct view *view)
{
	return clock_monotonic() + config_int(view, "search.timeLimit") * NS_PER_S;
}

int pool_insist(struct pool *pool, const char *area, const char *uuid, txn_fn *fn, void *arg, struct error *e)
{
	for (struct pause pause = {0}; true; pause_wait(&pause)) {
		_cleanup_(error_done) struct error failure = ERROR_INIT;
		int r = store_run(pool->store, fn, arg, &failure);

		if (r >= 0)
			return r;
		log_error(area, uuid, "cannot write its row: %s", error_sentence(&failure));
		if (r == -EINVAL || pool_is_closing(pool))
			return error_move(e, &failure);
	}
}

void pool_wake_timer(struct pool *pool)
{
	if (!atomic_exchange(&pool->timer_sleeps, false))
		return;
	scoped_lock(&pool->timer_lock);
	pthread_cond_signal(&pool->timer_cond);
}

bool pool_awaits_hosts(const struct pool *pool)
{
	return clock_monotonic_ms() < pool->hosts_due;
}

bool pool_was_just_opened(const struct pool *pool)
{
	return clock_monotonic_ms() < pool->preparations_due;
}

bool host_is_coming(const struct object *host, bool prepared)
{
	return host && (object_str_is(host, HOST_STATUS, STATUS_CONNECTING) ||
			(prepared && object_str_is(host, HOST_STATUS, STATUS_CONNECTED) &&
			 object_int(host, HOST_PREPARING)));
}

int pool_check_away(const struct pool *pool, const struct view *view, const struct object *job,
		    struct error *e)
{
	if (!pool_awaits_hosts(pool) || !pool->is_away(view, job, pool_was_just_opened(pool)))
		return 0;
	error_may_pass(e);
	return error_set(e, ENOTCONN, "the host is Connecting");
}

bool pool_is_closing(const struct pool *pool)
{
	return atomic_load(&pool->closing);
}
