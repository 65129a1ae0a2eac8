/* SPDX-License-Identifier: Apache-2.0 */
/* Queries in ZQL (model/zql.h): each is one of the Query... operations, on whose kind and with whose rights it runs. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "actions/engine/pool.h"
#include "actions/engine/query_operation.h"
#include "actions/operations/table.h"
#include "model/json.h"
#include "model/zql.h"

/* The query of the inventory @entity ("vminstance"); NULL when there is none. */
static const struct operation *find_query(const char *entity)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->form == FORM_QUERY && strcasecmp((*op)->name + strlen("Query"), entity) == 0)
			return *op;
	return NULL;
}

/* One entry of `results`, owned. */
static int run(const struct zql *z, const struct view *view, const struct request *req, int64_t deadline,
	       json_t **ret_json, struct error *e)
{
	const struct operation *op = find_query(z->entity);
	_cleanup_query_ struct query *q = NULL;
	struct json_out out = {0};
	int r;

	if (!op)
		return error_set_code(e, EINVAL, "SYS.1000", "invalid zql: there is no inventory '%s'",
				      z->entity);
	r = zql_query(z, kind_get(op->kind), &q, e);
	if (r == 0)
		r = query_operation_restrict(op, view, req->actor.account, q, e);
	if (r == 0)
		r = query_operation_run(op, view, req->actor.account, q, deadline, &out, e);
	*ret_json = json_out_tree(&out);
	if (r < 0)
		return r;
	(void)json_object_del(*ret_json, "schema");
	if (z->name)
		json_add_member(ret_json, "name", json_string(z->name));
	return *ret_json ? 0 : error_oom(e);
}

static int run_all(const char *text, const struct view *view, const struct request *req, json_t *results,
		   struct error *e)
{
	int64_t deadline = pool_query_deadline(view);

	while (text[strspn(text, " \t\r\n")]) {
		_cleanup_(zql_done) struct zql z = {0};
		json_t *json = NULL;
		int r = zql_parse(&text, &z, e);

		if (r == 0 && json_array_size(results) == ZQL_STATEMENTS_MAX)
			r = error_set_code(e, EINVAL, "SYS.1000", "a zql can have at most %d queries",
					   ZQL_STATEMENTS_MAX);
		if (r == 0)
			r = run(&z, view, req, deadline, &json, e);
		if (r < 0) {
			json_decref(json);
			return r;
		}
		if (json_array_append_new(results, json) < 0)
			return error_oom(e);
	}
	return 0;
}

static int zql_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	json_t *results = json_array();
	int r = results ? run_all(request_str(req, "zql"), view, req, results, e) : error_oom(e);

	(void)pool;
	if (r < 0) {
		json_decref(results);
		return r;
	}
	*ret_result = json_pack("{s:o}", "results", results);
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation zql_query_row = {
	.section = "5.4",
	.name = "ZQLQuery",
	.message = "org.zstack.query.APIZQLQueryMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/zql", NULL},
	.params = (const struct param[]){{.name = "zql",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .flags = PARAM_REQUIRED | PARAM_LINES,
					  .max_length = QUERY_LENGTH_MAX},
					 {0}},
	.results = (const char *const[]){"results:[ZqlQueryReturn]", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_TURNS,
	.help = "queries in ZQL: query KIND[.FIELD,...] where ... return with (total) order by ... limit N offset N",
	.get = zql_get,
};

const struct operation *const operations_zql[] = {&zql_query_row, NULL};
