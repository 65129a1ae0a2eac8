/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on access keys. What they are: account/access_key.h. */
#include "actions/account/access_key.h"

#include "actions/engine/pool_internal.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "model/render.h"
#include "model/states.h"

struct creation {
	const struct request *req;
	json_t *result;
};

static int create_fn(struct txn *t, void *arg, struct error *e)
{
	struct creation *c = arg;
	const char *given = request_str(c->req, "accountUuid");
	const char *account = given ? given : c->req->actor.account;
	char id[ACCESS_KEY_ID_LENGTH + 1], secret[ACCESS_KEY_SECRET_LENGTH + 1];
	struct object *key;
	const struct object *put;
	json_t *inventory;
	int r;

	if (!view_get(txn_view(t), KIND_ACCOUNT, account))
		return error_gone(e, KIND_ACCOUNT, account);
	if (view_count_where(txn_view(t), KIND_ACCESS_KEY, ACCESS_KEY_ACCOUNT_UUID, account) >=
	    ACCESS_KEYS_MAX)
		return error_set_code(e, EDQUOT, "SYS.1006",
				      "the account has %d access keys, delete one first", ACCESS_KEYS_MAX);
	r = object_from_request(txn_view(t), KIND_ACCESS_KEY, c->req, &key, e);
	if (r < 0)
		return r;
	access_key_make(id, ACCESS_KEY_ID_LENGTH);
	access_key_make(secret, ACCESS_KEY_SECRET_LENGTH);
	object_set_str(key, ACCESS_KEY_UUID, request_str(c->req, "resourceUuid"));
	object_set_str(key, ACCESS_KEY_ACCOUNT_UUID, account);
	object_set_str(key, ACCESS_KEY_USER_UUID, account);
	object_set_str(key, ACCESS_KEY_ID, id);
	object_set_str(key, ACCESS_KEY_SECRET, secret);
	object_set_str(key, ACCESS_KEY_STATE, STATE_ENABLED);
	r = txn_put(t, key, &put, e);
	if (r < 0)
		return r;
	inventory = render_inventory_json(txn_view(t), put);
	if (!inventory || json_object_set_new(inventory, "AccessKeySecret", json_string(secret)) < 0) {
		json_decref(inventory);
		return error_oom(e);
	}
	c->result = json_pack("{s:o}", "inventory", inventory);
	return c->result ? 0 : error_oom(e);
}

/* No job, whose result everybody could read: it passes no pool_submit() and handles a dry run here. */
static int access_key_create_get(struct pool *pool, const struct view *view, const struct request *req,
				 json_t **ret_result, struct error *e)
{
	struct creation c = {.req = req};
	int r;

	(void)view;
	if (pool->read_only)
		return error_set(e, EROFS, "the pool is mounted read-only");
	r = req->dry_run ? store_try(pool->store, create_fn, &c, e)
			 : store_run(pool->store, create_fn, &c, e);
	if (r < 0 || req->dry_run) {
		json_decref(c.result);
		return r;
	}
	*ret_result = c.result;
	return 0;
}

static int access_key_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
{
	(void)ret_result;
	return object_remove(t, request_object(txn_view(t), req), e);
}

static const struct operation create_access_key = {
	.section = "5.4",
	.name = "CreateAccessKey",
	.message = "org.zstack.accessKey.APICreateAccessKeyMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/accesskeys", NULL},
	.key = "params",
	.params = (const struct param[]){{.name = "accountUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_CHANGES,
					  .resource = KIND_ACCOUNT},
					 P_DESCRIPTION,
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:AccessKeyInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_ACCESS_KEY,
	.flags = OP_SYNC | OP_NEEDS_HOST,
	.help = "makes an access key of the account, with which it signs requests; only this answer has the secret",
	.get = access_key_create_get,
};

static const struct operation delete_access_key = {
	.section = "5.4",
	.name = "DeleteAccessKey",
	.message = "org.zstack.accessKey.APIDeleteAccessKeyMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/accesskeys/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_ACCESS_KEY), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_ACCESS_KEY,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.help = "deletes the access key: what is signed with it is refused from then on",
	.apply = access_key_delete_apply,
};

static const struct operation change_access_key_state = {
	.section = "5.4",
	.name = "ChangeAccessKeyState",
	.message = "org.zstack.accessKey.APIChangeAccessKeyStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accesskeys/{uuid}/actions", NULL},
	.key = "changeAccessKeyState",
	.params = (const struct param[]){P_UUID(KIND_ACCESS_KEY), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:AccessKeyInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_ACCESS_KEY,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the access key",
	.apply = object_change_state_apply,
};

static const struct operation query_access_key = {
	.section = "5.4",
	.name = "QueryAccessKey",
	.message = "org.zstack.accessKey.APIQueryAccessKeyMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accesskeys", "/accesskeys/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_ACCESS_KEY,
	.flags = OP_SYNC,
	.help = "lists access keys, without their secrets",
};

const struct operation *const operations_access_key[] = {
	&create_access_key, &delete_access_key, &change_access_key_state, &query_access_key, NULL,
};
