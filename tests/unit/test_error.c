/* SPDX-License-Identifier: Apache-2.0 */
/* The error object: the first error wins, causes nest, JSON can be read back, codes are searchable. */
#include "tests/unit/test.h"

#include <string.h>

#include "model/error.h"
#include "model/json.h"

static void sets_errno_code_and_sentence(void **state)
{
	(void)state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	assert_int_equal(error_set(&e, EBUSY, "state is '%s'", "Running"), -EBUSY);
	assert_string_equal(e.code, "SYS.1006");
	assert_string_equal(error_sentence(&e), "state is 'Running'");
	assert_int_equal(error_set(&e, EINVAL, "second"), -EINVAL);
	assert_string_equal(error_sentence(&e), "state is 'Running'");
}

static void no_memory_has_one_sentence(void **state)
{
	(void)state;
	_cleanup_(error_done) struct error e = ERROR_INIT;

	assert_int_equal(error_oom(NULL), -ENOMEM);
	assert_int_equal(error_oom(&e), -ENOMEM);
	assert_int_equal(e.errnum, ENOMEM);
	assert_string_equal(error_sentence(&e), "out of memory");
}

static void wrapping_keeps_the_sentence(void **state)
{
	(void)state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(error_done) struct error back = ERROR_INIT;
	json_t *json;

	error_set_code(&e, EBUSY, "VM.1010", "wrong state");
	assert_int_equal(error_wrap(&e, "VM.1001"), -EBUSY);
	json = error_to_json(&e);
	assert_string_equal(json_string_value(json_object_get(json, "code")), "VM.1001");
	assert_string_equal(json_string_value(json_object_get(json, "description")), "Unable to start a vm");
	assert_string_equal(json_string_value(json_object_get(json_object_get(json, "cause"), "code")),
			    "VM.1010");
	error_from_json(json, &back);
	assert_int_equal(back.errnum, EBUSY);
	assert_string_equal(back.code, "VM.1001");
	assert_string_equal(error_sentence(&back), "wrong state");
	json_decref(json);
}

static void every_default_code_has_a_description(void **state)
{
	static const int numbers[] = {EINVAL, ENOENT, EBUSY,	  EEXIST,    ENOSPC, EPERM,
				      EACCES, EDQUOT, EOPNOTSUPP, ETIMEDOUT, EIO};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		error_set(&e, numbers[i], "x");
		assert_non_null(error_description(e.code));
	}
	assert_null(error_description("NO.1"));
	/* first and last row are found, so the table is sorted at least at its ends */
	assert_non_null(error_description("BS.1000"));
	assert_non_null(error_description("VOLUME_SNAPSHOT.1000"));
	assert_non_null(error_description("VM.1016"));
	assert_non_null(error_description("HOST_ALLOCATION.1001"));
}

static void long_details_are_truncated_at_a_character(void **state)
{
	(void)state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char big[5000];
	json_t *json;
	size_t len;

	memset(big, 'a', sizeof(big));
	big[4095] = (char)0xC3;
	big[4096] = (char)0xA9;
	big[4999] = '\0';
	error_set(&e, EINVAL, "%s", big);
	json = error_to_json(&e);
	len = json_string_length(json_object_get(json, "details"));
	assert_int_equal(len, 4095);
	json_decref(json);
}

static void truncates_before_a_multibyte_character_and_prints_any_byte(void **state)
{
	(void)state;
	_cleanup_(error_done) struct error cut = ERROR_INIT;
	_cleanup_(error_done) struct error bytes = ERROR_INIT;
	char big[5000];
	json_t *json;

	memset(big, 'a', sizeof(big));
	memcpy(big + 4093, "\xF0\x9F\x98\x80", 4);
	big[4999] = '\0';
	error_set(&cut, EINVAL, "%s", big);
	json = error_to_json(&cut);
	assert_int_equal(json_string_length(json_object_get(json, "details")), 4093);
	json_decref(json);
	error_set(&bytes, EINVAL, "no field 'caf\xE9'");
	json = error_to_json(&bytes);
	assert_string_equal(json_string_value(json_object_get(json, "details")), "no field 'caf?'");
	json_decref(json);
}

/* Sentences quote names that users have chosen, and are shown on terminals. */
static void a_sentence_is_one_line_without_control_characters(void **state)
{
	static const struct {
		const char *quoted, *shown;
	} texts[] = {
		{"two\nlines", "two\\nlines"},
		{"\x1b[31mred\r", "\\u001b[31mred\\r"},
		{"tab\tbell\a", "tab\\tbell\\u0007"},
		{"\x7f", "\\u007f"},
		{"\xC2\x9B", "\\u009b"}, /* CSI, in one character */
		{"\x9B", "?"},
		{"caf\xC3\xA9 \xF0\x9F\x98\x80", "caf\xC3\xA9 \xF0\x9F\x98\x80"},
		{"\\n \"'<&", "\\n \"'<&"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_(error_done) struct error stored = ERROR_INIT;
		_cleanup_json_ json_t *json =
			json_pack("{s:s, s:s}", "code", "SYS.1007", "details", texts[i].quoted);

		error_set(&e, EINVAL, "%s", texts[i].quoted);
		assert_string_equal(error_sentence(&e), texts[i].shown);
		if (!json)
			continue; /* no UTF-8 */
		/* as a former version has stored it */
		error_from_json(json, &stored);
		assert_string_equal(error_sentence(&stored), texts[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_errno_code_and_sentence),
		cmocka_unit_test(no_memory_has_one_sentence),
		cmocka_unit_test(wrapping_keeps_the_sentence),
		cmocka_unit_test(every_default_code_has_a_description),
		cmocka_unit_test(long_details_are_truncated_at_a_character),
		cmocka_unit_test(truncates_before_a_multibyte_character_and_prints_any_byte),
		cmocka_unit_test(a_sentence_is_one_line_without_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
