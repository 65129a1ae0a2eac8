/* SPDX-License-Identifier: Apache-2.0 */
/* Text comparison as MySQL does it: case, spaces at the end, order, and keys that agree with it. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "model/uuid.h"
#include "model/cleanup.h"
#include "model/text.h"
#include "model/url.h"

static void utf8_is_recognised(void **state)
{
	static const char *const good[] = {"",
					   "abc",
					   "é",
					   "云主机",
					   "😀",
					   "\xED\x9F\xBF",
					   "\xEE\x80\x80",
					   "\xF4\x8F\xBF\xBF",
					   "\xC2\x80",
					   "\xE0\xA0\x80",
					   "\xF0\x90\x80\x80"};
	static const char *const bad[] = {"\x80",
					  "\xC0\x80",
					  "\xC1\xBF",
					  "\xE0\x9F\xBF",
					  "\xED\xA0\x80",
					  "\xF0\x8F\xBF\xBF",
					  "\xF4\x90\x80\x80",
					  "\xF5\x80\x80\x80",
					  "\xFF",
					  "\xC3",
					  "\xE4\xBA",
					  "a\xF0\x9F\x98",
					  "\xC3(",
					  "\xE4\xBA("};
	char text[64];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(text_is_utf8(bad[i], strlen(bad[i])));
	for (int before = 0; before < 20; before++) {
		for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
			bool is_good = i < ARRAY_SIZE(good);
			int len = snprintf(text, sizeof(text), "%.*s%s%s", before, "abcdefghijklmnopqrst",
					   is_good ? good[i] : bad[i - ARRAY_SIZE(good)],
					   before % 2 ? "" : "0123456789");

			assert_int_equal(text_is_utf8(text, (size_t)len), is_good);
		}
	}
	assert_false(text_is_utf8("é", 1));
}

static void compares_as_mysql(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} rows[] = {
		{"", "", 0},	 {"a", "A", 0},	  {"a", "a  ", 0},   {"", "   ", 0},   {"a", "b", -1},
		{"B", "a", 1},	 {"a", "ab", -1}, {"a ", "a b", -1}, {"a\t", "a", -1}, {"a\tb", "a ", -1},
		{"é", "É", 0},	 {"Ä", "ä ", 0},  {"ж", "Ж", 0},     {"ё", "Ё", 0},    {"Σ", "σ", 0},
		{"ς", "Σ", 0},	 {"ő", "Ő", 0},	  {"ž", "Ž", 0},     {"×", "÷", -1},   {"云", "云", 0},
		{"云", "主", 1}, {"a", "é", -1},  {"😀", "云", 1},    {" a", "a", -1},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(text_compare(rows[i].a, rows[i].b), rows[i].order);
		assert_int_equal(text_compare(rows[i].b, rows[i].a), -rows[i].order);
	}
}

static void folding_is_stable(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x11000; c++)
		assert_int_equal(text_fold(text_fold(c)), text_fold(c));
}

static void keys_agree_with_comparison(void **state)
{
	static const char *const parts[] = {"a", "A", " ", "é", "É", "云", "😀", "z", "\t"};
	(void)state;

	srand(3);
	for (int round = 0; round < 100000; round++) {
		char text[2][64] = {"", ""}, key[2][128];
		size_t len[2];

		for (int i = 0; i < 2; i++) {
			size_t at = 0;

			for (int n = rand() % 5; n > 0; n--)
				at += (size_t)snprintf(text[i] + at, sizeof(text[i]) - at, "%s",
						       parts[(size_t)rand() % ARRAY_SIZE(parts)]);
			len[i] = text_key(text[i], key[i], sizeof(key[i]));
			assert_true(text_is_utf8(key[i], len[i]));
		}
		assert_int_equal(text_compare(text[0], text[1]) == 0,
				 len[0] == len[1] && memcmp(key[0], key[1], len[0]) == 0);
	}
}

static void each_letter_of_a_key_is_folded(void **state)
{
	enum { LEN = 20 };
	(void)state;

	for (int c = 1; c < 0x80; c++)
		for (size_t at = 0; at < LEN; at++) {
			char text[LEN + 1], key[LEN];
			size_t len;

			snprintf(text, sizeof(text), "%s", "aZ@[`{zAaZ@[`{zA09-_");
			text[at] = (char)c;
			len = text_key(text, key, sizeof(key));
			assert_int_equal(len, c == ' ' && at == LEN - 1 ? LEN - 1 : LEN);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(key[i], text_fold((unsigned char)text[i]));
		}
}

static void letters_after_others_are_folded(void **state)
{
	(void)state;
	for (int before = 0; before < 20; before++) {
		char text[2][64], key[2][64];
		size_t len[2];

		snprintf(text[0], sizeof(text[0]), "%.*s%s", before, "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			 "ÄÖ AND MORE LETTERS");
		snprintf(text[1], sizeof(text[1]), "%.*s%s", before, "abcdefghijklmnopqrstuvwxyz",
			 "äö and more letters  ");
		for (int i = 0; i < 2; i++)
			len[i] = text_key(text[i], key[i], sizeof(key[i]));
		assert_int_equal(len[0], len[1]);
		assert_memory_equal(key[0], key[1], len[0]);
	}
}

static void a_key_never_overflows(void **state)
{
	char key[8];
	(void)state;

	for (size_t size = 0; size <= sizeof(key); size++) {
		memset(key, '#', sizeof(key));
		assert_true(text_key("aé云😀aé云😀", key, size) <= size);
		for (size_t i = size; i < sizeof(key); i++)
			assert_int_equal(key[i], '#');
	}
}

static void a_prefix_has_whole_characters(void **state)
{
	(void)state;
	assert_int_equal(text_prefix("", 3), 0);
	assert_int_equal(text_prefix("abc", 0), 0);
	assert_int_equal(text_prefix("abc", 2), 2);
	assert_int_equal(text_prefix("abc", 9), 3);
	assert_int_equal(text_prefix("a\u044f\u20ac\U0001f600z", 3), 1 + 2 + 3);
	assert_int_equal(text_prefix("a\u044f\u20ac\U0001f600z", 4), 1 + 2 + 3 + 4);
}

static void derived_uuids_are_always_the_same(void **state)
{
	const char *of = "36c27e8ff05c4780bf6d2fa65700aaaa";
	char first[UUID_SIZE], again[UUID_SIZE], second[UUID_SIZE], other[UUID_SIZE];

	(void)state;
	uuid_derive(of, 0, first);
	uuid_derive(of, 0, again);
	uuid_derive(of, 1, second);
	uuid_derive("36c27e8ff05c4780bf6d2fa65700aaab", 0, other);
	assert_string_equal(first, again);
	assert_string_not_equal(first, second);
	assert_string_not_equal(first, other);
	assert_true(uuid_is_resource(first));
}

static void urls_are_shown_without_secrets(void **state)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{"https://host/a/b.qcow2", "https://host/a/b.qcow2"},
		{"https://user:pa%40ss@host:8/x", "https://******@host:8/x"},
		{"https://token@host", "https://******@host"},
		{"http://a@b@host/c@d", "http://******@host/c@d"},
		{"https://h/x?token=T&arch=amd64#part", "https://h/x?token=******&arch=******#part"},
		{"https://h/x?T0ken", "https://h/x?******"},
		{"https://h/x?a=b=c&&d=", "https://h/x?a=******&&d=******"},
		{"https://h?u:p@x", "https://h?******"},
		{"file:///srv/a@b?c=d", "file:///srv/a@b?c=******"},
		{"/srv/a:b@c?x=y", "/srv/a:b@c?x=y"},
		{"/srv/x://u:p@h", "/srv/x://u:p@h"},
		{"", ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *shown = url_shown(cases[i].url);

		assert_string_equal(shown, cases[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_recognised),
		cmocka_unit_test(compares_as_mysql),
		cmocka_unit_test(folding_is_stable),
		cmocka_unit_test(keys_agree_with_comparison),
		cmocka_unit_test(each_letter_of_a_key_is_folded),
		cmocka_unit_test(letters_after_others_are_folded),
		cmocka_unit_test(a_key_never_overflows),
		cmocka_unit_test(derived_uuids_are_always_the_same),
		cmocka_unit_test(urls_are_shown_without_secrets),
		cmocka_unit_test(a_prefix_has_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
