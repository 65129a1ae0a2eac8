/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads in a complete pool, without a mount: names, images that a close creates,
 * what remains without a close, and the order of requests.
 */
#include "tests/unit/pool_fixture.h"

#include <fcntl.h>

#include "tests/unit/shifted_clock.h"
#include "tests/unit/upload_task.h"

static struct upload *create(struct pool_fixture *f, const char *name)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct upload *u = NULL;
	struct asked begin;
	int64_t number = 0;

	if (asked_create(f->pool, name, &begin, &u, &number, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	if (asked_wait(&begin) < 0)
		fail_msg("%s", begin.sentence);
	assert_int_equal(number, upload_number(u));
	return u;
}

static int64_t add(struct upload *u, const char *text, int64_t offset)
{
	struct asked a = asked_new(UPLOAD_WRITE);

	a.task.data = (char *)(uintptr_t)text;
	a.task.length = strlen(text);
	a.task.offset = offset;
	return asked_run(u, &a);
}

static int64_t close_it(struct upload *u)
{
	struct asked a = asked_new(UPLOAD_CLOSE);

	return asked_run(u, &a);
}

/* The last user closes the file. */
static void release(struct upload *u)
{
	upload_close(u, true);
	upload_unref(u);
}

static int refused(struct pool_fixture *f, const char *name)
{
	struct upload *u = NULL;
	struct asked begin;
	int64_t number;

	return asked_create(f->pool, name, &begin, &u, &number, NULL);
}

static const struct object *image_called(const struct view *view, const char *name)
{
	view_for_each (image, view, KIND_IMAGE)
		if (object_str_is(image, IMAGE_NAME, name))
			return image;
	return NULL;
}

static bool image_is(struct pool_fixture *f, const char *name, const char *status)
{
	_cleanup_view_ struct view *view = view_now(f);
	const struct object *image = image_called(view, name);

	return image ? object_str_is(image, IMAGE_STATUS, status) : !status;
}

/* --------------------------------------------------------------------- tests */

static void a_close_makes_an_image(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "disk.raw");

	assert_true(image_is(f, "disk", "Downloading"));
	assert_int_equal(close_it(u), 0); /* the first one of a shell */
	assert_true(image_is(f, "disk", "Downloading"));
	assert_int_equal(add(u, "\1oot", 0), 4);
	assert_int_equal(close_it(u), 1);
	assert_true(image_is(f, "disk", "Ready"));
	assert_int_equal(close_it(u), 0);
	release(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "disk", "Ready"));
}

static void writing_goes_on_after_a_close(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "more.raw"), *other;
	char name[UPLOAD_NAME_MAX + 1];
	_cleanup_view_ struct view *view = NULL;

	assert_int_equal(add(u, "\1ne", 0), 3);
	assert_int_equal(close_it(u), 1);
	assert_true(image_is(f, "more", "Ready"));
	other = uploads_find(pool_uploads(f->pool), "more.raw"); /* its name stays */
	assert_ptr_equal(other, u);
	upload_unref(other);
	assert_null(uploads_next(pool_uploads(f->pool), 0, name)); /* but is not listed */
	assert_int_equal(add(u, "\2wo", 3), 3);
	assert_true(image_is(f, "more", "Downloading"));
	other = uploads_find(pool_uploads(f->pool), "more.raw");
	assert_ptr_equal(other, u);
	upload_unref(other);
	assert_int_equal(close_it(u), 1);
	release(u);
	wait_until(f, no_job_runs, NULL);
	view = view_now(f);
	assert_int_equal(object_int(image_called(view, "more"), IMAGE_ACTUAL_SIZE), 6);
	assert_string_equal(object_text(image_called(view, "more"), IMAGE_MD5),
			    "1ef0deb7eefb4000c7f22a7407dd4450"); /* "onetwo" */
}

/* The image stays Ready if its file cannot become a partial one again. */
static void an_image_that_cannot_be_reopened_stays(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "kept.raw");
	_cleanup_free_ char *path = NULL, *away = NULL;
	struct view *view;

	assert_int_equal(add(u, "\1ne", 0), 3);
	assert_int_equal(close_it(u), 1);
	view = view_now(f);
	view_for_each_where (ref, view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID,
			     object_uuid(image_called(view, "kept")))
		path = strdup(object_text(ref, IMAGE_REF_INSTALL_PATH));
	view_unref(view);
	assert_non_null(path);
	/* the file is moved away for now, so the rename fails */
	assert_true(asprintf(&away, "%s.away", path) > 0);
	assert_int_equal(rename(path, away), 0);
	assert_true(add(u, "\2wo", 3) < 0);
	assert_true(image_is(f, "kept", "Ready"));
	assert_int_equal(rename(away, path), 0);
	assert_int_equal(add(u, "\2wo", 3), 3);
	assert_true(image_is(f, "kept", "Downloading"));
	assert_int_equal(close_it(u), 1);
	release(u);
	wait_until(f, no_job_runs, NULL);
	view = view_now(f);
	assert_int_equal(object_int(image_called(view, "kept"), IMAGE_ACTUAL_SIZE), 6);
	view_unref(view);
}

