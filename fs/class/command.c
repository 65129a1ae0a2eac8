/* SPDX-License-Identifier: Apache-2.0 */
/* See command.h. */
#include "fs/class/command.h"

#include <ctype.h>
#include <stdatomic.h>
#include <string.h>

#include "actions/engine/menu.h"
#include "actions/engine/shortform.h"
#include "actions/engine/submit.h"
#include "fs/class/document.h"
#include "fs/class/once.h"
#include "fs/tree/submission.h"
#include "fs/class/writing.h"
#include "fs/tell/last_error.h"
#include "fs/tell/wait.h"
#include "model/json.h"
#include "model/json_out.h"
#include "model/render.h"
#include "fs/tree/permissions.h"

/* A request of the kernel that waits for the pool. */
struct submission {
	const struct fs *fs;
	struct answer answer;
	struct handle *handle;	     /* owned; NULL: none */
	bool spoils;		     /* a refusal spoils the text of the handle */
	content_taken_fn *taken;     /* NULL: not a rename */
	void *arg;		     /* of taken */
	struct node node;	     /* of the file */
	const struct object *object; /* owned; NULL: none */
	struct caller caller;	     /* `account` is not valid */
};

static void submission_free(struct submission *s)
{
	handle_unref(s->handle);
	object_unref(s->object);
	free(s);
}

static void refuse(const struct place *p, fuse_req_t req, int result, const struct error *e)
{
	last_error_set(p->fs->errors, p->caller.uid, p->object, e);
	fuse_reply_err(req, -result);
}

/* {"job": uuid, "location": path}: the answer read from the descriptor (tree.md 16). */
static struct document *render_answer(const char *job)
{
	struct draft text = {0};
	struct json_out out = {.text = &text, .indented = true};
	json_t *outer = json_out_object(&out, NULL);
	char location[NAME_SIZE];

	snprintf(location, sizeof(location), "%s/%s", kind_get(KIND_JOB)->directory, job);
	json_out_string(&out, "job", job);
	json_out_string(&out, "location", location);
	json_out_close(&out, false, outer);
	draft_add(&text, "\n", 1);
	return draft_end(&text, store_now());
}

/* Notes what later requests on the handle are told of a text: that it was refused (-errno), or nothing (0). */
static void note_outcome(struct handle *h, bool spoils, struct answer answer, int result)
{
	if (spoils && result < 0)
		atomic_store(&h->refused, -result);
	if (answer.to != ANSWER_WRITE)
		atomic_store(&h->close_refused, -result);
}

/* The text was taken: answers the request of the kernel. */
static void reply_taken(const struct place *p, struct answer answer)
{
	switch (answer.to) {
	case ANSWER_WRITE:
		fuse_reply_write(answer.req, answer.written);
		break;
	case ANSWER_FLUSH:
		fuse_reply_err(answer.req, 0);
		break;
	case ANSWER_FSYNC:
		command_wait(p, answer.req);
		break;
	}
}

/* What the request was answered, for who reads it from the descriptor: one that is open for writing only has no reader. */
static void set_answer(struct handle *h, const char *job, const json_t *answer)
{
	if (!h->reads)
		return;
	if (job && *job)
		handle_set_answer(h, render_answer(job));
	else if (answer)
		handle_set_answer(h, render_json(json_copy_whole(answer), store_now()));
}

/* The outcome of a text. In the store's writer thread, or in the receiving one. */
static void text_accepted(void *arg, int result, const char *job, const json_t *answer, const struct error *e)
{
	struct submission *s = arg;
	_cleanup_view_ struct view *view = store_view(s->fs->store);
	struct place p;

	last_error_set(s->fs->errors, s->caller.uid, s->object, result < 0 ? e : NULL);
	note_outcome(s->handle, s->spoils, s->answer, result < 0 ? result : 0);
	if (result < 0) {
		fuse_reply_err(s->answer.req, -result);
	} else {
		set_answer(s->handle, job, answer);
		place_init(s->fs, view, s->node, &p);
		p.object = s->object; /* which the request may have removed */
		p.caller = s->caller;
		caller_renew(&p.caller, view);
		reply_taken(&p, s->answer);
	}
	handle_answered(s->handle);
	submission_free(s);
}

