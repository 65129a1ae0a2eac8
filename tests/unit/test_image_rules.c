/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/image/rules.h"

static void test_url_path(void **state)
{
	(void)state;
}

static void test_claim(void **state)
{
	_cleanup_(error_done) struct error unknown = ERROR_INIT;
	_cleanup_(error_done) struct error iso = ERROR_INIT;

	(void)state;
	assert_int_equal(image_check_claim("qcow2", NULL, true, NULL), 0);
	assert_int_equal(image_check_claim("iso", "ISO", false, NULL), 0);
	assert_int_equal(image_check_claim("vmdk", NULL, false, &unknown), -EINVAL);
	assert_string_equal(unknown.details, "unknown format[vmdk]");
	assert_int_equal(image_check_claim("raw", "ISO", true, &iso), -EINVAL);
	assert_string_equal(iso.details, "ISO cannot be used as system image");
	assert_int_equal(image_check_claim("iso", NULL, true, NULL), -EINVAL);
	assert_string_equal(image_claimed_format("raw", "ISO"), "iso");
	assert_string_equal(image_claimed_format("raw", "DataVolumeTemplate"), "raw");
}

/* The table in image/rules.h, cell by cell. */
static void test_decide(void **state)
{
	static const struct {
		const char *format, *media_type, *found;
		const char *real, *real_media_type; /* NULL = refused */
	} cases[] = {
		{"qcow2", NULL, "qcow2", "qcow2", "RootVolumeTemplate"},
		{"qcow2", "DataVolumeTemplate", "qcow2", "qcow2", "DataVolumeTemplate"},
		{"qcow2", NULL, "raw", NULL, NULL},
		{"qcow2", NULL, "iso", "iso", "ISO"},
		{"raw", NULL, "qcow2", "qcow2", "RootVolumeTemplate"},
		{"raw", "DataVolumeTemplate", "raw", "raw", "DataVolumeTemplate"},
		{"raw", NULL, "raw", "raw", "RootVolumeTemplate"},
		{"raw", NULL, "iso", "iso", "ISO"},
		{"raw", "RootVolumeTemplate", "iso", "raw", "RootVolumeTemplate"},
		{"raw", "ISO", "iso", "iso", "ISO"},
		{"qcow2", "ISO", "iso", "iso", "ISO"},
		{"iso", NULL, "iso", "iso", "ISO"},
		{"iso", "RootVolumeTemplate", "iso", "iso", "ISO"},
		{"iso", NULL, "qcow2", NULL, NULL},
		{"iso", NULL, "raw", NULL, NULL},
		{"raw", "ISO", "raw", NULL, NULL},
		{"raw", NULL, "vmdk", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		const char *format = "untouched", *media_type = "untouched";
		int r = image_decide(cases[i].format, cases[i].media_type, false, cases[i].found, &format,
				     &media_type, &e);

		assert_int_equal(r, cases[i].real ? 0 : -EINVAL);
		assert_string_equal(format, cases[i].real ? cases[i].real : "untouched");
		assert_string_equal(media_type, cases[i].real ? cases[i].real_media_type : "untouched");
	}
	assert_int_equal(
		image_decide("qcow2", NULL, true, "iso", &(const char *){NULL}, &(const char *){NULL}, NULL),
		-EINVAL);
	assert_string_equal(image_disk_format("iso"), "raw");
	assert_string_equal(image_disk_format("qcow2"), "qcow2");
}

static void name_says(const char *file_name, const char *name, const char *format)
{
	_cleanup_free_ char *found = NULL;
	const char *found_format;

	assert_int_equal(image_name_parse(file_name, &found, &found_format, NULL), 0);
	assert_string_equal(found, name);
	assert_string_equal(found_format, format);
}

static void name_says_nothing(const char *file_name, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const char *format = "untouched";
	char *name = NULL;

	assert_int_equal(image_name_parse(file_name, &name, &format, &e), -EINVAL);
	assert_non_null(strstr(error_sentence(&e), sentence));
	assert_null(name);
	assert_string_equal(format, "untouched");
}

static void test_names(void **state)
{
	(void)state;
	name_says("web.qcow2", "web", "qcow2");
	name_says("web.1.raw", "web.1", "raw");
	name_says("disk.IMG", "disk", "raw");
	name_says("a b\xc3\xa9.iso", "a b\xc3\xa9", "iso");
	name_says_nothing("web", "must end with .qcow2, .raw, .img or .iso");
	name_says_nothing("web.vmdk", "'web.vmdk'");
	name_says_nothing("qcow2", "must end");
	name_says_nothing(".qcow2", "must end");
	name_says_nothing("\xff.raw", "not UTF-8");
}

static void test_content_of_name(void **state)
{
	static const char *const formats[] = {"qcow2", "raw", "iso"};
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		for (size_t k = 0; k < ARRAY_SIZE(formats); k++)
			assert_int_equal(image_check_name(formats[i], formats[k], NULL),
					 i == k ? 0 : -EINVAL);
	(void)image_check_name("raw", "qcow2", &e);
	assert_non_null(strstr(error_sentence(&e), "use the suffix .qcow2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_path),	cmocka_unit_test(test_claim),
		cmocka_unit_test(test_decide),		cmocka_unit_test(test_names),
		cmocka_unit_test(test_content_of_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
