/* SPDX-License-Identifier: Apache-2.0 */
/* See call.h. */
#include "fs/class/call.h"

#include <string.h>

#include "actions/account/session.h"
#include "actions/call.h"
#include "fs/class/command.h"

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

struct document *render_operations(const struct place *p)
{
	return document_ref(p->fs->operations);
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

/* Makes the call @text and answers the write of its last @written bytes when the call is answered. */
static void submit_call(const struct place *p, struct handle *h, fuse_req_t req, const char *text, size_t len,
			size_t written)
{
	struct call *call = malloc(sizeof(*call));

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct call){.req = req, .written = written, .handle = h};
	ref_get(&h->ref);
	h->requested = true;
	h->base_set = false;
	handle_set_answer(h, NULL);
	pool_call(p->fs->pool, p->object ? object_uuid(p->object) : NULL, p->uid, text, len, answered, call);
}

static void call_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t len,
		       off_t offset, int flags)
{
	command_write_pieces(req, p, h, data, len, offset, flags, submit_call);
}

const struct file_class class_call = {DOCUMENT_FILE, .write = call_write, .flush = command_flush};
