/* SPDX-License-Identifier: Apache-2.0 */
/* See download_copy.h. */
#include "actions/image/download_copy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* Bytes that the kernel copies before they are summed. */
#define CHUNK (1 << 20)

/* Adds the bytes [from, to) of @fd to the download. Without @write, @fd is the destination, which has them. */
static int take_data(struct download *d, int fd, int64_t from, int64_t to, bool write)
{
	while (from < to && d->result == 0) {
		size_t room;
		void *buf = download_room(d, &room);
		ssize_t n;

		if (!buf)
			break;
		n = pread(fd, buf, to - from < (int64_t)room ? (size_t)(to - from) : room, from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return download_fail(d, error_set(d->e, errno,
							  "cannot read the %s at byte %" PRId64 ": %s",
							  write ? "source" : "copy", from, strerror(errno)));
		if (n == 0)
			return download_fail(d, error_set(d->e, EBUSY,
							  "the %s became shorter while it was copied",
							  write ? "source" : "copy"));
		(void)download_fill(d, buf, (size_t)n, write);
		from += n;
	}
	return d->result;
}

/* Adds the bytes [from, to) of @fd. The kernel copies them from page to page where it can, and the copy is summed. */
static int copy_data(struct download *d, int fd, int64_t from, int64_t to)
{
	while (from < to && d->result == 0) {
		off_t in = from, out = from;
		ssize_t n = copy_file_range(fd, &in, d->fd, &out,
					    to - from < CHUNK ? (size_t)(to - from) : CHUNK, 0);

		if (n <=
		    0) /* not between these file systems, or an error, which read(2) or write(2) will say */
			return take_data(d, fd, from, to, true);
		(void)take_data(d, d->fd, from, from + n, false);
		from += n;
	}
	return d->result;
}

/* Adds the data and the holes of @fd, up to @size. It may be the destination. */
static int take_file(struct download *d, int fd, int64_t size)
{
	int64_t offset = 0;

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
		(void)(fd == d->fd ? take_data(d, fd, data, hole, false) : copy_data(d, fd, data, hole));
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
	struct stat clone;

	if (fstat(d->fd, &clone) < 0)
		return download_fail(
			d, error_set(d->e, errno, "cannot read the copy of '%s': %s", path, strerror(errno)));
	if (download_set_total(d, clone.st_size, false) < 0)
		return d->result;
	return take_file(d, d->fd, clone.st_size);
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
	if (take_file(d, source_fd, before.st_size) < 0)
		return d->result;
	if (fstat(source_fd, &after) < 0 || !is_same_content(&before, &after))
		return download_fail(d, error_set(d->e, EBUSY, "'%s' changed while it was copied", path));
	return 0;
}
