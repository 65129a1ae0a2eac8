/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt tells of a domain becomes the statistics of a VM; the rows that name them. */
#include "tests/unit/test.h"

#include <string.h>

#include "actions/host/statistics.h"
#include "hypervisor/statistics.h"

/* What libvirt 9 tells of a guest with two disks and two NICs. */
static const struct {
	const char *name;
	uint64_t number;
} told[] = {
	{"cpu.time", 12345678901},   {"cpu.user", 1000},	  {"cpu.system", 2000},
	{"balloon.current", 262144}, {"balloon.maximum", 524288}, {"balloon.rss", 100000},
	{"net.0.rx.bytes", 1000},    {"net.0.rx.pkts", 10},	  {"net.0.rx.errs", 7},
	{"net.0.tx.bytes", 2000},    {"net.0.tx.pkts", 20},	  {"net.10.rx.bytes", 5},
	{"net.10.rx.pkts", 1},	     {"net.10.tx.bytes", 6},	  {"net.10.tx.pkts", 2},
	{"block.0.rd.reqs", 3},	     {"block.0.rd.bytes", 4096},  {"block.0.rd.times", 99},
	{"block.0.wr.reqs", 4},	     {"block.0.wr.bytes", 8192},  {"block.0.allocation", 1},
	{"block.1.rd.reqs", 30},     {"block.1.rd.bytes", 1},	  {"block.1.wr.reqs", 40},
	{"block.1.wr.bytes", 2},     {"block.1.fl.reqs", 9},
};

static const int64_t expected[HV_STATISTIC_COUNT] = {
	[HV_CPU_NS] = 12345678901,	[HV_MEMORY_BYTES] = 102400000, [HV_DISK_READ_BYTES] = 4097,
	[HV_DISK_WRITTEN_BYTES] = 8194, [HV_DISK_READS] = 33,	       [HV_DISK_WRITES] = 44,
	[HV_NET_RECEIVED_BYTES] = 1005, [HV_NET_SENT_BYTES] = 2006,    [HV_NET_RECEIVED_PACKETS] = 11,
	[HV_NET_SENT_PACKETS] = 22,
};

static void test_sums(void **state)
{
	int64_t values[HV_STATISTIC_COUNT];

	(void)state;
	statistics_init(values);
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		statistics_add(values, told[i].name, told[i].number);
	for (int i = 0; i < HV_STATISTIC_COUNT; i++)
		assert_int_equal(values[i], expected[i]);
	/* in whichever order libvirt tells them */
	statistics_init(values);
	for (size_t i = ARRAY_SIZE(told); i-- > 0;)
		statistics_add(values, told[i].name, told[i].number);
	for (int i = 0; i < HV_STATISTIC_COUNT; i++)
		assert_int_equal(values[i], expected[i]);
}

static void test_unknown(void **state)
{
	int64_t values[HV_STATISTIC_COUNT];

	(void)state;
	statistics_init(values);
	for (int i = 0; i < HV_STATISTIC_COUNT; i++)
		assert_int_equal(values[i], -1);
	/* neither another group, nor the number alone, nor a name that only begins so */
	statistics_add(values, "block.count", 2);
	statistics_add(values, "block.1", 2);
	statistics_add(values, "block.1.rd.bytes.max", 2);
	statistics_add(values, "netx.1.rx.bytes", 2);
	statistics_add(values, "cpu.times", 2);
	for (int i = 0; i < HV_STATISTIC_COUNT; i++)
		assert_int_equal(values[i], -1);
	/* the guest's memory, where the host's is not told */
	statistics_add(values, "balloon.current", 2);
	assert_int_equal(values[HV_MEMORY_BYTES], 2048);
	statistics_add(values, "block.1.rd.bytes", INT64_MAX);
	statistics_add(values, "block.2.rd.bytes", INT64_MAX);
	assert_int_equal(values[HV_DISK_READ_BYTES], INT64_MAX);
}

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) > strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* Names of files and metrics occur once; those of metrics end as Prometheus wants it. */
static void test_rows(void **state)
{
	size_t count, vm_rows = 0;
	const struct statistic *rows = statistics_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ends_with(rows[i].metric, "_total"), rows[i].counts);
		if (rows[i].unit == STATISTIC_BYTES)
			assert_true(ends_with(rows[i].metric, rows[i].counts ? "_bytes_total" : "_bytes"));
		if (rows[i].unit == STATISTIC_SECONDS)
			assert_true(ends_with(rows[i].metric, "_seconds_total"));
		vm_rows += rows[i].kind == KIND_VM;
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(rows[i].metric, rows[k].metric);
			assert_true(rows[i].kind != rows[k].kind || strcmp(rows[i].name, rows[k].name) != 0);
			assert_true(rows[i].kind != rows[k].kind || rows[i].source != rows[k].source);
		}
	}
	assert_int_equal(vm_rows, HV_STATISTIC_COUNT);
}

static void test_texts(void **state)
{
	const struct statistic seconds = {.unit = STATISTIC_SECONDS}, bytes = {.unit = STATISTIC_BYTES};
	char text[STATISTIC_SIZE];

	(void)state;
	statistic_print(&seconds, 12045678901, text);
	assert_string_equal(text, "12.045");
	statistic_print(&seconds, INT64_MAX, text);
	assert_string_equal(text, "9223372036.854");
	statistic_print(&bytes, INT64_MAX, text);
	assert_string_equal(text, "9223372036854775807");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
