/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads into a folder of their own, from the faulty servers of download_server.py, on loopback, or from
 * elsewhere. After each failure the destination must not exist; after each success it must have exactly the bytes,
 * and their MD5.
 */
#ifndef POOLFS_DOWNLOAD_FIXTURE_H
#define POOLFS_DOWNLOAD_FIXTURE_H

#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "actions/engine/config.h"
#include "actions/image/download_curl.h"
#include "model/clock.h"

#define SIZE 2000003 /* as in download_server.py */

static char folder[] = "/tmp/poolfs-download-XXXXXX";
static char dest[100], source[100], cert[100];
static int ports[3]; /* http, https, ftp; 0 = no server */
static pid_t server;
static int server_in = -1;
static const struct download_limits no_limits;
static struct url_policy *policy; /* an administrator's */

/* Opens the source, downloads from it, closes it. */
static inline int fetch(const struct url_policy *how, const char *from, const char *to,
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

static inline const char *url(const char *host, int port, const char *path)
{
	static char text[300];

	(void)snprintf(text, sizeof(text), "%s:%d%s", host, port, path);
	return text;
}

static inline const char *http(const char *path)
{
	return url("http://127.0.0.1", ports[0], path);
}

static inline const char *https(const char *path)
{
	return url("https://127.0.0.1", ports[1], path);
}

static inline void need_server(void)
{
	if (ports[0] == 0) {
		print_message("skipped: the test server does not start (python3 and openssl are needed)\n");
		skip();
	}
}

static inline unsigned char *body(void)
{
	static unsigned char bytes[SIZE];

	for (unsigned i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	return bytes;
}

static inline void md5_of(const void *bytes, size_t len, char hex[DOWNLOAD_MD5_STRLEN])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	assert_int_equal(EVP_Digest(bytes, len, digest, &n, EVP_md5(), NULL), 1);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
}

/* The destination has exactly these bytes, mode 0600; then removes it. */
static inline void dest_has(const void *bytes, size_t len)
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

static inline void succeeds_with(const char *from, const struct download_limits *limits)
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

static inline void succeeds(const char *from)
{
	succeeds_with(from, &no_limits);
}

static inline void fails_full(const char *from, const struct download_limits *limits,
			      download_progress_fn *progress, void *ctx, int errnum, const char *sentence)
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

static inline void fails(const char *from, int errnum, const char *sentence)
{
	fails_full(from, &no_limits, NULL, NULL, errnum, sentence);
}

struct watch {
	int calls, last_percent;
	int64_t last_done, last_total, cancel_at_ms;
};

static inline int watch_progress(void *ctx, int64_t done, int64_t total, int percent)
{
	struct watch *w = ctx;

	assert_true(done >= w->last_done && percent >= w->last_percent && percent <= 100);
	assert_true(total < 0 ? percent == -1 : done <= total);
	w->calls++;
	w->last_done = done;
	w->last_total = total;
	w->last_percent = percent;
	return w->cancel_at_ms && clock_monotonic_ms() >= w->cancel_at_ms;
}

/* Starts download_server.py; without it all ports[] stay 0. */
static inline void server_start(void)
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

static inline int put_setting(struct txn *t, void *arg, struct error *e)
{
	const char *const *words = arg;
	struct object *o = make(KIND_GLOBAL_CONFIG, words[0]);

	object_set_str(o, GLOBAL_CONFIG_CATEGORY, "url");
	object_set_str(o, GLOBAL_CONFIG_NAME, words[1]);
	object_set_str(o, GLOBAL_CONFIG_VALUE, words[2]);
	return txn_put(t, o, NULL, e);
}

/* A policy with the settings url.*; for an administrator, or else for an account that does not exist. */
static inline struct url_policy *policy_with(bool admin, const char *allowed, const char *forbidden)
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

#endif
