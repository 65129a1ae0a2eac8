/* SPDX-License-Identifier: Apache-2.0 */
/* See ask.h. */
#include "fs/class/ask.h"

#include "model/query_run.h"

void ask_init(struct ask *ask, const struct place *p, struct query *query)
{
	*ask = (struct ask){.fs = p->fs,
			    .view = view_ref((struct view *)(uintptr_t)p->view),
			    .query = query,
			    .scope.deadline = pool_query_deadline(p->view)};
	if (p->caller.account) {
		snprintf(ask->account, sizeof(ask->account), "%s", p->caller.account);
		ask->scope.account = ask->account;
	}
}

void ask_done(struct ask *ask)
{
	query_free(ask->query);
	view_unref(ask->view);
}

static void run(void *arg)
{
	struct ask *ask = arg;

	ask->run(ask);
}

int ask_start(struct ask *ask, uid_t uid, void (*fn)(struct ask *ask))
{
	char client[32];

	ask->run = fn;
	snprintf(client, sizeof(client), "uid %u", (unsigned)uid);
	return pool_take_turn(ask->fs->pool, client, run, ask);
}

/* Last change of the kinds that the answer depends on. */
static int64_t answer_time(const struct ask *ask)
{
	int64_t changed = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		if (query_reads(ask->query, (enum kind_id)k) &&
		    view_changed(ask->view, (enum kind_id)k) > changed)
			changed = view_changed(ask->view, (enum kind_id)k);
	return changed ? changed : ask->fs->born;
}

struct document *ask_answer(const struct ask *ask, struct error *e)
{
	struct draft text = {0};
	struct json_out out = {.text = &text, .indented = true};
	struct document *d = NULL;

	if (query_answer(ask->query, ask->view, &ask->scope, &out, e) == 0) {
		draft_add(&text, "\n", 1);
		d = draft_end(&text, answer_time(ask));
		if (!d)
			error_set(e, ENOMEM, "out of memory");
	}
	draft_done(&text);
	return d;
}
