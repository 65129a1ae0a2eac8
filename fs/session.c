/* SPDX-License-Identifier: Apache-2.0 */
/* See session.h. */
#include "fs/session.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "actions/engine/catalog.h"
#include "actions/engine/workers.h"
#include "fs/class/inventories.h"
#include "fs/class/readme.h"
#include "fs/class/scratches.h"
#include "fs/init.h"
#include "fs/op/ops.h"
#include "fs/privileges.h"
#include "fs/signals.h"
#include "fs/table.h"
#include "fs/tell/caches.h"
#include "fs/tell/last_error.h"
#include "fs/tell/polls.h"
#include "fs/tell/wait.h"
#include "fs/tell/watchers.h"
#include "fs/tree/aside.h"
#include "fs/tree/by_name.h"
#include "fs/tree/handle.h"
#include "fs/tree/kept.h"
#include "fs/tree/queries.h"
#include "model/log.h"
#include "model/render.h"

/* Maximum number of threads that read disks. */
#define READERS_MAX 8

/* The last message of libfuse before the mount was established: it has no other way to report the reason of a
 * failure. */
static char last_words[256];
static bool goes_on; /* its last line is incomplete */
static bool is_mounted;

static enum log_level level_of(enum fuse_log_level level)
{
	if (level <= FUSE_LOG_ERR)
		return LOG_LEVEL_ERROR;
	if (level == FUSE_LOG_WARNING)
		return LOG_LEVEL_WARNING;
	return level == FUSE_LOG_DEBUG ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

static void listen_to_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
	char line[sizeof(last_words)];
	const char *text = line;

	bool ends;

	vsnprintf(line, sizeof(line), format, args);
	ends = strchr(line, '\n') != NULL;
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(text, "fuse: ", 6) == 0)
		text += 6;
	if (!is_mounted && goes_on)
		snprintf(last_words + strlen(last_words), sizeof(last_words) - strlen(last_words), "%s",
			 text);
	else if (*text && !is_mounted && level <= FUSE_LOG_ERR)
		snprintf(last_words, sizeof(last_words), "%s", text);
	else if (*text)
		log_write(level_of(level), "fuse", NULL, "%s", text);
	goes_on = !ends;
}

/* Reads the options of the mount. */
static struct fuse_session *new_session(const struct session_options *options, struct fs *fs, struct error *e)
{
	struct fuse_session *session;

	fuse_set_log_func(listen_to_libfuse);
	session = fuse_session_new(options->args, &fs_operations, sizeof(fs_operations), fs);
	if (!session)
		error_set(e, EINVAL, "%s", *last_words ? last_words : "bad options");
	return session;
}

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
	if (fs->watchers)
		watchers_observe(fs->watchers, view, changes, count);
}

