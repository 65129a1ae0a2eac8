/* SPDX-License-Identifier: Apache-2.0 */
/* The HA level of a VM: setting, reading and deleting it. vm/ha.h says what a level does. */
#include "actions/engine/tags.h"
#include "actions/operations/table.h"
#include "actions/vm/ha.h"

/* -------------------------------------------------------------- operations */

static int remove_levels(struct txn *t, const char *vm, struct error *e)
{
	static const char *const levels[] = {HA_TAG "::NeverStop", HA_TAG "::OnHostFailure"};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		const struct object *tag = object_find_tag(txn_view(t), KIND_SYSTEM_TAG, vm, levels[i]);
		int r = tag ? txn_remove(t, tag, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int ha_set_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r = remove_levels(t, req->target, e);
	char tag[64];

	(void)ret_result;
	snprintf(tag, sizeof(tag), HA_TAG "::%s", request_str(req, "level"));
	return r < 0 ? r : object_add_system_tag(t, KIND_VM, req->target, tag, false, e);
}

static int ha_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return remove_levels(t, req->target, e);
}

static int ha_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		  struct error *e)
{
	const char *level = tag_value(view, req->target, HA_TAG);

	(void)pool;
	*ret_result = level ? json_pack("{s:s}", "level", level) : json_object();
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation set_vm_instance_ha_level = {
	.section = "4.1.52",
	.name = "SetVmInstanceHaLevel",
	.message = "org.zstack.header.vm.APISetVmInstanceHaLevelMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances/{uuid}/ha-levels", NULL},
	.key = "params",
	.params =
		(const struct param[]){P_UUID(KIND_VM),
				       {.name = "level",
					.type = PARAM_STRING,
					.in = IN_BODY,
					.flags = PARAM_REQUIRED,
					.values = (const char *const[]){"NeverStop", "OnHostFailure", NULL}},
				       {0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "set-ha-level",
	.help = "sets when the VM is restarted automatically",
	.apply = ha_set_apply,
};

static const struct operation get_vm_instance_ha_level = {
	.section = "4.1.53",
	.name = "GetVmInstanceHaLevel",
	.message = "org.zstack.header.vm.APIGetVmInstanceHaLevelMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/ha-levels", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"level:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "ha-levels",
	.flags = OP_SYNC,
	.help = "when the VM is restarted automatically",
	.get = ha_get,
};

static const struct operation delete_vm_instance_ha_level = {
	.section = "4.1.54",
	.name = "DeleteVmInstanceHaLevel",
	.message = "org.zstack.header.vm.APIDeleteVmInstanceHaLevelMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{uuid}/ha-levels", NULL},
	.route_aliases = (const char *const[]){"DELETE /instances/{uuid}/ha-levels", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "delete-ha-level",
	.help = "deletes the HA level: the VM is not restarted automatically",
	.apply = ha_delete_apply,
};

const struct operation *const operations_vm_ha[] = {
	&set_vm_instance_ha_level,
	&get_vm_instance_ha_level,
	&delete_vm_instance_ha_level,
	NULL,
};
