/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EFFECTS.md: each setting and system tag, what it does, and the test that shows it. It is written from the tables
 * of the program and of the tests, and compared here. POOLFS_REGENERATE=1 writes it anew.
 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/system_tag.h"
#include "model/cleanup.h"

#define PATH SOURCE_ROOT "/EFFECTS.md"

struct shown {
	const char *name, *test, *text;
};

static const struct shown settings[] = {
#include "tests/unit/shown_settings.h"
};

static const struct shown tags[] = {
#include "tests/unit/shown_tags.h"
};

static const char *test_of(const struct shown *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].test;
	fail_msg("'%s' has no test", name);
	return NULL;
}

/* Text in a cell of a table. */
static void put_cell(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("|<>*_", *text))
			(void)fputc('\\', f);
		(void)fputc(*text, f);
	}
}

static void put_test(FILE *f, const char *test)
{
	fprintf(f, " | [%s](tests/%s) |\n", test, test);
}

static void write_settings(FILE *f)
{
	size_t count;
	const struct setting *s = settings_all(&count);

	fprintf(f, "| setting | default | effect | test |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++, s++) {
		fprintf(f, "| `%s` | %s | ", s->key, *s->default_value ? s->default_value : "none");
		put_cell(f, s->description);
		for (const char *const *v = s->type == SETTING_CHOICE ? s->values : NULL; v && *v; v++)
			fprintf(f, "%s%s%s", v == s->values ? " (" : ", ", *v, v[1] ? "" : ")");
		put_test(f, test_of(settings, ARRAY_SIZE(settings), s->key));
	}
}

static void write_tags(FILE *f)
{
	fprintf(f, "| tag | of | effect | test |\n|---|---|---|---|\n");
	for (const struct system_tag *tag = system_tags(); tag->prefix; tag++) {
		fprintf(f, "| `%s` | ", tag->prefix);
		for (size_t i = 0; i < ARRAY_SIZE(tag->kinds) && tag->kinds[i] != KIND_NONE; i++)
			fprintf(f, "%s%s", i ? ", " : "", kind_get(tag->kinds[i])->noun);
		fprintf(f, " | ");
		put_cell(f, tag->effect);
		put_test(f, test_of(tags, ARRAY_SIZE(tags), tag->prefix));
	}
}

static char *write_table(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fprintf(f,
		"# What each setting and system tag does, and the test that shows it\n\n"
		"This file is written by `POOLFS_REGENERATE=1 build/tests/unit/test-effect_table` from the tables of the\n"
		"program and of the tests, and compared with them by that test.\n\n"
		"## Settings\n\nIn `global-configurations/CATEGORY/NAME/value`; the category ends at the first point.\n\n");
	write_settings(f);
	fprintf(f,
		"\n## System tags\n\n"
		"VMs inherit those of their offering and image. `README` in the mount says which values they take.\n\n");
	write_tags(f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static char *read_all(void)
{
	FILE *f = fopen(PATH, "re");
	char *text = calloc(1, 1 << 18);

	assert_non_null(text);
	if (!f)
		fail_msg("there is no %s", PATH);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	(void)fclose(f);
	return text;
}

static void the_table_is_current(void **state)
{
	_cleanup_free_ char *want = write_table(), *have = NULL;

	(void)state;
	if (getenv("POOLFS_REGENERATE")) {
		FILE *f = fopen(PATH, "we");

		assert_non_null(f);
		assert_true(fputs(want, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	have = read_all();
	if (strcmp(have, want) != 0)
		fail_msg(
			"EFFECTS.md is not current: write it with POOLFS_REGENERATE=1 build/tests/unit/test-effect_table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
