/* SPDX-License-Identifier: Apache-2.0 */
/* See metrics.h. */
#include "fs/class/metrics.h"

#include "actions/metrics/metrics.h"
#include "fs/class/document.h"

mode_t permissions_metrics(const struct place *p)
{
	return p->fs->has_others ? 0400 : 0444;
}

struct metrics_call {
	const struct fs *fs;
	bool open; /* OpenMetrics */
	content_fn *done;
	void *arg;
};

static void metrics_run(void *arg)
{
	_cleanup_free_ struct metrics_call *call = arg;
	_cleanup_view_ struct view *view = store_view(call->fs->store);
	_cleanup_free_ char *text = NULL;
	struct document *d = NULL;
	size_t len;

	if (metrics_render(call->fs->pool, view, call->open, &text, &len) == 0)
		d = document_new(text, len, store_now());
	call->done(call->arg, d ? 0 : -ENOMEM, d, NULL);
}

static void metrics_start(const struct place *p, content_fn *done, void *arg)
{
	struct metrics_call *call = malloc(sizeof(*call));
	int r = -ENOMEM;

	if (call) {
		*call = (struct metrics_call){
			.fs = p->fs, .open = p->node.class == N_OPENMETRICS, .done = done, .arg = arg};
		r = pool_background(p->fs->pool, metrics_run, call);
		if (r == 0)
			return;
		free(call);
	}
	done(arg, r, NULL, NULL);
}

const struct file_class class_metrics = {DOCUMENT_FILE, .start = metrics_start};
