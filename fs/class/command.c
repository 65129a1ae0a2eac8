/* SPDX-License-Identifier: Apache-2.0 */
/* See command.h. */
#include "fs/class/command.h"

#include <ctype.h>
#include <string.h>

#include "actions/engine/menu.h"
#include "actions/engine/shortform.h"
#include "actions/engine/submit.h"
#include "fs/tell/last_error.h"
#include "fs/tell/wait.h"
#include "fs/tell/watchers.h"
#include "model/render.h"

/* A write, rename or rmdir that waits for the pool. */
struct submission {
	const struct fs *fs;
	fuse_req_t req;
	size_t len;		     /* bytes written */
	struct handle *handle;	     /* owned; NULL: not a write */
	content_taken_fn *taken;     /* NULL: not a rename */
	void *arg;		     /* of taken */
	const struct object *object; /* owned; NULL: none */
	uid_t uid;
	struct locked locked; /* of an rmdir */
};

static void submission_free(struct submission *s)
{
	handle_unref(s->handle);
	object_unref(s->object);
	free(s);
}

static void refuse(const struct place *p, fuse_req_t req, int result, const struct error *e)
{
	last_error_set(p->fs->errors, p->uid, p->object, e);
	fuse_reply_err(req, -result);
}

/* {"job": uuid, "location": path}: the answer read from the descriptor (tree.md 16). */
static struct document *render_answer(const char *job)
{
	char location[NAME_SIZE];

	snprintf(location, sizeof(location), "%s/%s", kind_get(KIND_JOB)->directory, job);
	return render_json(json_pack("{s:s, s:s}", "job", job, "location", location), store_now());
}

/* The outcome of a write. In the store's writer thread, or in the receiving one. */
static void write_accepted(void *arg, int result, const char *job, const json_t *answer,
			   const struct error *e)
{
	struct submission *s = arg;

	last_error_set(s->fs->errors, s->uid, s->object, result < 0 ? e : NULL);
	if (result < 0) {
		fuse_reply_err(s->req, -result);
	} else {
		if (job && *job)
			handle_set_answer(s->handle, render_answer(job));
		else if (answer)
			handle_set_answer(s->handle, render_json(json_deep_copy(answer), store_now()));
		fuse_reply_write(s->req, s->len);
	}
	submission_free(s);
}

static struct node object_node(const struct object *o)
{
	return (struct node){.kind = o->kind->id, .row = o->id, .class = N_OBJECT};
}

/* The outcome of an rmdir. */
static void rmdir_accepted(void *arg, int result, const char *job, const json_t *answer,
			   const struct error *e)
{
	struct submission *s = arg;
	struct job_set set = {.uid = -1};

	(void)answer;
	last_error_set(s->fs->errors, s->uid, s->object, result < 0 ? e : NULL);
	watchers_rmdir_goes_on(s->fs->watchers, object_node(s->object), result < 0 ? NULL : job);
	if (result < 0) {
		fuse_reply_err(s->req, -result);
	} else {
		snprintf(set.job, sizeof(set.job), "%s", job);
		waits_add(s->fs->waits, s->req, &set, WAIT_JOB_ERRNO, s->locked);
	}
	submission_free(s);
}

/* The outcome of replacing a content. */
static void content_accepted(void *arg, int result, const char *job, const json_t *answer,
			     const struct error *e)
{
	struct submission *s = arg;

	(void)job;
	(void)answer;
	last_error_set(s->fs->errors, s->uid, s->object, result < 0 ? e : NULL);
	s->taken(s->arg, result);
	submission_free(s);
}

/* Submits @request (taken over) to the pool. @how: members that @accepted needs beyond the place. */
static void submit(const struct place *p, const struct submission *how, struct request *request,
		   pool_accepted_fn *accepted)
{
	struct submission *s = malloc(sizeof(*s));

	if (!s) {
		request_free(request);
		if (how->taken)
			how->taken(how->arg, -ENOMEM);
		else
			fuse_reply_err(how->req, ENOMEM);
		return;
	}
	*s = *how;
	s->fs = p->fs;
	s->uid = p->uid;
	s->object = object_ref(p->object);
	pool_submit(p->fs->pool, request, accepted, s);
}

