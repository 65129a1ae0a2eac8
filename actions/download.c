/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads: the URL's kind, the destination file and what is common to all
 * sources. See download.h; the sources are download_curl.c and download_copy.c.
 */
#include "actions/download_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define PROGRESS_INTERVAL_MS 100

enum source_kind {
	SOURCE_REMOTE,
	SOURCE_FILE,
	SOURCE_PATH,
	SOURCE_REFUSED,
};

static const struct scheme {
	const char *prefix;
	enum source_kind kind;
} schemes[] = {
	{"/", SOURCE_PATH},	     {"file:///", SOURCE_FILE},	    {"file://localhost/", SOURCE_FILE},
	{"ftp://", SOURCE_REMOTE},   {"http://", SOURCE_REMOTE},    {"https://", SOURCE_REMOTE},
	{"sftp://", SOURCE_REFUSED}, {"upload://", SOURCE_REFUSED}, {"zstore://", SOURCE_REFUSED},
};

int64_t download_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const struct scheme *scheme_of(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	return NULL;
}

/* The path of a file:// URL, its %XX decoded. The caller frees it; NULL and -EINVAL for a broken one. */
static int path_of_file_url(const char *url, const struct scheme *scheme, char **ret, struct error *e)
{
	const char *encoded = url + strlen(scheme->prefix) - 1; /* the slash belongs to the path */
	char *path, *out;

	path = out = malloc(strlen(encoded) + 1);
	if (!path)
		return error_set(e, ENOMEM, "out of memory");
	for (const char *p = encoded; *p; p++) {
		char hex[3] = {p[0] == '%' ? p[1] : '\0', '\0', '\0'}, *end;

		if (*p != '%') {
			*out++ = *p;
			continue;
		}
		hex[1] = hex[0] ? p[2] : '\0';
		*out = (char)strtoul(hex, &end, 16);
		if (end != hex + 2 || *out == '\0' || hex[0] == '+' || hex[0] == '-' || hex[0] == ' ') {
			free(path);
			return error_set(
				e, EINVAL,
				"'%s' has a '%%' that is not followed by two hex digits of a character", url);
		}
		out++;
		p += 2;
	}
	*out = '\0';
	*ret = path;
	return 0;
}

/* Checks a URL for libcurl: its own parser must take it, and it must have a host. */
static int check_remote_url(const char *url, struct error *e)
{
	CURLU *u = curl_url();
	char *host = NULL;
	CURLUcode code;

	if (!u)
		return error_set(e, ENOMEM, "out of memory");
	code = curl_url_set(u, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_free(host);
	curl_url_cleanup(u);
	if (code == CURLUE_OUT_OF_MEMORY)
		return error_set(e, ENOMEM, "out of memory");
	/* the URL is not shown, it may hold a password */
	return code == CURLUE_OK ? 0
				 : error_set(e, EINVAL, "the url is malformed: %s", curl_url_strerror(code));
}

int download_check_url(const char *url, struct error *e)
{
	const struct scheme *scheme = scheme_of(url);
	_cleanup_free_ char *path = NULL;

	if (!scheme) /* the manual's sentence (behaviour.md 4.3.1), with its full-width comma */
		return error_set(
			e, EINVAL,
			"url must starts with 'file:///', 'http://', 'https://'\xef\xbc\x8c 'ftp://', 'sftp://' or '/'");
	switch (scheme->kind) {
	case SOURCE_REMOTE:
		return check_remote_url(url, e);
	case SOURCE_FILE:
		return path_of_file_url(url, scheme, &path, e);
	case SOURCE_PATH:
		return 0;
	case SOURCE_REFUSED:
		break;
	}
	return error_set(e, EOPNOTSUPP,
			 "downloads from '%s' are not supported, http, https, ftp, file:/// and / are",
			 scheme->prefix);
}

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
		return 0; /* then writing will tell */
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	if ((uint64_t)bytes > available)
		return download_fail(d,
				     error_set(d->e, ENOSPC,
					       "%" PRId64 " bytes are needed and %" PRIu64 " are available",
					       bytes, available));
	return 0;
}

