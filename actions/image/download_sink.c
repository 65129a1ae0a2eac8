/* SPDX-License-Identifier: Apache-2.0 */
/* See download_sink.h. */
#include "actions/image/download_sink.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <time.h>

#include "model/clock.h"

#define PROGRESS_INTERVAL_MS 100
/* Bytes that are copied before the kernel is told to write them. */
#define WRITE_STEP (INT64_C(8) << 20)
/* Zeros that are summed before progress is looked at again. */
#define HOLE_STEP (INT64_C(8) << 20)

int download_fail(struct download *d, int result)
{
	if (d->result == 0)
		d->result = result;
	return d->result;
}

static int check_max(struct download *d, int64_t bytes)
{
	if (d->limits->max_bytes > 0 && bytes > d->limits->max_bytes)
		return download_fail(d, error_set(d->e, EFBIG,
						  "the source has more than the %" PRId64 " bytes allowed",
						  d->limits->max_bytes));
	return 0;
}

int download_check_space(struct download *d, int64_t bytes)
{
	struct statvfs fs;
	uint64_t available;

	if (fstatvfs(d->fd, &fs) < 0)
		return 0; /* then the write fails */
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	if ((uint64_t)bytes > available)
		return download_fail(d,
				     error_set(d->e, ENOSPC,
					       "%" PRId64 " bytes are needed and %" PRIu64 " are available",
					       bytes, available));
	return 0;
}

/* Reserves the space of the whole file, or at least checks that it is available. */
static int reserve_space(struct download *d, int64_t bytes)
{
	int r;

	if (download_check_space(d, bytes) < 0)
		return d->result;
	do
		r = fallocate(d->fd, FALLOC_FL_KEEP_SIZE, 0, bytes);
	while (r < 0 && errno == EINTR);
	if (r == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return download_fail(d, error_set(d->e, errno, "cannot reserve space for %" PRId64 " bytes: %s",
					  bytes, strerror(errno)));
}

int download_set_total(struct download *d, int64_t total, bool reserve)
{
	d->total = total;
	if (check_max(d, total) < 0)
		return d->result;
	return reserve && total > 0 ? reserve_space(d, total) : 0;
}

static int write_all(struct download *d, const char *bytes, size_t len)
{
	for (size_t written = 0; written < len;) {
		ssize_t n = pwrite(d->fd, bytes + written, len - written, d->done + (int64_t)written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int errnum = n < 0 ? errno : ENOSPC;

			return download_fail(d, error_set(d->e, errnum,
							  "cannot write the file at byte %" PRId64 ": %s",
							  d->done + (int64_t)written, strerror(errnum)));
		}
		written += (size_t)n;
	}
	return 0;
}

static int fail_sum(struct download *d)
{
	return download_fail(d, error_set(d->e, EIO, "cannot compute the checksum"));
}

/* Has the kernel begin to write, so that the disk works while more is copied; fsync(2) in the end says how it went. */
static void start_writing(struct download *d)
{
	if (d->done - d->started < WRITE_STEP)
		return;
	(void)sync_file_range(d->fd, d->started, d->done - d->started, SYNC_FILE_RANGE_WRITE);
	d->started = d->done;
}

/* Notes @len bytes more. */
static int advance(struct download *d, int64_t len)
{
	d->done += len;
	start_writing(d);
	return download_tick(d);
}

int download_put(struct download *d, const void *bytes, size_t len)
{
	if (d->result < 0)
		return d->result;
	if (check_max(d, d->done + (int64_t)len) < 0 || write_all(d, bytes, len) < 0)
		return d->result;
	digest_add(d->md5, bytes, len);
	if (d->sum)
		digest_add(d->sum, bytes, len);
	return advance(d, (int64_t)len);
}

void *download_room(struct download *d, size_t *ret_len)
{
	void *room = digest_room(d->md5, ret_len);

	if (!room)
		(void)download_fail(d, error_oom(d->e));
	return room;
}

int download_fill(struct download *d, const void *room, size_t len, bool write)
{
	if (d->result < 0)
		return d->result;
	if (check_max(d, d->done + (int64_t)len) < 0 || (write && write_all(d, room, len) < 0))
		return d->result;
	if (d->sum)
		digest_add(d->sum, room, len);
	digest_fill(d->md5, len);
	return advance(d, (int64_t)len);
}

int download_check_sum(struct download *d)
{
	const char *wanted = d->limits->checksum, *digits = d->sum ? strchr(wanted, ':') + 1 : "";
	char got[DIGEST_STRLEN];

	if (d->result < 0 || !d->sum)
		return d->result;
	if (!digest_get(d->sum, 0, got))
		return fail_sum(d);
	if (strcasecmp(got, digits) == 0)
		return 0;
	return download_fail(d,
			     error_set(d->e, EBADMSG, "what has arrived has the checksum '%.*s%s', not '%s'",
				       (int)(digits - wanted), wanted, got, wanted));
}

int download_restart(struct download *d)
{
	d->done = d->started = 0;
	d->total = -1;
	digest_restart(d->md5);
	if (d->sum)
		digest_restart(d->sum);
	return d->result;
}

int download_put_hole(struct download *d, int64_t len)
{
	while (len > 0 && d->result == 0) {
		int64_t n = len < HOLE_STEP ? len : HOLE_STEP;

		if (check_max(d, d->done + n) < 0)
			break;
		digest_add_zeros(d->md5, n);
		if (d->sum)
			digest_add_zeros(d->sum, n);
		(void)advance(d, n);
		len -= n;
	}
	return d->result;
}

int download_finish_md5(struct download *d, char ret_md5[static DOWNLOAD_MD5_STRLEN])
{
	char got[DIGEST_STRLEN];

	if (!digest_get(d->md5, 0, got))
		return fail_sum(d);
	(void)snprintf(ret_md5, DOWNLOAD_MD5_STRLEN, "%.32s", got);
	return 0;
}

int download_report_progress(struct download *d)
{
	int percent = d->total > 0    ? (int)((double)d->done / (double)d->total * 100)
		      : d->total == 0 ? 100
				      : -1;

	if (d->progress &&
	    d->progress(d->progress_ctx, d->done, d->total, percent > 100 ? 100 : percent) != 0)
		return download_fail(d, error_set(d->e, ECANCELED,
						  "the download was cancelled after %" PRId64 " bytes",
						  d->done));
	return 0;
}

int download_tick(struct download *d)
{
	int64_t now = clock_monotonic_ms();

	if (d->result < 0)
		return d->result;
	if (d->deadline_ms && now >= d->deadline_ms)
		return download_fail(d, error_set(d->e, ETIMEDOUT,
						  "the download took longer than %" PRId64 " s, %" PRId64
						  " bytes had arrived",
						  d->limits->seconds, d->done));
	if (now < d->next_progress_ms)
		return 0;
	d->next_progress_ms = now + PROGRESS_INTERVAL_MS;
	return download_report_progress(d);
}

int download_pause(struct download *d, int64_t ms)
{
	const struct timespec step = {.tv_nsec = PROGRESS_INTERVAL_MS * 1000000L};
	int64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end && download_tick(d) == 0)
		(void)nanosleep(&step, NULL);
	return d->result;
}
