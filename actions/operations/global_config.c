/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the settings of the pool. The settings themselves: engine/config.c. */
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/result.h"
#include "actions/host/capacity.h"
#include "actions/operations/table.h"

static int config_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *row = request_object(view, req);
	const struct setting *s = row ? setting_of_row(row) : NULL;
	const char *value = request_str(req, "value");

	if (!s)
		return error_set(e, ENOENT, "setting '%s' is not known to this version",
				 row ? object_name(row) : req->target);
	return value ? setting_check_value(s, value, e) : 0;
}

/* Recomputes the capacity of all hosts, which depends on the over-provisioning ratio. */
static int update_hosts(struct txn *t, struct error *e)
{
	int64_t after = 0;
	const struct object *host;

	while ((host = view_next(txn_view(t), KIND_HOST, after))) {
		int r;

		after = host->id;
		r = capacity_update_host(t, object_uuid(host), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int config_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *row = request_object(txn_view(t), req);
	const struct setting *s = row ? setting_of_row(row) : NULL;
	const char *value = request_str(req, "value");
	struct object *copy;
	int r;

	(void)ret_result;
	if (!s)
		return error_gone(e, KIND_GLOBAL_CONFIG, req->target);
	copy = object_copy(row);
	object_set_str(copy, GLOBAL_CONFIG_VALUE, value ? value : s->default_value);
	r = txn_put(t, copy, NULL, e);
	if (r < 0)
		return r;
	return strcmp(s->key, "host.cpu.overProvisioning.ratio") == 0 ? update_hosts(t, e) : 0;
}

static const struct operation query_global_config = {
	.section = "5.4",
	.name = "QueryGlobalConfig",
	.message = "org.zstack.core.config.APIQueryGlobalConfigMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/global-configurations", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_GLOBAL_CONFIG,
	.flags = OP_SYNC,
	.help = "lists the settings",
};

static const struct operation update_global_config = {
	.section = "5.4",
	.name = "UpdateGlobalConfig",
	.message = "org.zstack.core.config.APIUpdateGlobalConfigMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/global-configurations/{category}/{name}/actions", NULL},
	.key = "updateGlobalConfig",
	.params =
		(const struct param[]){
			P_UUID(KIND_GLOBAL_CONFIG),
			{.name = "value", .type = PARAM_STRING, .in = IN_BODY, .max_length = 1024},
			{0}},
	.results = (const char *const[]){"inventory:GlobalConfigInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_GLOBAL_CONFIG,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the setting; without a value, restores its default",
	.check = config_update_check,
	.apply = config_update_apply,
};

const struct operation *const operations_global_config[] = {
	&query_global_config,
	&update_global_config,
	NULL,
};
