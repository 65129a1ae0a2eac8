/* SPDX-License-Identifier: Apache-2.0 */
/* The image header parser on images built in memory: each check, with the smallest image that fails it. */
#include "tests/unit/test.h"

#include <endian.h>
#include <string.h>

#include "actions/image/header.h"

#define CLUSTER 65536

/* A file in memory that can be larger than its bytes; the rest reads as zeros. */
struct memory {
	const uint8_t *bytes;
	size_t len;
	int64_t size;
	int fail; /* errno of every read, 0 = none */
};

static ssize_t memory_read(void *ctx, void *buf, size_t len, int64_t offset)
{
	const struct memory *m = ctx;

	if (m->fail)
		return -m->fail;
	if (offset >= m->size)
		return 0;
	if ((int64_t)len > m->size - offset)
		len = (size_t)(m->size - offset);
	if (len > 100)
		len = 100; /* short reads are allowed */
	memset(buf, 0, len);
	if (offset < (int64_t)m->len)
		memcpy(buf, m->bytes + offset, len < m->len - (size_t)offset ? len : m->len - (size_t)offset);
	return (ssize_t)len;
}

static int parse(struct memory m, struct image_info *info, struct error *e)
{
	struct image_source source = {.read = memory_read, .ctx = &m, .size = m.size, .actual_size = 4096};

	return image_header_parse(&source, info, e);
}

