/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the quotas of accounts (behaviour.md 5.4). What a quota counts: account/quota.h. */
#include "actions/account/quota.h"

#include "actions/engine/result.h"
#include "actions/operations/table.h"

static int quota_update_check(const struct view *view, const struct request *req, struct error *e)
{
	if (quota_find(view, req->target, request_str(req, "name")))
		return 0;
	return error_set_code(e, EINVAL, "SYS.1007", "cannot find Quota[name: %s] for the account[uuid: %s]",
			      request_str(req, "name"), req->target);
}

static int quota_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *row = quota_find(txn_view(t), req->target, request_str(req, "name"));
	struct object *copy = row ? object_copy(row) : NULL;
	char uuid[UUID_SIZE];
	int r;

	if (!row)
		return quota_update_check(txn_view(t), req, e);
	snprintf(uuid, sizeof(uuid), "%s", object_uuid(row));
	object_set_int(copy, QUOTA_VALUE, request_int(req, "value", 0));
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_QUOTA, uuid, ret_result, e);
}

static int quota_usage_get(struct pool *pool, const struct view *view, const struct request *req,
			   json_t **ret_result, struct error *e)
{
	json_t *usages = quota_usages(view, req->target);

	(void)pool;
	*ret_result = usages ? json_pack("{s:o}", "usages", usages) : NULL;
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation query_quota = {
	.section = "5.4",
	.name = "QueryQuota",
	.message = "org.zstack.header.identity.APIQueryQuotaMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts/quotas", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_QUOTA,
	.flags = OP_SYNC,
	.help = "lists how much accounts may have",
};

static const struct operation update_quota = {
	.section = "5.4",
	.name = "UpdateQuota",
	.message = "org.zstack.header.identity.APIUpdateQuotaMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/quotas/actions", NULL},
	.key = "updateQuota",
	.params = (const struct param[]){{.name = "identityUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_ACCOUNT},
					 {.name = "name",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {.name = "value",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max = INT64_MAX},
					 {0}},
	.results = (const char *const[]){"inventory:QuotaInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_ACCOUNT,
	.target = "identityUuid",
	.verb = "update-quota",
	.flags = OP_ADMIN,
	.help = "changes how much the account may have; what it has already stays",
	.check = quota_update_check,
	.apply = quota_update_apply,
};

static const struct operation get_account_quota_usage = {
	.section = "5.4",
	.name = "GetAccountQuotaUsage",
	.message = "org.zstack.header.identity.APIGetAccountQuotaUsageMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts/quota/{uuid}/usages", NULL},
	.params = (const struct param[]){P_UUID(KIND_ACCOUNT), {0}},
	.results = (const char *const[]){"usages:List", NULL},
	.form = FORM_GET,
	.kind = KIND_ACCOUNT,
	.target = "uuid",
	.where = "quota-usages",
	.flags = OP_SYNC,
	.help = "the quotas of the account, and how much of each it has used; administrators have none",
	.get = quota_usage_get,
};

const struct operation *const operations_quota[] = {
	&query_quota,
	&update_quota,
	&get_account_quota_usage,
	NULL,
};
