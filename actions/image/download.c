/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads: the scheme of the URL, the destination file and what is common to all
 * sources. See download.h; the sources are download_curl.c and download_copy.c.
 */
#include "actions/image/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/image/download_copy.h"
#include "actions/image/download_curl.h"

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

static const struct scheme *scheme_of(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	return NULL;
}

/* Decodes the path of a file:// URL; the caller frees *ret. -EINVAL for a malformed one. */
static int path_of_file_url(const char *url, const struct scheme *scheme, char **ret, struct error *e)
{
	const char *encoded = url + strlen(scheme->prefix) - 1; /* the slash belongs to the path */
	_cleanup_free_ char *path = malloc(strlen(encoded) + 1);
	char *out = path;

	if (!path)
		return error_oom(e);
	for (const char *p = encoded; *p; p++) {
		char hex[3] = {p[0] == '%' ? p[1] : '\0', '\0', '\0'}, *end;

		if (*p != '%') {
			*out++ = *p;
			continue;
		}
		hex[1] = hex[0] ? p[2] : '\0';
		*out = (char)strtoul(hex, &end, 16);
		if (end != hex + 2 || *out == '\0' || hex[0] == '+' || hex[0] == '-' || hex[0] == ' ')
			return error_set(
				e, EINVAL,
				"'%s' has a '%%' that is not followed by two hex digits of a character", url);
		out++;
		p += 2;
	}
	*out = '\0';
	*ret = steal(&path);
	return 0;
}

/* A URL for libcurl must be accepted by its parser and have a host. */
static int check_remote_url(const char *url, struct error *e)
{
	CURLU *u = curl_url();
	char *host = NULL;
	CURLUcode code;

	if (!u)
		return error_oom(e);
	code = curl_url_set(u, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_free(host);
	curl_url_cleanup(u);
	if (code == CURLUE_OUT_OF_MEMORY)
		return error_oom(e);
	/* the URL is not shown, it may contain a password */
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
			 "downloads from '%s' are not supported, only from http, https, ftp, file:/// and /",
			 scheme->prefix);
}

/* Sets the length, and writes data and name to disk. */
static int make_durable(struct download *d, int dir_fd)
{
	/* releases what was reserved but not used, and makes a hole at the end */
	if (ftruncate(d->fd, d->done) < 0 || fsync(d->fd) < 0 || fsync(dir_fd) < 0)
		return download_fail(
			d, error_set(d->e, errno, "cannot write the file to disk: %s", strerror(errno)));
	return download_report_progress(d);
}

/* Opens a local source, a regular file; O_NONBLOCK, so that opening a pipe or a device never waits. */
static int open_source(const char *path, int *ret_fd, struct error *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return error_set(e, errno, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "cannot stat '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(e, EINVAL, "'%s' is not a regular file", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Opens the folder of @path and creates the file in it. */
static int open_dest(const char *path, int *ret_dir_fd, int *ret_fd, const char **ret_name, struct error *e)
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
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, errno, "cannot create '%s': %s", path, strerror(errno));
	*ret_dir_fd = steal_fd(&dir_fd);
	*ret_fd = fd;
	*ret_name = name;
	return 0;
}

/* Fills the destination from the source: all steps that can fail once the destination exists. */
static int download_run(struct download *d, const char *url, int source_fd, const char *source_path,
			int dir_fd, char ret_md5[static DOWNLOAD_MD5_STRLEN])
{
	if (EVP_DigestInit_ex(d->md5, EVP_md5(), NULL) != 1)
		return error_set(d->e, EOPNOTSUPP, "the libcrypto of this system does not offer MD5");
	if (source_fd >= 0)
		(void)download_from_file(d, source_fd, source_path);
	else
		(void)download_from_curl(d, url);
	if (d->result < 0 || make_durable(d, dir_fd) < 0)
		return d->result;
	return download_finish_md5(d, ret_md5);
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

	if (!md5)
		return error_oom(e);
	r = download_check_url(url, e);
	if (r < 0)
		return r;
	r = scheme->kind == SOURCE_FILE ? path_of_file_url(url, scheme, &path, e) : 0;
	if (r < 0)
		return r;
	r = scheme->kind == SOURCE_REMOTE ? 0 : open_source(path ? path : url, &source_fd, e);
	if (r < 0)
		return r;
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