/* Submits a write of @len bytes through @h. */
static void submit_through(const struct place *p, struct handle *h, fuse_req_t req, struct request *request,
			   size_t len)
{
	struct submission how = {.req = req, .len = len, .handle = h};

	ref_get(&h->ref);
	h->requested = true;
	h->base_set = false;
	handle_set_answer(h, NULL);
	submit(p, &how, request, write_accepted);
}

/* ----------------------------------------------------------------- requests */

void command_submit_text(const struct place *p, struct handle *h, fuse_req_t req, const char *text,
			 size_t text_len, size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct request *request = NULL;
	int r;

	r = p->entry->io->request(p, text, text_len, &request, &e);
	if (r < 0) {
		refuse(p, req, r, &e);
	} else if (request) {
		submit_through(p, h, req, request, len);
	} else {
		h->requested = h->requested || p->entry->io->written;
		last_error_set(p->fs->errors, p->uid, p->object, NULL);
		fuse_reply_write(req, len);
	}
}

/* A line end after a document, in a separate write: it is part of the text that a spec returns. */
static void write_blank(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len,
			command_text_fn *whole)
{
	_cleanup_document_ struct document *d = p->entry->io->written ? p->entry->io->written(p) : NULL;
	_cleanup_free_ char *text = d ? malloc(d->len + len) : NULL;

	if (!text || (d->len && d->data[d->len - 1] == '\n')) {
		fuse_reply_write(req, len);
		return;
	}
	memcpy(text, d->data, d->len);
	memcpy(text + d->len, data, len);
	whole(p, h, req, text, d->len + len, len);
}

/* A piece of a JSON document. */
static void write_json(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len,
		       command_text_fn *whole)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct gather *g = &h->gather;
	int r;

	if (!g->len)
		json_gather_init(&g->scan, REQUEST_LENGTH);
	json_gather_feed(&g->scan, data, len);
	r = json_gather_check(&g->scan, &e);
	if (r == 0) {
		r = gather_append(g, data, len, REQUEST_LENGTH);
		if (r < 0)
			error_set(&e, -r,
				  r == -EFBIG ? "the request is longer than %d bytes"
					      : "out of memory (%d bytes)",
				  REQUEST_LENGTH);
	}
	if (r < 0) {
		gather_reset(g);
		refuse(p, req, r, &e);
	} else if (g->scan.state != JSON_GATHER_COMPLETE) {
		fuse_reply_write(req, len);
	} else {
		/* The next document on this handle starts anew, whether or not this one is accepted. */
		struct gather gathered = *g;

		*g = (struct gather){0};
		whole(p, h, req, gathered.data, gathered.len, len);
		gather_reset(&gathered);
	}
}

static void write_request(const struct place *p, struct handle *h, fuse_req_t req, const char *data,
			  size_t len, command_text_fn *whole)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	size_t blank = 0;

	if (h->gather.len) {
		write_json(p, h, req, data, len, whole);
		return;
	}
	while (blank < len && isspace((unsigned char)data[blank]))
		blank++;
	if (blank == len && h->requested) {
		write_blank(p, h, req, data, len, whole);
	} else if (blank < len && (data[blank] == '{' || data[blank] == '[')) {
		write_json(p, h, req, data, len, whole);
	} else if (len > SHORTFORM_MAX) {
		error_set(&e, EFBIG, "a request in the short form is at most %d bytes", SHORTFORM_MAX);
		refuse(p, req, -EFBIG, &e);
	} else {
		whole(p, h, req, data, len, len);
	}
}

/* At the start, appended, or after the previous write; anything else would be a hole in a request. */
static bool is_good_offset(const struct handle *h, off_t offset, int flags)
{
	return offset == 0 || (flags & O_APPEND) || offset == h->end ||
	       (h->content && offset == (off_t)h->content->len);
}

bool command_begin_write(fuse_req_t req, const struct place *p, struct handle *h, size_t len, off_t offset,
			 int flags)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (!is_good_offset(h, offset, flags)) {
		error_set(&e, EINVAL,
			  "a request must be written from the start of the file or appended, not at %lld",
			  (long long)offset);
		refuse(p, req, -EINVAL, &e);
		return false;
	}
	h->end = offset + (off_t)len;
	return true;
}

