/* SPDX-License-Identifier: Apache-2.0 */
/* The short form of requests: every rule of the grammar, and a sentence for everything outside it. */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/engine/shortform.h"

static void parses(const char *text, const char *expected)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	json_t *request = NULL, *wanted = json_loads(expected, 0, NULL);

	assert_non_null(wanted);
	if (shortform_parse(text, strlen(text), &request, &e) < 0)
		fail_msg("'%s' was refused: %s", text, error_sentence(&e));
	if (!json_equal(request, wanted))
		fail_msg("'%s' gave %s", text, json_dumps(request, JSON_COMPACT));
	json_decref(request);
	json_decref(wanted);
}

static void refuses_bytes(const char *text, size_t len, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	json_t *request = NULL;

	assert_int_equal(shortform_parse(text, len, &request, &e), -errnum);
	assert_null(request);
	if (!strstr(error_sentence(&e), sentence))
		fail_msg("'%s' was refused with '%s', not '%s'", text, error_sentence(&e), sentence);
}

static void refuses(const char *text, const char *sentence)
{
	refuses_bytes(text, strlen(text), EINVAL, sentence);
}

static void a_verb_alone(void **state)
{
	(void)state;
	parses("start", "{\"verb\":\"start\",\"params\":{}}");
	parses("start\n", "{\"verb\":\"start\",\"params\":{}}");
	parses("start\r\n", "{\"verb\":\"start\",\"params\":{}}");
	parses(" \tset-boot-order \t", "{\"verb\":\"set-boot-order\",\"params\":{}}");
	parses("stopVmInstance", "{\"verb\":\"stopVmInstance\",\"params\":{}}");
}

static void values_stay_strings(void **state)
{
	(void)state;
	parses("stop type=cold", "{\"verb\":\"stop\",\"params\":{\"type\":\"cold\"}}");
	parses("set-boot-order bootOrder=HardDisk,CdRom",
	       "{\"verb\":\"set-boot-order\",\"params\":{\"bootOrder\":\"HardDisk,CdRom\"}}");
	parses("x a=1 b=true c=null d={} e=",
	       "{\"verb\":\"x\",\"params\":{\"a\":\"1\",\"b\":\"true\",\"c\":\"null\","
	       "\"d\":\"{}\",\"e\":\"\"}}");
	parses("x a==b", "{\"verb\":\"x\",\"params\":{\"a\":\"=b\"}}");
	parses("x a.b_c-d=1", "{\"verb\":\"x\",\"params\":{\"a.b_c-d\":\"1\"}}");
	parses("x n=\xe4\xba\x91\xf0\x9f\x98\x80",
	       "{\"verb\":\"x\",\"params\":{\"n\":\"\xe4\xba\x91\xf0\x9f\x98\x80\"}}");
}

static void quotes_join_as_in_a_shell(void **state)
{
	(void)state;
	parses("x a='b c'", "{\"verb\":\"x\",\"params\":{\"a\":\"b c\"}}");
	parses("x a=\"b c\"", "{\"verb\":\"x\",\"params\":{\"a\":\"b c\"}}");
	parses("x a=b' c'\" d\"e f=g", "{\"verb\":\"x\",\"params\":{\"a\":\"b c de\",\"f\":\"g\"}}");
	parses("x a='' b=\"\"", "{\"verb\":\"x\",\"params\":{\"a\":\"\",\"b\":\"\"}}");
	parses("x a='\"' b=\"'\"", "{\"verb\":\"x\",\"params\":{\"a\":\"\\\"\",\"b\":\"'\"}}");
	parses("x a='b\tc'", "{\"verb\":\"x\",\"params\":{\"a\":\"b\\tc\"}}");
}

