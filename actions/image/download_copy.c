/* SPDX-License-Identifier: Apache-2.0 */
/* See download_copy.h. */
#include "actions/image/download_copy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define CHUNK (1 << 20)

/* Adds the bytes [from, to) of @fd to the download. */
static int take_data(struct download *d, int fd, char *buf, int64_t from, int64_t to, bool write)
{
	while (from < to && d->result == 0) {
		size_t wanted = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = pread(fd, buf, wanted, from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return download_fail(d, error_set(d->e, errno,
							  "cannot read the source at byte %" PRId64 ": %s",
							  from, strerror(errno)));
		if (n == 0)
			return download_fail(
				d, error_set(d->e, EBUSY, "the source became shorter while it was copied"));
		(void)download_put(d, buf, (size_t)n, write);
		from += n;
	}
	return d->result;
}

/* Adds the data and the holes of @fd, up to @size. */
static int take_file(struct download *d, int fd, int64_t size, bool write)
{
	_cleanup_free_ char *buf = malloc(CHUNK);
	int64_t offset = 0;

	if (!buf)
		return download_fail(d, error_oom(d->e));
	while (offset < size && d->result == 0) {
		int64_t data = lseek(fd, offset, SEEK_DATA), hole;

		if (data < 0)
			data = errno == ENXIO ? size : offset; /* a hole up to the end, or no support */
		if (data > size)
			data = size;
		if (download_put_hole(d, data - offset) < 0)
			break;
		hole = data < size ? lseek(fd, data, SEEK_HOLE) : size;
		if (hole <= data || hole > size)
			hole = size;
		(void)take_data(d, fd, buf, data, hole, write);
		offset = hole;
	}
	return d->result;
}

/* As far as size and mtime tell. */
static bool is_same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int download_sum_file(struct download *d, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat clone;
	char self[64];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", d->fd); /* d->fd is write-only */
	fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &clone) < 0)
		return download_fail(
			d, error_set(d->e, errno, "cannot read the copy of '%s': %s", path, strerror(errno)));
	if (download_set_total(d, clone.st_size, false) < 0)
		return d->result;
	/* the disk works meanwhile */
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return take_file(d, fd, clone.st_size, false);
}

int download_from_file(struct download *d, int source_fd, const char *path)
{
	struct stat before, after;
	int64_t occupied;

	if (fstat(source_fd, &before) < 0)
		return download_fail(d,
				     error_set(d->e, errno, "cannot stat '%s': %s", path, strerror(errno)));
	if (download_set_total(d, before.st_size, false) < 0)
		return d->result;
	/* the destination has become a snapshot of the source: sums it, whatever happens to the source */
	if (ioctl(d->fd, FICLONE, source_fd) == 0)
		return download_sum_file(d, path);
	occupied = (int64_t)before.st_blocks * 512;
	if (occupied < before.st_size ? download_check_space(d, occupied) < 0
				      : download_set_total(d, before.st_size, true) < 0)
		return d->result;
	(void)posix_fadvise(source_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (take_file(d, source_fd, before.st_size, true) < 0)
		return d->result;
	if (fstat(source_fd, &after) < 0 || !is_same_content(&before, &after))
		return download_fail(d, error_set(d->e, EBUSY, "'%s' changed while it was copied", path));
	return 0;
}
