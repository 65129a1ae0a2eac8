/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of a file while it is written: in order, with holes, in pieces, and where it is unknown. */
#include "tests/unit/test.h"

#include <openssl/evp.h>
#include <string.h>

#include "actions/image/digest.h"
#include "actions/image/running_sum.h"

#define MD5_EMPTY    "d41d8cd98f00b204e9800998ecf8427e"
#define MD5_ABC	     "900150983cd24fb0d6963f7d28e17f72"
#define MD5_A_HOLE_B "ee87932edb5e9eb6f6fcbe77e1e2d131" /* "a", 4094 zeros, "b" */

static void is_known(struct running_sum *s, int64_t size, const char *wanted)
{
	char md5[RUNNING_SUM_STRLEN] = "untouched";

	assert_true(running_sum_get(s, size, md5));
	assert_string_equal(md5, wanted);
}

static void is_unknown(struct running_sum *s, int64_t size)
{
	char md5[RUNNING_SUM_STRLEN];

	assert_false(running_sum_get(s, size, md5));
	running_sum_free(s);
}

static void in_order(void **state)
{
	struct running_sum *s = running_sum_new();

	(void)state;
	is_known(s, 0, MD5_EMPTY);
	running_sum_write(s, "a", 1, 0);
	running_sum_write(s, "bc", 2, 1);
	is_known(s, 3, MD5_ABC);
	is_known(s, 3, MD5_ABC); /* a query changes nothing */
	running_sum_cut(s, 3);
	is_known(s, 3, MD5_ABC);
	running_sum_free(s);
}

static void holes_are_zeros(void **state)
{
	struct running_sum *inside = running_sum_new(), *behind = running_sum_new();

	(void)state;
	running_sum_write(inside, "a", 1, 0);
	running_sum_write(inside, "b", 1, 4095);
	is_known(inside, 4096, MD5_A_HOLE_B);
	running_sum_free(inside);
	/* a hole at the end of the file, and then a write after it */
	running_sum_write(behind, "a", 1, 0);
	assert_true(running_sum_get(behind, 4095, (char[RUNNING_SUM_STRLEN]){0}));
	running_sum_write(behind, "b", 1, 4095);
	is_known(behind, 4096, MD5_A_HOLE_B);
	running_sum_free(behind);
}

static void unknown_sums(void **state)
{
	struct running_sum *backward = running_sum_new(), *cut = running_sum_new(),
			   *large = running_sum_new(), *at_end = running_sum_new(),
			   *shorter = running_sum_new();

	(void)state;
	running_sum_write(backward, "abc", 3, 0);
	running_sum_write(backward, "x", 1, 1);
	is_unknown(backward, 3);
	running_sum_write(cut, "abc", 3, 0);
	running_sum_cut(cut, 2);
	is_unknown(cut, 3);
	running_sum_write(large, "a", 1, RUNNING_SUM_HOLES + 1);
	is_unknown(large, RUNNING_SUM_HOLES + 2);
	running_sum_write(at_end, "a", 1, 0);
	is_unknown(at_end, RUNNING_SUM_HOLES + 2);
	running_sum_write(shorter, "abc", 3, 0);
	is_unknown(shorter, 2);
}

/* Puts bytes where they are summed, at most @piece at a time. */
static void fill(struct digest *d, const unsigned char *bytes, size_t len, size_t piece)
{
	while (len > 0) {
		size_t n = 0;
		void *room = digest_room(d, &n);

		assert_non_null(room);
		n = n < piece ? n : piece;
		n = n < len ? n : len;
		memcpy(room, bytes, n);
		digest_fill(d, n);
		bytes += n;
		len -= n;
	}
}

/* More than the thread that sums has room for, in pieces that are no part of it, and a hole. */
static void long_files(void **state)
{
	enum { SIZE = 5 * DIGEST_BUFFER + 321, HOLE = 3 << 20, PIECE = 100003 };
	struct running_sum *s = running_sum_new();
	struct digest *again = digest_new("md5");
	unsigned char *all = calloc(1, SIZE + HOLE), sum[EVP_MAX_MD_SIZE];
	char wanted[DIGEST_STRLEN], got[DIGEST_STRLEN];

	(void)state;
	assert_non_null(all);
	for (size_t i = 0; i < SIZE; i++)
		all[i < SIZE / 2 ? i : i + HOLE] = (unsigned char)(i * 2654435761u >> 13);
	assert_int_equal(EVP_Digest(all, SIZE + HOLE, sum, NULL, EVP_md5(), NULL), 1);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(wanted + 2 * i, 3, "%02x", sum[i]);
	for (size_t i = 0; i < SIZE + HOLE;) {
		size_t end = i < SIZE / 2 ? SIZE / 2 : SIZE + HOLE, n = end - i < PIECE ? end - i : PIECE;

		running_sum_write(s, all + i, n, (int64_t)i);
		digest_add(again, all + i, n);
		i += n;
		if (i == SIZE / 2) {
			i += HOLE;
			digest_add_zeros(again, HOLE);
		}
	}
	is_known(s, SIZE + HOLE, wanted);
	assert_true(digest_get(again, 0, got));
	assert_string_equal(got, wanted);
	digest_restart(again);
	assert_true(digest_get(again, 0, got));
	assert_string_equal(got, MD5_EMPTY);
	digest_add(again, "ab", 2);
	digest_restart(again);
	fill(again, all, SIZE / 2, PIECE);
	digest_add_zeros(again, HOLE);
	fill(again, all + SIZE / 2 + HOLE, SIZE - SIZE / 2, PIECE);
	assert_true(digest_get(again, 0, got));
	assert_string_equal(got, wanted);
	digest_restart(again);
	digest_add(again, "abc", 3);
	assert_true(digest_get(again, 0, got));
	assert_string_equal(got, MD5_ABC);
	running_sum_write(s, all, 1, SIZE + HOLE);
	running_sum_free(s); /* while it is being summed */
	digest_free(again);
	free(all);
	assert_null(digest_new("none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(holes_are_zeros),
		cmocka_unit_test(unknown_sums),
		cmocka_unit_test(long_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
