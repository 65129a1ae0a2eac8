/* SPDX-License-Identifier: Apache-2.0 */
/* See content.h. */
#include "fs/class/content.h"

#include <inttypes.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/json_gather.h"
#include "actions/engine/menu.h"
#include "actions/engine/shortform.h"
#include "actions/engine/submit.h"
#include "actions/image/running_sum.h"
#include "actions/image/upload.h"
#include "actions/spec/spec.h"
#include "fs/class/ask.h"
#include "fs/class/inventories.h"
#include "fs/class/metrics.h"
#include "fs/class/scratches.h"
#include "fs/class/value_text.h"
#include "fs/tell/last_error.h"
#include "fs/tree/members.h"
#include "fs/tree/queries.h"
#include "model/access.h"
#include "model/render.h"

/* -------------------------------------------------------------- small texts */

/* Closes a memory stream into a document. */
static struct document *stream_end(FILE *f, char **text, size_t *len, int64_t mtime)
{
	struct document *d;

	if (!f || fclose(f) != 0)
		return NULL;
	d = document_new(*text, *len, mtime);
	free(*text);
	return d;
}

struct document *render_readme(const struct place *p)
{
	return document_ref(p->fs->readme);
}

struct document *render_version(const struct place *p)
{
	static const char text[] = "poolfs " POOLFS_VERSION "\ntree 1\n";

	return document_new(text, strlen(text), p->fs->born);
}

struct document *render_limits(const struct place *p)
{
	int64_t changed = view_changed(p->view, KIND_GLOBAL_CONFIG);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "request-bytes %d\n", REQUEST_LENGTH);
	fprintf(f, "request-nesting %d\n", JSON_GATHER_DEPTH);
	fprintf(f, "short-form-bytes %d\n", SHORTFORM_MAX);
	fprintf(f, "value-bytes %d\n", VALUE_LENGTH);
	fprintf(f, "spec-bytes %d\n", SPEC_LENGTH);
	fprintf(f, "by-name-bytes %d\n", NAME_LENGTH);
	fprintf(f, "query-bytes %d\n", QUERY_LENGTH_MAX);
	fprintf(f, "query-conditions %d\n", QUERY_CONDITIONS_MAX);
	fprintf(f, "query-relations %d\n", QUERY_DEPTH_MAX);
	fprintf(f, "query-seconds %" PRId64 "\n", config_int(p->view, "search.timeLimit"));
	fprintf(f, "query-names %d\n", QUERIES_KEPT);
	fprintf(f, "where-bytes %d\n", QUERIES_TEXT);
	fprintf(f, "events-bytes %d\n", EVENTS_BYTES);
	fprintf(f, "scratch-bytes %d\n", SCRATCH_LENGTH);
	fprintf(f, "scratch-bytes-total %d\n", SCRATCH_TOTAL);
	fprintf(f, "scratch-files-per-user %d\n", SCRATCH_NAMES_OF_USER);
	fprintf(f, "scratch-files-total %d\n", SCRATCH_NAMES);
	fprintf(f, "scratch-idle-seconds %d\n", SCRATCH_IDLE_S);
	fprintf(f, "uploads %d\n", UPLOADS_MAX);
	fprintf(f, "upload-idle-seconds %d\n", UPLOAD_IDLE_S);
	fprintf(f, "upload-holes-summed %" PRId64 "\n", RUNNING_SUM_HOLES);
	fprintf(f, "objects-per-kind %" PRId64 "\n", NODE_ROW_MAX);
	return stream_end(f, &text, &len, changed > p->fs->born ? changed : p->fs->born);
}

struct document *render_features(const struct place *p)
{
	int64_t changed = view_changed(p->view, KIND_HOST);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int all = 0, built = 0;

	if (!f)
		return NULL;
	view_for_each (host, p->view, KIND_HOST)
		fprintf(f, "host %s %s %s %s\n", object_uuid(host), object_text(host, HOST_HYPERVISOR_TYPE),
			object_text(host, HOST_VIRT_TYPE), object_text(host, HOST_STATUS));
	for (const struct operation *const *op = operations(); *op; op++) {
		all++;
		built += operation_is_built(*op);
	}
	fprintf(f, "operations %d of %d\n", built, all);
	fprintf(f, "inotify %s\n", p->fs->watchers ? "everything" : "own writes");
	for (const struct operation *const *op = operations(); *op; op++)
		if (!operation_is_built(*op))
			fprintf(f, "missing %s\n", (*op)->name);
	return stream_end(f, &text, &len, changed > p->fs->born ? changed : p->fs->born);
}

static const char *type_name(const struct param *param)
{
	static const char *const names[] = {
		[PARAM_STRING] = "text",	[PARAM_INT] = "number", [PARAM_LONG] = "number",
		[PARAM_BOOL] = "true or false", [PARAM_LIST] = "list",	[PARAM_MAP] = "object",
	};

	return names[param->type];
}

/* What `create` takes, for whoever reads it. */
struct document *render_create(const struct place *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "# %s: %s\n# write {\"params\":{...}}, the bare parameters, or name=value ...\n",
		p->op->name, p->op->help);
	for (const struct param *param = p->op->params; param && param->name; param++) {
		fprintf(f, "%s %s %s", param->name, type_name(param),
			param->flags & PARAM_REQUIRED ? "required" : "optional");
		if (param->resource != KIND_NONE)
			fprintf(f, ", uuid of %s %s",
				strchr("aeiou", kind_get(param->resource)->noun[0]) ? "an" : "a",
				kind_get(param->resource)->noun);
		for (size_t i = 0; param->values && param->values[i]; i++)
			fprintf(f, "%s%s", i ? "|" : ", ", param->values[i]);
		if (param->default_value)
			fprintf(f, ", default %s", param->default_value);
		fputc('\n', f);
	}
	return stream_end(f, &text, &len, p->fs->born);
}

