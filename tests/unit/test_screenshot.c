/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of screens: their form, and how often a host is asked. What it answers, and when, is up to the tests. */
#include "tests/unit/pool_fixture.h"

#include <png.h>
#include <pthread.h>
#include <string.h>

#include "actions/vm/screenshot.h"
#include "hypervisor/domain/picture.h"
#include "hypervisor/domain/screenshot.h"
#include "model/states.h"

#define READERS 8

/* --------------------------------------------------------------------- pictures */

static const char pixmap[] = "image/x-portable-pixmap";

static int make_png(const char *type, const char *data, size_t len, char **ret, size_t *ret_len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = picture_make_png(type, data, len, ret, ret_len, &e);

	assert_int_equal(r, -e.errnum);
	return r;
}

static void a_pixmap_becomes_a_png(void **state)
{
	static const char data[] = "P6\n# made by QEMU\n2 3\n255\nabcdefghijklmnopqr";
	png_image image = {.version = PNG_IMAGE_VERSION};
	_cleanup_free_ char *png = NULL;
	char points[18];
	size_t len;

	(void)state;
	assert_int_equal(make_png(pixmap, data, sizeof(data) - 1, &png, &len), 0);
	assert_true(png_image_begin_read_from_memory(&image, png, len));
	assert_int_equal(image.width, 2);
	assert_int_equal(image.height, 3);
	image.format = PNG_FORMAT_RGB;
	assert_true(png_image_finish_read(&image, NULL, points, 0, NULL));
	assert_memory_equal(points, "abcdefghijklmnopqr", sizeof(points));
}

static void a_png_stays(void **state)
{
	static const char data[] = "\x89PNG\r\n\x1a\n and more";
	_cleanup_free_ char *png = NULL;
	size_t len;

	(void)state;
	assert_int_equal(make_png("image/png", data, sizeof(data) - 1, &png, &len), 0);
	assert_int_equal(len, sizeof(data) - 1);
	assert_memory_equal(png, data, len);
}

