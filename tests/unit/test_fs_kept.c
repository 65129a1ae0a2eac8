/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes whose attributes the kernel may keep. */
#include "tests/unit/fixture.h"

#include "fs/table.h"
#include "fs/tree/kept.h"
#include "fs/tree/reply.h"
#include "model/cleanup.h"
#include "model/keep.h"

#define ALL (~UINT64_C(0))
/* Bytes of a value, below those for which the keep leaves room. */
#define FILLING 4096

static struct node node_of(int64_t row, enum node_class class, unsigned index)
{
	return (struct node){.kind = KIND_VM, .row = row, .class = class, .index = index};
}

static int setup(void **state)
{
	*state = kept_new(NULL, NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	kept_free(*state);
	return 0;
}

static void nodes_are_taken_once(void **state)
{
	struct kept *kept = *state;
	const struct node self = node_of(7, N_OBJECT, 0), value = node_of(7, N_VALUE, 5);

	assert_int_equal(kept_take(kept, self, ALL), 0);
	assert_int_equal(kept_add(kept, self), 0);
	assert_int_equal(kept_add(kept, value), 0);
	assert_int_equal(kept_add(kept, value), 0);
	assert_int_equal(kept_take(kept, self, kept_bit(node_of(7, N_VALUE, 6))), 0);
	assert_int_equal(kept_take(kept, self, kept_bit(value)), kept_bit(value));
	assert_int_equal(kept_take(kept, self, kept_bit(value)), 0);
	assert_int_equal(kept_take(kept, value, ALL), kept_bit(self));
	assert_int_equal(kept_take(kept, self, ALL), 0);
}

static void nodes_without_object_are_their_own(void **state)
{
	struct kept *kept = *state;
	const struct node a = {.class = N_FOLDER, .index = 3}, b = {.class = N_FOLDER, .index = 4};

	assert_int_equal(kept_add(kept, a), 0);
	assert_int_equal(kept_take(kept, b, ALL), 0);
	assert_int_equal(kept_take(kept, a, kept_bit(a)), kept_bit(a));
}

/* Files of one object have bits of their own. */
static void bits_differ(void **state)
{
	static const enum node_class single[] = {N_OBJECT, N_JOB, N_INVENTORY};
	uint64_t seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(single); i++) {
		assert_int_equal(seen & kept_bit(node_of(1, single[i], 0)), 0);
		seen |= kept_bit(node_of(1, single[i], 0));
	}
	for (unsigned i = 0; i < 61; i++) {
		assert_int_equal(seen & kept_bit(node_of(1, N_VALUE, i)), 0);
		seen |= kept_bit(node_of(1, N_VALUE, i));
	}
	assert_int_equal(seen, ALL);
}

/* Which content the kernel has in its pages is known of nodes that it may keep, until they change. */
static void pages_are_those_of_the_present_state(void **state)
{
	struct kept *kept = *state;
	const struct node a = node_of(7, N_VALUE, 5), b = node_of(7, N_VALUE, 6),
			  self = node_of(7, N_OBJECT, 0), other = node_of(8, N_VALUE, 5);

	assert_false(kept_add_pages(kept, a));
	assert_false(kept_add_pages(kept, a)); /* nobody would be told of its change */
	kept_take_pages(kept, a);
	assert_int_equal(kept_add(kept, other), 0);
	assert_int_equal(kept_add(kept, b), 0);
	assert_false(kept_add_pages(kept, a)); /* nor by its object's other files */
	assert_int_equal(kept_add(kept, a), 0);
	assert_false(kept_add_pages(kept, a));
	assert_true(kept_add_pages(kept, a));
	assert_false(kept_add_pages(kept, b));
	assert_false(kept_add_pages(kept, other));

	kept_take_pages(kept, a);
	assert_false(kept_add_pages(kept, a));
	assert_true(kept_add_pages(kept, b));
	assert_true(kept_add_pages(kept, other));

	assert_int_equal(kept_take(kept, self, kept_bit(a)), kept_bit(a));
	assert_false(kept_add_pages(kept, a)); /* it has changed, and is not kept any more */
	assert_true(kept_add_pages(kept, b));
	assert_int_equal(kept_add(kept, a), 0);
	assert_false(kept_add_pages(kept, a)); /* to keep it again brings no pages back */
	assert_true(kept_add_pages(kept, a));
	assert_int_equal(kept_add(kept, a), 0);
	assert_true(kept_add_pages(kept, a));

	kept_take_pages(kept, b); /* what is taken of pages stays kept */
	assert_int_equal(kept_take(kept, self, ALL), kept_bit(a) | kept_bit(b));
	assert_int_equal(kept_add(kept, a), 0);
	assert_int_equal(kept_add(kept, b), 0);
	assert_false(kept_add_pages(kept, a));
	assert_false(kept_add_pages(kept, b));
	kept_forget(kept, self);
	assert_int_equal(kept_add(kept, a), 0);
	assert_false(kept_add_pages(kept, a));
	assert_true(kept_add_pages(kept, other));
}

