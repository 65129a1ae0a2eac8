/* SPDX-License-Identifier: Apache-2.0 */
/* See watchers.h. */
#include "fs/tell/watchers.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "fs/tell/notices.h"
#include "fs/tell/wait.h"
#include "fs/tree/kept.h"
#include "fs/tree/reply.h"
#include "model/keep.h"

/* Size of the hash table, which is at most half full. */
#define SLOTS (2 * WATCHERS_OBJECTS)
/* Notices that cannot be reported yet; if there are more, the thread waits. */
#define LATER_MAX 128
/* Interval of retries, ms. */
#define LATER_MS 100
/* Folders have numbers below this. */
#define FOLDERS_MAX (NODE_INDEX_MAX + 1)

/* FILEID_INO64_GEN, the file handles of FUSE: the node number in two halves, and a generation. */
#define HANDLE_TYPE  0x81
#define HANDLE_WORDS 3

/* The objects changed since the set was last taken. */
struct changed_set {
	uint64_t objects[WATCHERS_OBJECTS];
	uint16_t slots[WATCHERS_OBJECTS]; /* position of each in the table */
	uint64_t table[SLOTS];
	size_t count;
	bool lost[KIND_COUNT];
};

struct watchers {
	const struct fs *fs;
	pthread_t thread;
	bool started;
	const char *mountpoint; /* borrowed; during the start */
	int wake;		/* eventfd */
	atomic_bool stopping;
	atomic_int id;			   /* of the thread; 0 = none */
	atomic_bool known[2][FOLDERS_MAX]; /* folders that were looked up; [1]: `by-name` in them */

	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool ready;		     /* lock; the start has finished */
	int result;		     /* lock; of the start */
	struct error error;	     /* lock; of the start */
	struct changed_set *changed; /* lock; owned */
	struct view *latest;	     /* lock; owned; the view with these changes; NULL: none yet */
	struct notice announced;     /* lock; the next request of the thread */
	bool is_announced;	     /* lock */

	/* the thread's */
	bool goes_on;			/* from another process */
	uint64_t *given;		/* owned; nodes that the kernel has from that; */
	size_t given_count;		/* so many */
	struct changed_set *spare;	/* owned; the set that was taken last */
	struct view *told;		/* owned; the state known to watchers */
	struct notice later[LATER_MAX]; /* in order */
	size_t later_count;
	const struct view *now; /* borrowed; the state being reported */
	int tree, root, mounts; /* the copy of the mount, its top directory, mountinfo */
	dev_t device;
};

/* ----------------------------------------------------------------- changes */

static void changed_add(struct changed_set *changed, uint64_t object, enum kind_id kind)
{
	/* Fibonacci hashing; 15 bits for SLOTS places */
	size_t at = (size_t)(object * UINT64_C(0x9E3779B97F4A7C15) >> 49);

	while (changed->table[at] && changed->table[at] != object)
		at = (at + 1) % SLOTS;
	if (changed->table[at])
		return;
	if (changed->count == WATCHERS_OBJECTS) {
		changed->lost[kind] = true;
		return;
	}
	changed->table[at] = object;
	changed->objects[changed->count] = object;
	changed->slots[changed->count++] = (uint16_t)at;
}

/* Takes time linear in the number of objects in it. */
static void changed_clear(struct changed_set *changed)
{
	for (size_t i = 0; i < changed->count; i++)
		changed->table[changed->slots[i]] = 0;
	changed->count = 0;
	memset(changed->lost, 0, sizeof(changed->lost));
}

_Static_assert(SLOTS == 1 << 15, "changed_add() makes numbers of 15 bits, and keeps them in 16");

static void wake(const struct watchers *w)
{
	const uint64_t one = 1;

	(void)!write(w->wake, &one, sizeof(one)); /* fails only if it is awake anyway */
}

