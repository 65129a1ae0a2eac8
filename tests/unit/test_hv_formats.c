/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats this project writes itself, checked with QEMU where it is installed:
 * the probe's boot sector runs (under TCG) and prints its marker; the simulated
 * host's qcow2 images are valid and name their backing files.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "hypervisor/boot_sector.h"
#include "hypervisor/storage/qcow2.h"
#include "model/cleanup.h"

extern char **environ;

/* A file of its own for each test, removed by the test. */
static int make_file(char path[64])
{
	int fd;

	(void)snprintf(path, 64, "/tmp/test_hv_formats.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	return fd;
}

/* Starts @args with its output in a pipe. False when the program is not installed. */
static bool start(char *const args[], pid_t *ret_pid, int *ret_output)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	int rc;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	rc = posix_spawnp(ret_pid, args[0], &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	*ret_output = ends[0];
	if (rc == 0)
		return true;
	close(ends[0]);
	print_message("%s is not installed\n", args[0]);
	return false;
}

/* True when @wanted was read before the output ended or 30 s had passed. */
static bool read_until(int fd, const char *wanted)
{
	char heard[65536];
	size_t used = 0;

	for (int i = 0; i < 300 && used < sizeof(heard); i++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&p, 1, 100) <= 0)
			continue;
		got = read(fd, heard + used, sizeof(heard) - used);
		if (got <= 0)
			return false;
		used += (size_t)got;
		if (memmem(heard, used, wanted, strlen(wanted)))
			return true;
	}
	return false;
}

static void the_boot_sector_prints_its_marker(void **state)
{
	char path[64], drive[96];
	int fd = make_file(path);
	char *const args[] = {(char *)"qemu-system-x86_64",
			      (char *)"-accel",
			      (char *)"tcg",
			      (char *)"-m",
			      (char *)"16",
			      (char *)"-display",
			      (char *)"none",
			      (char *)"-monitor",
			      (char *)"none",
			      (char *)"-nic",
			      (char *)"none",
			      (char *)"-serial",
			      (char *)"stdio",
			      (char *)"-drive",
			      drive,
			      NULL};
	bool heard = false;
	int output;
	pid_t pid;
	(void)state;

	assert_int_equal(write(fd, probe_boot_sector, sizeof(probe_boot_sector)), sizeof(probe_boot_sector));
	close(fd);
	(void)snprintf(drive, sizeof(drive), "file=%s,format=raw", path);
	if (!start(args, &pid, &output)) {
		(void)unlink(path);
		skip();
	}
	heard = read_until(output, PROBE_MARKER);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	close(output);
	(void)unlink(path);
	assert_true(heard);
}

static void the_size_of_an_image_is_read_back(void **state)
{
	static const int64_t sizes[] = {1, 512, 1LL << 30, (1LL << 30) + 1, 40LL << 30, 1LL << 50};
	char path[64];
	int64_t size = 0;
	int fd;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fd = make_file(path);
		(void)unlink(path);
		assert_int_equal(qcow2_read_size(fd, &size), -EMEDIUMTYPE);
		assert_int_equal(qcow2_write(fd, sizes[i], "/base", "raw"), 0);
		assert_int_equal(qcow2_read_size(fd, &size), 0);
		assert_int_equal(size, sizes[i]);
		close(fd);
	}
	fd = make_file(path);
	(void)unlink(path);
	assert_int_equal(qcow2_write(fd, 1 << 20, NULL, NULL), 0);
	assert_int_equal(pwrite(fd, "\4", 1, 79), 1); /* its data is in another file */
	assert_int_equal(qcow2_read_size(fd, &size), -EMEDIUMTYPE);
	assert_false(qcow2_has_no_backing(fd));
	close(fd);
	fd = make_file(path);
	(void)unlink(path);
	assert_int_equal(qcow2_write(fd, 0, NULL, NULL), -EFBIG);
	assert_int_equal(qcow2_write(fd, INT64_MAX, NULL, NULL), -EFBIG);
	close(fd);
}

/* Runs qemu-img with one more argument; -1 = not installed, else whether it succeeded and printed @wanted. */
static int qemu_img(const char *command, const char *option, const char *path, const char *wanted)
{
	char *const args[] = {(char *)"qemu-img", (char *)command, (char *)option, (char *)path, NULL};
	int status = 0;
	bool said;
	int output;
	pid_t pid;

	if (!start(args, &pid, &output))
		return -1;
	said = read_until(output, wanted);
	while (read_until(output, "\x01"))
		;
	(void)waitpid(pid, &status, 0);
	close(output);
	return said && status == 0;
}

static void qemu_accepts_our_images(void **state)
{
	char *format;
	char base[64], leaf[64];
	int base_fd = make_file(base), leaf_fd = make_file(leaf);
	int base_ok, leaf_ok, name_ok;
	(void)state;

	assert_int_equal(qcow2_write(base_fd, 40LL << 30, NULL, NULL), 0);
	assert_int_equal(qcow2_write(leaf_fd, 3LL << 40, base, "qcow2"), 0);
	assert_int_equal(qcow2_read_backing_format(leaf_fd, &format), 0);
	assert_string_equal(format, "qcow2");
	free(format);
	assert_int_equal(qcow2_read_backing_format(base_fd, &format), 0);
	assert_null(format);
	close(base_fd);
	close(leaf_fd);
	base_ok = qemu_img("check", "--output=json", base, "\"check-errors\": 0");
	leaf_ok = qemu_img("check", "--output=json", leaf, "\"check-errors\": 0");
	name_ok = qemu_img("info", "--output=json", leaf, base);
	(void)unlink(base);
	(void)unlink(leaf);
	if (base_ok < 0)
		skip();
	assert_int_equal(base_ok, 1);
	assert_int_equal(leaf_ok, 1);
	assert_int_equal(name_ok, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_boot_sector_prints_its_marker),
		cmocka_unit_test(the_size_of_an_image_is_read_back),
		cmocka_unit_test(qemu_accepts_our_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