static void refuses(struct memory m, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct image_info info;

	assert_int_equal(parse(m, &info, &e), -errnum);
	if (!strstr(error_sentence(&e), sentence))
		fail_msg("'%s', not '%s'", error_sentence(&e), sentence);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

/* A version 3 image of 10 GiB as qemu-img creates it. */
static void qcow2(uint8_t head[static 512])
{
	memset(head, 0, 512);
	memcpy(head, "QFI\xfb", 4);
	put32(head + 4, 3);
	put32(head + 20, 16);		      /* cluster_bits */
	put64(head + 24, UINT64_C(10) << 30); /* size */
	put32(head + 36, 20);		      /* l1_size */
	put64(head + 40, 3 * CLUSTER);	      /* l1_table_offset */
	put64(head + 48, CLUSTER);	      /* refcount_table_offset */
	put32(head + 56, 1);		      /* refcount_table_clusters */
	put32(head + 96, 4);		      /* refcount_order */
	put32(head + 100, 112);		      /* header_length */
}

static struct memory image(const uint8_t head[static 512])
{
	return (struct memory){.bytes = head, .len = 512, .size = 4 * CLUSTER};
}

static void a_valid_qcow2_is_parsed(void **state)
{
	struct image_info info;
	uint8_t head[512];

	(void)state;
	qcow2(head);
	assert_int_equal(parse(image(head), &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_QCOW2);
	assert_int_equal(info.virtual_size, INT64_C(10) << 30);
	assert_int_equal(info.actual_size, 4096);
	assert_false(info.backing_file || info.data_file || info.encrypted || info.corrupt);
	assert_int_equal(image_info_check(&info, NULL), 0);
	/* a file that ends right after the L1 table is complete */
	assert_int_equal(parse((struct memory){head, 512, 3 * CLUSTER + 160, 0}, &info, NULL), 0);
	refuses((struct memory){head, 512, 3 * CLUSTER + 159, 0}, EINVAL, "is truncated: l1_table_offset");
	/* the size is rounded down to sectors */
	put64(head + 24, 1025);
	assert_int_equal(parse(image(head), &info, NULL), 0);
	assert_int_equal(info.virtual_size, 1024);
	/* version 2 has no fields after byte 72, only extensions, here none */
	qcow2(head);
	put32(head + 4, 2);
	memset(head + 72, 0xff, 512 - 72);
	put32(head + 72, 0);
	assert_int_equal(parse(image(head), &info, NULL), 0);
	assert_false(info.data_file || info.corrupt);
	/* dirty refcounts and internal snapshots are accepted */
	qcow2(head);
	put64(head + 72, 1);
	put32(head + 60, 2);
	put64(head + 64, 2 * CLUSTER);
	assert_int_equal(parse(image(head), &info, NULL), 0);
	assert_int_equal(image_info_check(&info, NULL), 0);
}

struct nonsense {
	int offset, bytes; /* of the field */
	uint64_t value;
	int errnum;
	const char *sentence;
};

static void invalid_headers_are_refused(void **state)
{
	static const struct nonsense cases[] = {
		{4, 4, 0, EOPNOTSUPP, "version 0 of qcow2"},
		{4, 4, 1, EOPNOTSUPP, "format 'qcow' is not supported"},
		{4, 4, 4, EOPNOTSUPP, "version 4 of qcow2"},
		{8, 8, 65536 - 3, EINVAL, "backing_file_offset"}, /* with a name of 4 bytes, below */
		{8, 8, UINT64_MAX, EINVAL, "backing_file_offset"},
		{20, 4, 8, EINVAL, "cluster_bits is 8"},
		{20, 4, 22, EINVAL, "cluster_bits is 22"},
		{20, 4, 0, EINVAL, "cluster_bits is 0"},
		{20, 4, UINT32_MAX, EINVAL, "cluster_bits"},
		{24, 8, 0, EINVAL, "size is 0"},
		{24, 8, 511, EINVAL, "size is 511"},
		{24, 8, (UINT64_C(1) << 60) + 1, EINVAL, "size is 1152921504606846977"},
		{24, 8, UINT64_MAX, EINVAL, "size is"},
		{24, 8, (UINT64_C(10) << 30) + 1, EINVAL, "l1_size is 20"},
		{32, 4, 3, EOPNOTSUPP, "encrypted by an unknown method 3"},
		{36, 4, 19, EINVAL, "l1_size is 19"},
		{36, 4, 4194305, EINVAL, "l1_size is 4194305"},
		{36, 4, UINT32_MAX, EINVAL, "l1_size is 4294967295"},
		{40, 8, 0, EINVAL, "l1_table_offset is 0"},
		{40, 8, 3 * CLUSTER + 8, EINVAL, "l1_table_offset is"},
		{40, 8, 4 * CLUSTER, EINVAL, "is truncated: l1_table_offset"},
		{40, 8, UINT64_MAX - CLUSTER + 1, EINVAL, "is truncated: l1_table_offset"},
		{48, 8, 0, EINVAL, "refcount_table_offset is 0"},
		{48, 8, 7, EINVAL, "refcount_table_offset is 7"},
		{48, 8, 4 * CLUSTER, EINVAL, "is truncated: refcount_table_offset"},
		{56, 4, 0, EINVAL, "refcount_table_clusters is 0"},
		{56, 4, 129, EINVAL, "refcount_table_clusters is 129"},
		{56, 4, UINT32_MAX, EINVAL, "refcount_table_clusters"},
		{60, 4, 1, EINVAL, "snapshots_offset is 0"},
		{60, 4, 65537, EINVAL, "nb_snapshots is 65537"},
		{72, 8, 32, EOPNOTSUPP, "unknown features, bits 0x20"},
		{72, 8, UINT64_C(1) << 63, EOPNOTSUPP, "bits 0x8000000000000000"},
		{72, 8, 8, EINVAL, "compression type is 0"},
		{72, 8, 16, EINVAL, "l1_size"}, /* extended L2 entries map half as much each */
		{96, 4, 7, EINVAL, "refcount_order is 7"},
		{100, 4, 103, EINVAL, "header_length is 103"},
		{100, 4, 65537, EINVAL, "header_length is 65537"},
		{104, 1, 1, EINVAL, "compression type is 1"},
		{104, 1, 2, EOPNOTSUPP, "compressed by an unknown method 2"},
	};
	uint8_t head[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		qcow2(head);
		put32(head + 16, 4);
		if (cases[i].bytes == 8)
			put64(head + cases[i].offset, cases[i].value);
		else if (cases[i].bytes == 4)
			put32(head + cases[i].offset, (uint32_t)cases[i].value);
		else
			head[cases[i].offset] = (uint8_t)cases[i].value;
		refuses(image(head), cases[i].errnum, cases[i].sentence);
	}
	/* a name longer than the cluster it is in */
	qcow2(head);
	put32(head + 20, 9);
	put64(head + 8, 256);
	put32(head + 16, 1023);
	refuses(image(head), EINVAL, "backing_file_offset is 256");
	/* extended L2 entries need clusters of 16 KiB */
	qcow2(head);
	put32(head + 20, 13);
	put64(head + 72, 16);
	refuses(image(head), EINVAL, "cluster_bits with extended L2 entries is 13");
	/* truncated headers */
	qcow2(head);
	refuses((struct memory){head, 512, 71, 0}, EINVAL, "header is truncated");
	refuses((struct memory){head, 512, 103, 0}, EINVAL, "header is truncated");
}

static void other_files_and_damage_are_reported_then_refused(void **state)
{
	static const struct {
		int offset;
		uint64_t value;
		const char *sentence;
		int errnum;
	} cases[] = {
		{8, 512, "the image has a backing file", EOPNOTSUPP},
		{72, 4, "has an external data file", EOPNOTSUPP},
		{32, UINT64_C(1) << 32 | 20, "is encrypted", EOPNOTSUPP},
		{32, UINT64_C(2) << 32 | 20, "is encrypted", EOPNOTSUPP},
		{72, 2, "is marked as corrupt", EINVAL},
	};
	struct image_info info;
	uint8_t head[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		qcow2(head);
		put64(head + cases[i].offset, cases[i].value);
		assert_int_equal(parse(image(head), &info, NULL), 0);
		assert_int_equal(image_info_check(&info, &e), -cases[i].errnum);
		if (!strstr(error_sentence(&e), cases[i].sentence))
			fail_msg("'%s', not '%s'", error_sentence(&e), cases[i].sentence);
	}
	info = (struct image_info){.virtual_size = 0};
	assert_int_equal(image_info_check(&info, NULL), -EINVAL);
	info.virtual_size = IMAGE_VIRTUAL_SIZE_MAX + 1;
	assert_int_equal(image_info_check(&info, NULL), -EINVAL);
	info.virtual_size = IMAGE_VIRTUAL_SIZE_MAX;
	assert_int_equal(image_info_check(&info, NULL), 0);
	info.actual_size = -1;
	assert_int_equal(image_info_check(&info, NULL), -EINVAL);
}

static void anything_else_is_raw(void **state)
{
	static const struct {
		int64_t size, virtual_size;
	} sizes[] = {{1, 512},		 {511, 512},
		     {512, 512},	 {513, 1024},
		     {32769, 33280},	 {34816, 34816},
		     {1 << 20, 1 << 20}, {IMAGE_VIRTUAL_SIZE_MAX, IMAGE_VIRTUAL_SIZE_MAX}};
	static const uint8_t boot[512] = {[0] = 0xeb, [1] = 0x63, [510] = 0x55, [511] = 0xaa};
	struct image_info info;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(parse((struct memory){boot, 512, sizes[i].size, 0}, &info, NULL), 0);
		assert_int_equal(info.format, IMAGE_FORMAT_RAW);
		assert_int_equal(info.virtual_size, sizes[i].virtual_size);
		assert_int_equal(image_info_check(&info, NULL), 0);
	}
	refuses((struct memory){boot, 512, 0, 0}, EINVAL, "the image is empty");
	refuses((struct memory){boot, 512, IMAGE_VIRTUAL_SIZE_MAX + 1, 0}, EINVAL, "more than");
	refuses((struct memory){boot, 512, 512, EIO}, EIO, "cannot read the image at byte 0");
}

static void iso_is_found_regardless_of_the_first_sector(void **state)
{
	static uint8_t bytes[40960];
	struct memory m = {bytes, sizeof(bytes), sizeof(bytes), 0};
	struct image_info info;

	(void)state;
	memcpy(bytes + 32768, "\1CD001\1", 7);
	assert_int_equal(parse(m, &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_ISO);
	assert_int_equal(info.virtual_size, 40960);
	bytes[510] = 0x55; /* hybrid */
	bytes[511] = 0xaa;
	assert_int_equal(parse(m, &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_ISO);
	m.size = 32768 + 2047; /* the descriptor is truncated */
	assert_int_equal(parse(m, &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_RAW);
}

static void known_formats_are_refused_by_name(void **state)
{
	static const struct {
		const char *name;
		int offset, len;
		const char *bytes;
	} cases[] = {
		{"vmdk", 0, 4, "KDMV"},
		{"vmdk", 0, 4, "COWD"},
		{"vmdk", 0, 22, "# Disk DescriptorFile\n"},
		{"vdi", 64, 4, "\x7f\x10\xda\xbe"},
		{"vhdx", 0, 8, "vhdxfile"},
		{"vhd", 0, 8, "conectix"},
		{"vhd", 4096 - 512, 8, "conectix"},
		{"vhd", 4096 - 511, 8, "conectix"},
		{"dmg", 4096 - 512, 8, "koly\0\0\0\4"},
		{"qed", 0, 4, "QED"},
		{"luks", 0, 6, "LUKS\xba\xbe"},
		{"parallels", 0, 16, "WithoutFreeSpace"},
		{"parallels", 0, 16, "WithouFreSpacExt"},
		{"bochs", 0, 22, "Bochs Virtual HD Image"},
		{"cloop", 0, 38, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop "},
		{"wim", 0, 8, "MSWIM\0\0\0"},
		{"gzip", 0, 4, "\x1f\x8b\x08\x00"},
		{"bzip2", 0, 10, "BZh91AY&SY"},
		{"xz", 0, 6,
		 "\xfd"
		 "7zXZ\0"},
		{"zstd", 0, 4, "\x28\xb5\x2f\xfd"},
		{"lz4", 0, 4, "\x04\x22\x4d\x18"},
		{"lzip", 0, 5, "LZIP\1"},
		{"lzop", 0, 9, "\x89LZO\0\r\n\x1a\n"},
		{"zip", 0, 4, "PK\3\4"},
		{"7z", 0, 6, "7z\xbc\xaf\x27\x1c"},
		{"rar", 0, 6, "Rar!\x1a\x07"},
		{"tar or ova", 257, 6, "ustar "},
	};
	uint8_t bytes[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char sentence[100];

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes + cases[i].offset, cases[i].bytes, (size_t)cases[i].len);
		(void)snprintf(sentence, sizeof(sentence),
			       "format '%s' is not supported, convert it to qcow2 first", cases[i].name);
		refuses((struct memory){bytes, sizeof(bytes), sizeof(bytes), 0}, EOPNOTSUPP, sentence);
	}
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "BZh9boot", 8); /* three bytes are not enough */
	assert_int_equal(
		parse((struct memory){bytes, sizeof(bytes), sizeof(bytes), 0}, &(struct image_info){0}, NULL),
		0);
	memcpy(bytes, "\n <!doctype HTML>", 17);
	refuses((struct memory){bytes, sizeof(bytes), sizeof(bytes), 0}, EOPNOTSUPP, "is an HTML page");
}

/* The smallest image with all parts: header, refcount table, L1, L2 and data, one cluster each. */
#define FULL (6 * CLUSTER)

static void full_qcow2(uint8_t bytes[static FULL])
{
	memset(bytes, 0, FULL);
	qcow2(bytes);
	put64(bytes + 3 * CLUSTER, UINT64_C(1) << 63 | 4 * CLUSTER);	 /* L1 */
	put64(bytes + 4 * CLUSTER + 8, UINT64_C(1) << 63 | 5 * CLUSTER); /* L2, its second entry */
}

static void a_truncated_file_is_detected(void **state)
{
	static uint8_t bytes[FULL];
	struct memory m = {.bytes = bytes, .len = FULL, .size = FULL};
	struct image_info info;

	(void)state;
	full_qcow2(bytes);
	assert_int_equal(parse(m, &info, NULL), 0);
	m.size = 5 * CLUSTER + 1; /* the last cluster need not be full */
	assert_int_equal(parse(m, &info, NULL), 0);
	m.size = 5 * CLUSTER;
	refuses(m, EINVAL, "truncated: a cluster is at byte 327680 in a file of 327680 bytes");
	m.size = 4 * CLUSTER;
	refuses(m, EINVAL, "truncated: a table is at byte 262144 in a file of 262144 bytes");
	m.size = 3 * CLUSTER;
	refuses(m, EINVAL, "truncated: l1_table_offset");
	m.size = FULL;
	/* a cluster of zeros may never have been written; a compressed one has its size above its offset */
	put64(bytes + 4 * CLUSTER + 16, UINT64_C(9) * CLUSTER | 1);
	put64(bytes + 4 * CLUSTER + 24, UINT64_C(1) << 62 | UINT64_C(3) << 54 | 5 * CLUSTER);
	assert_int_equal(parse(m, &info, NULL), 0);
	put64(bytes + 4 * CLUSTER + 24, UINT64_C(1) << 62 | 9 * CLUSTER);
	refuses(m, EINVAL, "a cluster is at byte 589824");
}

static void a_partial_file_need_not_be_complete(void **state)
{
	static uint8_t bytes[FULL];
	struct memory m = {.bytes = bytes, .len = FULL, .size = IMAGE_HEAD_SIZE};
	struct image_source source = {
		.read = memory_read, .ctx = &m, .size = IMAGE_HEAD_SIZE, .partial = true};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct image_info info;

	(void)state;
	full_qcow2(bytes);
	assert_int_equal(image_header_parse(&source, &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_QCOW2);
	assert_int_equal(info.virtual_size, INT64_C(10) << 30);
	put32(bytes + 20, 40); /* the part that exists must still be valid */
	assert_int_equal(image_header_parse(&source, &info, &e), -EINVAL);
	/* a file that may still turn out to be an ISO is raw until then */
	memset(bytes, 0, FULL);
	memcpy(bytes + 32769, "CD001", 5);
	assert_int_equal(image_header_parse(&source, &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_RAW);
	m.size = source.size = IMAGE_ISO_SIZE;
	assert_int_equal(image_header_parse(&source, &info, NULL), 0);
	assert_int_equal(info.format, IMAGE_FORMAT_ISO);
}

static void names_round_trip(void **state)
{
	enum image_format format;

	(void)state;
	for (enum image_format f = IMAGE_FORMAT_RAW; f <= IMAGE_FORMAT_ISO; f++) {
		assert_true(image_format_from_name(image_format_name(f), &format));
		assert_int_equal(format, f);
	}
	assert_false(image_format_from_name("vmdk", &format));
	assert_string_equal(image_format_media_type(IMAGE_FORMAT_ISO), "ISO");
	assert_string_equal(image_format_media_type(IMAGE_FORMAT_RAW), "RootVolumeTemplate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_valid_qcow2_is_parsed),
		cmocka_unit_test(invalid_headers_are_refused),
		cmocka_unit_test(other_files_and_damage_are_reported_then_refused),
		cmocka_unit_test(anything_else_is_raw),
		cmocka_unit_test(iso_is_found_regardless_of_the_first_sector),
		cmocka_unit_test(known_formats_are_refused_by_name),
		cmocka_unit_test(a_truncated_file_is_detected),
		cmocka_unit_test(a_partial_file_need_not_be_complete),
		cmocka_unit_test(names_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
