/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with a file, however their bytes arrive. */
#include "rest/multipart.h"

#include <string.h>

#include "tests/unit/test.h"

struct read {
	char file[256];
	size_t length;
	bool refused, complete;
};

/* Reads @form in pieces of @piece bytes. */
static struct read read_in_pieces(const char *type, const char *form, size_t piece)
{
	struct multipart m;
	struct read r = {.length = 0};
	size_t all = strlen(form);

	assert_true(multipart_init(&m, type));
	for (size_t start = 0; start < all && !r.refused; start += piece) {
		const char *content, *data = form + start;
		size_t len, left = all - start < piece ? all - start : piece;

		while (left && !r.refused) {
			long taken = multipart_take(&m, data, left, &content, &len);

			r.refused = taken < 0;
			if (r.refused)
				break;
			assert_true((size_t)taken <= left);
			assert_true(taken > 0 || len > 0);
			assert_true(r.length + len < sizeof(r.file));
			memcpy(r.file + r.length, content, len);
			r.length += len;
			data += taken;
			left -= (size_t)taken;
		}
	}
	r.complete = m.complete;
	return r;
}

static void assert_file(const char *type, const char *form, const char *file)
{
	for (size_t piece = 1; piece <= strlen(form); piece++) {
		struct read r = read_in_pieces(type, form, piece);

		assert_false(r.refused);
		assert_true(r.complete);
		assert_int_equal(r.length, strlen(file));
		assert_memory_equal(r.file, file, r.length);
	}
}

#define TYPE "multipart/form-data; boundary=XyZ"
#define HEAD "Content-Disposition: form-data; name=\"file\"; filename=\"a.raw\"\r\nContent-Type: x/y\r\n\r\n"

static void the_file_is_what_is_between_delimiters(void **state)
{
	(void)state;
	assert_file(TYPE, "--XyZ\r\n" HEAD "bytes\r\n--XyZ--\r\n", "bytes");
	assert_file(TYPE, "preamble\r\n--XyZ  \r\n" HEAD "bytes\r\n--XyZ--", "bytes");
	assert_file("Multipart/Form-Data;charset=x; boundary=\"XyZ\"", "--XyZ\r\n" HEAD "b\r\n--XyZ--", "b");
}

static void what_looks_like_a_delimiter_is_content(void **state)
{
	(void)state;
	assert_file(TYPE, "--XyZ\r\n" HEAD "a\r\n--Xy\r\n--XyA\r\r\n\r\n--XyZ--", "a\r\n--Xy\r\n--XyA\r\r\n");
	assert_file(TYPE, "--XyZ\r\n" HEAD "\r\n\r\n--XyZ--", "\r\n");
	assert_file(TYPE, "--XyZ\r\n" HEAD "--Xy\r\n--XyZ--", "--Xy");
	assert_file(TYPE, "--XyZ\r\n" HEAD "-\r\n--XyZ--", "-");
	assert_file(TYPE, "--XyZ\r\n" HEAD "--XyZ--", "");
	assert_file(TYPE, "--XyZ\r\n" HEAD "\r\n--XyZ--", "");
}

static void other_parts_are_skipped(void **state)
{
	(void)state;
	assert_file(TYPE,
		    "--XyZ\r\nContent-Disposition: form-data; name=\"size\"\r\n\r\n12\r\n--XyZ\r\n" HEAD
		    "bytes\r\n--XyZ\r\n" HEAD "second\r\n--XyZ--\r\n",
		    "bytes");
}

static void a_form_that_is_cut_is_not_complete(void **state)
{
	static const char form[] = "--XyZ\r\n" HEAD "bytes\r\n--XyZ--";
	struct read r;
	char cut[sizeof(form)];

	(void)state;
	for (size_t len = 1; len < strlen(form) - 2; len++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)len, form);
		r = read_in_pieces(TYPE, cut, len);
		assert_false(r.complete);
		assert_false(r.refused);
	}
	r = read_in_pieces(TYPE, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XyZ--",
			   5);
	assert_false(r.complete);
}

static void malformed_forms_are_refused(void **state)
{
	char longer[2048];
	struct multipart m;

	(void)state;
	assert_false(multipart_init(&m, "multipart/form-data"));
	assert_false(multipart_init(&m, "multipart/form-data; boundary="));
	assert_false(multipart_init(&m, "multipart/form-data; boundary=\"a\tb\""));
	assert_false(multipart_init(
		&m,
		"multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890"));
	assert_false(multipart_is("multipart/form-datax; boundary=a"));
	assert_false(multipart_is("application/octet-stream"));
	assert_false(multipart_is(NULL));
	assert_true(multipart_is(TYPE));
	assert_true(read_in_pieces(TYPE, "--XyZA\r\n" HEAD, 4).refused);
	assert_true(read_in_pieces(TYPE, "--XyZ\rA", 4).refused);
	assert_true(read_in_pieces(TYPE, "--XyZ-A", 4).refused);
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "--XyZ\r\n", 7);
	longer[sizeof(longer) - 1] = '\0';
	assert_true(read_in_pieces(TYPE, longer, 100).refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_what_is_between_delimiters),
		cmocka_unit_test(what_looks_like_a_delimiter_is_content),
		cmocka_unit_test(other_parts_are_skipped),
		cmocka_unit_test(a_form_that_is_cut_is_not_complete),
		cmocka_unit_test(malformed_forms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
