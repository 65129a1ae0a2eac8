/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner for whole JSON documents: where they end, what is refused, and pieces of any size. */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/engine/json_gather.h"

/* Feeds in one piece, then in every pair of pieces, then byte by byte; all must agree. */
static void expect(const char *text, enum json_gather_state wanted, uint64_t end)
{
	size_t len = strlen(text);

	for (size_t cut = 0; cut <= len; cut++) {
		struct json_gather g;

		json_gather_init(&g, 1000);
		json_gather_feed(&g, text, cut);
		if (json_gather_feed(&g, text + cut, len - cut) != wanted)
			fail_msg("'%s' cut at %zu: state %d, not %d", text, cut, (int)g.state, (int)wanted);
		assert_int_equal(g.end, end);
	}
	{
		struct json_gather g;

		json_gather_init(&g, 1000);
		for (size_t i = 0; i < len; i++)
			json_gather_feed(&g, text + i, 1);
		assert_int_equal(g.state, wanted);
		assert_int_equal(g.end, end);
	}
}

static void finds_the_end(void **state)
{
	(void)state;
	expect("", JSON_GATHER_INCOMPLETE, 0);
	expect(" \t\r\n", JSON_GATHER_INCOMPLETE, 0);
	expect("{}", JSON_GATHER_COMPLETE, 2);
	expect(" {}\n", JSON_GATHER_COMPLETE, 3);
	expect("[{},[]]", JSON_GATHER_COMPLETE, 7);
	expect("{\"a\":{\"b\":[1,2]}}", JSON_GATHER_COMPLETE, 17);
	expect("{\"a\":{\"b\":[1,2]}", JSON_GATHER_INCOMPLETE, 0);
}

static void brackets_in_strings_do_not_count(void **state)
{
	(void)state;
	expect("{\"}\":\"]\"}", JSON_GATHER_COMPLETE, 9);
	expect("{\"\\\"}\":1}", JSON_GATHER_COMPLETE, 9);
	expect("{\"\\\\\":1}", JSON_GATHER_COMPLETE, 8);
	expect("{\"\\\\\\\"}", JSON_GATHER_INCOMPLETE, 0);
	expect("{\"a}", JSON_GATHER_INCOMPLETE, 0);
}

static void refuses_at_the_first_wrong_byte(void **state)
{
	(void)state;
	expect("start", JSON_GATHER_NOT_JSON, 0);
	expect("\"a\"", JSON_GATHER_NOT_JSON, 0);
	expect("}", JSON_GATHER_NOT_JSON, 0);
	expect("\xef\xbb\xbf{}", JSON_GATHER_NOT_JSON, 0);
	expect("{]", JSON_GATHER_MISMATCH, 0);
	expect("[{}}", JSON_GATHER_MISMATCH, 0);
	expect("{\"a\n", JSON_GATHER_CONTROL, 0);
	expect("{\"a\\\n", JSON_GATHER_CONTROL, 0);
	expect("[0\x01]", JSON_GATHER_CONTROL, 0);
	expect("{}x", JSON_GATHER_TRAILING, 2);
	expect("{}\n{}", JSON_GATHER_TRAILING, 2);
	expect("{}}", JSON_GATHER_TRAILING, 2);
}

static void depth_has_a_limit(void **state)
{
	char text[2 * JSON_GATHER_DEPTH + 3];
	struct json_gather g;

	(void)state;
	memset(text, '[', JSON_GATHER_DEPTH);
	memset(text + JSON_GATHER_DEPTH, ']', JSON_GATHER_DEPTH);
	text[2 * JSON_GATHER_DEPTH] = '\0';
	expect(text, JSON_GATHER_COMPLETE, 2 * JSON_GATHER_DEPTH);
	for (int i = 0; i < JSON_GATHER_DEPTH; i++) {
		text[i] = i % 3 ? '[' : '{';
		text[2 * JSON_GATHER_DEPTH - 1 - i] = i % 3 ? ']' : '}';
	}
	expect(text, JSON_GATHER_COMPLETE, 2 * JSON_GATHER_DEPTH);
	memset(text, '[', JSON_GATHER_DEPTH + 1);
	json_gather_init(&g, 1000);
	assert_int_equal(json_gather_feed(&g, text, JSON_GATHER_DEPTH), JSON_GATHER_INCOMPLETE);
	assert_int_equal(json_gather_feed(&g, text, 1), JSON_GATHER_TOO_DEEP);
	assert_int_equal(json_gather_feed(&g, "]", 1), JSON_GATHER_TOO_DEEP);
}

static void length_has_a_limit(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct json_gather g;

	(void)state;
	json_gather_init(&g, 4);
	assert_int_equal(json_gather_feed(&g, "[12]", 4), JSON_GATHER_COMPLETE);
	assert_int_equal(json_gather_feed(&g, "\n\n", 2), JSON_GATHER_COMPLETE);
	json_gather_init(&g, 4);
	assert_int_equal(json_gather_feed(&g, "[123", 4), JSON_GATHER_INCOMPLETE);
	assert_int_equal(json_gather_feed(&g, "]", 1), JSON_GATHER_TOO_LONG);
	assert_int_equal(json_gather_check(&g, &e), -EFBIG);
	assert_string_equal(error_sentence(&e), "the JSON document is longer than 4 bytes");
	json_gather_init(&g, 4);
	assert_int_equal(json_gather_feed(&g, "     ", 5), JSON_GATHER_TOO_LONG);
}

static void sentence_is(const char *text, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct json_gather g;

	json_gather_init(&g, 1000);
	json_gather_feed(&g, text, strlen(text));
	assert_int_equal(json_gather_finish(&g, &e), *sentence ? -EINVAL : 0);
	if (!strstr(error_sentence(&e), *sentence ? sentence : "ok"))
		fail_msg("'%s': '%s', not '%s'", text, error_sentence(&e), sentence);
	/* an invalid document is reported by the write, an incomplete one by the flush */
	assert_int_equal(json_gather_check(&g, NULL), g.state <= JSON_GATHER_COMPLETE ? 0 : -EINVAL);
}

static void every_state_has_a_sentence(void **state)
{
	char deep[JSON_GATHER_DEPTH + 2] = {0};

	(void)state;
	memset(deep, '[', JSON_GATHER_DEPTH + 1);
	sentence_is("{}", "");
	sentence_is("", "the request is empty");
	sentence_is("{\"a", "ends within a string");
	sentence_is("{", "ends with 1 bracket open");
	sentence_is("{[", "ends with 2 brackets open");
	sentence_is("  x", "byte 3 does not begin");
	sentence_is("{]", "bracket at byte 2");
	sentence_is("{\"\n", "byte 3 of the JSON document is a control character");
	sentence_is("[\x02", "byte 2 of the JSON document is a control character");
	sentence_is("{} x", "byte 4 follows the end");
	sentence_is(deep, "more than 64 brackets open at byte 65");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_end),
		cmocka_unit_test(brackets_in_strings_do_not_count),
		cmocka_unit_test(refuses_at_the_first_wrong_byte),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(length_has_a_limit),
		cmocka_unit_test(every_state_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
