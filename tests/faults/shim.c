/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system that passes everything on to a folder, and lets calls fail as a disk does, for 47-shim.
 *
 *   usage: faults-shim BELOW MOUNTPOINT
 *
 * Its file .shim, which no listing shows, takes one line
 *
 *	KIND ERROR FROM COUNT PATTERN [ROLE]
 *
 * after which calls of this kind on files whose path in the mount matches the pattern of fnmatch(3) fail: from the FROM-th one
 * whose file is one of ROLE until COUNT have failed; 0: all of them. KIND: `write` (write, truncate, allocate), `read`,
 * `sync`, `open` (open, create) or `name` (rename, unlink, mkdir), or `nothing`. ERROR: `EIO` or `ENOSPC`. ROLE: another
 * pattern, after `new:` of files that were made since, after `old:` of those that were not; PATTERN itself if there is none.
 * Reading it gives how many calls of this kind and role there were since, how many calls failed, and the last that did.
 *
 * Its file .calls has a line `KIND new|old PATH` for each call since then on a file that matches PATTERN, of any kind.
 *
 * A write is passed on before the writer is told, so it is the writer who learns of an error. O_DIRECT needs no alignment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fuse.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CONTROL	  "/.shim"
#define CALLS	  "/.calls"
#define PATH_LEN  512
#define CALLS_LEN (4 << 20) /* bytes; what is beyond them is not listed */

enum kind { NOTHING, WRITE, READ, SYNC, OPEN, NAME };

static const char *const kinds[] = {[NOTHING] = "nothing", [WRITE] = "write", [READ] = "read",
				    [SYNC] = "sync",	   [OPEN] = "open",   [NAME] = "name"};

static int below; /* the folder */

/* Text that grows up to a limit, and loses what comes then. */
struct text {
	char *bytes;
	size_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under the lock: */
static struct {
	enum kind kind;
	int errnum;
	long from, count; /* count 0: without end */
	char pattern[PATH_LEN];
	char role[PATH_LEN];	 /* without new: or old: */
	bool only_new, only_old; /* are meant by the role */
	long calls, failed;
	char last[PATH_LEN]; /* the path of the last call that failed */
	struct text made;    /* the paths of the files made since, each between two newlines */
	struct text list;    /* for CALLS */
} now;

/* An open file. */
struct file {
	int fd; /* -1: CONTROL, CALLS, or a folder */
	char path[];
};

static struct file *file_of(const struct fuse_file_info *fi)
{
	return (struct file *)(uintptr_t)fi->fh;
}

/* The path relative to the folder. */
static const char *in(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static int result(int r)
{
	return r < 0 ? -errno : r;
}

static bool is_ours(const char *path)
{
	return strcmp(path, CONTROL) == 0 || strcmp(path, CALLS) == 0;
}

/* Under the lock. */
static void __attribute__((format(printf, 2, 3))) text_add(struct text *text, const char *format, ...)
{
	char line[PATH_LEN + 64];
	va_list arguments;
	int length;
	char *bytes;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(line) || text->length + (size_t)length >= CALLS_LEN)
		return;
	bytes = realloc(text->bytes, text->length + (size_t)length + 1);
	if (!bytes)
		return;
	memcpy(bytes + text->length, line, (size_t)length + 1);
	text->bytes = bytes;
	text->length += (size_t)length;
}

/* Under the lock: was the file made since? */
static bool is_new(const char *path)
{
	char line[PATH_LEN + 2];

	snprintf(line, sizeof(line), "\n%s\n", path);
	return now.made.bytes && strstr(now.made.bytes, line);
}

/* Notes that there is a new file, or folder. */
static void note_new(const char *path)
{
	pthread_mutex_lock(&lock);
	if (!is_new(path))
		text_add(&now.made, "\n%s\n", path);
	pthread_mutex_unlock(&lock);
}

/* 0, or the error with which this call fails; @makes: it is to make the file. */
static int fails_making(enum kind kind, const char *path, bool makes)
{
	bool made, starts;
	int r = 0;

	pthread_mutex_lock(&lock);
	if (fnmatch(now.pattern, path, 0) == 0) {
		made = makes || is_new(path);
		text_add(&now.list, "%s %s %s\n", kinds[kind], made ? "new" : "old", path);
		starts = now.kind == kind && fnmatch(now.role, path, 0) == 0 &&
			 (made ? !now.only_old : !now.only_new) && ++now.calls == now.from;
		if (now.kind == kind && (starts || now.failed > 0) &&
		    (now.count == 0 || now.failed < now.count)) {
			now.failed++;
			snprintf(now.last, sizeof(now.last), "%s", path);
			r = -now.errnum;
		}
	}
	pthread_mutex_unlock(&lock);
	return r;
}

static int fails(enum kind kind, const char *path)
{
	return fails_making(kind, path, false);
}

/* -------------------------------------------------------------------- control */

/* Under the lock: what is to fail from here on. */
static void begin(enum kind kind, int errnum, long from, long count, const char *pattern, const char *role)
{
	free(now.made.bytes);
	free(now.list.bytes);
	memset(&now, 0, sizeof(now));
	now.kind = kind;
	now.errnum = errnum;
	now.from = from;
	now.count = count;
	now.only_new = strncmp(role, "new:", 4) == 0;
	now.only_old = strncmp(role, "old:", 4) == 0;
	snprintf(now.pattern, sizeof(now.pattern), "%s", pattern);
	snprintf(now.role, sizeof(now.role), "%s", role + (now.only_new || now.only_old ? 4 : 0));
}

static int control(const char *text, size_t size)
{
	char line[2 * PATH_LEN], kind[16], errnum[16], pattern[PATH_LEN] = "*", role[PATH_LEN] = "";
	long from = 1, count = 1;

	if (size >= sizeof(line))
		return -EINVAL;
	memcpy(line, text, size);
	line[size] = '\0';
	if (sscanf(line, "%15s %15s %ld %ld %511s %511s", kind, errnum, &from, &count, pattern, role) < 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], kind) != 0)
			continue;
		pthread_mutex_lock(&lock);
		begin((enum kind)i, strcmp(errnum, "ENOSPC") == 0 ? ENOSPC : EIO, from, count, pattern,
		      *role ? role : pattern);
		pthread_mutex_unlock(&lock);
		return (int)size;
	}
	return -EINVAL;
}