static int fs_open(struct fs *fs, const struct session_options *options, struct fuse_session *session,
		   struct error *e)
{
	int r = pool_open(&options->pool, &fs->pool, e);

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
	fs->handles = handles_new();
	fs->aside = aside_new();
	fs->errors = last_errors_new();
	fs->listings = listings_new(fs->pool);
	fs->queries = queries_new();
	fs->polls = polls_new(fs);
	fs->scratches = scratches_new();
	fs->kept = kept_new();
	fs->caches = fs->kept ? caches_new(fs, session) : NULL;
	fs->ranks = ranks_new();
	fs->waits = waits_new(fs->store);
	fs->watchers = options->inotify ? watchers_new(fs) : NULL;
	fs->readers = workers_new("reader", READERS_MAX);
	fs->readme = readme_make(fs);
	fs->operations = render_json(operations_to_json(), fs->born);
	if (!fs->readers || !fs->handles || !fs->aside || !fs->errors || !fs->listings || !fs->queries ||
	    !fs->polls || !fs->scratches || !fs->caches || !fs->ranks || !fs->waits || !fs->readme ||
	    !fs->operations || (options->inotify && !fs->watchers))
		return error_set(e, ENOMEM, "out of memory");
	r = store_observe(fs->store, observe, fs);
	if (r < 0)
		return error_set(e, -r, "cannot follow the changes of the pool: %s", strerror(-r));
	waits_load(fs->waits);
	return 0;
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
	document_unref(fs->readme);
	document_unref(fs->operations);
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

/* Says what fusermount3 has printed into @heard: if it is the reason of a failure by last_words, else by itself. */
static void tell_heard(int heard, bool failed)
{
	char text[sizeof(last_words)];
	ssize_t len = pread(heard, text, sizeof(text) - 1, 0);
	const char *line = text, *colon;
	char *end;

	if (len <= 0)
		return;
	text[len] = '\0';
	if (!failed) {
		log_warning("fuse", NULL, "%s", text);
		return;
	}
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	colon = strstr(text, ": "); /* the name of the program, with its path */
	if (colon)
		line = colon + 2;
	snprintf(last_words, sizeof(last_words), "%s", line);
}

/*
 * Mounts. An ordinary user's mount is made by fusermount3, which prints why it refuses; the terminal is where
 * the user looks, but the standard error is a file by now.
 */
static int mount_and_listen(struct fuse_session *session, const char *mountpoint)
{
	_cleanup_close_ int heard = memfd_create("stderr", MFD_CLOEXEC);
	_cleanup_close_ int error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	bool listens = heard >= 0 && error >= 0 && dup2(heard, STDERR_FILENO) >= 0;
	int r;

	*last_words = '\0';
	r = fuse_session_mount(session, mountpoint);
	if (listens) {
		(void)dup2(error, STDERR_FILENO);
		tell_heard(heard, r < 0);
	}
	return r;
}

static int mount_and_serve(struct fuse_session *session, struct fs *fs, const char *mountpoint,
			   struct error *e)
{
	int r;

	if (mount_and_listen(session, mountpoint) < 0)
		return error_set(e, EIO, "cannot mount on '%s'%s%s", mountpoint, *last_words ? ": " : "",
				 last_words);
	is_mounted = true;
	log_info("mount", mountpoint, "poolfs " POOLFS_VERSION " is mounted");
	r = init_start(session);
	if (r < 0)
		return error_set(e, -r, "out of memory");
	r = fs->watchers ? watchers_start(fs->watchers, mountpoint, e) : 0;
	if (r == 0)
		r = signals_start(session, e);
	if (r == 0) {
		r = fuse_session_loop(session);
		signals_stop();
		if (r < 0)
			error_set(e, -r, "lost the connection to the kernel: %s", strerror(-r));
	}
	if (fs->watchers)
		watchers_stop(fs->watchers);
	answer_all(fs);
	caches_stop(fs->caches);
	fuse_session_unmount(session);
	if (fs->watchers)
		watchers_join(fs->watchers);
	return r < 0 ? r : 0;
}

int session_run(const struct session_options *options, struct error *e)
{
	struct fs fs = {
		.max_read = options->max_read, .ready = options->ready, .ready_arg = options->ready_arg};
	struct fuse_session *session = new_session(options, &fs, e);
	int r;

	if (!session)
		return -EINVAL;
	log_info("mount", options->mountpoint, "poolfs " POOLFS_VERSION " starts; state folder '%s'%s%s%s",
		 options->pool.state_dir, options->pool.read_only ? ", read-only" : "",
		 options->allow_other ? ", open to other users" : "",
		 options->inotify ? ", with inotify" : "");
	signals_block();
	r = privileges_drop(e);
	if (r == 0)
		r = fs_open(&fs, options, session, e);
	if (r == 0)
		r = mount_and_serve(session, &fs, options->mountpoint, e);
	fs_close(&fs);
	fuse_session_destroy(session);
	if (r == 0)
		log_info("mount", options->mountpoint, "poolfs has ended");
	return r;
}
