/* SPDX-License-Identifier: Apache-2.0 */
/* See screen.h. */
#include "fs/class/screen.h"

#include "actions/vm/screenshot.h"
#include "fs/class/document.h"

bool console_here(const struct place *dir)
{
	return dir->kind && dir->kind->id == KIND_VM;
}

bool console_is_listed(const struct place *p)
{
	(void)p;
	return false;
}

/* A picture that a worker fetches. */
struct screen_call {
	struct pool *pool;
	char vm[UUID_SIZE];
	content_fn *done;
	void *arg;
};

static void screen_run(void *arg)
{
	_cleanup_free_ struct screen_call *call = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_screenshot_ struct screenshot *shot = NULL;
	struct document *d = NULL;
	const char *png;
	size_t len;
	int r = screenshot_get(call->pool, call->vm, &shot, &e);

	if (r == 0) {
		png = screenshot_png(shot, &len);
		d = document_new(png, len, screenshot_time(shot));
		r = d ? 0 : error_oom(&e);
	}
	call->done(call->arg, r, d, r < 0 ? &e : NULL);
}

static void screen_start(const struct place *p, content_fn *done, void *arg)
{
	struct screen_call *call = malloc(sizeof(*call));
	int r = -ENOMEM;

	if (call) {
		*call = (struct screen_call){.pool = p->fs->pool, .done = done, .arg = arg};
		snprintf(call->vm, sizeof(call->vm), "%s", object_uuid(p->object));
		r = pool_background(p->fs->pool, screen_run, call);
		if (r == 0)
			return;
		free(call);
	}
	done(arg, r, NULL, NULL);
}

const struct file_class class_screen = {DOCUMENT_FILE, .start = screen_start};