/* Of pages, a bit must say something about one file alone. */
static void shared_bits_say_nothing_about_pages(void **state)
{
	int known = 0;

	(void)state;
	for (int id = KIND_NONE + 1; id < KIND_COUNT; id++) {
		const int count = kind_get((enum kind_id)id)->field_count;
		struct node node = {.kind = (enum kind_id)id, .row = 1, .class = N_INVENTORY};

		assert_true(kept_knows_pages(node));
		node.class = N_VALUE;
		for (int i = 0; i < count; i++) {
			bool alone = true;

			node.index = (unsigned)i;
			for (int k = 0; k < count; k++) {
				struct node same = node;

				same.index = (unsigned)k;
				alone &= k == i || kept_bit(same) != kept_bit(node);
			}
			assert_int_equal(kept_knows_pages(node), alone);
			known += alone;
		}
	}
	assert_true(known > 0);
}

/* The table grows, and removing an object loses none of those whose slots follow. */
static void many_objects_come_and_go(void **state)
{
	enum { COUNT = 20000 };
	struct kept *kept = *state;

	for (int64_t row = 1; row <= COUNT; row++) {
		assert_int_equal(kept_add(kept, node_of(row, N_VALUE, (unsigned)row % 20)), 0);
		assert_false(kept_add_pages(kept, node_of(row, N_VALUE, (unsigned)row % 20)));
	}
	for (int64_t row = 1; row <= COUNT; row += 3) {
		assert_int_not_equal(kept_take(kept, node_of(row, N_OBJECT, 0), ALL), 0);
		kept_forget(kept, node_of(row, N_VALUE, 1));
	}
	for (int64_t row = 1; row <= COUNT; row++) {
		const struct node value = node_of(row, N_VALUE, (unsigned)row % 20);
		uint64_t bit = kept_bit(value);

		assert_int_equal(kept_add_pages(kept, value), row % 3 != 1);
		assert_int_equal(kept_take(kept, node_of(row, N_OBJECT, 0), ALL), row % 3 == 1 ? 0 : bit);
	}
}

/*
 * The next process counts as kept by the kernel all that the former ones have given it, whether it was taken meanwhile or
 * not, of objects that are not gone.
 */
static void the_next_process_knows_what_was_given(void **state)
{
	const struct node a = node_of(7, N_VALUE, 5), b = node_of(7, N_OBJECT, 0),
			  gone = node_of(8, N_OBJECT, 0), folder = {.class = N_FOLDER, .index = 3};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ uint64_t *list = NULL;
	struct keep *keep = NULL;
	struct kept *kept;
	size_t count = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	kept = kept_new(keep, NULL);
	assert_non_null(kept);
	/* in the middle of a request, of which nothing becomes valid */
	assert_true(keep_begin(keep));
	assert_int_equal(kept_add(kept, a), 0);
	assert_int_equal(kept_add(kept, b), 0);
	assert_int_equal(kept_add(kept, folder), 0);
	keep_flush_with(keep, KEEP_LAST_ERROR, 1, "changed", 7);
	assert_false(keep_has(keep, KEEP_LAST_ERROR, 1)); /* nothing waits for the end of the request */
	keep_commit(keep);
	assert_int_equal(kept_add(kept, gone), 0);
	assert_false(kept_add_pages(kept, b));
	assert_int_equal(kept_take(kept, b, kept_bit(a)), kept_bit(a));
	assert_int_equal(kept_take(kept, gone, ALL), kept_bit(gone));
	kept_forget(kept, gone);
	kept_free(kept); /* as by SIGKILL: the keep is not told */
	keep_free(keep);

	assert_int_equal(keep_open(fd, &keep, &e), 0);
	kept = kept_new(keep, NULL);
	assert_non_null(kept);
	list = kept_list(kept, &count);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		assert_true(list[i] == node_pack(b) || list[i] == node_pack(folder));
	assert_int_not_equal(list[0], list[1]);
	assert_false(kept_add_pages(kept, b)); /* the last changes may not have been told */
	assert_int_equal(kept_take(kept, b, ALL), kept_bit(a) | kept_bit(b));
	assert_int_equal(kept_take(kept, b, ALL), 0);
	assert_int_equal(kept_take(kept, folder, kept_bit(folder)), kept_bit(folder));
	assert_int_equal(kept_take(kept, gone, ALL), 0);
	kept_free(kept);
	keep_free(keep);
	(void)close(fd);
}

/* An object that is gone is not remembered, as nobody would remove it; with its end, what was remembered is. */
static void objects_that_are_gone_are_not_remembered(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct object *o;
	struct keep *keep = NULL;
	struct kept *kept;
	struct node node;
	int fd = -1;

	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	kept = kept_new(keep, f->store);
	assert_non_null(kept);
	put(f, make(KIND_VM, test_uuid(1)));
	o = get(f, KIND_VM, test_uuid(1));
	node = node_of(o->id, N_VALUE, 5);
	object_unref(o);
	assert_int_equal(kept_add(kept, node), 0);
	assert_true(keep_bytes(keep, KEEP_GIVEN) > 0);
	assert_int_equal(try_remove(f, test_uuid(1), &e), 0);
	assert_int_equal(kept_take(kept, node, ALL), kept_bit(node));
	kept_forget(kept, node); /* as fs/tell/caches.c does */
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(kept_add(kept, node), -ESTALE); /* fstat(2) of a file that is open still */
		node.row++;
	}
	assert_int_equal(keep_bytes(keep, KEEP_GIVEN), 0);
	kept_free(kept);
	keep_free(keep);
	(void)close(fd);
}