/* The outcome of replacing a content. */
static void content_accepted(void *arg, int result, const char *job, const json_t *answer,
			     const struct error *e)
{
	struct submission *s = arg;

	(void)job;
	(void)answer;
	last_error_set(s->fs->errors, s->caller.uid, s->object, result < 0 ? e : NULL);
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
			fuse_reply_err(how->answer.req, ENOMEM);
		return;
	}
	*s = *how;
	s->fs = p->fs;
	s->caller = p->caller;
	s->node = p->node;
	s->object = object_ref(p->object);
	if (s->handle) {
		ref_get(&s->handle->ref);
		handle_ask(s->handle);
	}
	pool_submit(p->fs->pool, request, accepted, s);
}

/* ----------------------------------------------------------------- requests */

void command_take(const struct place *p, struct handle *h, const struct text *text, struct answer answer)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool spoils = p->entry->io->amends && !h->gather.appends && answer.to == ANSWER_WRITE;
	struct submission how = {.answer = answer, .handle = h, .spoils = spoils};
	struct request *request = text->made;
	int r = request ? 0 : p->entry->io->request(p, text->data, text->len, &request, &e);

	if (r == 0 && request)
		r = submission_keep(p->fs, text, request->job, &e);
	if (r < 0) {
		request_free(request);
		note_outcome(h, spoils, answer, r);
		refuse(p, answer.req, r, &e);
	} else if (request) {
		handle_begin_answer(h);
		submit(p, &how, request, text_accepted);
	} else {
		note_outcome(h, spoils, answer, 0);
		last_error_set(p->fs->errors, p->caller.uid, p->object, NULL);
		reply_taken(p, answer);
	}
}

bool command_resume(const struct fs *fs, const struct place *p, struct handle *h, struct answer answer)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char job[UUID_SIZE];
	_cleanup_free_ char *copy = NULL;
	struct text text = {0};
	int r;

	if (submission_is_done(fs, job)) {
		struct submission *s = malloc(sizeof(*s));

		if (!s) {
			fuse_reply_err(answer.req, ENOMEM);
			return true;
		}
		ref_get(&h->ref);
		*s = (struct submission){.fs = fs,
					 .answer = answer,
					 .handle = h,
					 .node = h->node,
					 .object = object_ref(h->object),
					 .caller = h->caller};
		handle_begin_answer(h);
		handle_ask(h);
		text_accepted(s, 0, job, NULL, NULL);
		return true;
	}
	r = p ? submission_find(fs, job, &copy, &text.len, &e) : 0;
	if (r < 0)
		refuse(p, answer.req, r, &e);
	if (r <= 0)
		return r < 0;
	text.data = copy;
	p->entry->io->take(p, h, &text, answer);
	return true;
}

/* Documents, and lines of the short form, which may be all without their line end. */
static int command_part(const struct place *p, const struct gather *g, struct error *e)
{
	size_t blank = 0;

	(void)p;
	while (blank < g->len && isspace((unsigned char)g->data[blank]))
		blank++;
	if (blank < g->len && (g->data[blank] == '{' || g->data[blank] == '['))
		return writing_part_of_json(g, e);
	if (g->len > SHORTFORM_MAX)
		return error_set(e, EFBIG, "a request in the short form is at most %d bytes", SHORTFORM_MAX);
	return g->len && g->data[g->len - 1] == '\n' ? TEXT_WHOLE : TEXT_OPEN;
}

static bool begins(const char *whole, const char *text, size_t len)
{
	return whole && strncmp(whole, text, len) == 0;
}

static bool verb_begins(enum kind_id kind, const char *word, size_t len)
{
	for (const struct operation *const *op = operations(); *op; op++)
		if ((*op)->kind == kind && (begins((*op)->verb, word, len) || begins((*op)->key, word, len)))
			return true;
	return false;
}

/* The operation of a line: that of the file, or of its first word. */
static const struct operation *line_operation(const struct place *p, const char *line, size_t len)
{
	_cleanup_free_ char *verb = strndup(line, len);

	if (p->op)
		return p->op;
	return verb ? operation_by_verb(p->kind->id, verb) : NULL;
}

