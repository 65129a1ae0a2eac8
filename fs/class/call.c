/* SPDX-License-Identifier: Apache-2.0 */
/* See call.h. */
#include "fs/class/call.h"

#include <string.h>

#include "actions/account/session.h"
#include "actions/call.h"

bool sessions_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *session = session_find(dir->view, name);

	if (session)
		*ret = (struct node){.kind = KIND_SESSION, .row = session->id, .class = N_SESSION};
	return session != NULL;
}

/* Knowing its name is the key to a session. */
int64_t sessions_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	(void)dir, (void)after, (void)ret_name, (void)ret;
	return 0;
}

struct document *render_call(const struct place *p)
{
	static const char text[] =
		"# write {\"operation\":\"QueryZone\",\"params\":{...}}, read the answer: a line that says what it is,\n"
		"# and the body as REST gives it; see operations.json for what there is\n";

	return document_new(text, strlen(text), p->fs->born);
}

struct document *render_operations(const struct place *p)
{
	return document_ref(p->fs->operations);
}

struct door_wait {
	fuse_req_t req;
	size_t written;
	struct handle *handle; /* owned */
};

static void answered(void *arg, struct document *answer)
{
	struct door_wait *wait = arg;

	if (answer) {
		handle_set_answer(wait->handle, answer, NULL);
		fuse_reply_write(wait->req, wait->written);
	} else {
		fuse_reply_err(wait->req, ENOMEM);
	}
	handle_unref(wait->handle);
	free(wait);
}

void door_call(const struct place *p, struct handle *h, fuse_req_t req, const char *text, size_t len,
	       size_t written)
{
	struct door_wait *wait = malloc(sizeof(*wait));

	if (!wait) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*wait = (struct door_wait){.req = req, .written = written, .handle = h};
	ref_get(&h->ref);
	h->requested = true;
	h->base_set = false;
	handle_set_answer(h, NULL, NULL);
	pool_call(p->fs->pool, p->object ? object_uuid(p->object) : NULL, p->uid, text, len, answered, wait);
}
