/* SPDX-License-Identifier: Apache-2.0 */
/* See session.h. */
#include "fs/session.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/engine/workers.h"
#include "fs/class/inventories.h"
#include "fs/class/once.h"
#include "fs/class/scratches.h"
#include "fs/link.h"
#include "fs/mount.h"
#include "fs/numbering.h"
#include "fs/receive.h"
#include "fs/signals.h"
#include "fs/table.h"
#include "fs/tell/caches.h"
#include "fs/tell/event_places.h"
#include "fs/tell/forget_names.h"
#include "fs/tell/last_error.h"
#include "fs/tell/polls.h"
#include "fs/tell/wait.h"
#include "fs/tell/watchers.h"
#include "fs/tree/aside.h"
#include "fs/tree/by_name.h"
#include "fs/tree/handle.h"
#include "fs/tree/handle_load.h"
#include "fs/tree/kept.h"
#include "fs/tree/paged.h"
#include "fs/tree/queries.h"
#include "model/keep.h"
#include "model/log.h"

/* Maximum number of threads that read disks. */
#define READERS_MAX 8

/* Modification time of the program, ns. */
static int64_t program_time(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) == 0 ? st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec
						: store_now();
}

static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	struct fs *fs = ctx;

	last_errors_observe(fs->errors, view, changes, count);
	waits_observe(fs->waits, view, changes, count);
	polls_observe(fs->polls);
	event_places_observe(fs->keep, fs->events, view, changes, count);
	if (fs->watchers)
		watchers_observe(fs->watchers, view, changes, count);
}

static int fs_open(struct fs *fs, const struct session_options *options, struct fuse_session *session,
		   struct error *e)
{
	struct pool_options pool = options->pool;
	_cleanup_view_ struct view *view = NULL;
	int r;

	pool.keep = fs->keep;
	pool.resumes = keep_has(fs->keep, KEEP_INIT, 0);
	r = pool_open(&pool, &fs->pool, e);

	if (r < 0)
		return r;
	fs->nodes = node_table;
	fs->store = pool_store(fs->pool);
	fs->events = store_events(fs->store);
	fs->uploads = pool_uploads(fs->pool);
	fs->born = program_time();
	fs->uid = geteuid();
	fs->gid = getegid();
	fs->has_others = options->allow_other;
	fs->rest_uid = options->rest_uid;
	fs->handles = handles_new(fs->keep);
	fs->aside = aside_new(fs->keep);
	fs->errors = last_errors_new(fs->keep);
	fs->listings = listings_new(fs->pool, fs->keep);
	fs->queries = queries_new(fs->keep);
	fs->polls = polls_new(fs);
	fs->scratches = scratches_new(fs->keep);
	fs->kept = kept_new(fs->keep, fs->store);
	fs->caches = fs->kept ? caches_new(fs, session) : NULL;
	fs->paged = paged_new();
	fs->forget_names = forget_names_new(fs);
	fs->ranks = ranks_new();
	fs->waits = waits_new(fs->store, fs->keep);
	fs->watchers = options->inotify && fs->kept ? watchers_new(fs) : NULL;
	fs->readers = workers_new("reader", READERS_MAX);
	fs->made = calloc(MADE_COUNT, sizeof(*fs->made));
	if (!fs->readers || !fs->handles || !fs->aside || !fs->errors || !fs->listings || !fs->queries ||
	    !fs->polls || !fs->scratches || !fs->caches || !fs->paged || !fs->forget_names || !fs->ranks ||
	    !fs->waits || !fs->made || (options->inotify && !fs->watchers))
		return error_set(e, ENOMEM, "out of memory");
	view = store_view(fs->store);
	if (event_places_load(fs->keep, fs->events, view) < 0)
		return error_oom(e);
	r = store_observe(fs->store, observe, fs);
	if (r < 0)
		return error_set(e, -r, "cannot follow the changes of the pool: %s", strerror(-r));
	if (handles_load(fs) < 0)
		return error_oom(e);
	return 0;
}

static void made_free(struct fs *fs)
{
	for (size_t i = 0; fs->made && i < MADE_COUNT; i++)
		document_unref(atomic_load(&fs->made[i]));
	free(fs->made);
}

/* Ending the waits and the pool answers all parked requests. */
static void fs_close(struct fs *fs)
{
	if (fs->waits)
		waits_stop(fs->waits);
	workers_free(fs->readers);
	pool_close(fs->pool);
	watchers_free(fs->watchers);
	waits_free(fs->waits);
	caches_free(fs->caches);
	kept_free(fs->kept);
	ranks_free(fs->ranks);
	polls_free(fs->polls);
	queries_free(fs->queries);
	scratches_free(fs->scratches);
	listings_free(fs->listings);
	last_errors_free(fs->errors);
	aside_free(fs->aside);
	handles_free(fs->handles);
	forget_names_free(fs->forget_names);
	paged_free(fs->paged);
	made_free(fs);
}

static int nothing(struct txn *t, void *arg, struct error *e)
{
	(void)t;
	(void)arg;
	(void)e;
	return 0;
}

/* Answers the requests that wait for jobs, and has the store answer all earlier writes. */
static void answer_all(struct fs *fs)
{
	waits_stop(fs->waits);
	(void)store_run(fs->store, nothing, NULL, NULL);
}

/* The supervisor hands over /dev/fuse when it sees that there is a pool to serve. */
static int get_device(int link, int *ret_device, struct error *e)
{
	struct link_message *message = malloc(sizeof(*message));
	int r = message ? link_send(link, LINK_OPEN, -1, NULL) : -ENOMEM;

	if (r == 0)
		r = link_receive(link, message);
	if (r > 0 && message->what == LINK_DEVICE)
		*ret_device = message->fd;
	else if (r >= 0)
		r = -ECANCELED;
	free(message);
	return r < 0 ? error_set(e, -r, "no '/dev/fuse' from the supervisor: %s", strerror(-r)) : 0;
}

