/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of writes to value files, and of parameters in the names of Get files. */
#include "tests/unit/test.h"

#include <string.h>

#include "fs/class/parameters.h"
#include "fs/class/value_text.h"
#include "fs/tree/queries.h"

static int parse(enum param_type type, const char *text, json_t **ret)
{
	struct param param = {.name = "size", .type = type};
	struct error e = ERROR_INIT;
	int r = value_parse(&param, text, strlen(text), ret, &e);

	assert_int_equal(r, -e.errnum);
	if (r < 0)
		assert_non_null(strstr(error_sentence(&e), "size"));
	error_done(&e);
	return r;
}

static void assert_number(const char *text, int64_t number)
{
	json_t *value = NULL;

	assert_int_equal(parse(PARAM_LONG, text, &value), 0);
	assert_int_equal(json_integer_value(value), number);
	json_decref(value);
}

static void assert_refused(enum param_type type, const char *text, int errnum)
{
	json_t *value = NULL;

	assert_int_equal(parse(type, text, &value), -errnum);
	assert_null(value);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_number("0", 0);
	assert_number("42\n", 42);
	assert_number("42\n\n", 42); /* a line end that was written by itself */
	assert_number("-7", -7);
	assert_number("4K", 4096);
	assert_number("512M\n", INT64_C(536870912));
	assert_number("4G", INT64_C(4294967296));
	assert_number("2T", INT64_C(2199023255552));
	assert_number("9223372036854775807", INT64_MAX);
}

