/* SPDX-License-Identifier: Apache-2.0 */
/* A request as it is stored and shown, with too little memory: whole or not at all. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/request.h"
#include "model/error.h"
#include "model/json.h"

static int fail_after = -1; /* calls; negative: none fails */

static void *json_malloc(size_t size)
{
	return fail_after >= 0 && fail_after-- == 0 ? NULL : malloc(size);
}

static struct request *make(void)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct actor actor = {
		.uid = 1000, .source = "upload", .account = "somebody", .scheduler = "none"};
	_cleanup_json_ json_t *params = json_pack("{s:s, s:s}", "name", "bob", "password", "secret");
	struct request *req = NULL;

	assert_int_equal(request_new(operation_by_name("CreateAccount"), NULL, params, &actor, &req, &e), 0);
	return req;
}

/* All N of the calls for memory. */
static void is_whole_or_nothing(bool mask_secrets)
{
	_cleanup_(request_free_p) struct request *req = make();
	_cleanup_json_ json_t *whole = request_to_json(req, mask_secrets);
	bool failed = true;
	int n = 0;

	assert_non_null(whole);
	json_set_alloc_funcs(json_malloc, free);
	for (; failed; n++) {
		json_t *json;

		fail_after = n;
		json = request_to_json(req, mask_secrets);
		failed = fail_after < 0;
		fail_after = -1;
		assert_true(json || failed);
		if (json)
			assert_true(json_equal(json, whole));
		json_decref(json);
	}
	json_set_alloc_funcs(malloc, free);
	assert_true(n > 10);
}

static void what_is_stored_says_whose_it_is(void **state)
{
	(void)state;
	is_whole_or_nothing(false);
}

static void what_is_shown_has_no_secret(void **state)
{
	(void)state;
	is_whole_or_nothing(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_says_whose_it_is),
		cmocka_unit_test(what_is_shown_has_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