/* Guests choose the size of their screens, and hosts can lie. */
static void what_is_no_picture_is_refused(void **state)
{
	static const struct {
		const char *type, *data;
		int errnum;
	} rows[] = {
		{pixmap, "", EPROTO},
		{pixmap, "P6", EPROTO},
		{pixmap, "P6\n", EPROTO},
		{pixmap, "P6 1 1 255", EPROTO},
		{pixmap, "P6 1 1 255\nab", EPROTO},	  /* one byte too few */
		{pixmap, "P3 1 1 255\n1 2 3", EPROTO},	  /* as text */
		{pixmap, "P6 1 1 65535\nabcdef", EPROTO}, /* two bytes a value */
		{pixmap, "P6 0 1 255\nabc", EPROTO},
		{pixmap, "P6 -1 1 255\nabc", EPROTO},
		{pixmap, "P6 16385 1 255\nabc", EPROTO},
		{pixmap, "P6 99999999999999999999 1 255\nabc", EPROTO},
		{pixmap, "P6 16384 16384 255\nabc", EPROTO},
		{pixmap, "P6 # for ever", EPROTO},
		{"image/png", "P6 1 1 255\nabc", EPROTO},
		{"image/png", "\x89PNG\r\n\x1a\n", EPROTO},
		{"image/jpeg", "abc", EOPNOTSUPP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *png;
		size_t len;
		int r = make_png(rows[i].type, rows[i].data, strlen(rows[i].data), &png, &len);

		if (r != -rows[i].errnum)
			fail_msg("'%s' gives %d", rows[i].data, r);
	}
}

/* ---------------------------------------------------------------------- the pool */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked;	  /* lock */
static bool silent, gone; /* lock: the host does not answer, or refuses */

int __wrap_hv_domain_screenshot(struct hypervisor *hv, const char *host, const char *uuid, char **ret_png,
				size_t *ret_len, struct error *e);
int __wrap_hv_domain_screenshot(struct hypervisor *hv, const char *host, const char *uuid, char **ret_png,
				size_t *ret_len, struct error *e)
{
	(void)hv, (void)host, (void)uuid;
	scoped_lock(&lock);
	asked++;
	pthread_cond_broadcast(&changed);
	while (silent)
		pthread_cond_wait(&changed, &lock);
	if (gone)
		return error_set(e, ENOTCONN, "the host is gone");
	*ret_png = strdup("picture");
	*ret_len = 7;
	return 0;
}

static int add_vms(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	(void)arg;
	for (unsigned i = 0; r >= 0 && i < 3; i++) {
		struct object *vm = make(KIND_VM, test_uuid(0x2000 + i));

		object_set_str(vm, VM_STATE, i == 2 ? "Stopped" : "Running");
		object_set_str(vm, VM_HOST_UUID, test_uuid(0x1000));
		r = txn_put(t, vm, NULL, e);
	}
	return r;
}

static int setup(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = pool_fixture_setup(state);
	struct pool_fixture *f = *state;

	asked = 0;
	silent = gone = false;
	if (r == 0 && store_run(pool_store(f->pool), add_vms, NULL, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	return r;
}

static void set_silent(bool is)
{
	scoped_lock(&lock);
	silent = is;
	pthread_cond_broadcast(&changed);
}

static void wait_for_asked(int count)
{
	pthread_mutex_lock(&lock);
	while (asked < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* A reader in a thread of its own. */
struct reader {
	struct pool *pool;
	char vm[UUID_SIZE];
	pthread_t thread;
	int result;
	char png[16];
	struct error error;
};

static void *look(void *arg)
{
	struct reader *reader = arg;
	_cleanup_screenshot_ struct screenshot *shot = NULL;
	size_t len;

	reader->result = screenshot_get(reader->pool, reader->vm, &shot, &reader->error);
	if (reader->result == 0)
		snprintf(reader->png, sizeof(reader->png), "%.7s", screenshot_png(shot, &len));
	return NULL;
}

static void begin(struct reader *reader, struct pool *pool, unsigned vm)
{
	*reader = (struct reader){.pool = pool};
	snprintf(reader->vm, sizeof(reader->vm), "%s", test_uuid(vm));
	assert_int_equal(pthread_create(&reader->thread, NULL, look, reader), 0);
}

static int end(struct reader *reader)
{
	(void)pthread_join(reader->thread, NULL);
	return reader->result;
}

/* Who looks meanwhile, and within a second, gets the same picture. */
static void readers_share_a_picture(void **state)
{
	struct pool_fixture *f = *state;
	struct reader readers[READERS], later;

	silent = true;
	for (size_t i = 0; i < READERS; i++)
		begin(&readers[i], f->pool, 0x2000);
	wait_for_asked(1);
	set_silent(false);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(end(&readers[i]), 0);
		assert_string_equal(readers[i].png, "picture");
	}
	begin(&later, f->pool, 0x2000);
	assert_int_equal(end(&later), 0);
	/* the machine may be so busy that the later one came a second after the first */
	assert_in_range(asked, 1, 2);
	while (asked < 3) {
		begin(&later, f->pool, 0x2000);
		assert_int_equal(end(&later), 0);
	}
}

/* One VM whose host is silent holds up no other. */
static void a_silent_host_delays_no_other(void **state)
{
	struct pool_fixture *f = *state;
	struct reader waits, other;

	silent = true;
	begin(&waits, f->pool, 0x2000);
	wait_for_asked(1);
	assert_int_equal(end(&waits), -ETIMEDOUT);
	assert_non_null(strstr(error_sentence(&waits.error), "ask again"));
	error_done(&waits.error);
	begin(&other, f->pool, 0x2001);
	wait_for_asked(2);
	set_silent(false);
	assert_int_equal(end(&other), 0);
}

static void refusals_are_shared_and_tell_why(void **state)
{
	struct pool_fixture *f = *state;
	struct reader readers[2];

	gone = true;
	for (int i = 0; i < 2; i++) {
		begin(&readers[i], f->pool, 0x2000);
		assert_int_equal(end(&readers[i]), -ENOTCONN);
		assert_string_equal(error_sentence(&readers[i].error), "the host is gone");
		error_done(&readers[i].error);
	}
	assert_in_range(asked, 1, 2);
	begin(&readers[0], f->pool, 0x2002);
	assert_int_equal(end(&readers[0]), -EBUSY);
	assert_non_null(strstr(error_sentence(&readers[0].error), "is Stopped"));
	error_done(&readers[0].error);
	begin(&readers[0], f->pool, 0x2003);
	assert_int_equal(end(&readers[0]), -ENOENT);
	error_done(&readers[0].error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pixmap_becomes_a_png),
		cmocka_unit_test(a_png_stays),
		cmocka_unit_test(what_is_no_picture_is_refused),
		cmocka_unit_test_setup_teardown(readers_share_a_picture, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_silent_host_delays_no_other, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(refusals_are_shared_and_tell_why, setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
