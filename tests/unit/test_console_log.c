/* SPDX-License-Identifier: Apache-2.0 */
/* The logs of serial consoles stay small and go with their VM. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/vm/console_log.h"
#include "tests/unit/pool_fixture.h"

#define VM "0123456789abcdef0123456789abcdef"

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

static void long_logs_are_cut(void **state)
{
	struct pool_fixture *f = *state;
	char path[4096], older[4112], folder[4096], last[8] = "";
	char line[1024];
	int fd;

	snprintf(folder, sizeof(folder), "%s/console", pool_state_dir(f->pool));
	(void)mkdir(folder, 0700);
	console_log_path(f->pool, VM, path);
	snprintf(older, sizeof(older), "%s.0", path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600); /* as QEMU has it */
	assert_true(fd >= 0);
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < CONSOLE_LOG_BYTES / 1024; i++)
		assert_int_equal(write(fd, line, sizeof(line)), sizeof(line));
	assert_int_equal(console_logs_trim(f->pool, NULL), 0);
	assert_int_equal(size_of(path), CONSOLE_LOG_BYTES);
	assert_int_equal(size_of(older), -1);

	assert_int_equal(write(fd, "the end", 7), 7);
	assert_int_equal(console_logs_trim(f->pool, NULL), 0);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(size_of(older), CONSOLE_LOG_BYTES);
	assert_int_equal(write(fd, "new", 3), 3);
	assert_int_equal(size_of(path), 3);
	close(fd);
	fd = open(older, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, last, 7, CONSOLE_LOG_BYTES - 7), 7);
	assert_string_equal(last, "the end");
	close(fd);

	console_log_remove(f->pool, VM);
	assert_int_equal(size_of(path), -1);
	assert_int_equal(size_of(older), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(long_logs_are_cut, pool_fixture_setup, pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
