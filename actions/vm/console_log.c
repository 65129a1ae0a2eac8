/* SPDX-License-Identifier: Apache-2.0 */
/* See console_log.h. */
#include "actions/vm/console_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/host/uri.h"
#include "model/clock.h"
#include "model/view.h"

/* virtlogd keeps three files besides the present one, unless it is told otherwise. */
#define BACKUPS 10

void console_log_path(struct pool *pool, const char *uuid, char ret_path[4096])
{
	if (snprintf(ret_path, 4096, "%s/console/%s.log", pool_state_dir(pool), uuid) >= 4096)
		ret_path[0] = '\0';
}

/* ---------------------------------------------------------------- reading */

/*
 * A descriptor of the log, which the hypervisor may replace by another file at any time: so it is opened for each read.
 * -errno; -ENOENT also for what is no file.
 */
static int open_log(struct pool *pool, const char *uuid, struct stat *ret)
{
	_cleanup_close_ int fd = -1;
	char path[4096];

	console_log_path(pool, uuid, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret) < 0)
		return -errno;
	return S_ISREG(ret->st_mode) ? steal_fd(&fd) : -ENOENT;
}

int console_log_stat(struct pool *pool, const char *uuid, int64_t *ret_size, int64_t *ret_changed)
{
	char path[4096];
	struct stat st = {0};

	console_log_path(pool, uuid, path);
	/* also of a log that the hypervisor keeps for itself */
	if (lstat(path, &st) < 0 && errno != ENOENT)
		return -errno;
	if (!S_ISREG(st.st_mode))
		st = (struct stat){0};
	*ret_size = st.st_size;
	*ret_changed = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	return 0;
}

/* Why there is no log, if there should be one for who asks. */
static int check_missing(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *on = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	const struct object *host = on ? view_get(view, KIND_HOST, on) : NULL;

	if (!host || host_uri_is_local(object_text(host, HOST_URI)))
		return 0;
	return error_set(
		e, EOPNOTSUPP,
		"the VM '%s' is on the host '%s', where no log of its serial console is written: only on a host that is this machine, reached by qemu:///, there is one",
		object_name(vm), object_name(host));
}

ssize_t console_log_read(struct pool *pool, const char *uuid, void *buffer, size_t size, int64_t offset,
			 struct error *e)
{
	struct stat st;
	_cleanup_close_ int fd = open_log(pool, uuid, &st);
	ssize_t n;

	if (fd == -ENOENT)
		return check_missing(pool, uuid, e);
	if (fd == -EACCES)
		return error_set(
			e, EACCES,
			"the hypervisor keeps the log of the serial console for itself: the user of this program may not read it");
	n = fd < 0 ? fd : pread(fd, buffer, size, offset);
	if (n < 0)
		return error_set(e, fd < 0 ? -fd : errno, "cannot read the log of the serial console: %s",
				 strerror(fd < 0 ? -fd : errno));
	return n;
}

/* ------------------------------------------------------- keeping it small */

void console_log_remove(struct pool *pool, const char *uuid)
{
	char path[4096], backup[4112];

	console_log_path(pool, uuid, path);
	(void)unlink(path);
	for (int i = 0; i < BACKUPS; i++) {
		snprintf(backup, sizeof(backup), "%s.%d", path, i);
		(void)unlink(backup);
	}
}

/* Copies what @from has from @at on to the new file @name. */
static int copy_end(int dir, int from, off_t at, const char *name)
{
	_cleanup_close_ int to =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	char bytes[65536];

	if (to < 0)
		return -errno;
	for (off_t end = at + CONSOLE_LOG_BYTES; at < end;) {
		ssize_t n = pread(from, bytes, sizeof(bytes), at), w;

		if (n <= 0)
			return n < 0 ? -errno : 0;
		w = write(to, bytes, (size_t)n);
		if (w != n)
			return w < 0 ? -errno : -ENOSPC;
		at += n;
	}
	return 0;
}

/*
 * QEMU appends, so it goes on at the beginning of the emptied file. What it writes between the copy and that is
 * lost, as with every program that does not open its log anew.
 */
static int trim(int dir, const char *name)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char backup[300];
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= CONSOLE_LOG_BYTES)
		return 0;
	snprintf(backup, sizeof(backup), "%.255s.0", name);
	r = copy_end(dir, fd, st.st_size - CONSOLE_LOG_BYTES, backup);
	/* a full disk is a reason to cut the log, not to let it grow */
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return r;
}

int console_logs_trim(struct pool *pool, struct error *e)
{
	char path[4096];
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "%s/console", pool_state_dir(pool));
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0
				       : error_set(e, errno, "cannot read '%s': %s", path, strerror(errno));
	while (errno = 0, (entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');
		int one = end && strcmp(end, ".log") == 0 ? trim(dirfd(dir), entry->d_name) : 0;

		if (one < 0)
			r = error_set(e, -one, "cannot shorten the console log '%s': %s", entry->d_name,
				      strerror(-one));
	}
	if (errno)
		r = error_set(e, errno, "cannot read '%s': %s", path, strerror(errno));
	(void)closedir(dir);
	return r;
}
