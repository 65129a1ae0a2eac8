/* SPDX-License-Identifier: Apache-2.0 */
/* The dates of signed requests, and what access keys are made of. */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/account/access_key.h"

static void dates_are_read_in_every_zone_that_clients_use(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{"Mon, 02 Jan 2006 15:04:05 GMT", 1136214245},
		{"Mon, 02 Jan 2006 15:04:05 UTC", 1136214245},
		{"Mon, 02 Jan 2006 23:04:05 CST", 1136214245},
		{"Mon, 02 Jan 2006 23:04:05 +0800", 1136214245},
		{"Mon, 02 Jan 2006 23:04:05 GMT+08:00", 1136214245},
		{"Mon, 02 Jan 2006 08:04:05 -0700", 1136214245},
		{"Sun, 29 Feb 2032 00:00:00 GMT", 1961625600},
		{"", -1},
		{"Mon, 02 Jan 2006 15:04:05", -1},
		{"Mon, 02 Jan 2006 15:04:05 ", -1},
		{"Mon, 02 Jan 2006 15:04:05 MST", -1},
		{"Mon, 02 Jan 2006 15:04:05 +9900", -1},
		{"Mon, 02 Jan 2006 15:04:05 +08000", -1},
		{"Mon, 02 Jan 2006 15:04:05 GMT+08:00:00", -1},
		{"Mon, 02 Jan 2006 15:04:05 GMTX", -1},
		{"2006-01-02T15:04:05Z", -1},
		{"Mon, 42 Jan 2006 15:04:05 GMT", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t seconds = -1;
		int r = access_key_parse_date(rows[i].text, NULL, &seconds);

		if (r != (rows[i].seconds < 0 ? -EINVAL : 0) || seconds != rows[i].seconds)
			fail_msg("'%s': %d, %lld", rows[i].text, r, (long long)seconds);
	}
}

static void who_knows_a_zone_is_asked_for_it(void **state)
{
	const int east = 8 * 3600, far = 17 * 3600;
	int64_t seconds = -1;

	(void)state;
	assert_int_equal(access_key_parse_date("Mon, 02 Jan 2006 23:04:05 Asia/Shanghai", &east, &seconds),
			 0);
	assert_int_equal(seconds, 1136214245);
	assert_int_equal(access_key_parse_date("Mon, 02 Jan 2006 15:04:05 GMT", &east, &seconds), 0);
	assert_int_equal(seconds, 1136214245);
	assert_int_equal(access_key_parse_date("Mon, 02 Jan 2006 23:04:05 Asia/Shanghai", NULL, &seconds),
			 -EINVAL);
	assert_int_equal(access_key_parse_date("Mon, 02 Jan 2006 23:04:05 Asia/Shanghai", &far, &seconds),
			 -EINVAL);
	assert_int_equal(access_key_parse_date("23:04:05 Asia/Shanghai", &east, &seconds), -EINVAL);
}

static void made_texts_differ(void **state)
{
	char a[ACCESS_KEY_SECRET_LENGTH + 1], b[ACCESS_KEY_SECRET_LENGTH + 1];

	(void)state;
	access_key_make(a, ACCESS_KEY_SECRET_LENGTH);
	access_key_make(b, ACCESS_KEY_SECRET_LENGTH);
	assert_int_equal(strlen(a), ACCESS_KEY_SECRET_LENGTH);
	assert_string_not_equal(a, b);
	for (const char *c = a; *c; c++)
		assert_true((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_read_in_every_zone_that_clients_use),
		cmocka_unit_test(who_knows_a_zone_is_asked_for_it),
		cmocka_unit_test(made_texts_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
