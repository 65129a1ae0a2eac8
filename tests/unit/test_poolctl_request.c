/* SPDX-License-Identifier: Apache-2.0 */
/* A request that poolctl makes of words, while memory is short: whole, or "out of memory". */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "poolctl/request.h"
#include "tests/unit/failing_memory.h"

static const char catalog_text[] =
	"{\"kinds\": [], \"operations\": [{\"name\": \"CreateVmInstance\", \"params\": ["
	"{\"name\": \"name\", \"type\": \"string\"}, {\"name\": \"cpuNum\", \"type\": \"int\"},"
	"{\"name\": \"l3NetworkUuids\", \"type\": \"list\"},"
	"{\"name\": \"dataDiskSizes\", \"type\": \"list\"}]}]}";

static struct tree tree = {.root = -1};

static int make(char **ret, struct error *e)
{
	const char *const words[] = {"name=web",
				     "--cpu-num",
				     "2",
				     "--l3-network=one,two",
				     "--ip=10.0.0.1",
				     "--disk=10G",
				     "systemTags=hostname::web",
				     "--dry-run"};
	char *argv[ARRAY_SIZE(words)];
	struct request_words request;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		argv[i] = (char *)(uintptr_t)words[i];
	r = request_read(&tree, json_array_get(tree.operations, 0), ARRAY_SIZE(words), argv, &request, e);
	*ret = r == 0 ? request_document(&request, NULL) : NULL;
	request_done(&request);
	return r == 0 && !*ret ? -ENOMEM : r;
}

/* Each allocation fails once. */
static void it_is_whole_or_none(void **state)
{
	_cleanup_free_ char *whole = NULL;
	_cleanup_(error_done) struct error first = ERROR_INIT;
	int none = 0, r = make(&whole, &first);
	bool failed = true;

	(void)state;
	if (r < 0)
		fail_msg("%s", error_sentence(&first));
	for (int n = 0; failed; n++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_free_ char *made = NULL;

		fail_once = true;
		fail_after = n;
		r = make(&made, &e);
		failed = fail_after < 0;
		fail_after = -1;
		if (r == 0)
			assert_string_equal(made, whole);
		else if (r != -ENOMEM &&
			 r != -EINVAL) /* jansson's parser does not say that it had no memory */
			fail_msg("without allocation %d: %d, %s", n, r, error_sentence(&e));
		none += r < 0;
	}
	assert_true(none > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_whole_or_none),
	};
	int failed;

	json_set_alloc_funcs(malloc, free);
	tree.catalog = json_loads(catalog_text, 0, NULL);
	assert_non_null(tree.catalog);
	tree.kinds = json_object_get(tree.catalog, "kinds");
	tree.operations = json_object_get(tree.catalog, "operations");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(tree.catalog);
	return failed;
}
