/* SPDX-License-Identifier: Apache-2.0 */
/* The management node: what this daemon is to clients of the manual's server (behaviour.md 5.4). */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "model/render.h"
#include "actions/bootstrap.h"
#include "actions/handlers.h"

/* The version of the interface that the manual describes; clients compare it. */
#define INTERFACE_VERSION "3.0.0"

static int reply(json_t *json, json_t **ret_result, struct error *e)
{
	*ret_result = json;
	return json ? 0 : error_set(e, ENOMEM, "out of memory");
}

/* One pool, one node: its uuid is made of the administrator's account, which is made with the pool. */
static void node_uuid(const struct view *view, char ret_uuid[UUID_SIZE])
{
	const struct object *admin = view_get(view, KIND_ACCOUNT, ADMIN_ACCOUNT_UUID);
	int64_t made = admin ? object_int(admin, ACCOUNT_CREATE_DATE) : 0;
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)&made, sizeof(made), NULL, 0);
	(void)sodium_bin2hex(ret_uuid, UUID_SIZE, hash, UUID_LEN / 2);
}

int node_version_get(struct pool *pool, const struct view *view, const struct request *req,
		     json_t **ret_result, struct error *e)
{
	(void)pool, (void)view, (void)req;
	return reply(json_pack("{s:s}", "version", INTERFACE_VERSION), ret_result, e);
}

int node_time_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		  struct error *e)
{
	json_int_t ms = store_now() / 1000000;

	(void)pool, (void)view, (void)req;
	return reply(json_pack("{s:{s:I, s:I}}", "currentTime", "MillionSeconds", ms, "Seconds", ms / 1000),
		     ret_result, e);
}

int node_query_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	char uuid[UUID_SIZE], name[256] = "", now[DATE_SIZE];

	(void)pool, (void)req;
	node_uuid(view, uuid);
	(void)gethostname(name, sizeof(name) - 1);
	render_date(store_now(), now);
	return reply(json_pack("{s:[{s:s, s:s, s:s}]}", "inventories", "uuid", uuid, "hostName", name,
			       "heartBeat", now),
		     ret_result, e);
}

int node_ready_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	char uuid[UUID_SIZE];

	(void)pool, (void)req;
	node_uuid(view, uuid);
	return reply(json_pack("{s:s}", "managementNodeId", uuid), ret_result, e);
}
