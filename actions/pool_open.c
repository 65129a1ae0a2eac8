/* SPDX-License-Identifier: Apache-2.0 */
/* See pool_open.h. */
#include "actions/pool_open.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "actions/account/account.h"
#include "actions/account/quota.h"
#include "actions/bootstrap.h"
#include "actions/engine/job_stats.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/single_flight.h"
#include "actions/host/statistics.h"
#include "actions/host/wait.h"
#include "actions/image/cache.h"
#include "actions/image/upload.h"
#include "actions/image/upload_list.h"
#include "actions/pool_log.h"
#include "actions/schedule/scheduler_thread.h"
#include "actions/sync.h"
#include "actions/timers.h"
#include "actions/vm/screenshot.h"
#include "hypervisor/hypervisor.h"
#include "model/clock.h"
#include "model/durable.h"
#include "model/log.h"
#include "model/states.h"

#define BACKGROUND_MAX 4
/*
 * Clients whose queries run concurrently. With fewer clients, a long query delays the others only by its
 * share of the CPUs, which the kernel divides evenly among the threads.
 */
#define TURNS_MAX 16
/* How long a pool that has just been made waits for its hosts. */
#define HOSTS_WAIT_MS 5000

/* How long jobs wait for the hosts that they need. */
#define HOSTS_DUE_MS 30000
/* How long they wait for what is open on hosts, and those that the daemon's end has stopped at all: what they left is to be
 * right soon. */
#define PREPARATIONS_DUE_MS 5000

/* ------------------------------------------------------------- open, close */

/*
 * The folder for the logs of the serial consoles of guests on this machine. The hypervisor opens the files;
 * other users can only traverse the folder.
 */
static int make_console_folder(const char *state_dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/console", state_dir) < 0) {
		path = NULL;
		return error_oom(e);
	}
	return durable_folder_make(path, 0711, e);
}

/* Removes all files in @path. A file system may not tell what is a folder (d_type), unlink(2) does. */
static int empty_folder(const char *path, struct error *e)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r;

	if (!dir)
		return error_set(e, errno, "cannot read the folder '%s': %s", path, strerror(errno));
	while (errno = 0, (entry = readdir(dir)))
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != EISDIR)
			log_error("pool", "staging", "cannot remove '%s/%s': %s", path, entry->d_name,
				  strerror(errno));
	r = errno ? error_set(e, errno, "cannot read the folder '%s': %s", path, strerror(errno)) : 0;
	(void)closedir(dir);
	return r;
}

/*
 * The folder for files on their way to backup storage. Jobs start anew or are undone after a restart, so nothing in it
 * is needed then; names that jobs have removed can be back after a loss of power.
 */
static int make_staging_folder(const char *state_dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/staging", state_dir) < 0) {
		path = NULL;
		return error_oom(e);
	}
	r = durable_folder_make(path, 0700, e);
	return r < 0 ? r : empty_folder(path, e);
}

/* Opens what can be opened before hosts are connected. */
static int open_parts(struct pool *pool, const struct pool_options *options, struct error *e)
{
	int r = store_open(options->state_dir, quota_takes, &pool->store, e);

	if (r < 0)
		return r;
	r = make_console_folder(options->state_dir, e);
	if (r < 0)
		return r;
	r = make_staging_folder(options->state_dir, e);
	if (r < 0)
		return r;
	r = pool_bootstrap(pool->store, options, e);
	if (r < 0)
		return r;
	r = pool_log_start(pool, e);
	if (r < 0)
		return r;
	r = job_stats_new(pool, &pool->job_stats, e);
	if (r < 0)
		return r;
	r = store_guard(pool->store, quota_guard);
	if (r < 0)
		return error_oom(e);
	r = pool_expect_hosts(pool, e);
	if (r < 0)
		return r;
	r = image_cache_recover(pool, e);
	if (r < 0)
		return r;
	r = hv_new(&pool_events, pool, &pool->hv, e);
	if (r < 0)
		return r;
	r = executor_new(pool, &pool->executor, e);
	if (r < 0)
		return r;
	pool->uploads = uploads_new(pool);
	pool->statistics = statistics_new(pool);
	pool->screenshots = screenshots_new(pool);
	if (!pool->uploads || !pool->statistics || !pool->screenshots)
		return error_oom(e);
	return scheduler_thread_new(pool, &pool->scheduler_thread, e);
}

