/* SPDX-License-Identifier: Apache-2.0 */
/* See command.h. */
#include "fs/class/command.h"

#include <ctype.h>
#include <string.h>

#include "actions/engine/shortform.h"
#include "actions/engine/submit.h"
#include "actions/spec/spec.h"
#include "fs/class/call.h"
#include "fs/class/condition.h"
#include "fs/class/content.h"
#include "fs/class/value_text.h"
#include "fs/tell/last_error.h"
#include "fs/tell/wait.h"
#include "fs/tell/watchers.h"
#include "model/render.h"

/* A write, rename or rmdir that waits for the pool's word. */
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

/* {"job": uuid, "location": path}: what is read back on the descriptor (tree.md 16). */
static struct document *render_answer(const char *job)
{
	char location[NAME_SIZE];

	snprintf(location, sizeof(location), "%s/%s", kind_get(KIND_JOB)->directory, job);
	return render_json(json_pack("{s:s, s:s}", "job", job, "location", location), store_now());
}

/* The pool's word on a write. In the store's writer thread, or in ours. */
static void write_accepted(void *arg, int result, const char *job, const json_t *answer,
			   const struct error *e)
{
	struct submission *s = arg;

	last_error_set(s->fs->errors, s->uid, s->object, result < 0 ? e : NULL);
	if (result < 0) {
		fuse_reply_err(s->req, -result);
	} else {
		if (job && *job)
			handle_set_answer(s->handle, render_answer(job), job);
		else if (answer)
			handle_set_answer(s->handle, render_json(json_deep_copy(answer), store_now()), NULL);
		fuse_reply_write(s->req, s->len);
	}
	submission_free(s);
}

static struct node object_node(const struct object *o)
{
	return (struct node){.kind = o->kind->id, .row = o->id, .class = N_OBJECT};
}

/* The pool's word on an rmdir. */
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

/* The pool's word on a content. */
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

/* Hands @request (taken over) to the pool. @how: what @accepted needs beyond the place. */
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
	handle_set_answer(h, NULL, NULL);
	submit(p, &how, request, write_accepted);
}

static struct actor actor_of(const struct place *p)
{
	return (struct actor){.uid = p->uid, .source = "fs"};
}

/* ------------------------------------------------------------------- values */

/* Would writing this change nothing? Not while a change is under way, which it may have to take back. */
static bool is_present_value(const struct place *p, const json_t *value)
{
	json_t *present = render_field_json(p->view, p->object, (int)p->node.index);
	const char *text = json_string_value(value);
	bool same = present ? json_equal(present, value) : text && !*text;

	json_decref(present);
	return same && !view_next_where(p->view, KIND_JOB, JOB_QUEUE, object_uuid(p->object), 0);
}

/* The request that the text of a value file stands for; NULL when it is the present value. */
static int request_of_value(const struct place *p, const char *data, size_t len, struct request **ret_req,
			    struct error *e)
{
	const struct operation *op = field_operation(p);
	struct actor actor = actor_of(p);
	json_t *value = NULL, *params;
	int r = value_parse(operation_param(op, p->field->name), data, len, &value, e);

	*ret_req = NULL;
	if (r < 0)
		return r;
	if (is_present_value(p, value)) {
		json_decref(value);
		return 0;
	}
	params = json_pack("{s:o}", p->field->name, value);
	r = params ? request_new(op, object_uuid(p->object), params, &actor, ret_req, e)
		   : error_set(e, ENOMEM, "out of memory");
	json_decref(params);
	return r;
}

/* The request in a whole document for `spec`; NULL when the file says it already. */
static int request_of_spec(const struct place *p, const char *text, size_t len, struct request **ret_req,
			   struct error *e)
{
	const struct operation *op = operation_by_spec(p->kind->id);
	struct actor actor = actor_of(p);
	_cleanup_free_ char *copy = strndup(text, len);
	json_t *params;
	int r;

	*ret_req = NULL;
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	if (len > SPEC_LENGTH)
		return error_set(e, EFBIG, "a spec is at most %d bytes", SPEC_LENGTH);
	if (memchr(text, '\0', len))
		return error_set(e, EINVAL, "a spec must not contain a NUL");
	if (spec_is_present(p->view, p->object, text, len))
		return 0;
	r = spec_check_text(p->view, p->object, copy, e);
	if (r < 0)
		return r;
	params = json_pack("{s:s}", "spec", copy);
	r = params ? request_new(op, object_uuid(p->object), params, &actor, ret_req, e)
		   : error_set(e, EINVAL, "a spec must be UTF-8");
	json_decref(params);
	return r;
}

/* The request in the whole text written to a file; NULL when there is nothing to ask for. */
static int request_of_text(const struct place *p, const char *text, size_t len, struct request **ret_req,
			   struct error *e)
{
	struct actor actor = actor_of(p);

	if (p->node.class == N_VALUE)
		return request_of_value(p, text, len, ret_req, e);
	if (p->node.class == N_SPEC)
		return request_of_spec(p, text, len, ret_req, e);
	return request_parse(p->op, p->kind ? p->kind->id : KIND_NONE,
			     p->object ? object_uuid(p->object) : NULL, text, len, &actor, ret_req, e);
}

/* ----------------------------------------------------------------- requests */

static void parse_and_submit(const struct place *p, struct handle *h, fuse_req_t req, const char *text,
			     size_t text_len, size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct request *request = NULL;
	int r;

	if (place_is_door(p)) {
		door_call(p, h, req, text, text_len, len);
		return;
	}
	r = request_of_text(p, text, text_len, &request, &e);

	if (r < 0) {
		refuse(p, req, r, &e);
	} else if (request) {
		submit_through(p, h, req, request, len);
	} else {
		h->requested = h->requested || p->node.class == N_SPEC;
		last_error_set(p->fs->errors, p->uid, p->object, NULL);
		fuse_reply_write(req, len);
	}
}