/* `name=value` so far. */
static bool parameter_may_grow(const struct operation *op, const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);
	_cleanup_free_ char *name = strndup(word, equals ? (size_t)(equals - word) : len);
	const struct param *param;

	if (!name)
		return true;
	if (!equals) {
		for (param = op->params; param && param->name; param++)
			if (begins(param->name, word, len))
				return true;
		return false;
	}
	param = operation_param(op, name);
	if (!param || !param->values)
		return param != NULL;
	for (size_t i = 0; param->values[i]; i++)
		if (begins(param->values[i], equals + 1, len - (size_t)(equals + 1 - word)))
			return true;
	return false;
}

/* Could the last word of an incomplete line become a valid one? */
static bool command_may_grow(const struct place *p, const char *text, size_t len)
{
	size_t start = 0, verb = 0, word;
	char quote = '\0';

	if (memchr(text, '\n', len))
		return false;
	while (start < len && isspace((unsigned char)text[start]))
		start++;
	word = start;
	for (size_t i = start; i < len; i++) {
		if (quote ? text[i] == quote : text[i] == '"' || text[i] == '\'')
			quote = quote ? '\0' : text[i];
		if (quote || (text[i] != ' ' && text[i] != '\t'))
			continue;
		verb = verb ? verb : i;
		word = i + 1;
	}
	if (quote)
		return true;
	if (word == start && !p->op)
		return verb_begins(p->kind->id, text + word, len - word);
	if (!line_operation(p, text + start, verb ? verb - start : len - start))
		return false;
	return parameter_may_grow(line_operation(p, text + start, verb ? verb - start : len - start),
				  text + word, len - word);
}

void command_replace(const struct place *p, const char *data, size_t len, content_taken_fn *taken, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct submission how = {.taken = taken, .arg = arg};
	struct request *request = NULL;
	int r = p->entry->io->request(p, data, len, &request, &e);

	if (r == 0 && request)
		r = submission_keep(p->fs, &(struct text){.data = "", .len = 0}, request->job, &e);
	if (r == 0 && request) {
		submit(p, &how, request, content_accepted);
		return;
	}
	request_free(request);
	last_error_set(p->fs->errors, p->caller.uid, p->object, r < 0 ? &e : NULL);
	taken(arg, r);
}

void command_wait(const struct place *p, fuse_req_t req)
{
	struct job_set set = {.uid = -1};

	if (p->entry->io->jobs && p->entry->io->jobs(p, &set))
		waits_add(p->fs->waits, req, &set, node_pack_copy(p->node));
	else
		fuse_reply_err(req, 0); /* the file is read-only */
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
	ret->uid = p->caller.uid;
	return true;
}

static bool actions_jobs(const struct place *p, struct job_set *ret)
{
	snprintf(ret->resource, sizeof(ret->resource), "%s", object_uuid(p->object));
	return true;
}

const struct file_class class_actions = {
	DOCUMENT_FILE,
	COMMAND_FILE,
	.part = command_part,
	.may_grow = command_may_grow,
	.request = request_of_text,
	.jobs = actions_jobs,
};
const struct file_class class_create = {
	DOCUMENT_FILE,
	COMMAND_FILE,
	.part = command_part,
	.may_grow = command_may_grow,
	.request = request_of_text,
	.jobs = create_jobs,
};

mode_t permissions_create(const struct place *p)
{
	return p->fs->has_others && !(p->op->flags & OP_ADMIN) ? 0666 : 0644;
}

struct document *render_menu(const struct place *p)
{
	const struct actor actor = place_actor(p);

	return actions_render_menu(p->view, p->object, &actor);
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
static struct document *describe_create(const struct place *p)
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
		if (param->unless)
			fprintf(f, " without %s", param->unless);
		if (param->resource != KIND_NONE)
			fprintf(f, ", uuid%s of %s %s",
				kind_get(param->resource)->name_field >= 0 ? " or @name" : "",
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

/* Made once: each lookup tells the size. */
struct document *render_create(const struct place *p)
{
	return once_made(p, MADE_CREATES + p->node.index, describe_create);
}
