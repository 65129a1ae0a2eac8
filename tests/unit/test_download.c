/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from correct and from faulty servers, and what they may connect to. */
#include "tests/unit/download_fixture.h"

#include <errno.h>

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
		int64_t start = clock_monotonic_ms();

		w = (struct watch){.last_percent = -1, .cancel_at_ms = start + 300};
		fails_full(http(paths[i]), &no_limits, watch_progress, &w, ECANCELED, "was cancelled after");
		assert_true(clock_monotonic_ms() - start < 3000);
	}
}

static void a_stalled_server_times_out(void **state)
{
	int64_t start = clock_monotonic_ms();

	(void)state;
	need_server();
	if (!getenv("POOLFS_SLOW_TESTS")) {
		print_message("skipped: takes a minute, set POOLFS_SLOW_TESTS=1 to run it\n");
		skip();
	}
	fails_full(http("/drip"), &(struct download_limits){.seconds = 100}, NULL, NULL, ETIMEDOUT,
		   "Operation too slow");
	assert_true(clock_monotonic_ms() - start > 50000 && clock_monotonic_ms() - start < 75000);
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
		cmocka_unit_test(many_threads_download_concurrently),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
