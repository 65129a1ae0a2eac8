/* SPDX-License-Identifier: Apache-2.0 */
/* The log as a file: the form of its lines, what is left out, and what the store tells. */
#include "tests/unit/fixture.h"

#include <regex.h>
#include <time.h>

#include "model/log.h"

/* The file of the log, for the caller to free; it is emptied. */
static char *take_log(const struct fixture *f)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *file = NULL;
	char *text = calloc(1, 4096);

	assert_true(asprintf(&path, "%s/test.log", f->dir) > 0);
	file = fopen(path, "r+e");
	assert_non_null(file);
	(void)!fread(text, 1, 4095, file);
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	return text;
}

static int standard_error = -1; /* that of the test, while the log has it */

static int log_teardown(void **state)
{
	(void)dup2(standard_error, STDERR_FILENO);
	(void)close(steal_fd(&standard_error));
	return fixture_teardown(state);
}

static int log_setup(void **state)
{
	_cleanup_free_ char *path = NULL;
	struct fixture *f;

	if (fixture_setup(state) < 0)
		return -1;
	f = *state;
	standard_error = dup(STDERR_FILENO);
	log_start("test", LOG_LEVEL_INFO);
	return asprintf(&path, "%s/test.log", f->dir) > 0 ? log_to_file(path, NULL) : -1;
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&re, text, 0, NULL, 0) != 0)
		fail_msg("'%s' does not match '%s'", text, pattern);
	regfree(&re);
}

static void an_entry_is_one_line(void **state)
{
	_cleanup_free_ char *text = NULL;

	errno = ENOTTY;
	log_warning("host", "4711", "has said '%s'", "two\nlines\033[31m");
	assert_int_equal(errno, ENOTTY);
	log_debug("host", "4711", "is left out");
	log_error("store", NULL, "is full");
	text = take_log(*state);
	assert_matches(text, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z warning host 4711: has said "
			     "'two\\\\nlines\\\\u001b\\[31m'\n[^ ]* error store: is full\n$");
}

static void levels_have_names(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	enum log_level level = LOG_LEVEL_DEBUG;

	(void)state;
	assert_int_equal(log_level_from_name("warning", &level, &e), 0);
	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_int_equal(log_level_from_name("warn", &level, &e), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_WARNING);
}

static int wait_long(struct txn *t, void *arg, struct error *e)
{
	const struct timespec pause = {.tv_nsec = 600000000};

	(void)t;
	(void)arg;
	(void)e;
	(void)nanosleep(&pause, NULL);
	return 0;
}

static void a_slow_commit_is_told(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(store_run(f->store, wait_long, NULL, NULL), 0);
	text = take_log(f);
	assert_matches(text,
		       " warning store: a commit of 1 changes took (0\\.[6-9]|[1-9][0-9]*\\.[0-9]) s\n$");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry_is_one_line, log_setup, log_teardown),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test_setup_teardown(a_slow_commit_is_told, log_setup, log_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
