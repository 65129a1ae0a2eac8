/* SPDX-License-Identifier: Apache-2.0 */
/* See mount.h. */
#include "fs/mount.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "fs/op/ops.h"
#include "model/child.h"
#include "model/log.h"

/* The last message of libfuse before the mount was established: it has no other way to report the reason of a
 * failure. */
static char last_words[256];
static bool goes_on; /* its last line is incomplete */
static bool is_past; /* the mount, or what can fail before it: messages are told from now on */
/* Of the mount: libfuse frees some of its memory only by unmounting, so it stays. */
static struct fuse_session *mounted;

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
	if (!is_past && goes_on)
		snprintf(last_words + strlen(last_words), sizeof(last_words) - strlen(last_words), "%s",
			 text);
	else if (*text && !is_past && level <= FUSE_LOG_ERR)
		snprintf(last_words, sizeof(last_words), "%s", text);
	else if (*text)
		log_write(level_of(level), "fuse", NULL, "%s", text);
	goes_on = !ends;
}

static int args_copy(const struct fuse_args *args, struct fuse_args *ret)
{
	*ret = (struct fuse_args)FUSE_ARGS_INIT(0, NULL);
	for (int i = 0; i < args->argc; i++)
		if (fuse_opt_add_arg(ret, args->argv[i]) < 0)
			return -ENOMEM;
	return 0;
}

struct fuse_session *mount_session_new(const struct fuse_args *args, struct fs *fs, struct error *e)
{
	struct fuse_session *session = NULL;
	struct fuse_args copy;

	fuse_set_log_func(listen_to_libfuse);
	if (args_copy(args, &copy) == 0)
		session = fuse_session_new(&copy, &fs_operations, sizeof(fs_operations), fs);
	fuse_opt_free_args(&copy);
	if (!session)
		error_set(e, EINVAL, "%s", *last_words ? last_words : "bad options");
	else if (fs)
		is_past = true; /* the worker does not mount */
	return session;
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

int mount_make(const struct fuse_args *args, const char *mountpoint, int *ret_device, struct error *e)
{
	struct fuse_session *session = mount_session_new(args, NULL, e);
	int r;

	if (!session)
		return -EINVAL;
	r = mount_and_listen(session, mountpoint);
	if (r < 0) {
		error_set(e, EIO, "cannot mount on '%s'%s%s", mountpoint, *last_words ? ": " : "",
			  last_words);
		fuse_session_destroy(session);
		return -e->errnum;
	}
	is_past = true;
	mounted = session;
	*ret_device = fuse_session_fd(session);
	log_info("mount", mountpoint, "poolfs " POOLFS_VERSION " is mounted");
	return 0;
}

/* By the program that may do it for ordinary users. */
static void remove_by_helper(const char *mountpoint)
{
	const char *const argv[] = {"fusermount3", "--unmount", "--quiet", "--lazy", "--", mountpoint, NULL};
	pid_t pid;

	if (child_spawn(argv[0], argv, NULL, -1, -1, 0, &pid) == 0)
		(void)waitpid(pid, NULL, 0);
}

bool mount_is_there(int device)
{
	struct pollfd fd = {.fd = device};

	return device >= 0 && !(poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLNVAL)));
}

void mount_remove(const char *mountpoint, int device)
{
	bool there = mount_is_there(device);

	(void)close(device);
	if (there && umount2(mountpoint, MNT_DETACH) < 0 && geteuid() != 0)
		remove_by_helper(mountpoint);
}
