/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the URLs of accounts may reach: the list in tests/data/urls, networks, and the files that are opened.
 * Names are resolved by a list in this file, and connections are given up before they leave the machine.
 */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/ip_network.h"
#include "actions/engine/path_list.h"
#include "actions/engine/url_policy.h"

static const char alice[] = "00000000000000000000000000000a11";

static const char *const names[] = {
	"public.test:93.184.216.34",
	"public6.test:[2001:4860:4860::8888]",
	"loop.test:127.0.0.1",
	"loop6.test:[::1]",
	"mapped.test:[::ffff:127.0.0.1]",
	"zero.test:0.0.0.0",
	"private.test:10.0.0.5",
	"meta.test:169.254.169.254",
	"link6.test:[fe80::5]",
	"nat64.test:[64:ff9b::10.0.0.5]",
	"intern.test:10.20.3.4",
	"forbidden.test:192.168.66.7",
};

struct setting_row {
	const char *category, *name, *value;
};

static int put_settings(struct txn *t, void *arg, struct error *e)
{
	const struct setting_row *rows = arg;

	for (unsigned i = 0; rows[i].name; i++) {
		struct object *o = make(KIND_GLOBAL_CONFIG, test_uuid(i + 1));
		int r;

		object_set_str(o, GLOBAL_CONFIG_CATEGORY, rows[i].category);
		object_set_str(o, GLOBAL_CONFIG_NAME, rows[i].name);
		object_set_str(o, GLOBAL_CONFIG_VALUE, rows[i].value);
		r = txn_put(t, o, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct view *view_with(struct fixture *f, const char *paths, const char *allowed,
			      const char *forbidden)
{
	struct setting_row rows[] = {{"image", "localPaths", paths},
				     {"url", "allowedNetworks", allowed},
				     {"url", "forbiddenNetworks", forbidden},
				     {0}};

	assert_int_equal(store_run(f->store, put_settings, rows, NULL), 0);
	return store_view(f->store);
}

/* Gives up when the guard has let the connection pass. */
static int stop_here(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	(void)fd, (void)purpose;
	*(bool *)ctx = true;
	return CURL_SOCKOPT_ERROR;
}

/* Connects as downloads and web hooks do: 0, or -EACCES if the guard refuses. */
static int connect_to(const struct url_policy *policy, const char *url)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct curl_slist *resolved = NULL;
	CURL *curl = curl_easy_init();
	struct url_guard guard;
	bool passed = false;
	int r;

	assert_non_null(curl);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		static const int ports[] = {80, 443, 21};

		for (size_t p = 0; p < ARRAY_SIZE(ports); p++) {
			const char *address = strchr(names[i], ':');
			char line[100];

			snprintf(line, sizeof(line), "%.*s:%d%s", (int)(address - names[i]), names[i],
				 ports[p], address);
			resolved = curl_slist_append(resolved, line);
		}
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, resolved);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, stop_here);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, &passed);
	assert_int_equal(url_policy_guard(policy, curl, &guard), CURLE_OK);
	assert_int_not_equal(curl_easy_perform(curl), CURLE_OK);
	r = url_guard_result(&guard, "shown", &e);
	if (passed == (r < 0))
		fail_msg("%s: neither connected nor refused", url);
	curl_easy_cleanup(curl);
	curl_slist_free_all(resolved);
	return r;
}

static int errno_of(const char *outcome)
{
	static const struct {
		const char *name;
		int errnum;
	} outcomes[] = {{"ok", 0}, {"EACCES", EACCES}, {"EINVAL", EINVAL}, {"EOPNOTSUPP", EOPNOTSUPP}};

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
		if (strcmp(outcomes[i].name, outcome) == 0)
			return -outcomes[i].errnum;
	fail_msg("unknown outcome '%s'", outcome);
	return -1;
}

/* By its text, then by the address that it connects to. */
static int try_url(const struct view *view, const struct url_policy *policy, const char *account,
		   enum url_use use, const char *url)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = url_policy_check(view, account, url, use, &e);

	assert_int_equal(r < 0, error_is_set(&e));
	if (r < 0 || strncmp(url, "/", 1) == 0 || strncmp(url, "file:", 5) == 0)
		return r;
	return connect_to(policy, url);
}