static void backslash_is_special_in_double_quotes_only(void **state)
{
	(void)state;
	parses("x a=b\\n", "{\"verb\":\"x\",\"params\":{\"a\":\"b\\\\n\"}}");
	parses("x a='b\\'", "{\"verb\":\"x\",\"params\":{\"a\":\"b\\\\\"}}");
	parses("x a=\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	       "{\"verb\":\"x\",\"params\":{\"a\":\"\\\"\\\\/\\b\\f\\n\\r\\t\"}}");
	parses("x a=\"\\u0041\\u00e4\\u4e91\\ud83d\\uDE00\"",
	       "{\"verb\":\"x\",\"params\":{\"a\":\"A\xc3\xa4\xe4\xba\x91\xf0\x9f\x98\x80\"}}");
	refuses("x a=\"\\q\"", "unknown escape '\\q'");
	refuses("x a=\"\\\xe4\xba\x91\"", "unknown escape '\\\xe4\xba\x91'");
	refuses("x a=\"\\u12g4\"", "four hex digits");
	refuses("x a=\"\\u12", "four hex digits");
	refuses("x a=\"\\u0000\"", "'\\u0000'");
	refuses("x a=\"\\ud83d\"", "followed by a low surrogate");
	refuses("x a=\"\\ud83d\\u0041\"", "followed by a low surrogate");
	refuses("x a=\"\\ude00\"", "a low surrogate without a high one");
	refuses("x a=\"\\", "ends within double quotes");
}

static void a_repeated_name_is_a_list(void **state)
{
	(void)state;
	parses("x a=1 b=2 a=3 a=1", "{\"verb\":\"x\",\"params\":{\"a\":[\"1\",\"3\",\"1\"],\"b\":\"2\"}}");
	parses("x a= a=", "{\"verb\":\"x\",\"params\":{\"a\":[\"\",\"\"]}}");
}

static void invalid_lines_get_a_sentence(void **state)
{
	char line[200];

	(void)state;
	refuses("", "the request is empty");
	refuses(" \n", "the request is empty");
	refuses("{\"a\":1}", "'{\"a\":1}' is not a verb");
	refuses("1start", "'1start' is not a verb");
	refuses("a=b", "'a=b' is not a verb");
	refuses("'start'", "is not a verb");
	refuses("stop cold", "'cold' is not of the form name=value");
	refuses("stop =cold", "'=cold' is not of the form name=value");
	refuses("stop type =cold", "'type' is not of the form name=value");
	refuses("stop 1=cold", "'1=cold' is not of the form");
	refuses("stop 'type'=cold", "is not of the form");
	refuses("stop type='cold", "the value of 'type' has no closing single quote");
	refuses("stop type=\"cold", "the value of 'type' has no closing double quote");
	refuses("stop\nstart", "one line");
	refuses("stop a='b\nc'", "one line");
	refuses("stop\n\n", "one line");
	refuses("stop a=\x01", "byte 8 of the request is a control character");
	refuses("stop a=\x7f", "control character");
	refuses_bytes("stop a=\0", 8, EINVAL, "control character");
	refuses("stop \xff", "byte 6 of the request is not UTF-8");
	refuses("stop a=\xc0\x80", "not UTF-8");
	refuses("stop a=\xed\xa0\x80", "not UTF-8");
	refuses("stop a=\xf4\x90\x80\x80", "not UTF-8");
	refuses("stop a=\xe4\xba", "not UTF-8");
	memset(line, 'v', sizeof(line));
	refuses_bytes(line, sizeof(line), EINVAL, "longer than 64 bytes");
	memcpy(line, "x ", 2);
	line[150] = '=';
	refuses_bytes(line, sizeof(line), EINVAL, "longer than 64 bytes");
	/* a quoted word is cut between two characters, so that the sentence stays UTF-8 */
	memcpy(line, "x y", 3);
	for (size_t i = 3; i + 2 <= sizeof(line); i += 2)
		memcpy(line + i, "\xc3\xa4", 2);
	refuses_bytes(line, 199, EINVAL, "\xc3\xa4' is not of the form");
}

static void a_long_line_is_too_big(void **state)
{
	size_t len = SHORTFORM_MAX + 1;
	char *line = malloc(len);
	json_t *request = NULL;

	(void)state;
	assert_non_null(line);
	memset(line, 'b', len);
	memcpy(line, "x a=", 4);
	refuses_bytes(line, len, EFBIG, "at most 65536 bytes");
	assert_int_equal(shortform_parse(line, SHORTFORM_MAX, &request, NULL), 0);
	assert_int_equal(json_string_length(json_object_get(json_object_get(request, "params"), "a")),
			 SHORTFORM_MAX - 4);
	json_decref(request);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verb_alone),
		cmocka_unit_test(values_stay_strings),
		cmocka_unit_test(quotes_join_as_in_a_shell),
		cmocka_unit_test(backslash_is_special_in_double_quotes_only),
		cmocka_unit_test(a_repeated_name_is_a_list),
		cmocka_unit_test(invalid_lines_get_a_sentence),
		cmocka_unit_test(a_long_line_is_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
