/* SPDX-License-Identifier: Apache-2.0 */
/* Names as path components, and relative paths. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "fs/tree/names.h"

#define UUID "0123456789abcdef0123456789abcdef"

static void assert_name(const char *text, const char *component)
{
	char name[NAME_SIZE];
	struct name back;

	assert_true(name_encode(text, UUID, name));
	assert_string_equal(name, component);
	assert_true(name_decode(name, &back));
	assert_string_equal(back.text, text);
	assert_int_equal(back.rank, 1);
}

static void test_plain(void **state)
{
	(void)state;
	assert_name("web01", "web01");
	assert_name("north wing", "north wing");
	assert_name("gr\xc3\xb6\xc3\x9f"
		    "e",
		    "gr\xc3\xb6\xc3\x9f"
		    "e");
	assert_name("a.b", "a.b");
	assert_name("web~x", "web~x");
	assert_name("~", "~");
}

static void test_escapes(void **state)
{
	(void)state;
	assert_name(".", "%2E");
	assert_name("..", "%2E.");
	assert_name(".a/b", "%2Ea%2Fb");
	assert_name("100%", "100%25");
	assert_name("a\nb\x7f", "a%0Ab%7F");
	assert_name("a\xc2\x85"
		    "b",
		    "a%C2%85"
		    "b");
	/* what could be taken for a number or a uuid */
	assert_name("web~2", "web%7E2");
	assert_name("web~beef", "web%7Ebeef");
	assert_name("a~b~2", "a~b%7E2");
}

static void test_empty(void **state)
{
	char name[NAME_SIZE];

	(void)state;
	assert_false(name_encode("", UUID, name));
	assert_false(name_encode(NULL, UUID, name));
}

static void test_rank(void **state)
{
	char name[NAME_SIZE];
	struct name back;

	(void)state;
	assert_true(name_encode_rank("web", UUID, 12, name));
	assert_string_equal(name, "web~12");
	assert_true(name_decode(name, &back));
	assert_string_equal(back.text, "web");
	assert_int_equal(back.rank, 12);
}

static void test_long(void **state)
{
	char text[4 * 255 + 1] = "", name[NAME_SIZE];
	struct name back;

	(void)state;
	for (int i = 0; i < 255; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x92\xbe", 5);
	assert_true(name_encode_rank(text, UUID, 7, name));
	assert_true(strlen(name) <= NAME_LENGTH);
	assert_int_equal((strlen(name) - 1 - strlen(UUID)) % 4, 0); /* no character is split */
	assert_string_equal(name + strlen(name) - strlen(UUID) - 1, "~" UUID);
	assert_true(name_decode(name, &back));
	assert_string_equal(back.uuid, UUID);

	memset(text, 'a', 189);
	text[189] = '\0';
	assert_name(text, text);
	assert_true(name_encode_rank(text, UUID, 4000000000u, name));
	assert_int_equal(strlen(name), NAME_LENGTH);
	assert_true(name_decode(name, &back));
	assert_int_equal(back.rank, 4000000000u);
	text[189] = 'a';
	text[190] = '\0';
	assert_true(name_encode(text, UUID, name));
	assert_int_equal(strlen(name), NAME_LENGTH);
}

/* Every object has exactly one name: other spellings are refused. */
static void test_other_spellings(void **state)
{
	static const char *const bad[] = {"%41",     "%2e",   "%2",	"%",	 "a%",
					  "a%zz",    "web~1", "web~02", "web~0", "web~2a",
					  ".hidden", "%00",   "a%00b",	"",	 "~2"};
	struct name back;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_decode(bad[i], &back));
}

static void test_random_round_trip(void **state)
{
	static const char letters[] = "ab./%~2f\n\x7f\xc2\x85 ";
	char text[64], name[NAME_SIZE];
	struct name back;

	(void)state;
	srandom(1);
	for (int i = 0; i < 100000; i++) {
		size_t len = 1 + (size_t)random() % 12;
		unsigned rank = 1 + (unsigned)random() % 3;

		for (size_t j = 0; j < len; j++)
			text[j] = letters[(size_t)random() % (sizeof(letters) - 1)];
		text[len] = '\0';
		assert_true(name_encode_rank(text, UUID, rank, name));
		assert_null(strchr(name, '/'));
		assert_true(name[0] != '.');
		assert_true(name_decode(name, &back));
		assert_string_equal(back.text, text);
		assert_int_equal(back.rank, rank);
	}
}

static void assert_path(const char *from, const char *to, const char *path)
{
	char out[PATH_SIZE];

	path_relative(from, to, out);
	assert_string_equal(out, path);
}

static void test_paths(void **state)
{
	(void)state;
	assert_path("", "zones/x", "zones/x");
	assert_path("zones/by-name", "zones/x", "../x");
	assert_path("vm-instances/nics", "vm-instances/v/nics/n", "../v/nics/n");
	assert_path("vm-instances/v/volumes", "volumes/w", "../../../volumes/w");
	assert_path("vm-instances/v", "images/i", "../../images/i");
	assert_path("l3-networks/ip-ranges/r", "l3-networks/l", "../../l");
	assert_path("l3-networks/l/ip-ranges", "l3-networks/ip-ranges/r", "../../ip-ranges/r");
	assert_path("a/bc", "a/bd", "../bd");
	assert_path("a/b", "a/b/c", "c");
	assert_path("a/b/c", "a/b", "..");
	assert_path("ab", "a", "../a");
	assert_path("a", "ab", "../ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_other_spellings),
		cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