/* Takes the space of the whole file now, or at least looks whether it is there. */
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
	return download_fail(d, error_set(d->e, errno, "space for %" PRId64 " bytes cannot be reserved: %s",
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

int download_put(struct download *d, const void *bytes, size_t len, bool write)
{
	if (d->result < 0)
		return d->result;
	if (check_max(d, d->done + (int64_t)len) < 0 || (write && write_all(d, bytes, len) < 0))
		return d->result;
	if (EVP_DigestUpdate(d->md5, bytes, len) != 1)
		return download_fail(d, error_set(d->e, EIO, "the md5 sum cannot be calculated"));
	d->done += (int64_t)len;
	return download_tick(d);
}

int download_put_hole(struct download *d, int64_t len)
{
	static const char zeros[1 << 16];

	while (len > 0 && d->result == 0) {
		size_t n = len < (int64_t)sizeof(zeros) ? (size_t)len : sizeof(zeros);

		(void)download_put(d, zeros, n, false);
		len -= (int64_t)n;
	}
	return d->result;
}

static int tell_progress(struct download *d)
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
	int64_t now = download_now_ms();

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
	return tell_progress(d);
}

/* Length, data and name on disk. */
static int make_durable(struct download *d, int dir_fd)
{
	/* what was reserved and not used is given back, a hole at the end is made */
	if (ftruncate(d->fd, d->done) < 0 || fsync(d->fd) < 0 || fsync(dir_fd) < 0)
		return download_fail(
			d, error_set(d->e, errno, "the file cannot be brought to disk: %s", strerror(errno)));
	return tell_progress(d);
}

static int md5_finish(struct download *d, char ret[static DOWNLOAD_MD5_STRLEN])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(d->md5, digest, &len) != 1 || len != 16)
		return download_fail(d, error_set(d->e, EIO, "the md5 sum cannot be calculated"));
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(ret + (size_t)2 * i, 3, "%02x", digest[i]);
	return 0;
}

/* Opens a local source. No device is ever waited for: O_NONBLOCK, then a look at what it is. */
static int open_source(const char *path, int *ret_fd, struct error *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "cannot look at '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "'%s' is not a regular file", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Opens the folder of @path and makes the file in it. */
static int open_dest(const char *path, int *ret_dir_fd, int *ret_fd, const char **ret_name, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	_cleanup_free_ char *dir =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	_cleanup_close_ int dir_fd = -1;
	int fd;

	if (!dir)
		return error_set(e, ENOMEM, "out of memory");
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_set(e, errno, "cannot open the folder '%s': %s", dir, strerror(errno));
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, errno, "cannot create '%s': %s", path, strerror(errno));
	*ret_dir_fd = steal_fd(&dir_fd);
	*ret_fd = fd;
	*ret_name = name;
	return 0;
}

/* Fills the destination from the source that is named; all the steps that may fail once it exists. */
static int download_run(struct download *d, const char *url, int source_fd, const char *source_path,
			int dir_fd, char ret_md5[static DOWNLOAD_MD5_STRLEN])
{
	if (EVP_DigestInit_ex(d->md5, EVP_md5(), NULL) != 1)
		return error_set(d->e, EOPNOTSUPP, "this system's libcrypto does not offer md5");
	if (source_fd >= 0)
		(void)download_from_file(d, source_fd, source_path);
	else
		(void)download_from_curl(d, url);
	if (d->result == 0 && make_durable(d, dir_fd) == 0)
		(void)md5_finish(d, ret_md5);
	return d->result;
}

static void md5_free(EVP_MD_CTX **md5)
{
	EVP_MD_CTX_free(*md5);
}

int download(const char *url, const char *dest_path, const struct download_limits *limits,
	     download_progress_fn *progress, void *progress_ctx, char ret_md5[static DOWNLOAD_MD5_STRLEN],
	     struct error *e)
{
	_cleanup_(md5_free) EVP_MD_CTX *md5 = EVP_MD_CTX_new();
	_cleanup_close_ int source_fd = -1, dir_fd = -1, fd = -1;
	const struct scheme *scheme = scheme_of(url);
	_cleanup_(error_done) struct error own = ERROR_INIT;
	_cleanup_free_ char *path = NULL;
	struct download d;
	const char *name = NULL;
	int r;

	r = md5 ? download_check_url(url, e) : error_set(e, ENOMEM, "out of memory");
	if (r == 0 && scheme->kind == SOURCE_FILE)
		r = path_of_file_url(url, scheme, &path, e);
	if (r == 0 && scheme->kind != SOURCE_REMOTE)
		r = open_source(path ? path : url, &source_fd, e);
	if (r == 0)
		r = open_dest(dest_path, &dir_fd, &fd, &name, e);
	if (r < 0)
		return r;
	d = (struct download){
		.limits = limits,
		.progress = progress,
		.progress_ctx = progress_ctx,
		.e = e ? e : &own,
		.fd = fd,
		.md5 = md5,
		.total = -1,
		.deadline_ms = limits->seconds > 0 ? download_now_ms() + limits->seconds * 1000 : 0,
	};
	r = download_run(&d, url, source_fd, path ? path : url, dir_fd, ret_md5);
	if (r < 0)
		(void)unlinkat(dir_fd, name, 0);
	return r;
}
