/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lives the life of a pool, with marks for the recorder (record.h):
 *
 *	commit DIGEST EVENTS   after each commit, before anybody is told of it: what the pool holds, the newest event
 *	image UUID MD5         after the image was acknowledged as Ready
 *	step NAME              before each step
 *
 *   usage: faults-life STATE OUTSIDE ROUNDS
 */
#include <dlfcn.h>

#include "tests/faults/life.h"
#include "tests/faults/record.h"

static typeof(record_mark) *mark;

__attribute__((format(printf, 1, 2))) static void markf(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (mark)
		mark(text);
}

static void on_commit(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	struct life *l = ctx;

	(void)changes, (void)count;
	markf("commit %016llx %lld", (unsigned long long)view_digest(view, NULL),
	      (long long)event_log_last(store_events(pool_store(l->pool.pool))));
}

/* Tells the bytes of all images that are Ready. */
static void mark_images(struct life *l)
{
	_cleanup_view_ struct view *view = view_now(&l->pool);
	char md5[33];

	view_for_each (ref, view, KIND_IMAGE_REF)
		if (object_str_is(ref, IMAGE_REF_STATUS, "Ready")) {
			assert_true(file_md5(object_text(ref, IMAGE_REF_INSTALL_PATH), md5));
			markf("image %s %s", object_text(ref, IMAGE_REF_IMAGE_UUID), md5);
		}
}

static void live(struct life *l, const struct life_step *step, int (*run)(struct life *, struct error *))
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (!run)
		return;
	markf("step %s", step->name);
	if (run(l, &e) < 0)
		fail_msg("%s: %s", step->name, error_sentence(&e));
	mark_images(l);
}

int main(int argc, char **argv)
{
	struct life l;

	if (argc != 4)
		return 2;
	*(void **)&mark = dlsym(RTLD_DEFAULT, "record_mark");
	life_begin(&l, argv[1], argv[2]);
	assert_int_equal(store_observe(pool_store(l.pool.pool), on_commit, &l), 0);
	for (int round = atoi(argv[3]); round > 0; round--) {
		for (size_t i = 0; i < life_step_count; i++)
			live(&l, &life_steps[i], life_steps[i].up);
		for (size_t i = life_step_count; i-- > 0;)
			live(&l, &life_steps[i], life_steps[i].down);
	}
	life_end(&l);
	return 0;
}
