/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arbitrary request of a REST client: a line with method and target, lines
 * with the headers, an empty line, the body. It becomes a refusal with one of the
 * documented statuses, or a call that is JSON and names an operation, with a session
 * that cannot be a path out of its folder.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "actions/engine/catalog.h"
#include "rest/message.h"
#include "rest/openapi.h"
#include "rest/request.h"

static json_t *table; /* the routes borrow from it */
static struct routes *routes;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	table = operations_to_json();
	routes = routes_new(table);
	return routes ? 0 : -1;
}

/* The value of the line that begins with @name. */
static const char *header(char **lines, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(lines[i], name, strlen(name)) == 0)
			return lines[i] + strlen(name);
	return NULL;
}

static void check(const struct plan *plan)
{
	static const int statuses[] = {400, 404, 405, 500};
	json_t *call;
	bool known = false;

	if (plan->status) {
		for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
			known = known || plan->status == statuses[i];
		fuzz_require(known && *plan->text && !plan->call);
		return;
	}
	call = plan->call ? json_loads(plan->call, 0, NULL) : NULL;
	fuzz_require(call && operation_text(call, "operation"));
	fuzz_require(plan->bad_session || !*plan->session || mount_uuid_is_valid(plan->session));
	fuzz_require(plan->poll || mount_uuid_is_valid(plan->job));
	json_decref(call);
	if (plan->event) {
		_cleanup_free_ char *answer = message_answer(plan, "{\"event\":\"a\",\"result\":{}}");

		call = answer ? json_loads(answer, 0, NULL) : NULL;
		fuzz_require(call && operation_text(call, "result"));
		json_decref(call);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	_cleanup_(plan_done) struct plan plan = {0};
	struct http_request request = {.address = "192.0.2.1"};
	char *rest = text, *line, *lines[8];
	size_t count = 0;

	if (!routes)
		(void)LLVMFuzzerInitialize(NULL, NULL);
	while ((line = strsep(&rest, "\n")) && *line)
		if (count < ARRAY_SIZE(lines))
			lines[count++] = line;
	if (!count)
		return 0;
	request.method = strsep(&lines[0], " ");
	if (!lines[0])
		return 0;
	request.target = lines[0];
	request.authorization = header(lines + 1, count - 1, "A:");
	request.job_uuid = header(lines + 1, count - 1, "J:");
	request.web_hook = header(lines + 1, count - 1, "W:");
	request.schema = header(lines + 1, count - 1, "S:");
	request.body = rest;
	request.body_len = rest ? strlen(rest) : 0;
	if (message_is_target(request.target))
		message_plan(table, &request, &plan);
	else
		request_plan(routes, &request, &plan);
	check(&plan);
	return 0;
}
