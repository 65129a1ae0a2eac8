/* SPDX-License-Identifier: Apache-2.0 */
/* See pool_open.h. */
#include "actions/pool_open.h"

#include <string.h>
#include <sys/stat.h>

#include "actions/account/account.h"
#include "actions/bootstrap.h"
#include "actions/engine/pool_internal.h"
#include "actions/image/cache.h"
#include "actions/image/upload.h"
#include "actions/schedule/scheduler_thread.h"
#include "actions/sync.h"
#include "actions/timers.h"
#include "hypervisor/hypervisor.h"
#include "model/states.h"

#define BACKGROUND_MAX 4
/*
 * Clients who are served at one time with what they can ask for at will. Long queries of fewer than so many
 * delay nobody but by their share of the CPUs, which the kernel parts evenly among the threads.
 */
#define TURNS_MAX 16
/* How long a start waits for hosts that are on their way, so that the first job finds them. */
#define HOSTS_WAIT_MS 5000

/* ------------------------------------------------------------- open, close */

/* Where the serial consoles of guests on this machine are logged. Hosts open the files; others only pass
 * through. */
static int make_console_folder(const char *state_dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/console", state_dir) < 0) {
		path = NULL;
		return error_oom(e);
	}
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return error_set(e, errno, "cannot make '%s': %s", path, strerror(errno));
	return 0;
}

/* A pool whose hosts do not answer mounts all the same; whoever wonders finds the reason in the log. */
static void tell_of_lost_hosts(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool->store);

	view_for_each (host, view, KIND_HOST)
		if (!object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
			fprintf(stderr, "poolfs: host '%s' is %s%s%s\n", object_name(host),
				object_text(host, HOST_STATUS),
				*object_text(host, HOST_STATUS_REASON) ? ": " : "",
				object_text(host, HOST_STATUS_REASON));
}

static int open_parts(struct pool *pool, const struct pool_options *options, struct error *e)
{
	int r = store_open(options->state_dir, &pool->store, e);

	if (r == 0)
		r = make_console_folder(options->state_dir, e);
	if (r == 0)
		r = pool_bootstrap(pool->store, options, e);
	if (r == 0)
		r = hv_new(&pool_events, pool, &pool->hv, e);
	if (r == 0)
		r = executor_new(pool, &pool->executor, e);
	if (r == 0) {
		pool->uploads = uploads_new(pool);
		r = pool->uploads ? 0 : error_oom(e);
	}
	if (r == 0)
		r = scheduler_thread_new(pool, &pool->scheduler_thread, e);
	if (r == 0)
		r = pool_connect_hosts(pool, e);
	if (r == 0)
		r = image_cache_recover(pool, e);
	if (r == 0)
		r = web_hooks_new(pool, &pool->web_hooks, e);
	if (r == 0)
		r = pool_timers_start(pool, e);
	if (r == 0)
		(void)workers_run(pool->background, account_warn_of_first_password, pool); /* not vital */
	if (r == 0) {
		pool_wait_for_hosts(pool, HOSTS_WAIT_MS);
		tell_of_lost_hosts(pool);
	}
	if (r == 0)
		r = executor_start(pool->executor, e);
	if (r == 0 && !options->read_only)
		r = scheduler_thread_start(pool->scheduler_thread, e);
	return r;
}

int pool_open(const struct pool_options *options, struct pool **ret_pool, struct error *e)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return error_oom(e);
	store_set_cause(&(struct cause){.uid = geteuid(), .source = "fs"});
	pthread_mutex_init(&pool->timer_lock, NULL);
	pthread_cond_init(&pool->timer_cond, NULL);
	pthread_mutex_init(&pool->prepare_lock, NULL);
	pool->read_only = options->read_only;
	pool->state_dir = strdup(options->state_dir);
	pool->background = workers_new("background", BACKGROUND_MAX);
	pool->login_limit = login_limit_new();
	pool->servers = workers_new("turn", TURNS_MAX);
	pool->turns = turns_new(pool->servers, TURNS_MAX);
	r = pool->state_dir && pool->background && pool->login_limit && pool->servers && pool->turns
		    ? open_parts(pool, options, e)
		    : error_oom(e);
	if (r < 0) {
		pool_close(pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	/* Those that start work go first, what they use goes last. */
	pool_timers_stop(pool);
	scheduler_thread_stop(pool->scheduler_thread);
	web_hooks_stop(pool->web_hooks);
	executor_stop(pool->executor);
	workers_stop(pool->servers);
	workers_stop(pool->background);
	hv_free(pool->hv);
	store_close(pool->store);
	/* what observes the store is told of its last changes while it closes */
	executor_free(pool->executor);
	scheduler_thread_free(pool->scheduler_thread);
	web_hooks_free(pool->web_hooks);
	uploads_free(pool->uploads);
	login_limit_free(pool->login_limit);
	/* the last events of hosts, in the store's thread, still ask it to work: it says no */
	workers_free(pool->background);
	workers_free(pool->servers);
	turns_free(pool->turns);
	pthread_cond_destroy(&pool->timer_cond);
	pthread_mutex_destroy(&pool->timer_lock);
	pthread_mutex_destroy(&pool->prepare_lock);
	free(pool->state_dir);
	free(pool);
}