void watchers_observe(struct watchers *w, struct view *view, const struct change *changes, size_t count)
{
	scoped_lock(&w->lock);
	view_unref(w->latest);
	w->latest = view_ref(view);
	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after ? changes[i].after : changes[i].before;
		struct node node = {.kind = o->kind->id, .row = o->id, .class = N_OBJECT};

		changed_add(w->changed, node_pack(node), node.kind);
	}
	wake(w);
}

/* Takes the changes; returns the view with just these, NULL if there are none. */
static struct view *take_changes(struct watchers *w)
{
	struct changed_set *taken;

	changed_clear(w->spare);
	scoped_lock(&w->lock);
	taken = w->changed;
	w->changed = w->spare;
	w->spare = taken;
	return steal(&w->latest);
}

/* ------------------------------------------------------ the thread's requests */

/* The notice announced by the thread, if this request is the thread's. */
static bool take_announced(fuse_req_t req, struct notice *ret)
{
	const struct fs *fs = fuse_req_userdata(req);
	struct watchers *w = fs->watchers;

	if (!w || fuse_req_ctx(req)->pid == 0 || fuse_req_ctx(req)->pid != atomic_load(&w->id))
		return false;
	scoped_lock(&w->lock);
	*ret = w->announced;
	return w->is_announced;
}

static bool take_announced_name(fuse_req_t req, fuse_ino_t parent, const char *name, struct notice *ret)
{
	return take_announced(req, ret) && ret->what != NOTICE_CHANGED && node_pack(ret->dir) == parent &&
	       strcmp(ret->name, name) == 0;
}

/* The entry as for a lookup; made up if the node is gone. */
static void reply_entry(fuse_req_t req, const struct notice *notice)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_view_ struct view *view = NULL;
	struct fuse_entry_param entry;
	struct place p;

	if (request_place(req, node_pack(notice->node), &view, &p) < 0 || entry_fill(&p, &entry) < 0) {
		entry = (struct fuse_entry_param){.ino = node_pack(notice->node)};
		stat_fill(fs, notice->node, notice->mode, 0, 0, &entry.attr);
	}
	fuse_reply_entry(req, &entry);
}

bool watchers_answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct notice notice;

	if (!take_announced_name(req, parent, name, &notice))
		return false;
	if (notice.what == NOTICE_MADE)
		fuse_reply_err(req, ENOENT);
	else
		reply_entry(req, &notice);
	return true;
}

bool watchers_answer_make(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct notice notice;

	if (!take_announced_name(req, parent, name, &notice) || notice.what != NOTICE_MADE)
		return false;
	reply_entry(req, &notice);
	return true;
}

bool watchers_answer_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct notice notice;

	if (!take_announced_name(req, parent, name, &notice) || notice.what != NOTICE_GONE)
		return false;
	fuse_reply_err(req, 0);
	return true;
}

bool watchers_answer_gone(fuse_req_t req, fuse_ino_t ino)
{
	const struct fs *fs = fuse_req_userdata(req);
	struct notice notice;
	struct stat st;

	if (!take_announced(req, &notice) || notice.what != NOTICE_GONE || node_pack(notice.dir) != ino)
		return false;
	stat_fill(fs, notice.dir, fs->nodes[notice.dir.class].mode, 0, 0, &st);
	fuse_reply_attr(req, &st, 0);
	return true;
}

bool watchers_answer_times(fuse_req_t req, fuse_ino_t ino)
{
	struct notice notice;

	if (!take_announced(req, &notice) || notice.what != NOTICE_CHANGED || node_pack(notice.node) != ino)
		return false;
	reply_attributes(req, notice.node);
	return true;
}

void watchers_note(struct watchers *w, struct node node)
{
	const struct node_entry *entry;

	if (!w)
		return;
	entry = &w->fs->nodes[node.class];
	if (entry->flags & E_BY_PATH)
		atomic_store_explicit(&w->known[entry->name != NULL][node.index], true, memory_order_relaxed);
}