/* What there is of the text from the offset on. */
static int part(const char *text, size_t length, char *buffer, size_t size, off_t offset)
{
	if (offset < 0 || (size_t)offset >= length)
		return 0;
	length -= (size_t)offset;
	if (length > size)
		length = size;
	memcpy(buffer, text + offset, length);
	return (int)length;
}

static int status(const char *path, char *buffer, size_t size, off_t offset)
{
	char text[PATH_LEN + 64];
	int r;

	pthread_mutex_lock(&lock);
	snprintf(text, sizeof(text), "%ld %ld %s\n", now.calls, now.failed, now.last);
	r = strcmp(path, CALLS) == 0 ? part(now.list.bytes, now.list.length, buffer, size, offset)
				     : part(text, strlen(text), buffer, size, offset);
	pthread_mutex_unlock(&lock);
	return r;
}

/* ---------------------------------------------------------------------- names */

static int shim_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (path && is_ours(path)) {
		memset(st, 0, sizeof(*st));
		st->st_mode = S_IFREG | 0600;
		st->st_nlink = 1;
		return 0;
	}
	return result(fi ? fstat(file_of(fi)->fd, st) : fstatat(below, in(path), st, AT_SYMLINK_NOFOLLOW));
}

static int shim_readlink(const char *path, char *buffer, size_t size)
{
	ssize_t n = readlinkat(below, in(path), buffer, size - 1);

	if (n < 0)
		return -errno;
	buffer[n] = '\0';
	return 0;
}

static int shim_mkdir(const char *path, mode_t mode)
{
	int r = fails_making(NAME, path, true);

	if (r < 0 || mkdirat(below, in(path), mode) < 0)
		return r < 0 ? r : -errno;
	note_new(path);
	return 0;
}

