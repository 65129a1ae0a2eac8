/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through the mount whose answers get lost with the process that serves it. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "rest/mount.h"

/* What the next reads of a call file give, up to a NULL; an answer of several reads is one that long. */
static const char *const *script;
static unsigned writes;

ssize_t __wrap_pread64(int fd, void *to, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *to, size_t size, off_t offset)
{
	const char *text = *script;
	size_t len;

	(void)fd;
	assert_non_null(text);
	assert_int_equal(offset, 0);
	len = strlen(text);
	assert_true(len < size);
	memcpy(to, text, len);
	script++;
	return (ssize_t)len;
}

ssize_t __real_pwrite64(int fd, const void *from, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t size, off_t offset)
{
	writes++;
	return __real_pwrite64(fd, from, size, offset);
}

/* What pread(2) is when its buffer is checked. */
ssize_t __wrap___pread64_chk(int fd, void *to, size_t size, off_t offset, size_t room);
ssize_t __wrap___pread64_chk(int fd, void *to, size_t size, off_t offset, size_t room)
{
	assert_true(size <= room);
	return __wrap_pread64(fd, to, size, offset);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void put_file(const char *folder, const char *name, const char *text)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

/* The outcome of a call that gets these answers. */
static int call(const char *const answers[], struct answer *ret, struct error *e)
{
	static const char text[] = "{\"operation\":\"QueryZone\"}";
	char folder[] = "/tmp/poolfs-test-XXXXXX";
	_cleanup_free_ char *sessions = NULL;
	struct call_file file = CALL_FILE_INIT;
	struct mount *mount = NULL;
	json_t *operations = NULL;
	int r;

	assert_non_null(mkdtemp(folder));
	assert_true(asprintf(&sessions, "%s/sessions", folder) > 0);
	assert_int_equal(mkdir(sessions, 0700), 0);
	put_file(folder, "operations.json", "{\"operations\":[]}");
	put_file(sessions, "stamp", "");
	put_file(sessions, "call", "");
	assert_int_equal(mount_open(folder, &mount, &operations, e), 0);
	script = answers;
	writes = 0;
	r = mount_call(mount, &file, "", text, strlen(text), ret, e);
	call_file_close(&file);
	json_decref(operations);
	mount_close(mount);
	assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	return r;
}

static void assert_answered(const char *const answers[], unsigned times)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct answer answer = {0};

	assert_int_equal(call(answers, &answer, &e), 0);
	assert_int_equal(answer.word, ANSWER_OK);
	assert_string_equal(answer.body, "{}");
	assert_int_equal(answer.stamp, 7);
	assert_int_equal(writes, times);
	answer_done(&answer);
}

/* An answer that is not there, or only its beginning, is asked for again. */
static void test_lost_answers(void **state)
{
	(void)state;
	assert_answered((const char *const[]){"ok 7\n{}\n", NULL}, 1);
	assert_answered((const char *const[]){"", "ok 7\n{}\n", NULL}, 2);
	assert_answered((const char *const[]){"ok 7\n{\"inven", "", "ok 7\n{}\n", NULL}, 3);
}

/* Not for ever. */
static void test_answers_lost_for_good(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct answer answer = {0};

	(void)state;
	assert_int_equal(call((const char *const[]){"", "", "", "", "", NULL}, &answer, &e), -ENODATA);
	assert_int_equal(writes, 4);
	assert_null(answer.text);
	assert_string_equal(error_sentence(&e), "the pool cannot be reached: No data available");
}

/* What is no answer of a pool is not asked for again. */
static void test_other_answers(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct answer answer = {0};

	(void)state;
	assert_int_equal(call((const char *const[]){"what\n\n", NULL}, &answer, &e), -EPROTO);
	assert_int_equal(writes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_answers_lost_for_good),
		cmocka_unit_test(test_other_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