static void test_bad_numbers(void **state)
{
	static const char *const bad[] = {"",	"\n", "many", "4X",  "4GB",  "4 G",
					  " 4", "+4", "0x10", "1.5", "4\n5", "--1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(PARAM_LONG, bad[i], EINVAL);
	assert_refused(PARAM_INT, "99999999999999999999", ERANGE);
	assert_refused(PARAM_LONG, "9223372036854775807K", ERANGE);
	assert_refused(PARAM_LONG, "8388608T", ERANGE);
}

static void test_other_types(void **state)
{
	json_t *value = NULL;

	(void)state;
	assert_int_equal(parse(PARAM_STRING, " a b \n", &value), 0);
	assert_string_equal(json_string_value(value), " a b ");
	json_decref(value);
	assert_int_equal(parse(PARAM_STRING, "", &value), 0);
	assert_string_equal(json_string_value(value), "");
	json_decref(value);
	assert_int_equal(parse(PARAM_BOOL, "true\n", &value), 0);
	assert_true(json_is_true(value));
	assert_int_equal(parse(PARAM_LIST, "[\"a\"]\n", &value), 0);
	assert_int_equal(json_array_size(value), 1);
	json_decref(value);
	value = NULL;
	assert_refused(PARAM_BOOL, "yes", EINVAL);
	assert_refused(PARAM_LIST, "{}", EINVAL);
	assert_refused(PARAM_MAP, "[]", EINVAL);
	assert_refused(PARAM_LIST, "[", EINVAL);
	assert_refused(PARAM_STRING, "\xff", EINVAL);
}

static int piece(const struct param *param, const char *text)
{
	return value_check_piece(param, text, strlen(text), NULL);
}

/* What has arrived of a value so far. */
static void test_pieces(void **state)
{
	static const char *const states[] = {"Enabled", "Disabled", NULL};
	struct param number = {.name = "n", .type = PARAM_INT}, truth = {.name = "b", .type = PARAM_BOOL};
	struct param text = {.name = "s", .type = PARAM_STRING, .values = states};

	(void)state;
	assert_int_equal(piece(&number, "-"), TEXT_OPEN);
	assert_int_equal(piece(&number, "4"), TEXT_OPEN);
	assert_int_equal(piece(&number, "4G"), TEXT_OPEN);
	assert_int_equal(piece(&number, "4G\n"), TEXT_WHOLE);
	assert_int_equal(piece(&number, "4\n5"), -EINVAL);
	assert_int_equal(piece(&number, "many"), -EINVAL);
	assert_int_equal(piece(&truth, "tr"), TEXT_OPEN);
	assert_int_equal(piece(&truth, "tr\n"), -EINVAL);
	assert_int_equal(piece(&truth, "yes"), -EINVAL);
	assert_int_equal(piece(&text, "caf\xc3"), TEXT_OPEN); /* within a character */
	assert_int_equal(piece(&text, "caf\xc3\n"), -EINVAL);
	assert_int_equal(piece(&text, "caf\xc3\xa9\n"), TEXT_WHOLE);
	assert_int_equal(piece(&text, "\xff"), -EINVAL);
	assert_true(value_may_grow(&number, "1", 1));
	assert_true(value_may_grow(&text, "Dis", 3));
	assert_false(value_may_grow(&text, "Off", 3));
	assert_false(value_may_grow(&text, "Dis\n", 4));
}

static void test_limits(void **state)
{
	struct param param = {.name = "name", .type = PARAM_STRING};
	char *text = calloc(1, VALUE_LENGTH + 1);
	json_t *value = NULL;

	(void)state;
	memset(text, 'x', VALUE_LENGTH + 1);
	assert_int_equal(value_parse(&param, text, VALUE_LENGTH, &value, NULL), 0);
	json_decref(value);
	assert_int_equal(value_parse(&param, text, VALUE_LENGTH + 1, &value, NULL), -EFBIG);
	assert_int_equal(value_parse(&param, "a\0b", 3, &value, NULL), -EINVAL);
	free(text);
}

static const struct operation op = {
	.where = "candidates",
	.target = "uuid",
	.params = (const struct param[]){{.name = "uuid", .type = PARAM_STRING, .in = IN_PATH},
					 {.name = "zoneUuid", .type = PARAM_STRING, .in = IN_QUERY},
					 {.name = "limit", .type = PARAM_INT, .in = IN_QUERY},
					 {.name = "tags", .type = PARAM_LIST, .in = IN_QUERY},
					 {0}},
};

static void test_query(void **state)
{
	json_t *params = NULL, *want = NULL;

	(void)state;
	assert_int_equal(query_parameters(&op, "zoneUuid=a%2Fb+c&limit=5&tags=x&tags=y%3Dz", &params, NULL),
			 0);
	want = json_pack("{s:s, s:i, s:[s,s]}", "zoneUuid", "a/b c", "limit", 5, "tags", "x", "y=z");
	assert_true(json_equal(params, want));
	json_decref(want);
	json_decref(params);
	assert_int_equal(query_parameters(&op, "", &params, NULL), 0);
	assert_int_equal(json_object_size(params), 0);
	json_decref(params);
}

static void test_bad_queries(void **state)
{
	static const char *const bad[] = {"zoneUuid", "nothing=1", "uuid=x",	   "limit=x", "limit=%",
					  "limit=%4", "limit=%zz", "zoneUuid=%00", "%=1"};
	json_t *params = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(query_parameters(&op, bad[i], &params, NULL), -EINVAL);
}

static void test_queries_are_cached(void **state)
{
	struct queries *queries = queries_new(NULL);
	struct node base = {.kind = KIND_VM, .row = 3, .class = N_GET, .index = 7}, back;
	int64_t first = queries_add(queries, base, "a=1"), used;
	char *text = NULL, name[QUERIES_TEXT + 2];

	(void)state;
	assert_true(first > 0);
	assert_int_equal(queries_add(queries, base, "a=1"), first);
	assert_true(queries_add(queries, base, "a=2") != first);
	assert_true(queries_get(queries, first, &back, &text));
	assert_int_equal(node_pack(back), node_pack(base));
	assert_string_equal(text, "a=1");
	free(text);
	/* Queries in use stay; others are evicted, and get the same number when they are added again. */
	used = queries_add(queries, base, "a=2");
	for (int i = 0; i < 20 * QUERIES_CACHED; i++) {
		snprintf(name, sizeof(name), "b=%d", i);
		assert_true(queries_add(queries, base, name) > 0);
		if (i % 100 == 0)
			assert_true(queries_get(queries, used, &back, NULL));
	}
	assert_false(queries_get(queries, first, &back, NULL));
	assert_int_equal(queries_add(queries, base, "a=1"), first);
	assert_int_equal(queries_number(base, "a=1"), first);
	assert_false(queries_get(queries, 0, &back, NULL));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(queries_add(queries, base, name), -ENAMETOOLONG);
	queries_free(queries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	    cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_other_types), cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_limits),	    cmocka_unit_test(test_query),
		cmocka_unit_test(test_bad_queries), cmocka_unit_test(test_queries_are_cached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