struct document *render_caller_error(const struct place *p)
{
	return last_error_of_user(p->fs->errors, p->uid, p->fs->born);
}

struct document *render_object_error(const struct place *p)
{
	return last_error_of_object(p->fs->errors, p->object, changed_object(p));
}

struct document *render_object(const struct place *p)
{
	return render_inventory(p->view, p->object);
}

struct document *render_field(const struct place *p)
{
	return render_value(p->view, p->object, (int)p->node.index);
}

struct document *render_menu(const struct place *p)
{
	return actions_render_menu(p->view, p->object);
}

struct document *render_spec(const struct place *p)
{
	return spec_document(p->view, p->object);
}

static int tag_field(const struct object *o)
{
	return o->kind->id == KIND_SYSTEM_TAG ? SYSTEM_TAG_TAG : USER_TAG_TAG;
}

struct document *render_tag(const struct place *p)
{
	return render_value(p->view, p->object, tag_field(p->object));
}

/* ----------------------------------------------------- permissions, meaning */

static bool is_secret(const struct object *o)
{
	return o && o->kind->id == KIND_SYSTEM_TAG && system_tag_is_secret(object_text(o, SYSTEM_TAG_TAG));
}

mode_t permissions_of_tag(const struct place *p)
{
	return is_secret(p->object) ? 0400 : 0444;
}

mode_t permissions_get(const struct place *p)
{
	return p->op->flags & OP_SECRET ? 0400 : 0444;
}

const struct operation *field_operation(const struct place *p)
{
	const struct operation *op = operation_by_field(p->kind->id, p->field->name);

	return op && !(operation_param(op, p->field->name)->flags & PARAM_NOFILE) ? op : NULL;
}

mode_t permissions_value(const struct place *p)
{
	bool secret = (p->field->flags & F_SECRET) ||
		      (is_secret(p->object) && (int)p->node.index == SYSTEM_TAG_TAG);
	mode_t mode = field_operation(p) ? 0644 : 0444;

	return secret ? mode & 0600 : mode;
}

const char *meaning_folder(const struct place *p)
{
	return p->kind ? "a collection" : "a part of the tree";
}

const char *meaning_object(const struct place *p)
{
	return p->kind ? p->kind->noun : p->entry->help;
}

const char *meaning_operation(const struct place *p)
{
	return p->op->help;
}

const char *meaning_field(const struct place *p)
{
	return p->field->help;
}

/* --------------------------------------------------------------- Get files */

struct get_call {
	content_fn *done;
	void *arg;
	int64_t mtime;
	bool errors_are_content;
};

/* The body that REST gives with status 503, so that a listed file can always be read. */
static struct document *render_error(const struct error *e, int64_t mtime)
{
	return render_json(json_pack("{s:o}", "error", error_to_json(e)), mtime);
}

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
	else if (call->errors_are_content)
		d = render_error(e, call->mtime);
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

static int get_request(const struct place *p, struct request **ret_req, struct error *e)
{
	struct actor actor = {.uid = p->uid, .source = "fs"};
	_cleanup_free_ char *text = NULL;
	json_t *params = NULL;
	struct node base;
	int r = 0;

	if (p->node.class == N_QUERY) {
		if (!queries_get(p->fs->queries, p->node.row, &base, &text))
			return error_set(e, ESTALE, "the name is too old, look it up again");
		r = text ? query_parameters(p->op, text, &params, e) : error_set(e, ENOMEM, "out of memory");
	}
	if (r == 0)
		r = request_new(p->op, p->object ? object_uuid(p->object) : NULL, params, &actor, ret_req, e);
	json_decref(params);
	return r;
}

static void get_start(const struct place *p, content_fn *done, void *arg)
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
	*call = (struct get_call){.done = done,
				  .arg = arg,
				  .mtime = changed ? changed : p->fs->born,
				  .errors_are_content = p->node.class != N_QUERY};
	r = get_request(p, &req, &e);
	if (r < 0)
		get_end(call, r, NULL, &e);
	else
		pool_get(p->fs->pool, req, get_answered, call);
}

/* ------------------------------------------------------------------ metrics */

struct metrics_call {
	const struct fs *fs;
	struct view *view; /* owned */
	content_fn *done;
	void *arg;
};

static void metrics_run(void *arg)
{
	struct metrics_call *call = arg;
	struct document *d = metrics_render(call->fs, call->view);

	call->done(call->arg, d ? 0 : -ENOMEM, d, NULL);
	view_unref(call->view);
	free(call);
}

static void metrics_start(const struct place *p, content_fn *done, void *arg)
{
	struct metrics_call *call = malloc(sizeof(*call));
	int r = -ENOMEM;

	if (call) {
		*call = (struct metrics_call){.fs = p->fs, .done = done, .arg = arg};
		call->view = store_view(p->fs->store);
		r = pool_background(p->fs->pool, metrics_run, call);
		if (r == 0)
			return;
		view_unref(call->view);
		free(call);
	}
	done(arg, r, NULL, NULL);
}

void content_start(const struct place *p, content_fn *done, void *arg)
{
	struct document *d;

	if (p->node.class == N_INVENTORIES) {
		listings_start(p->fs->listings, p->view, p->kind->id, done, arg);
	} else if (p->node.class == N_COLLECTION_QUERY) {
		ask_content_start(p, done, arg);
	} else if (p->node.class == N_METRICS) {
		metrics_start(p, done, arg);
	} else if (!p->entry->render) {
		get_start(p, done, arg);
	} else {
		d = p->entry->render(p);
		done(arg, d ? 0 : -ENOMEM, d, NULL);
	}
}