static int shim_unlink(const char *path)
{
	int r = fails(NAME, path);

	return r < 0 ? r : result(unlinkat(below, in(path), 0));
}

static int shim_rmdir(const char *path)
{
	int r = fails(NAME, path);

	return r < 0 ? r : result(unlinkat(below, in(path), AT_REMOVEDIR));
}

static int shim_symlink(const char *target, const char *path)
{
	return result(symlinkat(target, below, in(path)));
}

static int shim_rename(const char *from, const char *to, unsigned flags)
{
	int r = fails(NAME, from);
	bool made;

	if (r < 0 || renameat2(below, in(from), below, in(to), flags) < 0)
		return r < 0 ? r : -errno;
	pthread_mutex_lock(&lock);
	made = is_new(from);
	pthread_mutex_unlock(&lock);
	if (made)
		note_new(to);
	return 0;
}

static int shim_link(const char *from, const char *to)
{
	return result(linkat(below, in(from), below, in(to), 0));
}

static int shim_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return result(fi ? fchmod(file_of(fi)->fd, mode) : fchmodat(below, in(path), mode, 0));
}

static int shim_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	return result(fi ? fchown(file_of(fi)->fd, uid, gid)
			 : fchownat(below, in(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int shim_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi)
{
	return result(fi ? futimens(file_of(fi)->fd, times)
			 : utimensat(below, in(path), times, AT_SYMLINK_NOFOLLOW));
}

static int shim_statfs(const char *path, struct statvfs *st)
{
	(void)path;
	return result(fstatvfs(below, st));
}

/* The path for calls that take no folder's descriptor. */
static void full_path(const char *path, char ret[PATH_LEN + 64])
{
	snprintf(ret, PATH_LEN + 64, "/proc/self/fd/%d/%s", below, in(path));
}

static int shim_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
	char full[PATH_LEN + 64];

	full_path(path, full);
	return result(lsetxattr(full, name, value, size, flags));
}

static int shim_getxattr(const char *path, const char *name, char *value, size_t size)
{
	char full[PATH_LEN + 64];

	full_path(path, full);
	return result((int)lgetxattr(full, name, value, size));
}

static int shim_listxattr(const char *path, char *list, size_t size)
{
	char full[PATH_LEN + 64];

	full_path(path, full);
	return result((int)llistxattr(full, list, size));
}

static int shim_removexattr(const char *path, const char *name)
{
	char full[PATH_LEN + 64];

	full_path(path, full);
	return result(lremovexattr(full, name));
}

static struct file *file_new(const char *path, int fd)
{
	struct file *file = malloc(sizeof(*file) + strlen(path) + 1);

	if (file) {
		memcpy(file->path, path, strlen(path) + 1);
		file->fd = fd;
	}
	return file;
}

static int shim_opendir(const char *path, struct fuse_file_info *fi)
{
	struct file *folder = file_new(path, -1);

	fi->fh = (uintptr_t)folder;
	return folder ? 0 : -ENOMEM;
}

static int shim_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
			struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	int fd = openat(below, in(file_of(fi)->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	(void)path, (void)offset, (void)flags;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct stat st = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};

		if (fill(buffer, entry->d_name, &st, 0, 0))
			break;
	}
	(void)closedir(dir);
	return 0;
}

/* ---------------------------------------------------------------------- files */

static int open_file(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	bool controls = is_ours(path), makes = fi->flags & O_CREAT;
	int r = controls ? 0 : fails_making(OPEN, path, makes);
	struct file *file;

	if (r < 0)
		return r;
	file = file_new(path, -1);
	if (!file)
		return -ENOMEM;
	/* The kernel says where to append, and this file system's buffers are not aligned. */
	file->fd = controls ? -1
			    : openat(below, in(path), (fi->flags & ~(O_DIRECT | O_APPEND)) | O_CLOEXEC, mode);
	if (file->fd < 0 && !controls) {
		r = -errno;
		free(file);
		return r;
	}
	if (makes)
		note_new(path);
	fi->direct_io = controls;
	fi->fh = (uintptr_t)file;
	return 0;
}