/* --------------------------------------------------------------- the thread */

/* The directory of a folder, by path: these names stay in the kernel's cache, so there is no request. */
static int open_folder(const struct watchers *w, struct node node)
{
	const struct folder *f = folder_get(node.index);
	const char *name = w->fs->nodes[node.class].name;
	char path[PATH_SIZE];

	if (!f || !atomic_load_explicit(&w->known[name != NULL][node.index], memory_order_relaxed))
		return -1;
	snprintf(path, sizeof(path), "%s%s%s", f->path, name ? "/" : "", name ? name : "");
	return openat(w->root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Opens the node if the kernel has it in memory, else -1. */
static int open_node(const struct watchers *w, struct node node)
{
	_Alignas(struct file_handle) char room[sizeof(struct file_handle) + HANDLE_WORDS * sizeof(uint32_t)];
	struct file_handle *handle = (struct file_handle *)room;
	const uint64_t ino = node_pack(node);
	const uint32_t words[HANDLE_WORDS] = {(uint32_t)(ino >> 32), (uint32_t)ino, 0};

	if (w->fs->nodes[node.class].flags & E_BY_PATH)
		return open_folder(w, node);
	handle->handle_bytes = sizeof(words);
	handle->handle_type = HANDLE_TYPE;
	memcpy(handle->f_handle, words, sizeof(words));
	return open_by_handle_at(w->root, handle, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* Do the kernel's file handles have the format of open_node()? */
static bool handles_are_ours(const struct watchers *w)
{
	_Alignas(struct file_handle) char room[sizeof(struct file_handle) + HANDLE_WORDS * sizeof(uint32_t)];
	struct file_handle *handle = (struct file_handle *)room;
	const uint32_t words[HANDLE_WORDS] = {0, FUSE_ROOT_ID, 0};
	int mount;

	handle->handle_bytes = sizeof(words);
	return name_to_handle_at(w->tree, "", handle, &mount, AT_EMPTY_PATH) == 0 &&
	       handle->handle_bytes == sizeof(words) && handle->handle_type == HANDLE_TYPE &&
	       memcmp(handle->f_handle, words, sizeof(words)) == 0;
}

/* Is the file system still mounted anywhere in our namespace? */
static bool is_mounted(const struct watchers *w)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int fd = dup(w->mounts);
	unsigned major_, minor_;

	f = fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "r") : NULL;
	if (!f) {
		if (fd >= 0)
			(void)close(fd);
		return true;
	}
	while (getline(&line, &room, f) > 0)
		if (sscanf(line, "%*d %*d %u:%u", &major_, &minor_) == 2 &&
		    makedev(major_, minor_) == w->device)
			return true;
	return false;
}

/* Shall the thread go on? @ms: how long it may sleep before, -1 = until there is work. */
static bool goes_on(const struct watchers *w, int ms)
{
	struct pollfd fds[] = {{.fd = w->mounts, .events = POLLPRI}, {.fd = w->wake, .events = POLLIN}};
	uint64_t times;

	(void)poll(fds, 2, ms);
	if (ms && (fds[1].revents & POLLIN))
		(void)!read(w->wake, &times, sizeof(times));
	return !atomic_load(&w->stopping) && (!(fds[0].revents & (POLLPRI | POLLERR)) || is_mounted(w));
}

static void announce(struct watchers *w, const struct notice *notice)
{
	scoped_lock(&w->lock);
	w->is_announced = notice != NULL;
	if (notice)
		w->announced = *notice;
}

static struct node target_of(const struct notice *notice)
{
	return notice->what == NOTICE_CHANGED ? notice->node : notice->dir;
}

/* Repeats through the mount what has happened. Failures mean it is not watched or has changed again. */
static void act(const struct notice *notice, int fd)
{
	const mode_t mode = notice->mode;

	switch (notice->what) {
	case NOTICE_CHANGED:
		(void)utimensat(fd, "", NULL, AT_EMPTY_PATH);
		break;
	case NOTICE_MADE:
		if (S_ISDIR(mode))
			(void)mkdirat(fd, notice->name, mode & 0777);
		else if (S_ISLNK(mode))
			(void)!symlinkat("there", fd, notice->name);
		else
			(void)mknodat(fd, notice->name, mode, 0);
		break;
	case NOTICE_GONE:
		(void)unlinkat(fd, notice->name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
		break;
	}
}

/* Reports a notice if it may be watched. */
static void tell_now(struct watchers *w, const struct notice *notice)
{
	_cleanup_close_ int fd = open_node(w, target_of(notice)), file = -1;

	if (fd >= 0 && notice->inner)
		file = open_node(w, notice->node);
	if (fd < 0 || (notice->inner && file < 0))
		return;
	if (file >= 0)
		(void)close(steal_fd(&file)); /* an open file would delay its deletion */
	announce(w, notice);
	act(notice, fd);
	announce(w, NULL);
}

/* Would the kernel block the thread, perhaps for a job? Or is an earlier notice of the file still among the
 * first
 * @count of `later`? */
static bool is_locked(const struct watchers *w, const struct notice *notice, size_t count)
{
	uint64_t target = node_pack(target_of(notice));

	for (size_t i = 0; i < count; i++)
		if (node_pack(target_of(&w->later[i])) == target)
			return true;
	return waits_lock(w->fs->waits, target) ||
	       (notice->what == NOTICE_GONE && waits_lock(w->fs->waits, node_pack(notice->node)));
}

/* False when there is no room. */
static bool tell_later(struct watchers *w, const struct notice *notice)
{
	for (size_t i = 0; notice->what == NOTICE_CHANGED && i < w->later_count; i++)
		if (w->later[i].what == NOTICE_CHANGED &&
		    node_pack(w->later[i].node) == node_pack(notice->node))
			return true;
	if (w->later_count == LATER_MAX)
		return false;
	w->later[w->later_count++] = *notice;
	return true;
}

/* Retries the notices that were postponed. */
static bool tell_rest(struct watchers *w)
{
	size_t count = w->later_count;

	w->later_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct notice notice = w->later[i];

		if (!goes_on(w, 0))
			return false;
		if (is_locked(w, &notice, w->later_count))
			w->later[w->later_count++] = notice;
		else
			tell_now(w, &notice);
	}
	return true;
}

static bool tell(void *arg, const struct notice *notice)
{
	struct watchers *w = arg;

	if (!goes_on(w, 0))
		return false;
	if (!is_locked(w, notice, w->later_count) || !tell_later(w, notice))
		tell_now(w, notice);
	return true;
}

static bool tell_changes(struct watchers *w)
{
	struct view *now = take_changes(w);
	const struct changed_set *changed = w->spare;
	bool more;

	if (!now)
		return true;
	w->now = now;
	more = notices_make(w->fs, w->told, now,
			    &(struct touched){changed->objects, changed->count, changed->lost}, tell, w);
	w->now = NULL;
	view_unref(w->told);
	w->told = now;
	return more;
}

/* What another process has told, before this one went on for it, nobody knows. */
static bool tell_untold(struct watchers *w)
{
	return !w->goes_on || notices_make_untold(w->fs, w->told, w->given, w->given_count, tell, w);
}

/* The part of the start that makes no requests to this program. */
static int prepare(struct watchers *w, struct error *e)
{
	struct statx st;

	/* Keep only these descriptors. Those of the other threads, and their file locks, are not affected. */
	if (unshare(CLONE_FILES) < 0 || close_range(STDERR_FILENO + 1, (unsigned)w->wake - 1, 0) < 0 ||
	    close_range((unsigned)w->wake + 1, ~0U, 0) < 0)
		return error_set(e, errno, "inotify: cannot separate the descriptors of the thread: %s",
				 strerror(errno));
	w->tree = open_tree(AT_FDCWD, w->mountpoint, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (w->tree < 0)
		return error_set(e, errno, "inotify: cannot copy the mount '%s': %s", w->mountpoint,
				 strerror(errno));
	if (!handles_are_ours(w))
		return error_set(e, EOPNOTSUPP, "inotify: unknown format of the kernel's file handles");
	if (statx(w->tree, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return error_set(e, errno, "inotify: cannot get the device of the mount '%s': %s",
				 w->mountpoint, strerror(errno));
	w->device = makedev(st.stx_dev_major, st.stx_dev_minor);
	w->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	return w->mounts < 0
		       ? error_set(e, errno, "inotify: cannot read the list of mounts: %s", strerror(errno))
		       : 0;
}

static void close_all(struct watchers *w)
{
	int *const fds[] = {&w->root, &w->mounts, &w->tree};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			(void)close(steal_fd(fds[i]));
}

static void *thread_main(void *arg)
{
	struct watchers *w = arg;
	int r;

	pthread_setname_np(pthread_self(), "watchers");
	r = prepare(w, &w->error);
	pthread_mutex_lock(&w->lock);
	w->result = r;
	w->ready = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
	if (r == 0) {
		atomic_store(&w->id, gettid());
		w->root = openat(w->tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (w->root >= 0 && is_mounted(w) && tell_untold(w))
			while (goes_on(w, w->later_count ? LATER_MS : -1) && tell_rest(w) && tell_changes(w))
				;
		/* The id may be reused once the thread has ended. */
		atomic_store(&w->id, 0);
	}
	close_all(w);
	return NULL;
}

int watchers_start(struct watchers *w, const char *mountpoint, struct error *e)
{
	int r;

	w->mountpoint = mountpoint;
	r = pthread_create(&w->thread, NULL, thread_main, w);
	if (r)
		return error_set(e, r, "cannot start a thread: %s", strerror(r));
	w->started = true;
	pthread_mutex_lock(&w->lock);
	while (!w->ready)
		pthread_cond_wait(&w->cond, &w->lock);
	r = w->result;
	pthread_mutex_unlock(&w->lock);
	return r < 0 ? error_set(e, -r, "%s", error_sentence(&w->error)) : 0;
}

/* What the process before this one has given the kernel, which does not look it up again. -ENOMEM. */
static int load_given(struct watchers *w)
{
	w->goes_on = keep_has(w->fs->keep, KEEP_INIT, 0);
	w->given = kept_list(w->fs->kept, &w->given_count);
	for (size_t i = 0; w->given && i < w->given_count; i++) {
		struct node node;

		if (node_unpack(w->given[i], &node))
			watchers_note(w, node);
	}
	return w->given ? 0 : -ENOMEM;
}

struct watchers *watchers_new(const struct fs *fs)
{
	struct watchers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fs = fs;
	w->tree = w->root = w->mounts = -1;
	w->changed = calloc(1, sizeof(*w->changed));
	w->spare = calloc(1, sizeof(*w->spare));
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->told = store_view(fs->store);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->cond, NULL);
	if (w->changed && w->spare && w->wake >= 0 && load_given(w) == 0)
		return w;
	watchers_free(w);
	return NULL;
}

void watchers_stop(struct watchers *w)
{
	atomic_store(&w->stopping, true);
	wake(w);
}

void watchers_join(struct watchers *w)
{
	if (w->started)
		(void)pthread_join(w->thread, NULL);
	w->started = false;
}

void watchers_free(struct watchers *w)
{
	if (!w)
		return;
	if (w->wake >= 0)
		(void)close(w->wake);
	view_unref(w->latest);
	view_unref(w->told);
	error_done(&w->error);
	free(w->given);
	free(w->changed);
	free(w->spare);
	pthread_cond_destroy(&w->cond);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
