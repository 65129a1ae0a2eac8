/* SPDX-License-Identifier: Apache-2.0 */
/* Many who look up the same file at a time: who is answered when. */
#include "tests/unit/test.h"

#include <time.h>

#include "fs/op/crowd.h"

/* A request of a thread; libfuse's are opaque. */
struct asked {
	struct fuse_ctx ctx;
	int answers;
};

static struct crowd *crowd;
static int order[8];
static size_t answered;

static time_t seconds;

const struct fuse_ctx *__wrap_fuse_req_ctx(fuse_req_t req);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

const struct fuse_ctx *__wrap_fuse_req_ctx(fuse_req_t req)
{
	return &((struct asked *)req)->ctx;
}

/* It stands still. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	*ret = (struct timespec){.tv_sec = seconds};
	return 0;
}

static const struct node create = {.class = N_CREATE, .index = 3}, other = {.class = N_CREATE, .index = 4};

/* As op_lookup() does: asks for its turn again. */
static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct asked *asked = (struct asked *)req;

	assert_int_equal(parent, 7);
	assert_string_equal(name, "create");
	assert_false(crowd_hold(crowd, create, req, parent, name));
	asked->answers++;
	order[answered++] = asked->ctx.pid;
}

static fuse_req_t by(struct asked *asked, pid_t thread)
{
	*asked = (struct asked){.ctx.pid = thread};
	return (fuse_req_t)asked;
}

static bool is_held(struct node node, struct asked *asked, pid_t thread)
{
	return crowd_hold(crowd, node, by(asked, thread), 7, "create");
}

static int setup(void **state)
{
	(void)state;
	crowd = crowd_new(lookup);
	answered = 0;
	return crowd ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	crowd_end(crowd);
	crowd_free(crowd);
	return 0;
}

/* Who has the turn is answered as often as it asks; the others one after the other, when the one before has opened the file. */
static void test_one_after_the_other(void **state)
{
	struct node opened = create;
	struct asked one, two, three, again;

	(void)state;
	assert_false(is_held(create, &one, 1));
	assert_false(crowd_waits(crowd));
	assert_true(is_held(create, &two, 2));
	assert_true(is_held(create, &three, 3));
	assert_true(crowd_waits(crowd));
	assert_false(is_held(create, &again, 1));

	opened.copy = 5;
	crowd_note_open(crowd, other, by(&again, 1));
	crowd_note_open(crowd, opened, by(&again, 3));
	crowd_note_open(crowd, opened, by(&again, 1));
	crowd_go_on(crowd);
	crowd_go_on(crowd);
	assert_int_equal(two.answers, 1);
	assert_int_equal(three.answers, 0);
	assert_false(is_held(create, &again, 2));
	crowd_note_open(crowd, opened, by(&again, 2));
	crowd_go_on(crowd);
	assert_int_equal(three.answers, 1);
	assert_false(crowd_waits(crowd));
}

/* Who comes when nobody else waits, after the file was opened, waits for nobody. */
static void test_alone(void **state)
{
	struct asked one, two;

	(void)state;
	assert_false(is_held(create, &one, 1));
	crowd_note_open(crowd, create, (fuse_req_t)&one);
	assert_false(is_held(create, &two, 2));
	crowd_note_open(crowd, create, (fuse_req_t)&two);
	assert_false(is_held(create, &one, 1));
	assert_int_equal(answered, 0);
}

/* Other files, and threads that have no number here, are not held back. */
static void test_others(void **state)
{
	struct asked one, two, three;

	(void)state;
	assert_false(is_held(create, &one, 1));
	assert_true(is_held(create, &two, 2));
	assert_false(is_held(other, &three, 3));
	assert_false(is_held(create, &three, 0));
	assert_false(crowd_hold(NULL, create, by(&three, 3), 7, "create"));
	crowd_end(crowd);
	assert_int_equal(two.answers, 1);
}

/* Who does not open the file, as stat(2), loses its turn. */
static void test_no_open(void **state)
{
	struct asked one, two, three;

	(void)state;
	assert_false(is_held(create, &one, 1));
	assert_true(is_held(create, &two, 2));
	assert_true(is_held(create, &three, 3));
	crowd_go_on(crowd);
	assert_int_equal(answered, 0);
	seconds++;
	crowd_go_on(crowd);
	assert_int_equal(two.answers, 1);
	seconds++;
	crowd_go_on(crowd);
	assert_int_equal(three.answers, 1);
}

static void test_end(void **state)
{
	struct asked asked[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(is_held(create, &asked[i], i + 1), i > 0);
	crowd_end(crowd);
	assert_int_equal(answered, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(order[i], i + 2);
	assert_false(crowd_waits(crowd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