static int shim_open(const char *path, struct fuse_file_info *fi)
{
	return open_file(path, 0, fi);
}

static int shim_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	fi->flags |= O_CREAT;
	return open_file(path, mode, fi);
}

static int shim_release(const char *path, struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);

	(void)path;
	if (file->fd >= 0)
		(void)close(file->fd);
	free(file);
	return 0;
}

static int shim_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	int r;

	(void)path;
	if (file->fd < 0)
		return status(file->path, buffer, size, offset);
	r = fails(READ, file->path);
	return r < 0 ? r : result((int)pread(file->fd, buffer, size, offset));
}

static int shim_write(const char *path, const char *data, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	int r;

	(void)path;
	if (file->fd < 0)
		return strcmp(file->path, CONTROL) == 0 ? control(data, size) : -EACCES;
	r = fails(WRITE, file->path);
	return r < 0 ? r : result((int)pwrite(file->fd, data, size, offset));
}

static int shim_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	const char *name = fi ? file_of(fi)->path : path;
	int r, fd;

	if (is_ours(name))
		return 0;
	r = fails(WRITE, name);
	if (r < 0)
		return r;
	if (fi)
		return result(ftruncate(file_of(fi)->fd, size));
	fd = openat(below, in(path), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = result(ftruncate(fd, size));
	(void)close(fd);
	return r;
}

static int shim_fallocate(const char *path, int mode, off_t offset, off_t size, struct fuse_file_info *fi)
{
	int r = fails(WRITE, file_of(fi)->path);

	(void)path;
	return r < 0 ? r : result(fallocate(file_of(fi)->fd, mode, offset, size));
}

static off_t shim_lseek(const char *path, off_t offset, int whence, struct fuse_file_info *fi)
{
	off_t at = lseek(file_of(fi)->fd, offset, whence);

	(void)path;
	return at < 0 ? -errno : at;
}

static int shim_fsync(const char *path, int data_only, struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	int r = file->fd < 0 ? 0 : fails(SYNC, file->path);

	(void)path;
	if (r < 0 || file->fd < 0)
		return r;
	return result(data_only ? fdatasync(file->fd) : fsync(file->fd));
}

static int shim_fsyncdir(const char *path, int data_only, struct fuse_file_info *fi)
{
	(void)path, (void)data_only;
	return fails(SYNC, file_of(fi)->path);
}

static void *shim_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	connection->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
	config->use_ino = 1;
	config->hard_remove = 1; /* what is open is reached by its descriptor */
	config->nullpath_ok = 1;
	return NULL;
}

static const struct fuse_operations operations = {
	.getattr = shim_getattr,
	.readlink = shim_readlink,
	.mkdir = shim_mkdir,
	.unlink = shim_unlink,
	.rmdir = shim_rmdir,
	.symlink = shim_symlink,
	.rename = shim_rename,
	.link = shim_link,
	.chmod = shim_chmod,
	.chown = shim_chown,
	.truncate = shim_truncate,
	.open = shim_open,
	.read = shim_read,
	.write = shim_write,
	.statfs = shim_statfs,
	.release = shim_release,
	.fsync = shim_fsync,
	.setxattr = shim_setxattr,
	.getxattr = shim_getxattr,
	.listxattr = shim_listxattr,
	.removexattr = shim_removexattr,
	.opendir = shim_opendir,
	.readdir = shim_readdir,
	.releasedir = shim_release,
	.fsyncdir = shim_fsyncdir,
	.init = shim_init,
	.create = shim_create,
	.utimens = shim_utimens,
	.fallocate = shim_fallocate,
	.lseek = shim_lseek,
};

int main(int argc, char **argv)
{
	char options[] = "-oallow_other,default_permissions,fsname=faults-shim";
	char *arguments[] = {argv[0], argc > 2 ? argv[2] : NULL, options, NULL};

	if (argc != 3)
		return 2;
	below = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (below < 0) {
		perror(argv[1]);
		return 1;
	}
	(void)umask(0);
	return fuse_main(3, arguments, &operations, NULL);
}
