/* SPDX-License-Identifier: Apache-2.0 */
/* Failed logins are limited per address and per account, for a minute. */
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/engine/login_limit.h"

#define SECOND INT64_C(1000000000)

static int attempt(struct login_limit *limit, const char *address, const char *account, int64_t now)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = login_limit_begin(limit, address, account, now, &e);

	if (r < 0)
		assert_string_equal(e.code, "ID.1000");
	return r;
}

/*
 * Whether at least one of eight others may log in; a single one could share the counter of the one that is
 * limited. They differ by the argument that is "".
 */
static bool others_may(struct login_limit *limit, const char *address, const char *account, int64_t now)
{
	char name[32];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "other%d", i);
		if (attempt(limit, *address ? address : name, *account ? account : name, now) == 0)
			return true;
	}
	return false;
}

static void failures_per_address_are_limited(void **state)
{
	struct login_limit *limit = login_limit_new();
	char account[32];

	(void)state;
	assert_non_null(limit);
	for (int i = 0; i < LOGIN_FAILURES_OF_ADDRESS; i++) {
		snprintf(account, sizeof(account), "account%d", i);
		assert_int_equal(attempt(limit, "192.0.2.1", account, SECOND), 0);
	}
	assert_int_equal(attempt(limit, "192.0.2.1", "admin", 60 * SECOND), -EAGAIN);
	assert_true(others_may(limit, "", "admin", 60 * SECOND));
	assert_int_equal(attempt(limit, "192.0.2.1", "admin", 61 * SECOND), 0);
	login_limit_free(limit);
}

static void failures_per_account_are_limited_across_addresses(void **state)
{
	struct login_limit *limit = login_limit_new();
	char address[32];

	(void)state;
	assert_non_null(limit);
	for (int i = 0; i < LOGIN_FAILURES_OF_ACCOUNT; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		assert_int_equal(attempt(limit, address, "admin", SECOND), 0);
	}
	assert_false(others_may(limit, "", "admin", 60 * SECOND));
	assert_true(others_may(limit, "198.51.100.1", "", 60 * SECOND));
	assert_true(others_may(limit, "", "admin", 61 * SECOND));
	login_limit_free(limit);
}

static void a_success_is_not_counted(void **state)
{
	struct login_limit *limit = login_limit_new();

	(void)state;
	assert_non_null(limit);
	for (int i = 0; i < 10 * LOGIN_FAILURES_OF_ACCOUNT; i++) {
		assert_int_equal(attempt(limit, "192.0.2.1", "admin", SECOND), 0);
		login_limit_forgive(limit, "192.0.2.1", "admin");
	}
	login_limit_free(limit);
}

static void known_addresses_are_the_latest(void **state)
{
	_cleanup_free_ char *list = strdup("");
	char address[32];

	(void)state;
	assert_false(login_address_is_known("", "192.0.2.1"));
	assert_false(login_address_is_known("192.0.2.1", ""));
	for (int i = 0; i <= LOGIN_ADDRESSES; i++) {
		char *longer;

		snprintf(address, sizeof(address), "192.0.2.%d", i);
		longer = login_addresses_add(list, address);
		assert_non_null(longer);
		free(list);
		list = longer;
	}
	assert_false(login_address_is_known(list, "192.0.2.0"));
	assert_false(login_address_is_known(list, "192.0.2"));
	assert_true(login_address_is_known(list, "192.0.2.1"));
	assert_true(login_address_is_known(list, "192.0.2.16"));
}

static void a_network_of_ipv6_is_one_address(void **state)
{
	struct login_limit *limit = login_limit_new();
	_cleanup_free_ char *list = login_addresses_add("192.0.2.1", "2001:db8:0:1::1");
	char address[64];

	(void)state;
	assert_true(login_address_is_known(list, "2001:db8:0:1:ffff::"));
	assert_true(login_address_is_known(list, "192.0.2.1"));
	assert_false(login_address_is_known(list, "2001:db8:0:2::1"));
	for (int i = 0; i < LOGIN_FAILURES_OF_ADDRESS; i++) {
		snprintf(address, sizeof(address), "2001:db8::%d", i);
		assert_int_equal(attempt(limit, address, "admin", SECOND), 0);
	}
	assert_int_equal(attempt(limit, "2001:db8::ffff", "admin", SECOND), -EAGAIN);
	login_limit_free(limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_per_address_are_limited),
		cmocka_unit_test(failures_per_account_are_limited_across_addresses),
		cmocka_unit_test(a_success_is_not_counted),
		cmocka_unit_test(known_addresses_are_the_latest),
		cmocka_unit_test(a_network_of_ipv6_is_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