/* What there is no room for is not remembered, and nothing of it stays. */
static void what_cannot_be_kept_is_not_remembered(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *filling = malloc(FILLING);
	const struct node node = node_of(7, N_VALUE, 5);
	struct keep *keep = NULL;
	struct kept *kept;
	size_t count = 1;
	int fd = -1;

	(void)state;
	assert_non_null(filling);
	memset(filling, 'x', FILLING);
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	keep_set_room(keep, 8 << 20);
	kept = kept_new(keep, NULL);
	for (uint64_t i = 1; keep_set(keep, KEEP_SCRATCH_NAME, i, filling, FILLING) == 0; i++)
		;
	for (uint64_t i = 1; keep_set(keep, KEEP_LAST_ERROR, i, "", 0) == 0; i++)
		;
	assert_int_equal(kept_add(kept, node), -ENOSPC);
	assert_int_equal(kept_take(kept, node, ALL), 0);
	free(kept_list(kept, &count));
	assert_int_equal(count, 0);
	keep_remove(keep, KEEP_SCRATCH_NAME, 1);
	assert_int_equal(kept_add(kept, node), 0);
	assert_int_equal(kept_take(kept, node, ALL), kept_bit(node));
	kept_free(kept);
	keep_free(keep);
	(void)close(fd);
}

/* The kernel may keep attributes for a while when they are remembered, and not at all when they cannot be. */
static void what_is_not_remembered_has_no_timeout(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *filling = calloc(1, FILLING);
	_cleanup_view_ struct view *view = NULL;
	struct fs fs = {.nodes = node_table, .store = f->store};
	struct fuse_entry_param entry;
	struct keep *keep = NULL;
	const struct object *o;
	struct place p, directory;
	int fd = -1;

	assert_non_null(filling);
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	keep_set_room(keep, 8 << 20);
	fs.kept = kept_new(keep, f->store);
	put(f, make(KIND_VM, test_uuid(1)));
	o = get(f, KIND_VM, test_uuid(1));
	view = store_view(f->store);
	assert_int_equal(place_find(&fs, view, node_pack(node_of(o->id, N_VALUE, VM_DESCRIPTION)), NULL, &p),
			 0);
	assert_true(attr_timeout(&p) == 0); /* nobody has asked for it to be told */
	p.told = true;
	assert_true(attr_timeout(&p) > 0);

	for (uint64_t i = 1; keep_set(keep, KEEP_SCRATCH_NAME, i, filling, FILLING) == 0; i++)
		;
	for (uint64_t i = 1; keep_set(keep, KEEP_LAST_ERROR, i, "", 0) == 0; i++)
		;
	assert_int_equal(entry_fill_listed(&p, &entry), 0);
	assert_true(entry.attr_timeout == 0);
	keep_remove(keep, KEEP_SCRATCH_NAME, 1);
	assert_int_equal(entry_fill_listed(&p, &entry), 0);
	assert_true(entry.attr_timeout > 0);

	/* nor has that of an object that is gone by now; a file that is read through pages comes with the newest alone */
	assert_int_equal(place_find(&fs, view, node_pack(node_of(o->id, N_OBJECT, 0)), NULL, &directory), 0);
	assert_int_equal(entry_fill_listed(&directory, &entry), 0);
	assert_true(entry.attr_timeout > 0);
	assert_int_equal(kept_take(fs.kept, p.node, ALL), kept_bit(p.node) | kept_bit(directory.node));
	assert_int_equal(try_remove(f, test_uuid(1), &e), 0);
	assert_int_equal(entry_fill_listed(&p, &entry), -EAGAIN);
	assert_int_equal(entry_fill_listed(&directory, &entry), 0);
	assert_true(entry.attr_timeout == 0);
	assert_int_equal(kept_take(fs.kept, p.node, ALL), 0);
	object_unref(o);
	kept_free(fs.kept);
	keep_free(keep);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nodes_are_taken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(nodes_without_object_are_their_own, setup, teardown),
		cmocka_unit_test(bits_differ),
		cmocka_unit_test_setup_teardown(pages_are_those_of_the_present_state, setup, teardown),
		cmocka_unit_test(shared_bits_say_nothing_about_pages),
		cmocka_unit_test(the_next_process_knows_what_was_given),
		cmocka_unit_test_setup_teardown(objects_that_are_gone_are_not_remembered, fixture_setup,
						fixture_teardown),
		cmocka_unit_test(what_cannot_be_kept_is_not_remembered),
		cmocka_unit_test_setup_teardown(what_is_not_remembered_has_no_timeout, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(many_objects_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests_name("fs_kept", tests, NULL, NULL);
}