static void without_a_close_there_is_no_image(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "gone.raw");
	struct asked late = asked_new(UPLOAD_WRITE);

	assert_int_equal(add(u, "\1oot", 0), 4);
	release(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "gone", NULL));
	u = create(f, "gone.raw");
	assert_int_equal(add(u, "\1oot", 0), 4);
	upload_remove(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "gone", NULL));
	late.task.data = (char *)(uintptr_t) "x";
	late.task.length = 1;
	assert_true(asked_run(u, &late) < 0);
	assert_string_not_equal(late.sentence, "");
	release(u);
	assert_null(uploads_find(pool_uploads(f->pool), "gone.raw"));
}

static void names_are_checked(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "taken.raw"), *all[UPLOADS_MAX];
	char name[32];

	assert_int_equal(refused(f, "taken.raw"), -EEXIST);
	assert_int_equal(refused(f, "what.txt"), -EINVAL);
	assert_int_equal(refused(f, "\xff.raw"), -EINVAL);
	assert_int_equal(upload_open(u, true, NULL), -EBUSY);
	assert_int_equal(upload_open(u, false, NULL), 0);
	upload_close(u, false);
	all[0] = u;
	for (int i = 1; i < UPLOADS_MAX; i++) {
		snprintf(name, sizeof(name), "n%d.raw", i);
		all[i] = create(f, name);
	}
	assert_int_equal(refused(f, "onemore.raw"), -EBUSY);
	for (int i = 0; i < UPLOADS_MAX; i++)
		release(all[i]);
	wait_until(f, no_job_runs, NULL);
}

static void a_temporary_name_waits_for_its_final_name(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, ".tmp.raw.x1"), *v;
	struct asked bad = asked_new(UPLOAD_CLOSE), good = asked_new(UPLOAD_CLOSE);

	assert_int_equal(add(u, "\1oot", 0), 4);
	assert_int_equal(close_it(u), 0);
	upload_close(u, true);
	assert_true(image_is(f, ".tmp.raw.x1", "Downloading"));
	assert_int_equal(upload_rename(u, "tmp.txt", &bad.task, NULL), -EINVAL);
	/* a name that contradicts the content leaves it as it was */
	assert_int_equal(upload_rename(u, "tmp.qcow2", &bad.task, NULL), 0);
	assert_int_equal(asked_wait(&bad), -EINVAL);
	v = uploads_find(pool_uploads(f->pool), ".tmp.raw.x1");
	assert_ptr_equal(v, u);
	upload_unref(v);
	assert_int_equal(upload_rename(u, "tmp.raw", &good.task, NULL), 0);
	assert_int_equal(asked_wait(&good), 1);
	assert_true(image_is(f, "tmp", "Ready"));
	upload_unref(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "tmp", "Ready"));
}

static void a_rename_may_come_before_the_end_of_the_last_close(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, ".late.raw.x1");
	struct asked early = asked_new(UPLOAD_CLOSE), late = asked_new(UPLOAD_CLOSE);

	/* a file that is being written becomes an image with its next close */
	assert_int_equal(add(u, "\1oot", 0), 4);
	assert_int_equal(upload_rename(u, "early.raw", &early.task, NULL), 0);
	assert_int_equal(asked_wait(&early), 0);
	assert_true(image_is(f, "early", NULL));
	assert_int_equal(close_it(u), 1);
	assert_true(image_is(f, "early", "Ready"));
	release(u);
	u = create(f, ".late.raw.x2");
	assert_int_equal(add(u, "\1oot", 0), 4);
	assert_int_equal(close_it(u), 0);
	assert_int_equal(upload_rename(u, "late.raw", &late.task, NULL), 0);
	assert_int_equal(asked_wait(&late), 1);
	assert_true(image_is(f, "late", "Ready"));
	release(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "late", "Ready"));
}

static void a_creation_can_be_cancelled_until_it_has_begun(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "begun.raw");

	assert_null(uploads_withdraw(pool_uploads(f->pool), NULL));
	assert_int_equal(add(u, "\1oot", 0), 4);
	release(u);
	wait_until(f, no_job_runs, NULL);
}

/* Is the name still that of an upload? */
static bool is_found(struct pool_fixture *f, const char *name)
{
	struct upload *u = uploads_find(pool_uploads(f->pool), name);

	if (u)
		upload_unref(u);
	return u != NULL;
}

static size_t count_pidfds(void)
{
	char path[64], target[64];
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		count += strstr(target, "pidfd") != NULL;
	}
	return count;
}

