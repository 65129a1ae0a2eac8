/* SPDX-License-Identifier: Apache-2.0 */
/* See call.h. */
#include "fs/class/call.h"

#include <string.h>

#include "actions/account/session.h"
#include "actions/call.h"
#include "actions/engine/catalog.h"
#include "actions/engine/shortform.h"
#include "fs/class/document.h"
#include "fs/class/once.h"
#include "fs/tree/submission.h"
#include "fs/class/writing.h"
#include "fs/tell/last_error.h"
#include "model/render.h"

bool sessions_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *session = session_find(dir->view, name);

	if (session)
		*ret = (struct node){.kind = KIND_SESSION, .row = session->id, .class = N_SESSION};
	return session != NULL;
}

/* Never listed: the name of a session gives access to it. */
int64_t sessions_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	(void)dir, (void)after, (void)ret_name, (void)ret;
	return 0;
}

struct document *render_call(const struct place *p)
{
	static const char text[] =
		"# write {\"operation\":\"QueryZone\",\"params\":{...}}, then read the answer: a status line,\n"
		"# and the body as in REST; see operations.json for the operations\n";

	return document_new(text, strlen(text), p->fs->born);
}

static struct document *write_operations(const struct place *p)
{
	return render_json(operations_to_json(), p->fs->born);
}

struct document *render_operations(const struct place *p)
{
	return once_made(p, MADE_OPERATIONS, write_operations);
}

struct call {
	fuse_req_t req;
	size_t written;
	struct handle *handle; /* owned */
};

static void answered(void *arg, struct document *answer)
{
	struct call *call = arg;

	if (answer) {
		handle_set_answer(call->handle, answer);
		fuse_reply_write(call->req, call->written);
	} else {
		fuse_reply_err(call->req, ENOMEM);
	}
	handle_unref(call->handle);
	free(call);
}

static void refuse(const struct place *p, fuse_req_t req, int result, const struct error *e)
{
	last_error_set(p->fs->errors, p->caller.uid, p->object, e);
	fuse_reply_err(req, -result);
}

/*
 * Makes the call and answers the write of its last piece when the call is answered. Closes of copies of the descriptor do not
 * wait for that, as they do for a text that one of them has ended (writing.h): a call is always ended by a write, whose
 * program alone is told of it, and may take long, while a process that is killed is not gone before its closes are
 * answered.
 */
static void call_take(const struct place *p, struct handle *h, const struct text *text, struct answer answer)
{
	struct call_user user = {.uid = p->caller.uid,
				 .account = p->caller.account,
				 .serves_others = !p->caller.limited || p->caller.uid == p->fs->rest_uid};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char job[UUID_SIZE];
	struct call *call;
	int r;

	uuid_make(job);
	r = submission_keep(p->fs, text, job, &e);
	if (r < 0) {
		refuse(p, answer.req, r, &e);
		return;
	}
	call = malloc(sizeof(*call));
	if (!call) {
		fuse_reply_err(answer.req, ENOMEM);
		return;
	}
	*call = (struct call){.req = answer.req, .written = answer.written, .handle = h};
	ref_get(&h->ref);
	handle_begin_answer(h);
	user.job = job;
	pool_call(p->fs->pool, p->object ? object_uuid(p->object) : NULL, &user, text->data, text->len,
		  answered, call);
}

/* The call is made again: what it starts has the job that it had. */
static bool call_resume(const struct fs *fs, const struct place *p, struct handle *h, struct answer answer)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *copy = NULL;
	char job[UUID_SIZE];
	struct text text = {0};
	int r = p ? submission_find(fs, job, &copy, &text.len, &e) : 0;

	if (r < 0)
		refuse(p, answer.req, r, &e);
	if (r <= 0)
		return r < 0;
	text.data = copy;
	call_take(p, h, &text, answer);
	return true;
}

/* What does not begin as a document is taken at once, for the answer that says so. */
static int call_part(const struct place *p, const struct gather *g, struct error *e)
{
	(void)p;
	if (g->scan.state == JSON_GATHER_NOT_JSON)
		return g->len > SHORTFORM_MAX ? error_set(e, EFBIG, "the call is not a JSON document")
					      : TEXT_WHOLE;
	return writing_part_of_json(g, e);
}

const struct file_class class_call = {
	DOCUMENT_FILE,	   .write = writing_write,   .flush = writing_flush, .part = call_part,
	.take = call_take, .revive = writing_revive, .resume = call_resume,
};