static void the_list_of_urls(void **state)
{
	_cleanup_view_ struct view *view =
		view_with(*state, "/srv/images,/mnt/iso", "10.20.0.0/16, fd20::/16",
			  "192.168.66.0/24,8.8.8.8,2606:4700::/32");
	_cleanup_(url_policy_free_p) struct url_policy *admins = NULL, *hers = NULL;
	struct fixture *f = *state;
	FILE *list = fopen(SOURCE_ROOT "/tests/data/urls", "re");
	char line[500], account[10], use[10], outcome[20];
	int at, count = 0, wrong = 0;

	assert_non_null(list);
	assert_int_equal(url_policy_new(view, f->dir, NULL, &admins, NULL), 0);
	assert_int_equal(url_policy_new(view, f->dir, alice, &hers, NULL), 0);
	while (fgets(line, sizeof(line), list)) {
		bool admin;
		int r;

		line[strcspn(line, "\n")] = '\0';
		if (*line == '#' || *line == '\0')
			continue;
		assert_int_equal(sscanf(line, "%9s %9s %19s %n", account, use, outcome, &at), 3);
		admin = strcmp(account, "admin") == 0;
		r = try_url(view, admin ? admins : hers, admin ? "" : alice,
			    strcmp(use, "hook") == 0 ? URL_OF_WEB_HOOK : URL_OF_IMAGE, line + at);
		if (r != errno_of(outcome)) {
			print_message("%s: errno %d\n", line, -r);
			wrong++;
		}
		count++;
	}
	assert_int_equal(fclose(list), 0);
	assert_int_equal(wrong, 0);
	assert_true(count >= 100);
}

