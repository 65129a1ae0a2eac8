/* SPDX-License-Identifier: Apache-2.0 */
/* See result.h. */
#include "actions/engine/result.h"

#include <string.h>

#include "actions/engine/access.h"
#include "model/render.h"
#include "model/states.h"

bool job_state_is_final(const char *state)
{
	return state && (strcmp(state, JOB_STATE_DONE) == 0 || strcmp(state, JOB_STATE_FAILED) == 0 ||
			 strcmp(state, JOB_STATE_CANCELLED) == 0);
}

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

int result_inventories(json_t *list, json_t **ret_result, struct error *e)
{
	*ret_result = list ? json_pack("{s:o}", "inventories", list) : NULL;
	return *ret_result ? 0 : error_oom(e);
}

int result_list_add(json_t *list, const struct view *view, const struct request *req, const struct object *o,
		    struct error *e)
{
	if (!access_shows(view, req, o))
		return 0;
	return json_array_append_new(list, render_inventory_json(view, o)) < 0 ? error_oom(e) : 0;
}

int job_result_inventory(struct job *job, enum kind_id kind, const char *uuid, json_t **ret_result,
			 struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	return result_inventory(view, kind, uuid, ret_result, e);
}
