/* SPDX-License-Identifier: Apache-2.0 */
/* See result.h. */
#include "actions/engine/result.h"

#include <string.h>

#include "actions/engine/access.h"
#include "model/inventory_class.h"
#include "model/json_out.h"
#include "model/render.h"
#include "model/states.h"

bool job_state_is_final(const char *state)
{
	return state && (strcmp(state, JOB_STATE_DONE) == 0 || strcmp(state, JOB_STATE_FAILED) == 0 ||
			 strcmp(state, JOB_STATE_CANCELLED) == 0);
}

const char *const job_unfinished_states[JOB_UNFINISHED_STATES] = {JOB_STATE_PROCESSING, JOB_STATE_QUEUED};

int result_inventory(const struct view *view, enum kind_id kind, const char *uuid, json_t **ret_result,
		     struct error *e)
{
	const struct object *o = view_get(view, kind, uuid);
	json_t *inventory;

	if (!o)
		return error_gone(e, kind, uuid);
	inventory = render_inventory_json(view, o);
	*ret_result = inventory ? json_pack("{s:o}", "inventory", inventory) : NULL;
	return *ret_result ? 0 : error_oom(e);
}

int result_inventory_text(const struct view *view, enum kind_id kind, const char *uuid, char **ret_text,
			  struct error *e)
{
	const struct object *o = view_get(view, kind, uuid);
	struct draft draft = {0};
	struct json_out out = {.text = &draft};
	struct render render = {.view = view, .out = &out};
	json_t *outer;

	if (!o)
		return error_gone(e, kind, uuid);
	outer = json_out_object(&out, NULL);
	render_write_object(&render, "inventory", o, 0);
	json_out_close(&out, false, outer);
	(void)render_write_end(&render);
	*ret_text = json_out_text(&out);
	return *ret_text ? 0 : error_oom(e);
}

char *result_text(const json_t *result)
{
	struct draft draft = {0};
	struct json_out out = {.text = &draft};

	json_out_value(&out, NULL, result);
	return json_out_text(&out);
}

int result_of_target(const struct view *view, const struct request *req, json_t **ret_result, struct error *e)
{
	return operation_answers_target(req->op)
		       ? result_inventory(view, req->op->kind, req->target, ret_result, e)
		       : 0;
}

int result_inventories(json_t *list, json_t **ret_result, struct error *e)
{
	*ret_result = list ? json_pack("{s:o}", "inventories", list) : NULL;
	return *ret_result ? 0 : error_oom(e);
}

int result_list_add(json_t *list, const struct view *view, const struct request *req, const struct object *o,
		    struct error *e)
{
	if (!access_shows(view, &req->actor, o))
		return 0;
	return json_array_append_new(list, render_inventory_json(view, o)) < 0 ? error_oom(e) : 0;
}

int job_result_inventory(struct job *job, enum kind_id kind, const char *uuid, json_t **ret_result,
			 struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	*ret_result = NULL;
	free(steal(&job->inventory));
	return result_inventory_text(view, kind, uuid, &job->inventory, e);
}

/* ---------------------------------------------------------------------- schema */

/* The type of what is in the list @member of the type @type; NULL: several types, or none that has a class. */
static const char *item_type(const struct operation *op, const char *member, const char *type,
			     char ret_buffer[64])
{
	static const char *const lists[][2] = {
		{"clusters", "ClusterInventory"}, {"formats", "VolumeFormatReplyStruct"},
		{"hosts", "HostInventory"},	  {"rootVolumePrimaryStorages", "PrimaryStorageInventory"},
		{"zones", "ZoneInventory"},
	};

	if (*type == '[') {
		snprintf(ret_buffer, 64, "%.*s", (int)strcspn(type + 1, "]"), type + 1);
		return ret_buffer;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strcmp(lists[i][0], member) == 0)
			return lists[i][1];
	return op->item && strchr(op->item, '|') ? NULL : op->item;
}

static int add_list(json_t *map, const char *member, const char *type, const struct view *view,
		    const json_t *list)
{
	const json_t *item;
	char path[128];
	size_t i;
	int r = 0;

	json_array_foreach (list, i, item) {
		const char *uuid = json_string_value(json_object_get(item, "uuid"));
		const struct object *o = !type && view && uuid ? view_get_any(view, uuid) : NULL;

		snprintf(path, sizeof(path), "%s[%zu]", member, i);
		if (type)
			r = inventory_schema_add(map, path, type, item);
		else if (o)
			r = inventory_schema_add_object(map, path, o, item);
		if (r < 0)
			return r;
	}
	return 0;
}

int result_add_schema(const struct operation *op, const struct view *view, json_t *body)
{
	json_t *map = json_object();
	int r = map ? 0 : -ENOMEM;

	for (const char *const *result = op->results; result && *result && r == 0; result++) {
		const char *type = strchr(*result, ':') + 1;
		const json_t *value;
		char member[64], item[64];

		snprintf(member, sizeof(member), "%.*s", (int)(type - 1 - *result), *result);
		value = json_object_get(body, member);
		if (json_is_array(value))
			r = add_list(map, member, item_type(op, member, type, item), view, value);
		else if (value)
			r = inventory_schema_add(map, member, type, value);
	}
	return json_object_set_new(body, "schema", map) < 0 ? -ENOMEM : r;
}
