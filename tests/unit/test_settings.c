/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings: each is read by some code, and has a test that shows what it does. The files are searched
 * for the key, so a setting without a reader or a test fails here.
 */
#include "tests/unit/test.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "actions/engine/config.h"

static const struct {
	const char *key, *test, *text;
} shown[] = {
#include "tests/unit/shown_settings.h"
};

static const char *wanted; /* what the walk looks for */
static bool found;

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len >= end_len && strcmp(path + len - end_len, end) == 0;
}

static bool has_line_with(const char *path, const char *text)
{
	FILE *f = fopen(path, "re");
	char line[4096];
	bool has = false;

	if (!f)
		fail_msg("cannot open '%s'", path);
	while (!has && fgets(line, sizeof(line), f))
		has = strstr(line, text);
	(void)fclose(f);
	return has;
}

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_F && (ends_with(path, ".c") || ends_with(path, ".h")) &&
	    !ends_with(path, "/engine/config.c") && has_line_with(path, wanted))
		found = true;
	return found;
}

/* A quota is read by its name, other settings by their whole key. */
static const char *name_in_code(const struct setting *s)
{
	return strncmp(s->key, "quota.", 6) == 0 ? s->key + 6 : s->key;
}

static void every_setting_is_read(void **state)
{
	static const char *const folders[] = {SOURCE_ROOT "/actions", SOURCE_ROOT "/fs", SOURCE_ROOT "/rest"};
	size_t count;
	const struct setting *settings = settings_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		static char quoted[96];

		snprintf(quoted, sizeof(quoted), "\"%s\"", name_in_code(&settings[i]));
		wanted = quoted;
		found = false;
		for (size_t k = 0; k < ARRAY_SIZE(folders) && !found; k++)
			(void)nftw(folders[k], look, 16, FTW_PHYS);
		if (!found)
			fail_msg("no code reads the setting '%s'", settings[i].key);
	}
}

static void every_setting_has_a_test(void **state)
{
	size_t count;
	const struct setting *settings = settings_all(&count);

	(void)state;
	assert_int_equal(count, ARRAY_SIZE(shown));
	for (size_t i = 0; i < count; i++) {
		char path[256];

		assert_string_equal(settings[i].key, shown[i].key); /* both are sorted */
		snprintf(path, sizeof(path), SOURCE_ROOT "/tests/%s", shown[i].test);
		if (!has_line_with(path, shown[i].text))
			fail_msg("'%s' of the setting '%s' is not in %s", shown[i].text, shown[i].key, path);
	}
}

static void every_setting_is_described(void **state)
{
	size_t count;
	const struct setting *settings = settings_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_non_null(settings[i].description);
		assert_int_equal(setting_check_value(&settings[i], settings[i].default_value, NULL), 0);
		if (i)
			assert_true(strcmp(settings[i - 1].key, settings[i].key) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_is_read),
		cmocka_unit_test(every_setting_has_a_test),
		cmocka_unit_test(every_setting_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
