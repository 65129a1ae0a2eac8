/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the pool as the answer to a call, for programs that serve them. */
#include <string.h>

#include "actions/engine/tags.h"
#include "actions/metrics/metrics.h"
#include "actions/operations/table.h"
#include "model/access.h"

static const char open_format[] = "openmetrics";

/* They tell about all accounts: for administrators, and for accounts to which one has given the tag. */
static int metrics_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *account = req->actor.account;

	if (!*account || access_is_admin(view, account) ||
	    object_find_tag(view, KIND_SYSTEM_TAG, account, "monitoring"))
		return 0;
	return error_set_code(
		e, EACCES, "ID.1002",
		"'%s' is for administrators, and for accounts that have the system tag 'monitoring'; the account '%s' is neither",
		req->op->name, account);
}

static int metrics_get(struct pool *pool, const struct view *view, const struct request *req,
		       json_t **ret_result, struct error *e)
{
	const char *format = request_str(req, "format");
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (metrics_render(pool, view, format && strcmp(format, open_format) == 0, &text, &len) < 0)
		return error_oom(e);
	*ret_result = json_pack("{s:s%}", "metrics", text, len);
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation get_metrics = {
	.section = "tree",
	.name = "GetMetrics",
	.message = "org.zstack.header.managementnode.APIGetMetricsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/metrics", NULL},
	.params = (const struct param[]){{.name = "format",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .values = (const char *const[]){"text", open_format, NULL},
					  .default_value = "text"},
					 {0}},
	.own_results = (const char *const[]){"metrics:String", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST,
	.help = "the content of the file metrics or openmetrics, as a text",
	.check = metrics_check,
	.get = metrics_get,
};

const struct operation *const operations_metrics[] = {&get_metrics, NULL};
