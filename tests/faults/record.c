/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library for LD_PRELOAD: records what a program does to the files of one file system (record.h).
 *
 * POOLFS_RECORD_ROOT is a folder on that file system, POOLFS_RECORD the file that the records are added to; it is on
 * another one. A call and its record are made under one lock, so their order is that of the calls, and an fsync covers
 * what stands before it. Processes that the program starts add to the same file.
 */
#include "tests/faults/record.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/mode_argument.h"

#define REAL(name) ((typeof(&(name)))real(#name, &real_##name))
#define EXPORT	   __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static dev_t root_dev;

static void *real(const char *name, void **cache)
{
	if (!*cache)
		*cache = dlsym(RTLD_NEXT, name);
	return *cache;
}

static void *real_open, *real_openat, *real_write, *real_writev, *real_pwritev, *real_ftruncate,
	*real_fallocate, *real_renameat, *real_renameat2, *real_unlinkat, *real_mkdirat, *real_fsync,
	*real_fdatasync, *real_copy_file_range;

__attribute__((constructor)) static void begin(void)
{
	const char *root = getenv("POOLFS_RECORD_ROOT"), *path = getenv("POOLFS_RECORD");
	struct stat st;

	if (!root || !path || stat(root, &st) < 0)
		return;
	root_dev = st.st_dev;
	log_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Adds a record; a program that cannot be recorded must not go on. */
static void add(struct record *r, const char *path, const char *second, const struct iovec *data, int count)
{
	struct iovec parts[IOV_MAX];
	size_t total = sizeof(*r);
	int n = 3;

	r->path = path ? (uint32_t)strlen(path) : 0;
	r->second = second ? (uint32_t)strlen(second) : 0;
	parts[0] = (struct iovec){r, sizeof(*r)};
	parts[1] = (struct iovec){(void *)(uintptr_t)path, r->path};
	parts[2] = (struct iovec){(void *)(uintptr_t)second, r->second};
	for (int i = 0; i < count; i++)
		parts[n++] = data[i];
	for (int i = 1; i < n; i++)
		total += parts[i].iov_len;
	if (REAL(writev)(log_fd, parts, n) != (ssize_t)total) {
		perror("cannot record");
		abort();
	}
}

EXPORT void record_mark(const char *text)
{
	struct record r = {.op = RECORD_MARK, .length = strlen(text)};
	const struct iovec data = {(void *)(uintptr_t)text, r.length};

	if (log_fd < 0)
		return;
	pthread_mutex_lock(&lock);
	add(&r, NULL, NULL, &data, 1);
	pthread_mutex_unlock(&lock);
}

static bool is_recorded(int fd, struct stat *ret)
{
	int saved = errno;
	bool yes = log_fd >= 0 && fstat(fd, ret) == 0 && ret->st_dev == root_dev &&
		   (S_ISREG(ret->st_mode) || S_ISDIR(ret->st_mode));

	errno = saved;
	return yes;
}

/* The absolute form of a path. */
static const char *absolute(int dir, const char *path, char buffer[PATH_MAX])
{
	char link[64], base[PATH_MAX];
	ssize_t n;

	if (path[0] == '/')
		return path;
	if (dir == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, base, sizeof(base) - 1);
	if (n < 0)
		return path;
	base[n] = '\0';
	if (snprintf(buffer, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
		return path;
	return buffer;
}

/* ---------------------------------------------------------------------- opening */

static int open_recorded(int dir, const char *path, int flags, mode_t mode)
{
	char buffer[PATH_MAX];
	struct stat st;
	bool existed;
	int fd;

	if (log_fd < 0 || !(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE)
		return REAL(openat)(dir, path, flags, mode);
	pthread_mutex_lock(&lock);
	existed = faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	fd = REAL(openat)(dir, path, flags, mode);
	if (fd >= 0 && is_recorded(fd, &st)) {
		struct record r = {.op = RECORD_CREATE, .inode = st.st_ino};

		if (!existed) {
			add(&r, absolute(dir, path, buffer), NULL, NULL, 0);
		} else if (flags & O_TRUNC) {
			r.op = RECORD_TRUNCATE;
			add(&r, NULL, NULL, NULL, 0);
		}
	}
	pthread_mutex_unlock(&lock);
	return fd;
}

EXPORT int open(const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_recorded(AT_FDCWD, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_recorded(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_recorded(dir, path, flags, mode);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
	MODE_ARGUMENT(flags, mode)
	return open_recorded(dir, path, flags, mode);
}

EXPORT int creat(const char *path, mode_t mode)
{
	return open_recorded(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* ---------------------------------------------------------------------- writing */

/* Records the @n bytes that were written to @fd at @offset. */
static void written(const struct stat *st, int64_t offset, const struct iovec *data, int count, ssize_t n)
{
	struct record r = {.op = RECORD_WRITE, .inode = st->st_ino, .offset = offset};
	struct iovec parts[IOV_MAX];
	int used = 0;

	for (int i = 0; i < count && n > 0; i++) {
		parts[used] = data[i];
		if ((size_t)n < parts[used].iov_len)
			parts[used].iov_len = (size_t)n;
		n -= (ssize_t)parts[used].iov_len;
		r.length += parts[used++].iov_len;
	}
	if (r.length > 0)
		add(&r, NULL, NULL, parts, used);
}

static ssize_t write_recorded(int fd, const struct iovec *data, int count, off_t offset)
{
	struct stat st;
	ssize_t n;

	if (!is_recorded(fd, &st))
		return offset < 0 ? REAL(writev)(fd, data, count) : REAL(pwritev)(fd, data, count, offset);
	pthread_mutex_lock(&lock);
	if (offset >= 0) {
		n = REAL(pwritev)(fd, data, count, offset);
	} else {
		n = REAL(writev)(fd, data, count);
		offset = lseek(fd, 0, SEEK_CUR) - (n > 0 ? n : 0);
	}
	if (n > 0)
		written(&st, offset, data, count, n);
	pthread_mutex_unlock(&lock);
	return n;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	const struct iovec part = {(void *)(uintptr_t)data, size};
	struct stat st;

	return is_recorded(fd, &st) ? write_recorded(fd, &part, 1, -1) : REAL(write)(fd, data, size);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	const struct iovec part = {(void *)(uintptr_t)data, size};

	return write_recorded(fd, &part, 1, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite(fd, data, size, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *data, int count)
{
	return write_recorded(fd, data, count, -1);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *data, int count, off_t offset)
{
	return write_recorded(fd, data, count, offset);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *data, int count, off_t offset)
{
	return write_recorded(fd, data, count, offset);
}

/* Done by read and write, which are recorded. */
EXPORT ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t size,
			       unsigned flags)
{
	struct stat st;

	if (!is_recorded(out, &st))
		return REAL(copy_file_range)(in, in_offset, out, out_offset, size, flags);
	errno = EXDEV;
	return -1;
}

static int resized(int fd, enum record_op op, int64_t offset, int64_t length,
		   int (*call)(int, int64_t, int64_t, int), int mode)
{
	struct record r = {.op = op, .offset = offset, .length = (uint64_t)length};
	struct stat st;
	int rc;

	if (!is_recorded(fd, &st))
		return call(fd, offset, length, mode);
	pthread_mutex_lock(&lock);
	rc = call(fd, offset, length, mode);
	r.inode = st.st_ino;
	if (rc == 0)
		add(&r, NULL, NULL, NULL, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int do_ftruncate(int fd, int64_t offset, int64_t length, int mode)
{
	(void)length, (void)mode;
	return REAL(ftruncate)(fd, offset);
}

static int do_fallocate(int fd, int64_t offset, int64_t length, int mode)
{
	return REAL(fallocate)(fd, mode, offset, length);
}

EXPORT int ftruncate(int fd, off_t size)
{
	return resized(fd, RECORD_TRUNCATE, size, 0, do_ftruncate, 0);
}

EXPORT int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

/* Only holes and zeros: mere allocation is not told from the absence of blocks. */
EXPORT int fallocate(int fd, int mode, off_t offset, off_t length)
{
	return resized(fd, RECORD_ZERO, offset, mode == 0 ? 0 : length, do_fallocate, mode);
}

EXPORT int fallocate64(int fd, int mode, off_t offset, off_t length)
{
	return fallocate(fd, mode, offset, length);
}

static int synced(int fd, enum record_op op, int (*call)(int))
{
	struct record r = {.op = op};
	struct stat st;
	int rc;

	if (!is_recorded(fd, &st))
		return call(fd);
	pthread_mutex_lock(&lock);
	rc = call(fd);
	r.inode = st.st_ino;
	r.folder = S_ISDIR(st.st_mode);
	if (rc == 0)
		add(&r, NULL, NULL, NULL, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int fsync(int fd)
{
	return synced(fd, RECORD_FSYNC, REAL(fsync));
}

EXPORT int fdatasync(int fd)
{
	return synced(fd, RECORD_DATASYNC, REAL(fdatasync));
}

/* ------------------------------------------------------------------------ names */

static bool names_recorded(int dir, const char *path, struct stat *ret)
{
	int saved = errno;
	bool yes =
		log_fd >= 0 && fstatat(dir, path, ret, AT_SYMLINK_NOFOLLOW) == 0 && ret->st_dev == root_dev;

	errno = saved;
	return yes;
}

static int rename_recorded(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	char from_buffer[PATH_MAX], to_buffer[PATH_MAX];
	struct stat st;
	bool recorded;
	int rc;

	if (log_fd >= 0)
		pthread_mutex_lock(&lock);
	recorded = names_recorded(from_dir, from, &st);
	rc = flags ? REAL(renameat2)(from_dir, from, to_dir, to, flags)
		   : REAL(renameat)(from_dir, from, to_dir, to);
	if (rc == 0 && recorded) {
		struct record r = {.op = RECORD_RENAME, .inode = st.st_ino};

		add(&r, absolute(from_dir, from, from_buffer), absolute(to_dir, to, to_buffer), NULL, 0);
	}
	if (log_fd >= 0)
		pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int rename(const char *from, const char *to)
{
	return rename_recorded(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return rename_recorded(from_dir, from, to_dir, to, 0);
}

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return rename_recorded(from_dir, from, to_dir, to, flags);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	char buffer[PATH_MAX];
	struct stat st;
	bool recorded;
	int rc;

	if (log_fd >= 0)
		pthread_mutex_lock(&lock);
	recorded = names_recorded(dir, path, &st);
	rc = REAL(unlinkat)(dir, path, flags);
	if (rc == 0 && recorded) {
		struct record r = {.op = flags & AT_REMOVEDIR ? RECORD_RMDIR : RECORD_UNLINK,
				   .inode = st.st_ino};

		add(&r, absolute(dir, path, buffer), NULL, NULL, 0);
	}
	if (log_fd >= 0)
		pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int remove(const char *path)
{
	int rc = unlink(path);

	return rc < 0 && (errno == EISDIR || errno == EPERM) ? rmdir(path) : rc;
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
	char buffer[PATH_MAX];
	struct stat st;
	int rc;

	if (log_fd >= 0)
		pthread_mutex_lock(&lock);
	rc = REAL(mkdirat)(dir, path, mode);
	if (rc == 0 && names_recorded(dir, path, &st)) {
		struct record r = {.op = RECORD_MKDIR, .inode = st.st_ino};

		add(&r, absolute(dir, path, buffer), NULL, NULL, 0);
	}
	if (log_fd >= 0)
		pthread_mutex_unlock(&lock);
	return rc;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}