/* Connects the hosts, which come by and by, and starts what runs by itself. */
static int start(struct pool *pool, struct error *e)
{
	int r = pool_connect_hosts(pool, e);

	if (r < 0)
		return r;
	r = web_hooks_new(pool, &pool->web_hooks, e);
	if (r == 0 && !pool->read_only)
		r = scheduler_thread_start(pool->scheduler_thread, e);
	return r < 0 ? r : pool_timers_start(pool, e);
}

/* Jobs that need a host that is Connecting wait for it. */
static void start_jobs(struct pool *pool)
{
	executor_start(pool->executor);
	/* Not vital; and it takes a tenth of a second of a processor, for which all else would wait. */
	if (!pool->resumes)
		(void)pool_background(pool, account_warn_of_first_password, pool);
}

/* A thread. */
static void *starter_main(void *arg)
{
	pthread_setname_np(pthread_self(), "start");
	store_set_cause(&(struct cause){.uid = geteuid(), .source = "fs"});
	start_jobs(arg);
	return NULL;
}

static int start_jobs_behind(struct pool *pool, struct error *e)
{
	int r = pthread_create(&pool->starter, NULL, starter_main, pool);

	if (r)
		return error_set(e, r, "cannot start a thread: %s", strerror(r));
	pool->starter_runs = true;
	return 0;
}

int pool_open(const struct pool_options *options, struct pool **ret_pool, struct error *e)
{
	const bool is_new = !store_exists(options->state_dir);
	struct pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return error_oom(e);
	store_set_cause(&(struct cause){.uid = geteuid(), .source = "fs"});
	pool_timers_init(pool);
	pthread_mutex_init(&pool->prepare_lock, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(pool->dhcp_locks); i++)
		pthread_mutex_init(&pool->dhcp_locks[i], NULL);
	pool->read_only = options->read_only;
	pool->resumes = options->resumes;
	pool->keep = options->keep;
	pool->hosts_due = clock_monotonic_ms() + HOSTS_DUE_MS;
	pool->preparations_due = clock_monotonic_ms() + PREPARATIONS_DUE_MS;
	pool->is_away = host_is_coming_for;
	pool->state_dir = strdup(options->state_dir);
	pool->background = workers_new("background", BACKGROUND_MAX);
	pool->login_limit = login_limit_new();
	pool->servers = workers_new("turn", TURNS_MAX);
	pool->turns = turns_new(pool->servers, TURNS_MAX);
	if (pool->state_dir && pool->background && pool->login_limit && pool->servers && pool->turns)
		r = open_parts(pool, options, e);
	else
		r = error_oom(e);
	if (r == 0)
		r = start(pool, e);
	if (r == 0 && is_new)
		pool_wait_for_hosts(pool, HOSTS_WAIT_MS);
	if (r == 0)
		r = start_jobs_behind(pool, e);
	if (r < 0) {
		pool_close(pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

void pool_resumed(struct pool *pool)
{
	uploads_release(pool->uploads);
}

void pool_hold_jobs(struct pool *pool, void (*idle)(void *arg), void *arg)
{
	executor_hold(pool->executor, idle, arg);
}

void pool_release_jobs(struct pool *pool)
{
	executor_release(pool->executor);
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	atomic_store(&pool->closing, true);
	if (pool->starter_runs)
		(void)pthread_join(pool->starter, NULL);
	/* First stop what starts work, then close what that work uses. */
	pool_timers_stop(pool);
	scheduler_thread_stop(pool->scheduler_thread);
	web_hooks_stop(pool->web_hooks);
	executor_stop(pool->executor);
	workers_stop(pool->servers);
	workers_stop(pool->background);
	single_flight_stop(pool->statistics);
	single_flight_stop(pool->screenshots);
	hv_free(pool->hv);
	store_close(pool->store);
	/* observers of the store: it calls them until it is closed */
	job_stats_free(pool->job_stats);
	executor_free(pool->executor);
	scheduler_thread_free(pool->scheduler_thread);
	web_hooks_free(pool->web_hooks);
	uploads_free(pool->uploads);
	single_flight_free(pool->statistics);
	single_flight_free(pool->screenshots);
	login_limit_free(pool->login_limit);
	/* until hv_free(), the last events of hosts may call workers_run(), which refuses */
	workers_free(pool->background);
	workers_free(pool->servers);
	turns_free(pool->turns);
	pthread_cond_destroy(&pool->timer_cond);
	pthread_mutex_destroy(&pool->timer_lock);
	pthread_mutex_destroy(&pool->prepare_lock);
	for (size_t i = 0; i < ARRAY_SIZE(pool->dhcp_locks); i++)
		pthread_mutex_destroy(&pool->dhcp_locks[i]);
	free(pool->state_dir);
	free(pool);
}