/* The mount ends, and with it the connection to the kernel. */
static void end_mount(const struct session_options *options, int link, int device)
{
	_cleanup_free_ struct link_message *message = malloc(sizeof(*message));
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* the supervisor removes it; without one, this does */
	if (!message || link_send(link, LINK_LEAVE, -1, NULL) < 0 || link_receive(link, message) <= 0)
		mount_remove(options->mountpoint, fcntl(device, F_DUPFD_CLOEXEC, 0));
	if (null >= 0)
		(void)dup2(null, device); /* libfuse will close the number */
}

/* The thread waits for requests that nobody does any more: they are refused. It would keep the mount from ending. */
static void end_names(struct fs *fs, int device)
{
	struct pollfd poll_fd = {.fd = device, .events = POLLIN};

	forget_names_stop(fs->forget_names);
	while (!forget_names_has_ended(fs->forget_names))
		if (poll(&poll_fd, 1, 1) > 0 && receive_refuse(device, fs->keep, ENOTCONN) < 0)
			break;
	forget_names_join(fs->forget_names);
}

static void tell_served(void *arg)
{
	const int *link = arg;

	(void)link_send(*link, LINK_SERVED, -1, NULL);
}

/* What the supervisor is to this process. */
struct supervised {
	struct pool *pool;
	int link;
	const char *mountpoint; /* borrowed */
};

static void tell_idle(void *arg)
{
	const struct supervised *s = arg;

	(void)link_send(s->link, LINK_IDLE, -1, NULL);
}

static void hold_jobs(void *arg, bool hold)
{
	struct supervised *s = arg;

	if (hold)
		pool_hold_jobs(s->pool, tell_idle, s);
	else
		pool_release_jobs(s->pool);
}

static void supervisor_gone(void *arg)
{
	const struct supervised *s = arg;

	log_warning(
		"mount", s->mountpoint,
		"the supervisor is gone: requests are served, but the mount fails with ENOTCONN when this process is "
		"killed, too, and takes no upgrade; unless a service manager starts it again, unmount it and mount it "
		"again");
}

struct readiness {
	int link;
	bool background;
};

/* With the supervisor, and not before, the worker leaves the process group: see fs/daemon.c. */
static void tell_ready(void *arg)
{
	const struct readiness *ready = arg;

	if (ready->background)
		(void)setsid();
	(void)link_send(ready->link, LINK_READY, -1, NULL);
}

static void all_resumed(void *pool)
{
	pool_resumed(pool);
}

/* With the descriptor @device of /dev/fuse, which it takes over; -1: the supervisor is asked for it. */
static int serve(struct fuse_session *session, struct fs *fs, const struct session_options *options, int link,
		 int device, struct error *e)
{
	static struct supervised supervised; /* of the process */
	const struct signal_calls calls = {
		.hold_jobs = hold_jobs, .gone = supervisor_gone, .arg = &supervised, .link = link};
	int r = device >= 0 ? 0 : get_device(link, &device, e);

	if (r < 0)
		return r;
	supervised = (struct supervised){.pool = fs->pool, .link = link, .mountpoint = options->mountpoint};
	r = receive_start(session, device, fs, tell_served, &link);
	if (r < 0) {
		(void)close(device);
		return error_set(e, -r, "out of memory");
	}
	/* nothing would be read through pages */
	r = fs->watchers || fs->has_others ? 0 : forget_names_start(fs->forget_names, device);
	if (r < 0)
		log_warning("mount", options->mountpoint,
			    "files are not read through the kernel's pages: cannot start a thread: %s",
			    strerror(-r));
	r = fs->watchers ? watchers_start(fs->watchers, options->mountpoint, e) : 0;
	if (r == 0)
		r = signals_start(session, &calls, e);
	if (r == 0) {
		receive_repeat(all_resumed, fs->pool);
		r = receive_requests();
		signals_stop();
		if (r < 0)
			error_set(e, -r, "lost the connection to the kernel: %s", strerror(-r));
	}
	if (fs->watchers)
		watchers_stop(fs->watchers);
	answer_all(fs);
	caches_stop(fs->caches);
	end_names(fs, device);
	end_mount(options, link, device);
	if (fs->watchers)
		watchers_join(fs->watchers);
	return r < 0 ? r : 0;
}

int session_serve(const struct session_options *options, int link, int keep_fd, struct error *e)
{
	struct readiness ready = {.link = link, .background = options->background};
	struct fs fs = {.max_read = options->max_read, .ready = tell_ready, .ready_arg = &ready};
	struct fuse_session *session;
	_cleanup_close_ int device = -1;
	int r = keep_open(keep_fd, &fs.keep, e);

	if (r < 0)
		return r;
	signals_block();
	session = mount_session_new(options->args, &fs, e);
	r = session ? numbering_check(fs.keep, e) : -EINVAL;
	if (r == 0)
		r = numbering_keep(fs.keep, e);
	if (r == 0)
		receive_count_deaths(fs.keep);
	/* A pool is opened before its mount is there, so that this is soon usable; none is made for a mount that fails. */
	if (r == 0 && !keep_has(fs.keep, KEEP_INIT, 0) && !store_exists(options->pool.state_dir))
		r = get_device(link, &device, e);
	if (r == 0)
		r = fs_open(&fs, options, session, e);
	if (r == 0)
		r = serve(session, &fs, options, link, steal_fd(&device), e);
	/* Before it closes what is open: if this one has failed, another process goes on with it. */
	keep_end(fs.keep);
	fs_close(&fs);
	if (session)
		fuse_session_destroy(session);
	keep_free(fs.keep);
	return r;
}
