/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the pool, and the statistics of VMs, as answers to calls: for programs that serve them. */
#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/statistics.h"
#include "actions/metrics/metrics.h"
#include "actions/operations/table.h"
#include "model/access.h"
#include "model/json.h"

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

/* ------------------------------------------------------------- statistics */

static int add_values(json_t *list, const struct statistics_sample *sample, const struct object *vm)
{
	json_t *json = json_pack("{s:s, s:I}", "uuid", object_uuid(vm), "time",
				 (json_int_t)(statistics_sample_time(sample) / 1000000));
	size_t count;
	const struct statistic *rows = statistics_all(&count);

	for (const struct statistic *row = rows; json && row < rows + count; row++) {
		int64_t value;

		if (row->kind == KIND_VM && statistics_value(sample, row, object_uuid(vm), &value))
			json_add_member(&json, row->name,
					row->unit == STATISTIC_SECONDS ? json_real((double)value / NS_PER_S)
								       : json_integer(value));
	}
	return json_array_append_new(list, json);
}

/* Only of VMs that the account may see, and of hosts that answer. */
static int vm_statistics_get(struct pool *pool, const struct view *view, const struct request *req,
			     json_t **ret_result, struct error *e)
{
	_cleanup_samples_ struct statistics_samples samples = {0};
	json_t *list = json_array();
	int r = statistics_take(pool, view, STATISTICS_WAIT_MS, &samples);
	size_t i = 0;

	view_for_each (host, view, KIND_HOST) {
		struct statistics_sample *sample = i < samples.count ? samples.list[i++] : NULL;

		if (!sample)
			continue;
		view_for_each_where (vm, view, KIND_VM, VM_HOST_UUID, object_uuid(host))
			if (r == 0 && request_list_has(req, "vmInstanceUuids", object_uuid(vm)) &&
			    access_shows(view, &req->actor, vm))
				r = add_values(list, sample, vm);
	}
	if (r < 0) {
		json_decref(list);
		return error_oom(e);
	}
	return result_inventories(list, ret_result, e);
}

static const struct operation get_vm_statistics = {
	.section = "tree",
	.name = "GetVmStatistics",
	.message = "org.zstack.header.vm.APIGetVmStatisticsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/statistics", NULL},
	.params = (const struct param[]){{.name = "vmInstanceUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_VM},
					 {0}},
	.own_results = (const char *const[]){"inventories:List", NULL},
	.item = "VmStatistics",
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_TURNS,
	.help = "what the running VMs use, as in their stats, with the uuid of each and the time, ms since 1970; of all that "
		"the account sees, or of those in vmInstanceUuids",
	.get = vm_statistics_get,
};

const struct operation *const operations_metrics[] = {&get_metrics, &get_vm_statistics, NULL};