static void a_finished_upload_holds_no_descriptor_of_its_writer(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "light.raw");

	upload_note_writer(u, getpid());
	assert_int_equal(count_pidfds(), 1);
	assert_int_equal(add(u, "\1oot", 0), 4);
	assert_int_equal(close_it(u), 1);
	release(u);
	wait_until(f, no_job_runs, NULL);
	u = uploads_find(pool_uploads(f->pool), "light.raw");
	assert_non_null(u);
	assert_int_equal(count_pidfds(), 0);
	upload_note_writer(u, getpid());
	assert_int_equal(count_pidfds(), 0);
	upload_unref(u);
}

static void a_finished_upload_is_found_for_a_while(void **state)
{
	struct pool_fixture *f = *state;
	struct upload *u = create(f, "late.raw");

	assert_int_equal(add(u, "\1oot", 0), 4);
	assert_int_equal(close_it(u), 1);
	release(u);
	wait_until(f, no_job_runs, NULL);
	monotonic_ahead = UPLOAD_KEEP_S - 20;
	wall_ahead = 86400; /* the time of day does not matter */
	assert_true(is_found(f, "late.raw"));
	wall_ahead = -86400;
	monotonic_ahead += UPLOAD_KEEP_S + 1; /* that was a use */
	assert_false(is_found(f, "late.raw"));
	wall_ahead = 0;
}

/* Adds an image that is sent, and opens its file as the client that sends it. */
static struct upload *await(struct pool_fixture *f, const char *name, char ret_image[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(f);
	json_t *params = json_pack("{s:s, s:o, s:s, s:[s]}", "name", name, "url",
				   json_sprintf("upload://%s", name), "format", "raw", "backupStorageUuids",
				   object_uuid(view_next(view, KIND_BACKUP_STORAGE, 0)));
	struct upload *u;

	must(f, "AddImage", NULL, params, ret_image);
	assert_true(image_is(f, name, "Downloading"));
	u = uploads_of_image(pool_uploads(f->pool), ret_image);
	assert_non_null(u);
	assert_true(upload_is_sent(u));
	assert_int_equal(upload_open(u, true, NULL), 0);
	return u;
}

static int64_t announce(struct upload *u, int64_t size)
{
	struct asked a = asked_new(UPLOAD_ALLOCATE);

	a.task.mode = FALLOC_FL_KEEP_SIZE;
	a.task.extent = size;
	return asked_run(u, &a);
}

static void an_image_that_is_sent_has_all_the_bytes_that_were_announced(void **state)
{
	struct pool_fixture *f = *state;
	char image[UUID_SIZE];
	struct upload *u = await(f, "sent", image);
	_cleanup_view_ struct view *view = NULL;

	assert_int_equal(upload_open(u, true, NULL), -EBUSY);
	assert_int_equal(announce(u, 6), 0);
	assert_int_equal(announce(u, 7), -EBUSY);
	view = view_now(f);
	assert_int_equal(object_int(view_get(view, KIND_IMAGE, image), IMAGE_ACTUAL_SIZE), 6);
	assert_int_equal(add(u, "\1ne", 0), 3);
	assert_int_equal(close_it(u), -ECANCELED);
	assert_true(image_is(f, "sent", "Downloading"));
	assert_int_equal(add(u, "\2wo", 3), 3);
	assert_int_equal(close_it(u), 1);
	assert_true(image_is(f, "sent", "Ready"));
	assert_int_equal(upload_open(u, true, NULL), -ESTALE); /* it is sent once */
	release(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "sent", "Ready"));
	u = await(f, "cut", image);
	assert_int_equal(announce(u, 6), 0);
	assert_int_equal(add(u, "\1ne", 0), 3);
	release(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "cut", NULL));
	u = await(f, "large", image);
	assert_int_equal(announce(u, INT64_C(1) << 60), -ENOSPC);
	release(u);
	wait_until(f, no_job_runs, NULL);
	assert_true(image_is(f, "large", NULL));
}

#define ON_A_POOL(test) cmocka_unit_test_setup_teardown(test, pool_fixture_setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_POOL(a_close_makes_an_image),
		ON_A_POOL(writing_goes_on_after_a_close),
		ON_A_POOL(an_image_that_cannot_be_reopened_stays),
		ON_A_POOL(without_a_close_there_is_no_image),
		ON_A_POOL(names_are_checked),
		ON_A_POOL(a_temporary_name_waits_for_its_final_name),
		ON_A_POOL(a_rename_may_come_before_the_end_of_the_last_close),
		ON_A_POOL(an_image_that_is_sent_has_all_the_bytes_that_were_announced),
		ON_A_POOL(a_creation_can_be_cancelled_until_it_has_begun),
		ON_A_POOL(a_finished_upload_holds_no_descriptor_of_its_writer),
		ON_A_POOL(a_finished_upload_is_found_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
