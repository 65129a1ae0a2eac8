/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads from correct and from faulty servers (download_server.py, on
 * loopback) and from local files. After each failure the destination must not
 * exist; after each success it must have exactly the bytes, and their MD5.
 */
#include "tests/unit/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "actions/engine/config.h"
#include "actions/image/download_curl.h"

#define SIZE 2000003 /* as in download_server.py */

static char folder[] = "/tmp/poolfs-download-XXXXXX";
static char dest[100], source[100], cert[100];
static int ports[3]; /* http, https, ftp; 0 = no server */
static pid_t server;
static int server_in = -1;
static const struct download_limits no_limits;
static struct url_policy *policy; /* an administrator's */

/* Opens the source, downloads from it, closes it. */
static int fetch(const struct url_policy *how, const char *from, const char *to,
		 const struct download_limits *limits, download_progress_fn *progress, void *ctx,
		 char ret_md5[static DOWNLOAD_MD5_STRLEN], struct error *e)
{
	struct download_source from_source;
	int r = download_source_open(from, how, &from_source, e);

	if (r < 0)
		return r;
	r = download(&from_source, to, limits, progress, ctx, ret_md5, e);
	download_source_close(&from_source);
	return r;
}

static const char *url(const char *host, int port, const char *path)
{
	static char text[300];

	(void)snprintf(text, sizeof(text), "%s:%d%s", host, port, path);
	return text;
}

static const char *http(const char *path)
{
	return url("http://127.0.0.1", ports[0], path);
}

static const char *https(const char *path)
{
	return url("https://127.0.0.1", ports[1], path);
}

static void need_server(void)
{
	if (ports[0] == 0) {
		print_message("skipped: the test server does not start (python3 and openssl are needed)\n");
		skip();
	}
}

static unsigned char *body(void)
{
	static unsigned char bytes[SIZE];

	for (unsigned i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	return bytes;
}

static void md5_of(const void *bytes, size_t len, char hex[DOWNLOAD_MD5_STRLEN])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	assert_int_equal(EVP_Digest(bytes, len, digest, &n, EVP_md5(), NULL), 1);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* The destination has exactly these bytes, mode 0600; then removes it. */
static void dest_has(const void *bytes, size_t len)
{
	unsigned char *found = malloc(len + 1);
	int fd = open(dest, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_non_null(found);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, len);
	assert_int_equal(read(fd, found, len + 1), len);
	assert_memory_equal(found, bytes, len);
	free(found);
	(void)close(fd);
	assert_int_equal(unlink(dest), 0);
}

static void succeeds_with(const char *from, const struct download_limits *limits)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char md5[DOWNLOAD_MD5_STRLEN], wanted[DOWNLOAD_MD5_STRLEN];

	if (fetch(policy, from, dest, limits, NULL, NULL, md5, &e) < 0)
		fail_msg("%s: %s", from, error_sentence(&e));
	assert_false(error_is_set(&e));
	md5_of(body(), SIZE, wanted);
	assert_string_equal(md5, wanted);
	dest_has(body(), SIZE);
}

static void succeeds(const char *from)
{
	succeeds_with(from, &no_limits);
}

static void fails_full(const char *from, const struct download_limits *limits, download_progress_fn *progress,
		       void *ctx, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char md5[DOWNLOAD_MD5_STRLEN] = "untouched";
	int r = fetch(policy, from, dest, limits, progress, ctx, md5, &e);

	if (r != -errnum || !strstr(error_sentence(&e), sentence))
		fail_msg("%s: %d '%s', not %d '%s'", from, -r, error_sentence(&e), errnum, sentence);
	assert_int_equal(access(dest, F_OK), -1);
	assert_string_equal(md5, "untouched");
	assert_null(strstr(error_sentence(&e), "secret"));
	/* the same without a progress function */
	if (!progress && limits->seconds == 0)
		assert_int_equal(fetch(policy, from, dest, limits, progress, ctx, md5, NULL), -errnum);
}