static void networks_are_parsed(void **state)
{
	static const char *const good[] = {"10.0.0.0/8",
					   "0.0.0.0/0",
					   "::/0",
					   "fd00::/8",
					   "1.2.3.4",
					   "::1",
					   "10.0.0.0/8,, ::1 ,192.0.2.1/32",
					   "",
					   " "};
	static const char *const bad[] = {"10.0.0.1/8",	  "10.0.0.0/33",    "10.0.0.0/",
					  "10.0.0.0/-1",  "10/8",	    "10.0.0.0/8x",
					  "fd00::1/8",	  "::/129",	    "x",
					  "[::1]",	  "fe80::1%lo",	    "::ffff:10.0.0.0/104",
					  "64:ff9b::/96", "10.0.0.0/8;::1", "10.0.0.0/4294967304"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *text = good[i];
		struct ip_network network;
		int r;

		while ((r = ip_network_next(&text, &network, NULL)) > 0)
			;
		if (r < 0)
			fail_msg("'%s' was refused", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		const char *text = bad[i];
		struct ip_network network;

		if (ip_network_next(&text, &network, &e) != -EINVAL || !strstr(error_sentence(&e), bad[i]))
			fail_msg("'%s': '%s'", bad[i], error_sentence(&e));
	}
}

static void lists_of_folders_are_parsed(void **state)
{
	static const char *const bad[] = {"srv", "/", "/srv/..", "/srv/../etc", "/./srv", "/srv,etc", " , /"};
	const char *text = " /srv/images/ , /mnt/my iso,";
	char folder[PATH_MAX];

	(void)state;
	assert_int_equal(path_list_next(&text, folder, NULL), 1);
	assert_string_equal(folder, "/srv/images");
	assert_int_equal(path_list_next(&text, folder, NULL), 1);
	assert_string_equal(folder, "/mnt/my iso");
	assert_int_equal(path_list_next(&text, folder, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r;

		text = bad[i];
		while ((r = path_list_next(&text, folder, NULL)) > 0)
			;
		if (r != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	}
}

/* ------------------------------------------------------------------- files */

static void make_file(const char *folder, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	(void)close(fd);
}

static void make_link(const char *folder, const char *name, const char *to)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(symlink(to, path), 0);
}

static void only_allowed_files_are_opened(void **state)
{
	static const struct {
		const char *path; /* below the folder of the test, unless it is absolute */
		int admin, alice;
	} cases[] = {
		{"open/disk", 0, 0},
		{"open/sub/disk", 0, 0},
		{"open/sub/up", 0, 0},		    /* -> ../disk */
		{"open/out", 0, -EACCES},	    /* -> ../closed/disk */
		{"open/absolute", 0, -EACCES},	    /* -> /tmp/.../closed/disk */
		{"open/folder/disk", 0, -EACCES},   /* folder -> ../closed */
		{"open/nothing", -ENOENT, -EACCES}, /* -> ../closed/nothing: not even that it is missing */
		{"open/missing", -ENOENT, -ENOENT},
		{"open/loop", -ELOOP, -ELOOP},
		{"open/sub", -EINVAL, -EINVAL}, /* a folder */
		{"open/pipe", -EINVAL, -EINVAL},
		{"open/state", -EACCES, -EACCES}, /* -> the pool's database */
		{"closed/disk", 0, -EACCES},
		{"closed/nothing", -ENOENT, -EACCES},
		{"open/../closed/disk", 0, -EACCES},
		{"state/pool.db", -EACCES, -EACCES},
		{"state/primary/volume", -EACCES, -EACCES},
		{"closed/../state/pool.db", -EACCES, -EACCES},
		{"to-state/pool.db", -EACCES, -EACCES}, /* -> state */
		{"/proc/self/environ", -EINVAL, -EACCES},
		{"/proc/version", -EINVAL, -EACCES},
		{"/sys/kernel/uevent_seqnum", -EINVAL, -EACCES},
		{"/dev/null", -EINVAL, -EACCES},
		{"/proc/self/fd/0", -EINVAL, -EACCES},
	};
	static const char *const folders[] = {"open", "open/sub", "closed", "state", "state/primary"};
	_cleanup_(url_policy_free_p) struct url_policy *admins = NULL, *hers = NULL;
	_cleanup_view_ struct view *view = NULL;
	struct fixture *f = *state;
	char open_folder[100], path[PATH_MAX], to[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(open_folder, sizeof(open_folder), "%s/open", f->dir);
	make_file(f->dir, "open/disk");
	make_file(f->dir, "open/sub/disk");
	make_file(f->dir, "closed/disk");
	make_file(f->dir, "state/pool.db");
	make_file(f->dir, "state/primary/volume");
	make_link(f->dir, "open/sub/up", "../disk");
	make_link(f->dir, "open/out", "../closed/disk");
	snprintf(to, sizeof(to), "%s/closed/disk", f->dir);
	make_link(f->dir, "open/absolute", to);
	make_link(f->dir, "open/folder", "../closed");
	make_link(f->dir, "open/nothing", "../closed/nothing");
	make_link(f->dir, "open/loop", "loop");
	make_link(f->dir, "open/state", "../state/pool.db");
	make_link(f->dir, "to-state", "state");
	snprintf(path, sizeof(path), "%s/open/pipe", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);

	view = view_with(f, open_folder, "", "");
	snprintf(path, sizeof(path), "%s/to-state", f->dir); /* the state folder, by another name */
	assert_int_equal(url_policy_new(view, path, "", &admins, NULL), 0);
	assert_int_equal(url_policy_new(view, path, alice, &hers, NULL), 0);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_close_ int fd = -1;
		bool admin = i % 2;
		int wanted = admin ? cases[i / 2].admin : cases[i / 2].alice, r;

		snprintf(path, sizeof(path), "%s%s%s", *cases[i / 2].path == '/' ? "" : f->dir,
			 *cases[i / 2].path == '/' ? "" : "/", cases[i / 2].path);
		r = url_policy_open(admin ? admins : hers, path, &fd, &e);
		if (r != wanted || (fd >= 0) != (r == 0))
			fail_msg("%s as %s: %d '%s'", path, admin ? "admin" : "alice", -r,
				 error_sentence(&e));
		assert_int_equal(r < 0, error_is_set(&e));
	}
}

/* What was checked is what is read, whatever the path leads to later. */
static void a_descriptor_is_checked_not_a_path(void **state)
{
	_cleanup_(url_policy_free_p) struct url_policy *hers = NULL;
	_cleanup_view_ struct view *view = NULL;
	struct fixture *f = *state;
	char folder[100], path[PATH_MAX], text[20] = "";
	_cleanup_close_ int fd = -1;

	snprintf(folder, sizeof(folder), "%s/folder", f->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	make_file(f->dir, "folder/good");
	view = view_with(f, folder, "", "");
	snprintf(path, sizeof(path), "%s/state", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(url_policy_new(view, path, alice, &hers, NULL), 0);
	snprintf(path, sizeof(path), "%s/folder/good", f->dir);
	assert_int_equal(url_policy_open(hers, path, &fd, NULL), 0);
	assert_int_equal(unlink(path), 0);
	make_link(f->dir, "folder/good", "/etc/passwd");
	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen("folder/good"));
	assert_string_equal(text, "folder/good");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_list_of_urls, fixture_setup, fixture_teardown),
		cmocka_unit_test(networks_are_parsed),
		cmocka_unit_test(lists_of_folders_are_parsed),
		cmocka_unit_test_setup_teardown(only_allowed_files_are_opened, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_descriptor_is_checked_not_a_path, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
