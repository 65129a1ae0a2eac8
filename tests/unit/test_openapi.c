/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI document, and answers to messages, while memory is short: whole, or none. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "rest/message.h"
#include "rest/openapi.h"
#include "rest/request.h"
#include "tests/unit/failing_memory.h"

/* Behind the first ones each so many-th allocation fails. */
#define STRIDE 97

/* Two operations on one path, a query, a path variable, every type. */
static const char catalog_text[] =
	"{\"inventories\": {\"VmInventory\": [{\"name\": \"uuid\", \"type\": \"string\", \"help\": \"its uuid\"},"
	" {\"name\": \"createDate\", \"type\": \"date\"}, {\"name\": \"nics\", \"type\": \"list\", \"of\": \"VmInventory\"}],"
	" \"AccessKeyInventory\": [{\"name\": \"uuid\", \"type\": \"string\"}]},"
	" \"operations\": ["
	"{\"name\": \"StartVm\", \"kind\": \"Vm\", \"method\": \"PUT\", \"paths\": [\"/vms/{uuid}/actions\"],"
	" \"key\": \"startVm\", \"help\": \"starts it\", \"results\": [\"inventory:VmInventory\", \"formats:List\"], \"params\": ["
	"{\"name\": \"uuid\", \"type\": \"string\", \"in\": \"path\", \"resource\": \"Vm\", \"required\": true},"
	"{\"name\": \"level\", \"type\": \"int\", \"in\": \"body\", \"required\": true, \"min\": 1, \"max\": 3, \"default\": \"1\"},"
	"{\"name\": \"mode\", \"type\": \"string\", \"in\": \"body\", \"values\": [\"a\", \"b\"], \"default\": \"a\", \"secret\": true},"
	"{\"name\": \"list\", \"type\": \"list\", \"in\": \"body\", \"nonempty\": true}]},"
	"{\"name\": \"StopVm\", \"kind\": \"Vm\", \"method\": \"PUT\", \"paths\": [\"/vms/{uuid}/actions\"],"
	" \"key\": \"stopVm\", \"help\": \"stops it\", \"sync\": true, \"results\": [\"either:string|VmInventory\"], \"params\": []},"
	"{\"name\": \"ShowVm\", \"kind\": \"Vm\", \"method\": \"PUT\", \"paths\": [\"/vms/{uuid}/actions\"],"
	" \"key\": \"showVm\", \"help\": \"shows it\", \"sync\": true, \"results\": [], \"params\": []},"
	"{\"name\": \"QueryVm\", \"kind\": \"Vm\", \"method\": \"GET\", \"paths\": [\"/vms\"], \"query\": true, \"sync\": true,"
	" \"help\": \"asks\", \"results\": [], \"params\": []}]}";

static json_t *catalog;
static struct routes *routes;

static json_t *make_document(const void *unused)
{
	(void)unused;
	return openapi_make(routes, catalog, "1");
}

/* Strings of up to 15 bytes: without memory for longer ones, jansson's parser (2.14) writes beyond what it has. */
static json_t *make_answer(const void *unused)
{
	struct plan plan = {.poll = true, .job = "00000000000000000000000000000001"};
	char *text = message_answer(
		&plan,
		"{\"event\": \"Started\", \"created\": 1, \"finished\": 2, \"result\": {\"inventory\": {}}}");
	json_t *json;
	int after = fail_after;

	(void)unused;
	/* to read it is no part of the work */
	fail_after = -1;
	json = text ? json_loads(text, 0, NULL) : NULL;
	assert_true(!text || json);
	fail_after = after;
	free(text);
	return json;
}

static void the_document_is_whole_or_none(void **state)
{
	(void)state;
	is_whole_or_none(make_document, NULL, STRIDE);
}

static void an_answer_is_whole_or_none(void **state)
{
	(void)state;
	is_whole_or_none(make_answer, NULL, STRIDE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_whole_or_none),
		cmocka_unit_test(an_answer_is_whole_or_none),
	};
	int failed;

	json_set_alloc_funcs(malloc, free);
	catalog = json_loads(catalog_text, 0, NULL);
	assert_non_null(catalog);
	routes = routes_new(catalog);
	assert_non_null(routes);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	routes_free(routes);
	json_decref(catalog);
	return failed;
}