static void fails(const char *from, int errnum, const char *sentence)
{
	fails_full(from, &no_limits, NULL, NULL, errnum, sentence);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void urls_are_validated(void **state)
{
	static const struct {
		const char *url;
		int result;
	} cases[] = {
		{"http://h/x", 0},
		{"HTTPS://h/x?y#z", 0},
		{"ftp://me:pw@h/x", 0},
		{"http://[::1]:8080/x", 0},
		{"file:///x", 0},
		{"file://localhost/x", 0},
		{"file:///a%20b", 0},
		{"/x", 0},
		{"/", 0},
		{"", -EINVAL},
		{"x", -EINVAL},
		{"file:x", -EINVAL},
		{"file://host/x", -EINVAL},
		{"file:///a%2", -EINVAL},
		{"file:///a%zz", -EINVAL},
		{"file:///a%00b", -EINVAL},
		{"file:///a%+1", -EINVAL},
		{"gopher://h/x", -EINVAL},
		{"http:/h", -EINVAL},
		{"http://", -EINVAL},
		{"http://h:99999/", -EINVAL},
		{"http://h x/", -EINVAL},
		{"sftp://h/x", -EOPNOTSUPP},
		{"upload://x", -EOPNOTSUPP},
		{"zstore://x/y", -EOPNOTSUPP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		int r = url_check(cases[i].url, URL_OF_IMAGE, &e);

		if (r != cases[i].result || (r < 0) != error_is_set(&e))
			fail_msg("'%s': %d '%s'", cases[i].url, r, error_sentence(&e));
		if (r == -EINVAL && !strstr(cases[i].url, "://"))
			assert_string_equal(
				error_sentence(&e),
				"url must starts with 'file:///', 'http://', 'https://'， 'ftp://', 'sftp://' or '/'");
		if (r < 0)
			fails(cases[i].url, -r, "");
	}
}

static void every_result_of_libcurl_has_an_errno(void **state)
{
	static const struct {
		CURLcode code;
		int errnum;
	} fixed[] = {
		{CURLE_OK, 0},
		{CURLE_UNSUPPORTED_PROTOCOL, EOPNOTSUPP},
		{CURLE_URL_MALFORMAT, EINVAL},
		{CURLE_COULDNT_RESOLVE_HOST, EHOSTUNREACH},
		{CURLE_COULDNT_CONNECT, EHOSTUNREACH},
		{CURLE_REMOTE_ACCESS_DENIED, EACCES},
		{CURLE_PARTIAL_FILE, EIO},
		{CURLE_WRITE_ERROR, EIO},
		{CURLE_OUT_OF_MEMORY, ENOMEM},
		{CURLE_OPERATION_TIMEDOUT, ETIMEDOUT},
		{CURLE_ABORTED_BY_CALLBACK, ECANCELED},
		{CURLE_TOO_MANY_REDIRECTS, ELOOP},
		{CURLE_PEER_FAILED_VERIFICATION, EACCES},
		{CURLE_FILESIZE_EXCEEDED, EFBIG},
		{CURLE_REMOTE_FILE_NOT_FOUND, ENOENT},
		{CURLE_RECV_ERROR, EIO},
		{CURL_LAST, EIO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		assert_int_equal(download_errno_of_curl(fixed[i].code), fixed[i].errnum);
	for (int code = 1; code < (int)CURL_LAST; code++) {
		int errnum = download_errno_of_curl((CURLcode)code);

		assert_true(errnum > 0 && errnum < 200);
	}
	assert_int_equal(download_errno_of_status(404), ENOENT);
	assert_int_equal(download_errno_of_status(403), EACCES);
	assert_int_equal(download_errno_of_status(504), ETIMEDOUT);
	for (long status = 400; status < 600; status++)
		assert_true(download_errno_of_status(status) > 0);
}

static void downloads_from_correct_servers_succeed(void **state)
{
	char md5[DOWNLOAD_MD5_STRLEN];

	(void)state;
	need_server();
	succeeds(http("/normal"));
	succeeds(http("/chunked"));
	succeeds(http("/gzip"));
	succeeds(http("/close"));
	succeeds(http("/redirect/1"));
	succeeds(http("/redirect/5"));
	succeeds(url("http://me:secret@127.0.0.1", ports[0], "/private"));
	succeeds(url("ftp://127.0.0.1", ports[2], "/normal"));
	assert_int_equal(fetch(policy, http("/empty"), dest, &no_limits, NULL, NULL, md5, NULL), 0);
	assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
	dest_has("", 0);
}

static void failed_downloads_leave_no_file(void **state)
{
	(void)state;
	need_server();
	fails(http("/truncated"), EIO, "cannot download 'http://127.0.0.1:");
	fails(http("/truncated-chunked"), EIO, "cannot download 'http://127.0.0.1:");
	fails(http("/missing?token=secret"), ENOENT, "with status 404");
	fails(http("/status/403"), EACCES, "with status 403");
	fails(http("/status/500"), EIO, "with status 500");
	fails(url("http://me:secret2@127.0.0.1", ports[0], "/private"), EACCES, "with status 401");
	fails(http("/loop"), ELOOP, "redirects");
	fails(http("/redirect/6"), ELOOP, "redirects");
	for (int status = 300; status < 309; status++) {
		char path[30];

		snprintf(path, sizeof(path), "/nowhere/%d", status);
		fails(http(path), EIO, "with status 30");
	}
	fails(http("/nowhere-empty"), EIO, "with status 302");
	fails(http("/gzip-damaged"), EOPNOTSUPP, "cannot download");
	fails(http("/unknown-encoding"), EOPNOTSUPP, "cannot download");
	fails(http("/to-file"), EOPNOTSUPP, "\"file\"");
	fails(http("/to-ftp"), EOPNOTSUPP, "\"ftp\"");
	fails(url("ftp://127.0.0.1", ports[2], "/missing"), ENOENT, "cannot download 'ftp://127.0.0.1:");
	fails(url("http://127.0.0.1", 1, "/"), EHOSTUNREACH, "cannot download");
}

static void broken_downloads_go_on(void **state)
{
	const struct download_limits limits = {.retries = 1};
	/* three parts and the rest; the rest, which the server does not have, and the whole; the whole */
	static const char asked[] = "/breaks=4 /breaks-changed=3 /breaks-once=2 /breaks-weak=2 /busy=2";
	char md5[DOWNLOAD_MD5_STRLEN];

	(void)state;
	need_server();
	succeeds_with(http("/breaks"), &limits);
	succeeds_with(http("/breaks-changed"), &limits);
	succeeds_with(http("/breaks-once"), &limits);
	succeeds_with(http("/breaks-weak"), &limits);
	succeeds_with(http("/busy"), &limits);
	fails_full(http("/truncated"), &limits, NULL, NULL, EIO, "cannot download 'http://127.0.0.1:");
	fails_full(http("/status/503"), &limits, NULL, NULL, EIO, "with status 503");
	assert_int_equal(fetch(policy, http("/asked"), dest, &no_limits, NULL, NULL, md5, NULL), 0);
	dest_has(asked, strlen(asked));
}

static void a_checksum_is_checked(void **state)
{
	static const char *const bad[] = {"", "md5:", "sha1:00", "sha256:12", "sha256:xx", "SHA256:", "md5"};
	char good[40], md5[DOWNLOAD_MD5_STRLEN];
	struct download_limits limits = {.checksum = good, .retries = 1};

	(void)state;
	need_server();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(download_check_checksum(bad[i], NULL), -EINVAL);
	md5_of(body(), SIZE, md5);
	snprintf(good, sizeof(good), "md5:%s", md5);
	assert_int_equal(download_check_checksum(good, NULL), 0);
	succeeds_with(http("/normal"), &limits);
	succeeds_with(http("/breaks"), &limits);
	good[5] = good[5] == '0' ? '1' : '0';
	fails_full(http("/normal"), &limits, NULL, NULL, EBADMSG, "what has arrived has the checksum 'md5:");
	/* of the empty text */
	limits.checksum = "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
	assert_int_equal(download_check_checksum(limits.checksum, NULL), 0);
	assert_int_equal(fetch(policy, http("/empty"), dest, &limits, NULL, NULL, md5, NULL), 0);
	dest_has("", 0);
	fails_full(http("/normal"), &limits, NULL, NULL, EBADMSG, "the checksum 'sha256:");
}

static void certificates_are_verified(void **state)
{
	const struct download_limits trusting = {.ca_file = cert};

	(void)state;
	need_server();
	fails(https("/normal"), EACCES, "certificate");
	succeeds_with(https("/normal"), &trusting);
	/* a trusted certificate of another name */
	fails_full(url("https://localhost", ports[1], "/normal"), &trusting, NULL, NULL, EACCES, "localhost");
	/* no redirect from https to http */
	fails_full(https("/to-http"), &trusting, NULL, NULL, EOPNOTSUPP, "\"http\"");
}

static void limits_are_enforced(void **state)
{
	struct download_limits limits = {.max_bytes = SIZE};

	(void)state;
	need_server();
	succeeds_with(http("/normal"), &limits);
	succeeds_with(http("/chunked"), &limits);
	limits.max_bytes--;
	fails_full(http("/normal"), &limits, NULL, NULL, EFBIG, "more than the 2000002 bytes allowed");
	fails_full(http("/chunked"), &limits, NULL, NULL, EFBIG, "more than the 2000002 bytes allowed");
	fails_full(http("/endless"), &limits, NULL, NULL, EFBIG, "more than");
	/* a length above the size of any disk is refused before a byte is written */
	fails(http("/promises-much"), ENOSPC, "1125899906842624 bytes are needed");
	limits = (struct download_limits){.seconds = 1};
	fails_full(http("/drip"), &limits, NULL, NULL, ETIMEDOUT, "took longer than 1 s");
	fails_full(http("/silent"), &limits, NULL, NULL, ETIMEDOUT,
		   "took longer than 1 s, 0 bytes had arrived");
}

struct watch {
	int calls, last_percent;
	int64_t last_done, last_total, cancel_at_ms;
};

static int watch_progress(void *ctx, int64_t done, int64_t total, int percent)
{
	struct watch *w = ctx;

	assert_true(done >= w->last_done && percent >= w->last_percent && percent <= 100);
	assert_true(total < 0 ? percent == -1 : done <= total);
	w->calls++;
	w->last_done = done;
	w->last_total = total;
	w->last_percent = percent;
	return w->cancel_at_ms && now_ms() >= w->cancel_at_ms;
}

static void progress_is_reported_and_can_cancel(void **state)
{
	struct watch w = {.last_percent = -1};
	char md5[DOWNLOAD_MD5_STRLEN];

	(void)state;
	need_server();
	assert_int_equal(fetch(policy, http("/normal"), dest, &no_limits, watch_progress, &w, md5, NULL), 0);
	assert_true(w.calls > 0 && w.last_done == SIZE && w.last_total == SIZE && w.last_percent == 100);
	assert_int_equal(unlink(dest), 0);
	w = (struct watch){.last_percent = -1};
	assert_int_equal(fetch(policy, http("/chunked"), dest, &no_limits, watch_progress, &w, md5, NULL), 0);
	assert_true(w.last_done == SIZE && w.last_total == -1 && w.last_percent == -1);
	assert_int_equal(unlink(dest), 0);
	/* at once, and while the server sends slowly or nothing */
	for (int i = 0; i < 3; i++) {
		static const char *const paths[] = {"/endless", "/drip", "/silent"};
		int64_t start = now_ms();

		w = (struct watch){.last_percent = -1, .cancel_at_ms = start + 300};
		fails_full(http(paths[i]), &no_limits, watch_progress, &w, ECANCELED, "was cancelled after");
		assert_true(now_ms() - start < 3000);
	}
}

static void a_stalled_server_times_out(void **state)
{
	int64_t start = now_ms();

	(void)state;
	need_server();
	if (!getenv("POOLFS_SLOW_TESTS")) {
		print_message("skipped: takes a minute, set POOLFS_SLOW_TESTS=1 to run it\n");
		skip();
	}
	fails_full(http("/drip"), &(struct download_limits){.seconds = 100}, NULL, NULL, ETIMEDOUT,
		   "Operation too slow");
	assert_true(now_ms() - start > 50000 && now_ms() - start < 75000);
}

static void the_destination_must_be_new(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char md5[DOWNLOAD_MD5_STRLEN];
	int fd;

	(void)state;
	fd = open(dest, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	(void)close(fd);
	assert_int_equal(fetch(policy, "/etc/passwd", dest, &no_limits, NULL, NULL, md5, &e), -EEXIST);
	dest_has("mine", 4);
	/* nor may it be a symbolic link, even a dangling one */
	assert_int_equal(symlink("/tmp/poolfs-nowhere", dest), 0);
	assert_int_equal(fetch(policy, "/etc/passwd", dest, &no_limits, NULL, NULL, md5, NULL), -EEXIST);
	assert_int_equal(unlink(dest), 0);
	error_done(&e);
	assert_int_equal(fetch(policy, "/etc/passwd", "/nowhere/x", &no_limits, NULL, NULL, md5, &e),
			 -ENOENT);
	assert_string_equal(error_sentence(&e),
			    "cannot open the folder '/nowhere': No such file or directory");
}

static void source_write(const void *bytes, size_t len, off_t offset, int flags)
{
	int fd = open(source, O_WRONLY | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	assert_int_equal(close(fd), 0);
}

static void local_files_are_copied(void **state)
{
	struct download_limits limits = {.max_bytes = SIZE - 1};
	char file_url[200], odd[120], md5[DOWNLOAD_MD5_STRLEN];
	struct watch w = {.last_percent = -1};

	(void)state;
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	succeeds(source);
	(void)snprintf(file_url, sizeof(file_url), "file://%s", source);
	succeeds(file_url);
	fails_full(source, &limits, NULL, NULL, EFBIG, "more than the 2000002 bytes allowed");
	assert_int_equal(fetch(policy, source, dest, &no_limits, watch_progress, &w, md5, NULL), 0);
	assert_true(w.last_total == SIZE && w.last_percent == 100);
	assert_int_equal(unlink(dest), 0);
	/* a link to a file is accepted, %XX is decoded in a URL and not in a path */
	(void)snprintf(odd, sizeof(odd), "%s/a b", folder);
	assert_int_equal(symlink(source, odd), 0);
	succeeds(odd);
	(void)snprintf(file_url, sizeof(file_url), "file://%s/a%%20%%62", folder);
	succeeds(file_url);
	fails(file_url + strlen("file://"), ENOENT, "cannot open '/tmp");
	assert_int_equal(unlink(odd), 0);
	/* empty */
	assert_int_equal(truncate(source, 0), 0);
	assert_int_equal(fetch(policy, source, dest, &no_limits, NULL, NULL, md5, NULL), 0);
	assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
	dest_has("", 0);
}

static void only_regular_files_are_copied(void **state)
{
	char fifo[120];

	(void)state;
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fails(fifo, EINVAL, "is not a regular file");
	fails(folder, EINVAL, "is not a regular file");
	fails("/dev/zero", EINVAL, "is not a regular file");
	fails("file:///dev/zero", EINVAL, "'/dev/zero' is not a regular file");
	fails("/nowhere", ENOENT, "cannot open '/nowhere'");
	assert_int_equal(unlink(fifo), 0);
}

static void holes_are_preserved(void **state)
{
	enum { HUGE = 300 << 20 };
	char md5[DOWNLOAD_MD5_STRLEN], wanted[DOWNLOAD_MD5_STRLEN];
	unsigned char *all = calloc(1, HUGE);
	struct stat from, to;

	(void)state;
	assert_non_null(all);
	/* data in the middle, across a chunk, and holes at both ends */
	memcpy(all + (5 << 20), body(), SIZE);
	memcpy(all + (100 << 20), "x", 1);
	source_write(body(), SIZE, 5 << 20, O_CREAT | O_TRUNC);
	source_write("x", 1, 100 << 20, 0);
	assert_int_equal(truncate(source, HUGE), 0);
	md5_of(all, HUGE, wanted);
	assert_int_equal(fetch(policy, source, dest, &no_limits, NULL, NULL, md5, NULL), 0);
	assert_string_equal(md5, wanted);
	assert_int_equal(stat(source, &from), 0);
	assert_int_equal(stat(dest, &to), 0);
	if (from.st_blocks < HUGE / 512)
		assert_true(to.st_blocks <= from.st_blocks + 64);
	dest_has(all, HUGE);
	free(all);
}

static int change_source(void *ctx, int64_t done, int64_t total, int percent)
{
	(void)total, (void)percent;
	if (done == 0 || done == total)
		return 0;
	if (*(int *)ctx == 0)
		source_write("!", 1, 0, 0);
	else
		assert_int_equal(truncate(source, 100), 0);
	return 0;
}

static void a_changing_file_is_refused(void **state)
{
	unsigned char *big = calloc(1, 200 << 20);

	(void)state;
	assert_non_null(big);
	for (int how = 0; how < 2; how++) {
		source_write(big, 200 << 20, 0, O_CREAT | O_TRUNC);
		fails_full(source, &no_limits, change_source, &how, EBUSY,
			   how ? "became shorter" : "changed while it was copied");
	}
	free(big);
}

static int cancel_now(void *ctx, int64_t done, int64_t total, int percent)
{
	(void)ctx, (void)done, (void)total, (void)percent;
	return 1;
}

static void copies_can_be_cancelled(void **state)
{
	struct watch w = {.last_percent = -1, .cancel_at_ms = now_ms() + 200};
	struct download_limits limits = {.seconds = 1};
	int64_t start = now_ms();

	(void)state;
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	fails_full(source, &no_limits, cancel_now, NULL, ECANCELED, "was cancelled");
	/* a hole of 8 TiB: hours of MD5 */
	assert_int_equal(truncate(source, INT64_C(8) << 40), 0);
	fails_full(source, &no_limits, watch_progress, &w, ECANCELED, "was cancelled");
	fails_full(source, &limits, NULL, NULL, ETIMEDOUT, "took longer than 1 s");
	assert_true(now_ms() - start < 5000);
}

static void a_full_file_system_is_reported(void **state)
{
	char mnt[100], old_dest[100];
	int64_t start;

	(void)state;
	(void)snprintf(mnt, sizeof(mnt), "%s/mnt", folder);
	(void)snprintf(old_dest, sizeof(old_dest), "%s", dest);
	assert_int_equal(mkdir(mnt, 0700), 0);
	if (mount("tmpfs", mnt, "tmpfs", 0, "size=1M") < 0) {
		print_message("skipped: cannot mount a tmpfs: %s\n", strerror(errno));
		assert_int_equal(rmdir(mnt), 0);
		skip();
	}
	(void)snprintf(dest, sizeof(dest), "%s/mnt/dest", folder);
	source_write(body(), SIZE, 0, O_CREAT | O_TRUNC);
	fails(source, ENOSPC, "2000003 bytes are needed and 1048576 are available");
	/* sparse, and with more data than fits */
	assert_int_equal(truncate(source, 100 << 20), 0);
	fails(source, ENOSPC, "bytes are needed and 1048576 are available");
	if (ports[0]) {
		start = now_ms();
		fails(http("/normal"), ENOSPC, "2000003 bytes are needed and 1048576 are available");
		fails(http("/chunked"), ENOSPC, "cannot write the file at byte 1048576");
		fails(http("/endless"), ENOSPC, "cannot write the file at byte 1048576");
		assert_true(now_ms() - start < 5000);
	}
	(void)snprintf(dest, sizeof(dest), "%s", old_dest);
	assert_int_equal(umount(mnt), 0);
	assert_int_equal(rmdir(mnt), 0);
}

/* The same on a file system that shares blocks: there is no room for a second copy, and none is needed. */
static void blocks_are_shared(void **state)
{
	char command[600], old_dest[100], old_source[100], md5[DOWNLOAD_MD5_STRLEN],
		wanted[DOWNLOAD_MD5_STRLEN];
	unsigned char *big = malloc(200 << 20);
	int r;

	(void)state;
	(void)snprintf(
		command, sizeof(command),
		"cd %s && mkdir -p xfs && truncate -s 400M xfs.img && { mkfs.xfs -q -m reflink=1 xfs.img || mkfs.btrfs -q xfs.img; } >out 2>&1 && mount -o loop xfs.img xfs >>out 2>&1",
		folder);
	if (system(command) != 0) {
		print_message("skipped: cannot make and mount a file system with reflinks here\n");
		free(big);
		skip();
	}
	(void)snprintf(old_dest, sizeof(old_dest), "%s", dest);
	(void)snprintf(old_source, sizeof(old_source), "%s", source);
	(void)snprintf(dest, sizeof(dest), "%s/xfs/dest", folder);
	(void)snprintf(source, sizeof(source), "%s/xfs/source", folder);
	assert_non_null(big);
	for (size_t i = 0; i < (200 << 20) / sizeof(uint32_t); i++)
		((uint32_t *)big)[i] = (uint32_t)i * 2654435761u;
	source_write(big, 200 << 20, 0, O_CREAT);
	md5_of(big, 200 << 20, wanted);
	r = fetch(policy, source, dest, &no_limits, NULL, NULL, md5, NULL);
	if (r == 0) {
		assert_string_equal(md5, wanted);
		dest_has(big, 200 << 20);
	}
	free(big);
	(void)snprintf(dest, sizeof(dest), "%s", old_dest);
	(void)snprintf(source, sizeof(source), "%s", old_source);
	(void)snprintf(command, sizeof(command), "umount %s/xfs", folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(r, 0);
}

static void *download_thread(void *arg)
{
	char path[150], md5[DOWNLOAD_MD5_STRLEN] = "", from[100];
	size_t n = (size_t)arg;

	(void)snprintf(path, sizeof(path), "%s/many%zu", folder, n);
	(void)snprintf(from, sizeof(from), "%s://127.0.0.1:%d/%s", n % 3 == 2 ? "ftp" : "http",
		       ports[n % 3 == 2 ? 2 : 0], n % 3 == 1 ? "chunked" : "normal");
	if (fetch(policy, from, path, &no_limits, NULL, NULL, md5, NULL) < 0)
		return strdup("failed");
	(void)unlink(path);
	return strdup(md5);
}

static void many_threads_download_concurrently(void **state)
{
	char wanted[DOWNLOAD_MD5_STRLEN];
	pthread_t threads[9];

	(void)state;
	need_server();
	md5_of(body(), SIZE, wanted);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, download_thread, (void *)i), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *md5;

		assert_int_equal(pthread_join(threads[i], &md5), 0);
		assert_string_equal(md5, wanted);
		free(md5);
	}
}

/* Starts download_server.py; without it all ports[] stay 0. */
static void server_start(void)
{
	int in[2], out[2];
	FILE *f;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	server = fork();
	if (server == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("python3", "python3", SOURCE_ROOT "/tests/unit/download_server.py", folder,
		       (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	server_in = in[1];
	f = fdopen(out[0], "r");
	if (!f || fscanf(f, "%d %d %d", &ports[0], &ports[1], &ports[2]) != 3)
		ports[0] = 0;
	if (f)
		(void)fclose(f);
}

static int put_setting(struct txn *t, void *arg, struct error *e)
{
	const char *const *words = arg;
	struct object *o = make(KIND_GLOBAL_CONFIG, words[0]);

	object_set_str(o, GLOBAL_CONFIG_CATEGORY, "url");
	object_set_str(o, GLOBAL_CONFIG_NAME, words[1]);
	object_set_str(o, GLOBAL_CONFIG_VALUE, words[2]);
	return txn_put(t, o, NULL, e);
}

/* A policy with the settings url.*; for an administrator, or else for an account that does not exist. */
static struct url_policy *policy_with(bool admin, const char *allowed, const char *forbidden)
{
	_cleanup_view_ struct view *view = NULL;
	struct url_policy *made = NULL;
	struct fixture f = {0};

	snprintf(f.dir, sizeof(f.dir), "/tmp/poolfs-test-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	fixture_open(&f);
	assert_int_equal(store_run(f.store, put_setting,
				   (const char *[]){test_uuid(1), "allowedNetworks", allowed}, NULL),
			 0);
	assert_int_equal(store_run(f.store, put_setting,
				   (const char *[]){test_uuid(2), "forbiddenNetworks", forbidden}, NULL),
			 0);
	view = store_view(f.store);
	assert_int_equal(url_policy_new(view, f.dir, admin ? NULL : test_uuid(3), &made, NULL), 0);
	view_unref(steal(&view));
	store_close(f.store);
	(void)nftw(f.dir, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
	return made;
}

static int fetch_as(bool admin, const char *allowed, const char *forbidden, const char *from, struct error *e)
{
	_cleanup_(url_policy_free_p) struct url_policy *how = policy_with(admin, allowed, forbidden);
	char md5[DOWNLOAD_MD5_STRLEN];
	int r = fetch(how, from, dest, &no_limits, NULL, NULL, md5, e);

	(void)unlink(dest);
	return r;
}

/* What an account is told of a forbidden address does not depend on what is there. */
static void forbidden_addresses_are_not_connected(void **state)
{
	static const struct {
		const char *allowed, *forbidden;
		bool admin;
		const char *path; /* of the test server on 127.0.0.1 */
		int result;
	} cases[] = {
		{"", "", true, "/to-address/127.0.0.2", 0},
		{"", "", false, "/normal", -EACCES},
		{"", "", false, "/missing", -EACCES},
		{"127.0.0.1", "", false, "/normal", 0},
		{"127.0.0.1", "", false, "/missing", -ENOENT},
		{"127.0.0.1", "", false, "/to-address/127.0.0.2", -EACCES},
		{"127.0.0.1", "", false, "/to-address/localhost", 0},
		{"127.0.0.2", "", false, "/to-address/127.0.0.2", -EACCES},
		{"127.0.0.0/8", "", false, "/to-address/127.0.0.2", 0},
		{"127.0.0.0/8", "127.0.0.2", false, "/to-address/127.0.0.2", -EACCES},
		{"", "127.0.0.2/32", true, "/to-address/127.0.0.2", -EACCES},
		{"", "127.0.0.2", true, "/normal", 0},
		{"", "127.0.0.0/8", true, "/normal", -EACCES},
	};

	(void)state;
	need_server();
	/* no proxy connects in our place: nothing listens there */
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(unsetenv("no_proxy"), 0);
	assert_int_equal(unsetenv("NO_PROXY"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		bool unlimited = cases[i].admin && !*cases[i].forbidden;
		int r = fetch_as(cases[i].admin, cases[i].allowed, cases[i].forbidden, http(cases[i].path),
				 &e);

		/* where there is nothing to check, the proxy of the environment is used */
		if (r != (unlimited ? -EHOSTUNREACH : cases[i].result))
			fail_msg("case %zu: %d, '%s'", i, -r, error_sentence(&e));
		if (r == -EACCES && !strstr(error_sentence(&e), "leads to a"))
			fail_msg("case %zu: '%s'", i, error_sentence(&e));
	}
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(setenv("no_proxy", "*", 1), 0);
	assert_int_equal(fetch_as(true, "", "", http("/to-address/127.0.0.2"), NULL), 0);
	/* a port where nothing listens gives the same answer as one with a server */
	for (int closed = 0; closed < 2; closed++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		char wanted[200];
		int port = closed ? 1 : ports[0];

		snprintf(wanted, sizeof(wanted),
			 "the URL 'http://127.0.0.1:%d/x' leads to a loopback address", port);
		assert_int_equal(fetch_as(false, "", "", url("http://127.0.0.1", port, "/x"), &e), -EACCES);
		if (!strstr(error_sentence(&e), wanted))
			fail_msg("'%s', not '%s'", error_sentence(&e), wanted);
	}
}

static int set_up(void **state)
{
	(void)state;
	policy = policy_with(true, "", "");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(dest, sizeof(dest), "%s/dest", folder);
	(void)snprintf(source, sizeof(source), "%s/source", folder);
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	/* the servers are on loopback, whatever proxy is configured */
	(void)setenv("no_proxy", "*", 1);
	(void)setenv("NO_PROXY", "*", 1);
	(void)signal(SIGPIPE, SIG_IGN); /* as in poolfs */
	server_start();
	return 0;
}

static int tear_down(void **state)
{
	char command[200];

	(void)state;
	url_policy_free(policy);
	(void)close(server_in);
	(void)waitpid(server, NULL, 0);
	/* a failed test may have left its file system mounted */
	(void)snprintf(command, sizeof(command),
		       "cd /tmp && umount %s/mnt %s/xfs 2>/dev/null; rm -rf --one-file-system %s", folder,
		       folder, folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_validated),
		cmocka_unit_test(every_result_of_libcurl_has_an_errno),
		cmocka_unit_test(forbidden_addresses_are_not_connected),
		cmocka_unit_test(downloads_from_correct_servers_succeed),
		cmocka_unit_test(failed_downloads_leave_no_file),
		cmocka_unit_test(certificates_are_verified),
		cmocka_unit_test(broken_downloads_go_on),
		cmocka_unit_test(a_checksum_is_checked),
		cmocka_unit_test(limits_are_enforced),
		cmocka_unit_test(progress_is_reported_and_can_cancel),
		cmocka_unit_test(a_stalled_server_times_out),
		cmocka_unit_test(the_destination_must_be_new),
		cmocka_unit_test(local_files_are_copied),
		cmocka_unit_test(only_regular_files_are_copied),
		cmocka_unit_test(holes_are_preserved),
		cmocka_unit_test(a_changing_file_is_refused),
		cmocka_unit_test(copies_can_be_cancelled),
		cmocka_unit_test(a_full_file_system_is_reported),
		cmocka_unit_test(blocks_are_shared),
		cmocka_unit_test(many_threads_download_concurrently),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
