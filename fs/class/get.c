/* SPDX-License-Identifier: Apache-2.0 */
/* See get.h. */
#include "fs/class/get.h"

#include <string.h>

#include "actions/engine/submit.h"
#include "fs/class/document.h"
#include "fs/class/parameters.h"
#include "fs/tree/members.h"
#include "fs/tree/queries.h"
#include "model/render.h"
#include "fs/tree/permissions.h"

mode_t permissions_get(const struct place *p)
{
	return p->op->flags & OP_SECRET ? 0400 : 0444;
}

struct get_call {
	content_fn *done;
	void *arg;
	int64_t mtime;
};

static void get_end(struct get_call *call, int result, json_t *json, const struct error *e)
{
	_cleanup_(error_done) struct error unsaid = ERROR_INIT;
	struct document *d = NULL;
	int r = result;

	if (r < 0 && (!e || !error_is_set(e))) {
		error_set(&unsaid, -r, "%s", strerror(-r));
		e = &unsaid;
	}
	if (result == 0)
		d = render_json(json, call->mtime);
	if (d)
		r = 0;
	else if (r == 0)
		r = -ENOMEM;
	call->done(call->arg, r, d, r < 0 ? e : NULL);
	free(call);
}

static void get_answered(void *arg, int result, json_t *json, const struct error *e)
{
	get_end(arg, result, json, e);
}

static int get_request(const struct place *p, bool has_parameters, struct request **ret_req, struct error *e)
{
	struct actor actor = place_actor(p);
	_cleanup_free_ char *text = NULL;
	json_t *params = NULL;
	struct node base;
	int r = 0;

	if (has_parameters) {
		if (!queries_get(p->fs->queries, p->node.row, &base, &text))
			return error_set(e, ESTALE, "the file name has expired, look it up again");
		r = text ? query_parameters(p->op, text, &params, e) : error_set(e, ENOMEM, "out of memory");
	}
	if (r == 0)
		r = request_new(p->op, p->object ? object_uuid(p->object) : NULL, params, &actor, ret_req, e);
	json_decref(params);
	return r;
}

static void start(const struct place *p, bool has_parameters, content_fn *done, void *arg)
{
	struct get_call *call = malloc(sizeof(*call));
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct request *req = NULL;
	int64_t changed = p->object ? p->object->changed : changed_collection(p);
	int r;

	if (!call) {
		done(arg, -ENOMEM, NULL, NULL);
		return;
	}
	*call = (struct get_call){.done = done, .arg = arg, .mtime = changed ? changed : p->fs->born};
	r = get_request(p, has_parameters, &req, &e);
	if (r < 0)
		get_end(call, r, NULL, &e);
	else
		pool_get(p->fs->pool, req, get_answered, call);
}

static void get_start(const struct place *p, content_fn *done, void *arg)
{
	start(p, false, done, arg);
}

static void get_query_start(const struct place *p, content_fn *done, void *arg)
{
	start(p, true, done, arg);
}

const struct file_class class_get = {DOCUMENT_FILE, .start = get_start};
const struct file_class class_get_query = {DOCUMENT_FILE, .is_here = queries_is_here,
					   .start = get_query_start};
