/* SPDX-License-Identifier: Apache-2.0 */
/* See transfer.h. */
#include "hypervisor/storage/transfer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define COPY_BUFFER (1 << 20)

void transfer_begin(struct transfer *t, hv_progress *progress, void *ctx, int64_t total)
{
	*t = (struct transfer){.progress = progress, .ctx = ctx, .total = total, .percent = -1};
}

static int tell(struct transfer *t, int percent)
{
	if (percent <= t->percent || t->cancelled)
		return t->cancelled ? -ECANCELED : 0;
	t->percent = percent;
	if (t->progress && t->progress(t->ctx, percent) != 0)
		t->cancelled = true;
	return t->cancelled ? -ECANCELED : 0;
}

int transfer_advance(struct transfer *t, int64_t bytes)
{
	t->done += bytes;
	if (t->total <= 0)
		return 0;
	/* in floating point, because done * 100 does not fit for the largest files */
	return tell(t, t->done >= t->total ? 100 : (int)((double)t->done * 100.0 / (double)t->total));
}

int transfer_end(struct transfer *t)
{
	return tell(t, 100);
}

int sparse_next(int fd, int64_t size, bool *ret_data, int64_t *ret_length)
{
	off_t here = lseek(fd, 0, SEEK_CUR);
	off_t next;

	if (here < 0)
		return -errno;
	if (here >= size) {
		*ret_data = false;
		*ret_length = 0;
		return 0;
	}
	next = lseek(fd, here, SEEK_DATA);
	if (next < 0 && errno != ENXIO)
		return -errno;
	*ret_data = next == here;
	if (*ret_data)
		next = lseek(fd, here, SEEK_HOLE);
	if (next < 0 || next > size) /* ENXIO: nothing but a hole follows */
		next = size;
	if (lseek(fd, here, SEEK_SET) < 0)
		return -errno;
	*ret_length = next - here;
	return 0;
}

int write_all(int fd, const void *data, size_t size)
{
	const char *from = data;

	while (size > 0) {
		ssize_t written = write(fd, from, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		from += written;
		size -= (size_t)written;
	}
	return 0;
}

int write_hole(int fd, int64_t size)
{
	off_t end = lseek(fd, size, SEEK_CUR);

	if (end < 0 || ftruncate(fd, end) < 0)
		return -errno;
	return 0;
}

/* Copies @length bytes of data at the position of @from to the position of @to. */
static int copy_data(struct transfer *t, int from, int to, int64_t length, char *buffer)
{
	while (length > 0) {
		ssize_t got = read(from, buffer, length < COPY_BUFFER ? (size_t)length : COPY_BUFFER);
		int rc;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO; /* the file became shorter */
		rc = write_all(to, buffer, (size_t)got);
		if (rc == 0)
			rc = transfer_advance(t, got);
		if (rc < 0)
			return rc;
		length -= got;
	}
	return 0;
}

/* True if @to shares the blocks of @from now, which has @size bytes. */
static bool clone_file(int from, int64_t size, int to)
{
	struct stat st;

	return fstat(from, &st) == 0 && st.st_size == size && ioctl(to, FICLONE, from) == 0;
}

int transfer_copy(struct transfer *t, int from, int64_t size, int to)
{
	_cleanup_free_ char *buffer = NULL;
	int64_t length;
	bool data;
	int rc;

	if (clone_file(from, size, to))
		return transfer_end(t);
	buffer = malloc(COPY_BUFFER);
	if (!buffer)
		return -ENOMEM;
	for (;;) {
		rc = sparse_next(from, size, &data, &length);
		if (rc < 0)
			return rc;
		if (length == 0)
			return transfer_end(t);
		if (data) {
			rc = copy_data(t, from, to, length, buffer);
		} else {
			rc = lseek(from, length, SEEK_CUR) < 0 ? -errno : write_hole(to, length);
			if (rc == 0)
				rc = transfer_advance(t, length);
		}
		if (rc < 0)
			return rc;
	}
}

int open_source(const char *file, int64_t *ret_size, struct error *e)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(e, errno, "cannot read '%s': %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "'%s' is not a regular file", file);
	*ret_size = st.st_size;
	return steal_fd(&fd);
}

int open_target(const char *file, struct error *e)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(e, errno, "cannot create '%s': %s", file, strerror(errno));
	return fd;
}
