/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads: the source, the destination file and what is common to all sources. See
 * download.h; the sources are download_curl.c and download_copy.c.
 */
#include "actions/image/download.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/image/download_copy.h"
#include "actions/image/download_curl.h"
#include "model/clock.h"

/* Sets the length, and writes data and name to disk. */
static int make_durable(struct download *d, int dir_fd)
{
	/* releases what was reserved but not used, and makes a hole at the end */
	if (ftruncate(d->fd, d->done) < 0 || fsync(d->fd) < 0 || fsync(dir_fd) < 0)
		return download_fail(
			d, error_set(d->e, errno, "cannot write the file to disk: %s", strerror(errno)));
	return download_report_progress(d);
}

int download_check_checksum(const char *checksum, struct error *e)
{
	static const struct {
		const char *prefix;
		size_t digits;
	} kinds[] = {{"md5:", 32}, {"sha256:", 64}, {"sha512:", 128}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(checksum, kinds[i].prefix, len) == 0 &&
		    strspn(checksum + len, "0123456789abcdefABCDEF") == kinds[i].digits &&
		    checksum[len + kinds[i].digits] == '\0')
			return 0;
	}
	return error_set(e, EINVAL,
			 "'%s' is not a checksum, it must be md5:, sha256: or sha512: and the hex digits",
			 checksum);
}

int download_source_open(const char *url, const struct url_policy *policy, struct download_source *ret_source,
			 struct error *e)
{
	_cleanup_(download_source_close) struct download_source source = {
		.url = url, .policy = policy, .fd = -1};
	int r = url_check(url, URL_OF_IMAGE, e);

	if (r < 0)
		return r;
	r = url_local_path(url, &source.path, e);
	if (r < 0)
		return r;
	r = source.path ? url_policy_open(policy, source.path, &source.fd, e) : 0;
	if (r < 0)
		return r;
	*ret_source = source;
	source = (struct download_source){.fd = -1};
	return 0;
}

void download_source_close(struct download_source *source)
{
	if (source->fd >= 0)
		(void)close(source->fd);
	free(source->path);
	*source = (struct download_source){.fd = -1};
}

/*
 * For file systems that cannot tell whether the name is taken (NFS, ZFS before 2.2): it is taken first, and then replaced.
 * Elsewhere that costs: ext4 has all that was written on its way to the disk before such a rename(2) returns.
 */
static int rename_over(const char *from, int dir_fd, const char *name)
{
	int r, taken = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (taken < 0)
		return -1;
	(void)close(taken);
	r = renameat(AT_FDCWD, from, dir_fd, name);
	if (r < 0)
		(void)unlinkat(dir_fd, name, 0);
	return r;
}

/* Moves the source to the name. -1: it has to be copied, or the name is taken, which the copy will find. */
static int move(const struct download_source *source, int dir_fd, const char *name)
{
	_cleanup_close_ int fd = open(source->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -1;
	r = renameat2(AT_FDCWD, source->path, dir_fd, name, RENAME_NOREPLACE);
	if (r < 0 && errno == EINVAL)
		r = rename_over(source->path, dir_fd, name);
	return r < 0 ? -1 : steal_fd(&fd);
}

/* Opens the folder of @path, and moves the source into it, or creates the file. */
static int open_dest(const struct download_source *source, const char *path, int *ret_dir_fd, int *ret_fd,
		     const char **ret_name, bool *ret_moved, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	_cleanup_free_ char *dir =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	_cleanup_close_ int dir_fd = -1;
	int fd;

	if (!dir)
		return error_oom(e);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_set(e, errno, "cannot open the folder '%s': %s", dir, strerror(errno));
	fd = source->spent ? move(source, dir_fd, name) : -1;
	*ret_moved = fd >= 0;
	if (fd < 0)
		fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, errno, "cannot create '%s': %s", path, strerror(errno));
	*ret_dir_fd = steal_fd(&dir_fd);
	*ret_fd = fd;
	*ret_name = name;
	return 0;
}

/* Fills the destination from the source: all steps that can fail once the destination exists. */
static int download_run(struct download *d, const struct download_source *source, int dir_fd, bool moved,
			char ret_md5[static DOWNLOAD_MD5_STRLEN])
{
	if (moved)
		(void)download_sum_file(d, source->path);
	else if (source->spent &&
		 fsync(source->fd) < 0) /* nobody else has asked whether it could be written */
		(void)download_fail(d, error_set(d->e, errno, "cannot write '%s' to disk: %s", source->path,
						 strerror(errno)));
	else if (source->path)
		(void)download_from_file(d, source->fd, source->path);
	else
		(void)download_from_curl(d, source);
	if (download_check_sum(d) < 0 || make_durable(d, dir_fd) < 0)
		return d->result;
	return download_finish_md5(d, ret_md5);
}

DEFINE_CLEANUP(struct digest *, digest_free)

/* Of the checksum that is wanted. NULL without one, or memory. */
static struct digest *new_sum(const char *checksum)
{
	char name[sizeof("sha512")];

	(void)snprintf(name, sizeof(name), "%s", checksum);
	name[strcspn(name, ":")] = '\0';
	return digest_new(name);
}

int download(const struct download_source *source, const char *dest_path,
	     const struct download_limits *limits, download_progress_fn *progress, void *progress_ctx,
	     char ret_md5[static DOWNLOAD_MD5_STRLEN], struct error *e)
{
	_cleanup_(digest_free_p) struct digest *md5 = digest_new("md5");
	_cleanup_(digest_free_p) struct digest *sum = limits->checksum ? new_sum(limits->checksum) : NULL;
	_cleanup_close_ int dir_fd = -1, fd = -1;
	_cleanup_(error_done) struct error own = ERROR_INIT;
	struct download d;
	const char *name = NULL;
	bool moved;
	int r;

	if (!md5 || (limits->checksum && !sum))
		return error_set(e, EIO, "cannot begin to compute a checksum");
	r = open_dest(source, dest_path, &dir_fd, &fd, &name, &moved, e);
	if (r < 0)
		return r;
	d = (struct download){
		.limits = limits,
		.progress = progress,
		.progress_ctx = progress_ctx,
		.e = e ? e : &own,
		.fd = steal_fd(&fd),
		.md5 = md5,
		.sum = sum,
		.total = -1,
		.deadline_ms = limits->seconds > 0 ? clock_monotonic_ms() + limits->seconds * 1000 : 0,
	};
	r = download_run(&d, source, dir_fd, moved, ret_md5);
	(void)close(d.fd);
	if (r < 0)
		(void)unlinkat(dir_fd, name, 0);
	return r;
}