/* The line end behind a document, in a write of its own: it is a part of what a spec gives back. */
static void write_blank(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len)
{
	_cleanup_document_ struct document *d =
		p->node.class == N_SPEC ? spec_written(p->view, p->object) : NULL;
	_cleanup_free_ char *text = d ? malloc(d->len + len) : NULL;

	if (!text || (d->len && d->data[d->len - 1] == '\n')) {
		fuse_reply_write(req, len);
		return;
	}
	memcpy(text, d->data, d->len);
	memcpy(text + d->len, data, len);
	parse_and_submit(p, h, req, text, d->len + len, len);
}

/* A piece of a JSON document. */
static void write_json(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len)
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
		/* The next document on this handle starts afresh, whatever becomes of this one. */
		struct gather whole = *g;

		*g = (struct gather){0};
		parse_and_submit(p, h, req, whole.data, whole.len, len);
		gather_reset(&whole);
	}
}

static void write_request(const struct place *p, struct handle *h, fuse_req_t req, const char *data,
			  size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	size_t blank = 0;

	if (h->gather.len) {
		write_json(p, h, req, data, len);
		return;
	}
	while (blank < len && isspace((unsigned char)data[blank]))
		blank++;
	if (blank == len && h->requested) {
		write_blank(p, h, req, data, len);
	} else if (blank < len && (data[blank] == '{' || data[blank] == '[')) {
		write_json(p, h, req, data, len);
	} else if (len > SHORTFORM_MAX) {
		error_set(&e, EFBIG, "a request in the short form is at most %d bytes", SHORTFORM_MAX);
		refuse(p, req, -EFBIG, &e);
	} else {
		parse_and_submit(p, h, req, data, len, len);
	}
}

/* At the start, appended, or behind what was written before; anything else would be a hole in a request. */
static bool is_good_offset(const struct handle *h, off_t offset, int flags)
{
	return offset == 0 || (flags & O_APPEND) || offset == h->end ||
	       (h->content && offset == (off_t)h->content->len);
}

void submit_write(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len,
		  off_t offset, int flags)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	/* One question follows another, wherever reading the answer has moved the descriptor. */
	if (p->node.class == N_ASK) {
		ask_write(p, h, req, data, len);
		return;
	}
	if (!is_good_offset(h, offset, flags)) {
		error_set(&e, EINVAL,
			  "a request must be written from the start of the file or appended, not at %lld",
			  (long long)offset);
		refuse(p, req, -EINVAL, &e);
		return;
	}
	h->end = offset + (off_t)len;
	if (p->node.class == N_VALUE)
		parse_and_submit(p, h, req, data, len, len);
	else
		write_request(p, h, req, data, len);
}

void submit_content(const struct place *p, const char *data, size_t len, content_taken_fn *taken, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct submission how = {.taken = taken, .arg = arg};
	struct request *request = NULL;
	int r = request_of_text(p, data, len, &request, &e);

	if (r == 0 && request) {
		submit(p, &how, request, content_accepted);
		return;
	}
	last_error_set(p->fs->errors, p->uid, p->object, r < 0 ? &e : NULL);
	taken(arg, r);
}

int submit_flush(const struct place *p, struct handle *h)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r;

	if (p->node.class == N_ASK)
		return ask_flush(p, h);
	if (!h->gather.len)
		return 0;
	r = json_gather_finish(&h->gather.scan, &e);
	last_error_set(p->fs->errors, p->uid, p->object, &e);
	return r;
}

/* ------------------------------------------------------------ waits, rmdir */

void submit_fsync(const struct place *p, fuse_req_t req)
{
	struct job_set set = {.uid = -1};

	if (p->node.class == N_CREATE) {
		set.op = p->op;
		set.uid = p->uid;
	} else if (p->node.class == N_ACTIONS || p->node.class == N_SPEC ||
		   (p->node.class == N_VALUE && field_operation(p))) {
		set.op = p->node.class == N_VALUE  ? field_operation(p)
			 : p->node.class == N_SPEC ? operation_by_spec(p->kind->id)
						   : NULL;
		snprintf(set.resource, sizeof(set.resource), "%s", object_uuid(p->object));
	} else {
		fuse_reply_err(req, 0); /* nothing is ever written here */
		return;
	}
	waits_add(p->fs->waits, req, &set, WAIT_EIO, (struct locked){{node_pack(p->node)}});
}

void submit_fsync_gone(const struct fs *fs, struct handle *h, fuse_req_t req)
{
	struct job_set set = {.uid = -1};

	handle_get_job(h, set.job);
	if (*set.job)
		waits_add(fs->waits, req, &set, WAIT_EIO, (struct locked){{node_pack(h->node)}});
	else
		fuse_reply_err(req, ESTALE);
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

void submit_rmdir(const struct place *p, fuse_ino_t parent, fuse_req_t req)
{
	const struct operation *op = removing_operation(p->kind);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct actor actor = actor_of(p);
	struct request *request = NULL;
	int r;

	if (!op)
		r = error_set(&e, EPERM, "a %s cannot be removed", p->kind->noun);
	else if (!has_text(p->object, "state", "Destroyed") && !has_text(p->object, "status", "Deleted"))
		r = error_set(
			&e, EBUSY,
			"rmdir removes only what is Destroyed or Deleted, %s '%s' is not; see its 'actions'",
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