void command_write_pieces(fuse_req_t req, const struct place *p, struct handle *h, const char *data,
			  size_t len, off_t offset, int flags, command_text_fn *whole)
{
	if (command_begin_write(req, p, h, len, offset, flags))
		write_request(p, h, req, data, len, whole);
}

void command_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t len,
		   off_t offset, int flags)
{
	command_write_pieces(req, p, h, data, len, offset, flags, command_submit_text);
}

void command_replace(const struct place *p, const char *data, size_t len, content_taken_fn *taken, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct submission how = {.taken = taken, .arg = arg};
	struct request *request = NULL;
	int r = p->entry->io->request(p, data, len, &request, &e);

	if (r == 0 && request) {
		submit(p, &how, request, content_accepted);
		return;
	}
	last_error_set(p->fs->errors, p->uid, p->object, r < 0 ? &e : NULL);
	taken(arg, r);
}

void command_flush(fuse_req_t req, const struct place *p, struct handle *h)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = 0;

	if (h->gather.len) {
		r = json_gather_finish(&h->gather.scan, &e);
		last_error_set(p->fs->errors, p->uid, p->object, &e);
	}
	fuse_reply_err(req, -r);
}

/* ------------------------------------------------------------ waits, rmdir */

void command_fsync(fuse_req_t req, const struct place *p, struct handle *h)
{
	struct job_set set = {.uid = -1};

	(void)h;
	if (p->entry->io->jobs(p, &set))
		waits_add(p->fs->waits, req, &set, WAIT_EIO, (struct locked){{node_pack(p->node)}});
	else
		fuse_reply_err(req, 0); /* the file is read-only */
}

static const struct operation *removing_operation(const struct kind *kind)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->kind == kind->id && ((*op)->flags & OP_REMOVES_ROW))
			return *op;
	return NULL;
}

static bool has_text(const struct object *o, const char *field, const char *text)
{
	int i = kind_field(o->kind, field);

	return i >= 0 && o->kind->fields[i].type == FIELD_STRING && object_str_is(o, i, text);
}

void command_rmdir(fuse_req_t req, const struct place *p, fuse_ino_t parent)
{
	const struct operation *op = removing_operation(p->kind);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct actor actor = place_actor(p);
	struct request *request = NULL;
	int r;

	if (!op)
		r = error_set(&e, EPERM, "a %s cannot be removed", p->kind->noun);
	else if (!has_text(p->object, "state", "Destroyed") && !has_text(p->object, "status", "Deleted"))
		r = error_set(
			&e, EBUSY,
			"rmdir removes only Destroyed or Deleted objects, and %s '%s' is not; see its 'actions'",
			p->kind->noun, object_name(p->object));
	else
		r = request_new(op, object_uuid(p->object), NULL, &actor, &request, &e);
	if (r < 0) {
		refuse(p, req, r, &e);
		return;
	}
	watchers_rmdir_begins(p->fs->watchers, p->node);
	submit(p, &(struct submission){.req = req, .locked = {{parent, node_pack(p->node)}}}, request,
	       rmdir_accepted);
}

/* ------------------------------------------------------ `actions`, `create` */

static int request_of_text(const struct place *p, const char *text, size_t len, struct request **ret_req,
			   struct error *e)
{
	struct actor actor = place_actor(p);

	return request_parse(p->op, p->kind ? p->kind->id : KIND_NONE,
			     p->object ? object_uuid(p->object) : NULL, text, len, &actor, ret_req, e);
}

static bool create_jobs(const struct place *p, struct job_set *ret)
{
	ret->op = p->op;
	ret->uid = p->uid;
	return true;
}

static bool actions_jobs(const struct place *p, struct job_set *ret)
{
	snprintf(ret->resource, sizeof(ret->resource), "%s", object_uuid(p->object));
	return true;
}

const struct file_class class_actions = {COMMAND_FILE, .request = request_of_text, .jobs = actions_jobs};
const struct file_class class_create = {COMMAND_FILE, .request = request_of_text, .jobs = create_jobs};

struct document *render_menu(const struct place *p)
{
	return actions_render_menu(p->view, p->object);
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
	struct document *d = NULL;
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
	if (fclose(f) == 0)
		d = document_new(text, len, p->fs->born);
	free(text);
	return d;
}
