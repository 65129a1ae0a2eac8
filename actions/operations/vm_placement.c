/* SPDX-License-Identifier: Apache-2.0 */
/* GetVmPlacement: which host the last placement of a VM chose, and why not another. */
#include "actions/engine/request.h"
#include "actions/operations/table.h"
#include "actions/vm/placement.h"
#include "model/json.h"
#include "model/render.h"

/* --------------------------------------------------------------- the report */

static int vm_placement_get(struct pool *pool, const struct view *view, const struct request *req,
			    json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(view, req), *host;
	_cleanup_json_ json_t *stored = NULL;
	char date[DATE_SIZE];
	int r = object_read_json(vm, VM_PLACEMENT, &stored, e);

	(void)pool;
	if (r < 0)
		return r;
	if (!stored) {
		*ret_result = json_object(); /* it has never been placed */
		return *ret_result ? 0 : error_oom(e);
	}
	render_date(json_integer_value(json_object_get(stored, "time")), date);
	host = view_get_id(view, KIND_HOST, json_integer_value(json_object_get(stored, "host")));
	*ret_result = json_pack("{s:s}", "time", date);
	json_add_member(ret_result, "strategy", json_incref(json_object_get(stored, "strategy")));
	if (host)
		json_add_member(ret_result, "hostUuid", json_string(object_uuid(host)));
	if (json_object_get(stored, "error"))
		json_add_member(ret_result, "error", json_incref(json_object_get(stored, "error")));
	json_add_member(ret_result, "ruledOut", placement_explain(view, json_object_get(stored, "ruledOut")));
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation get_vm_placement = {
	.section = "tree",
	.name = "GetVmPlacement",
	.message = "org.zstack.header.vm.APIGetVmPlacementMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/placement", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"time:String", "strategy:String", "hostUuid:String", "error:String",
					 "ruledOut:List", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "placement",
	.flags = OP_SYNC | OP_READS_TEXTS,
	.help = "the host chosen by the last placement, and why the others were ruled out",
	.get = vm_placement_get,
};

const struct operation *const operations_vm_placement[] = {
	&get_vm_placement,
	NULL,
};
