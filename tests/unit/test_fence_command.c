/* SPDX-License-Identifier: Apache-2.0 */
/* The fence command: which files may be one, what it is told, and that it always ends. */
#include "tests/unit/test.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/host/fence_command.h"

static char folder[] = "/tmp/fence-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/fence", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void write_command(const char *body)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void assert_check(const char *file, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	assert_int_equal(fence_command_check_file(file, &e), -errnum);
	if (errnum && !strstr(error_sentence(&e), sentence))
		fail_msg("'%s' does not say '%s'", error_sentence(&e), sentence);
}

static void only_a_file_of_root_may_be_one(void **state)
{
	char link[64];

	(void)state;
	write_command("exit 0");
	assert_check(path, 0, "");
	assert_check("fence", EINVAL, "not an absolute path");
	assert_check("/tmp/../bin/true", EINVAL, "not an absolute path");
	assert_check("/tmp/no/such/file", ENOENT, "/tmp/no");
	assert_check(folder, EINVAL, "not an executable file");
	assert_int_equal(chmod(path, 0644), 0);
	assert_check(path, EINVAL, "not an executable file");
	assert_int_equal(chmod(path, 0775), 0);
	assert_check(path, EPERM, "writable by nobody else");
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_check(path, EPERM, folder);
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink(path, link), 0);
	assert_check(link, EPERM, "symbolic link");
	assert_int_equal(unlink(link), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(path, 65534, 0), 0);
	assert_check(path, EPERM, "belong to root");
	assert_int_equal(chown(path, 0, 0), 0);
}

static struct object *a_host(void)
{
	struct object *host = object_new(kind_get(KIND_HOST));

	object_set_str(host, HOST_UUID, "0123456789abcdef0123456789abcdef");
	object_set_str(host, HOST_NAME, "$(touch /tmp/x) 'n\"ode");
	object_set_str(host, HOST_MANAGEMENT_IP, "10.0.0.9");
	return host;
}

static int run(const char *body, int timeout_ms, struct fence_answer *ret_answer, struct error *e)
{
	_cleanup_object_ struct object *host = a_host();

	write_command(body);
	return fence_command_run(path, "off", host, timeout_ms, NULL, ret_answer, e);
}

static void it_is_told_the_action_and_the_host(void **state)
{
	struct fence_answer answer;

	(void)state;
	assert_int_equal(setenv("POOLFS_TEST_SECRET", "x", 1), 0);
	assert_int_equal(run("echo \"$# $1 $2 $3\"; env | grep POOLFS | sort; exit 7", 20000, &answer, NULL),
			 0);
	assert_int_equal(answer.status, 7);
	assert_string_equal(answer.output, "3 off 0123456789abcdef0123456789abcdef 10.0.0.9\n"
					   "POOLFS_FENCE_ACTION=off\n"
					   "POOLFS_HOST_ADDRESS=10.0.0.9\n"
					   "POOLFS_HOST_NAME=$(touch /tmp/x) 'n\"ode\n"
					   "POOLFS_HOST_UUID=0123456789abcdef0123456789abcdef\n");
}

static void what_it_prints_is_limited(void **state)
{
	struct fence_answer answer;

	(void)state;
	assert_int_equal(run("yes out | head -c 1000000; echo error >&2", 20000, &answer, NULL), 0);
	assert_int_equal(answer.status, 0);
	assert_int_equal(strlen(answer.output), FENCE_OUTPUT_MAX);
}

static void it_is_killed_with_all_that_it_started(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char body[256], pids[64];
	struct fence_answer answer;
	int children[2];
	FILE *f;

	(void)state;
	snprintf(pids, sizeof(pids), "%s/pids", folder);
	snprintf(body, sizeof(body),
		 "sleep 1000 & echo $! >%s; sleep 1000 & echo $! >>%s; trap '' TERM; wait", pids, pids);
	assert_int_equal(run(body, 1000, &answer, &e), -ETIMEDOUT);
	assert_non_null(strstr(error_sentence(&e), "within 1 seconds"));
	f = fopen(pids, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d %d", &children[0], &children[1]), 2);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < 2; i++) {
		/* Killed, but perhaps not reaped by init yet. */
		for (int n = 0; n < 500 && kill(children[i], 0) == 0; n++) {
			char stat[64], text[128] = "";

			snprintf(stat, sizeof(stat), "/proc/%d/stat", children[i]);
			f = fopen(stat, "re");
			if (!f)
				break;
			(void)!fread(text, 1, sizeof(text) - 1, f);
			(void)fclose(f);
			if (strstr(text, ") Z "))
				break;
			(void)usleep(10000);
			assert_true(n < 499);
		}
	}
	(void)unlink(pids);
}

static void it_need_not_close_its_output(void **state)
{
	struct fence_answer answer;

	(void)state;
	assert_int_equal(run("sleep 1000 & exit 2", 20000, &answer, NULL), 0);
	assert_int_equal(answer.status, 2);
	assert_int_equal(run("exec >&- 2>&-; sleep 0.2; exit 3", 20000, &answer, NULL), 0);
	assert_int_equal(answer.status, 3);
	assert_int_equal(run("kill -9 $$", 20000, &answer, NULL), 0);
	assert_int_equal(answer.status, 128 + SIGKILL);
}

static void only_status_2_means_off(void **state)
{
	(void)state;
	for (int status = 0; status < 256; status++)
		assert_int_equal(fence_power_of_status(status), status == 0   ? FENCE_POWER_ON
								: status == 2 ? FENCE_POWER_OFF
									      : FENCE_POWER_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_file_of_root_may_be_one),
		cmocka_unit_test(it_is_told_the_action_and_the_host),
		cmocka_unit_test(what_it_prints_is_limited),
		cmocka_unit_test(it_is_killed_with_all_that_it_started),
		cmocka_unit_test(it_need_not_close_its_output),
		cmocka_unit_test(only_status_2_means_off),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
