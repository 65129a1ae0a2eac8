/* SPDX-License-Identifier: Apache-2.0 */
/* See statistics.h. */
#include "fs/class/statistics.h"

#include <string.h>

#include "actions/host/statistics.h"
#include "fs/class/document.h"

bool statistics_here(const struct place *dir)
{
	return dir->kind && (dir->kind->id == KIND_VM || dir->kind->id == KIND_HOST);
}

bool statistics_are_listed(const struct place *p)
{
	(void)p;
	return false;
}

/* The row of a file: its index is valid, see place_find(). */
static const struct statistic *row_of(const struct place *p)
{
	size_t count;

	return &statistics_all(&count)[p->node.index];
}

int64_t statistics_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	size_t count;
	const struct statistic *rows = statistics_all(&count);

	for (size_t i = (size_t)after; i < count; i++) {
		if (rows[i].kind != dir->kind->id)
			continue;
		*ret = dir->node;
		ret->class = N_STATISTIC;
		ret->index = (unsigned)i;
		snprintf(ret_name, NAME_SIZE, "%s", rows[i].name);
		return (int64_t)i + 1;
	}
	return 0;
}

bool statistics_find(const struct place *dir, const char *name, struct node *ret)
{
	char found[NAME_SIZE];

	for (int64_t i = 0; (i = statistics_next(dir, i, found, ret));)
		if (strcmp(found, name) == 0)
			return true;
	return false;
}

const char *meaning_statistic(const struct place *p)
{
	return row_of(p)->help;
}

/* A file whose content a worker makes. */
struct statistic_call {
	struct pool *pool;
	const struct statistic *row;
	char host[UUID_SIZE], uuid[UUID_SIZE];
	int64_t changed; /* time of a file that has no value */
	content_fn *done;
	void *arg;
};

static struct document *render(const struct statistic_call *call)
{
	_cleanup_sample_ struct statistics_sample *sample =
		*call->host ? statistics_get(call->pool, call->host) : NULL;
	char text[STATISTIC_SIZE + 1] = "";
	int64_t value;
	size_t len;

	if (!sample)
		return document_new("\n", 1, call->changed);
	if (statistics_value(sample, call->row, call->uuid, &value))
		statistic_print(call->row, value, text);
	len = strlen(text);
	text[len] = '\n';
	return document_new(text, len + 1, statistics_sample_time(sample));
}

static void statistic_run(void *arg)
{
	_cleanup_free_ struct statistic_call *call = arg;
	struct document *d = render(call);

	call->done(call->arg, d ? 0 : -ENOMEM, d, NULL);
}

static void statistic_start(const struct place *p, content_fn *done, void *arg)
{
	struct statistic_call *call = malloc(sizeof(*call));
	const char *host = statistics_host(p->view, p->object);
	int r = -ENOMEM;

	if (call) {
		*call = (struct statistic_call){.pool = p->fs->pool,
						.row = row_of(p),
						.changed = p->object->changed,
						.done = done,
						.arg = arg};
		snprintf(call->host, sizeof(call->host), "%s", host ? host : "");
		snprintf(call->uuid, sizeof(call->uuid), "%s", object_uuid(p->object));
		r = pool_background(p->fs->pool, statistic_run, call);
		if (r == 0)
			return;
		free(call);
	}
	done(arg, r, NULL, NULL);
}

const struct file_class class_statistic = {DOCUMENT_FILE, .start = statistic_start};
