/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of a pool, when it is opened: on a file system that does not tell the types of files, and after a loss of
 * power. Calls of the C library are replaced by the linker.
 */
#include "tests/unit/pool_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

static bool fails;
static ino_t synced[256];
static size_t synced_count;

struct dirent *__real_readdir64(DIR *dir);
struct dirent *__wrap_readdir64(DIR *dir);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

struct dirent *__wrap_readdir64(DIR *dir)
{
	struct dirent *entry;

	if (fails) {
		errno = EIO;
		return NULL;
	}
	entry = __real_readdir64(dir);
	if (entry)
		entry->d_type = DT_UNKNOWN;
	return entry;
}

/* Remembers the folders that are written to disk. */
int __wrap_fsync(int fd)
{
	struct stat st;

	if (synced_count < ARRAY_SIZE(synced) && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		synced[synced_count++] = st.st_ino;
	return __real_fsync(fd);
}

static bool was_synced(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	for (size_t i = 0; i < synced_count; i++)
		if (synced[i] == st.st_ino)
			return true;
	return false;
}

static const char *in_staging(struct pool_fixture *f, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/staging/%s", f->state, name);
	return path;
}

static void staging_is_emptied(void **state)
{
	struct pool_fixture *f = *state;

	assert_int_equal(close(open(in_staging(f, "file"), O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(symlink("/etc/passwd", in_staging(f, "link")), 0);
	assert_int_equal(mkdir(in_staging(f, "folder"), 0700), 0);
	pool_fixture_reopen(f);
	assert_int_equal(access(in_staging(f, "file"), F_OK), -1);
	assert_int_equal(unlink(in_staging(f, "link")), -1);
	assert_int_equal(access(in_staging(f, "folder"), F_OK), 0);
}

static void an_unreadable_folder_is_told(void **state)
{
	struct pool_fixture *f = *state;
	struct pool_options options = {.state_dir = f->state, .uri = "test:///default"};
	_cleanup_(error_done) struct error e = ERROR_INIT;

	pool_close(f->pool);
	f->pool = NULL;
	fails = true;
	assert_int_equal(pool_open(&options, &f->pool, &e), -EIO);
	fails = false;
	assert_non_null(strstr(error_sentence(&e), "cannot read the folder"));
	pool_fixture_open(f);
}

static void new_folders_are_on_disk(void **state)
{
	struct pool_fixture *f = *state;
	char path[160];

	pool_close(f->pool);
	f->pool = NULL;
	snprintf(path, sizeof(path), "%s/staging", f->state);
	assert_int_equal(rmdir(path), 0);
	synced_count = 0;
	pool_fixture_open(f);
	assert_true(was_synced(f->state));
	pool_close(f->pool);
	f->pool = NULL;
	snprintf(path, sizeof(path), "%s/console", f->state);
	assert_int_equal(rmdir(path), 0);
	synced_count = 0;
	pool_fixture_open(f);
	assert_true(was_synced(f->state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(staging_is_emptied, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(an_unreadable_folder_is_told, pool_fixture_setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(new_folders_are_on_disk, pool_fixture_setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
