/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 and MAC addresses: strict parsing, range arithmetic against a linear search, both ends of the space. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <string.h>

#include "actions/network/ipv4.h"

static uint32_t ip(const char *text)
{
	uint32_t address;

	assert_int_equal(ipv4_parse(text, &address, NULL), 0);
	return address;
}

static void addresses_are_parsed_strictly(void **state)
{
	static const char *const wrong[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.",
		".1.2.3",
		"1.2.3.4.",
		"1.2.3.4.5",
		"1..2.3",
		"256.1.1.1",
		"1.1.1.256",
		"1.2.3.04",
		"01.2.3.4",
		"00.0.0.0",
		"0x1.2.3.4",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4\n",
		"1.2.3.4/8",
		"+1.2.3.4",
		"-1.2.3.4",
		"1.2.3.a",
		"127.1",
		"999999999",
		"1,2,3,4",
		"::1",
		"4294967296.0.0.0",
		"1.2.3.99999999999999999999",
	};
	char text[IPV4_STRLEN];

	(void)state;
	assert_int_equal(ip("0.0.0.0"), 0);
	assert_int_equal(ip("192.168.0.1"), 0xC0A80001);
	assert_int_equal(ip("255.255.255.255"), UINT32_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		uint32_t address = 7;

		if (ipv4_parse(wrong[i], &address, &e) != -EINVAL || address != 7)
			fail_msg("'%s' was accepted as an address", wrong[i]);
		assert_non_null(strstr(error_sentence(&e), "is not an IPv4 address"));
	}
	/* formats as inet_ntop() does, and inet_pton() reads the same number */
	for (uint32_t a = 0, i = 0; i < 10000; i++, a = a * 1664525 + 1013904223) {
		char reference[INET_ADDRSTRLEN];
		struct in_addr in = {htonl(a)};

		assert_string_equal(ipv4_format(a, text),
				    inet_ntop(AF_INET, &in, reference, sizeof(reference)));
		assert_int_equal(ip(text), a);
	}
}

static void netmasks_are_contiguous(void **state)
{
	static const char *const wrong[] = {"255.0.255.0", "0.255.255.255", "255.255.255.1", "24", "/24", ""};
	uint8_t prefix;

	(void)state;
	for (uint8_t p = 0; p <= 32; p++) {
		char text[IPV4_STRLEN];

		assert_int_equal(ipv4_netmask_prefix(ipv4_prefix_netmask(p)), p);
		assert_int_equal(ipv4_netmask_parse(ipv4_format(ipv4_prefix_netmask(p), text), &prefix, NULL),
				 0);
		assert_int_equal(prefix, p);
	}
	assert_int_equal(ipv4_prefix_netmask(24), ip("255.255.255.0"));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		assert_int_equal(ipv4_netmask_parse(wrong[i], &prefix, &e), -EINVAL);
		assert_non_null(strstr(error_sentence(&e), "is not a netmask"));
	}
}

static void expect_network(const char *text, uint32_t first, uint32_t last, uint32_t first_host,
			   uint32_t last_host)
{
	char again[IPV4_CIDR_STRLEN];
	struct ipv4_network n;
	struct ipv4_range r;

	assert_int_equal(ipv4_network_parse(text, &n, NULL), 0);
	assert_string_equal(ipv4_network_format(n, again), text);
	r = ipv4_network_range(n);
	assert_int_equal(r.first, first);
	assert_int_equal(r.last, last);
	r = ipv4_network_hosts(n);
	assert_int_equal(r.first, first_host);
	assert_int_equal(r.last, last_host);
	assert_true(ipv4_network_contains(n, first) && ipv4_network_contains(n, last));
	assert_true(n.prefix == 0 || !ipv4_network_contains(n, first - 1));
	assert_true(n.prefix == 0 || !ipv4_network_contains(n, last + 1));
}

static void host_ranges_of_networks(void **state)
{
	static const char *const wrong[] = {"10.0.0.0",	    "10.0.0.0/",   "10.0.0.0/33",
					    "10.0.0.0/08",  "10.0.0.0/8 ", "10.0.0.0/-1",
					    "10.0.0.0/8/8", "/8",	   "10.0.0/8"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct ipv4_network n;

	(void)state;
	expect_network("192.168.1.0/24", ip("192.168.1.0"), ip("192.168.1.255"), ip("192.168.1.1"),
		       ip("192.168.1.254"));
	expect_network("10.0.0.0/8", ip("10.0.0.0"), ip("10.255.255.255"), ip("10.0.0.1"),
		       ip("10.255.255.254"));
	expect_network("0.0.0.0/0", 0, UINT32_MAX, 1, UINT32_MAX - 1);
	expect_network("10.0.0.4/30", ip("10.0.0.4"), ip("10.0.0.7"), ip("10.0.0.5"), ip("10.0.0.6"));
	expect_network("10.0.0.4/31", ip("10.0.0.4"), ip("10.0.0.5"), ip("10.0.0.4"), ip("10.0.0.5"));
	expect_network("10.0.0.4/32", ip("10.0.0.4"), ip("10.0.0.4"), ip("10.0.0.4"), ip("10.0.0.4"));
	expect_network("255.255.255.255/32", UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX);
	assert_int_equal(ipv4_network_parse("192.168.1.7/24", &n, &e), -EINVAL);
	assert_string_equal(error_sentence(&e),
			    "'192.168.1.7/24' has bits set beyond its prefix, the network is 192.168.1.0/24");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(ipv4_network_parse(wrong[i], &n, NULL), -EINVAL);
}

static void ranges_are_compared(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct ipv4_range a, b = {ip("10.0.0.20"), ip("10.0.0.30")};

	(void)state;
	assert_int_equal(ipv4_range_parse("10.0.0.10", "10.0.0.20", &a, NULL), 0);
	assert_int_equal(ipv4_range_size(a), 11);
	assert_true(ipv4_range_contains(a, a.first) && ipv4_range_contains(a, a.last));
	assert_false(ipv4_range_contains(a, a.first - 1) || ipv4_range_contains(a, a.last + 1));
	assert_true(ipv4_range_overlaps(a, b) && ipv4_range_overlaps(b, a));
	b.first++;
	assert_false(ipv4_range_overlaps(a, b) || ipv4_range_overlaps(b, a));
	b = (struct ipv4_range){0, UINT32_MAX};
	assert_int_equal(ipv4_range_size(b), UINT64_C(1) << 32);
	assert_true(ipv4_range_overlaps(a, b) && ipv4_range_overlaps(b, a));
	assert_int_equal(ipv4_range_parse("10.0.0.2", "10.0.0.1", &a, &e), -EINVAL);
	assert_string_equal(error_sentence(&e), "the range starts at '10.0.0.2', above its end '10.0.0.1'");
	assert_int_equal(ipv4_range_parse("x", "10.0.0.1", &a, NULL), -EINVAL);
	assert_int_equal(ipv4_range_parse("10.0.0.1", "x", &a, NULL), -EINVAL);
}

struct used_list {
	const uint32_t *used;
	size_t count;
};

static bool is_used(void *ctx, uint32_t address)
{
	const struct used_list *l = ctx;

	for (size_t i = 0; i < l->count; i++)
		if (l->used[i] == address)
			return true;
	return false;
}

/* The lowest free address by trying all, UINT64_MAX if none is free. */
static uint64_t search(struct ipv4_range range, uint32_t from, struct used_list *list)
{
	for (uint64_t a = range.first; a <= range.last; a++)
		if (a >= from && !is_used(list, (uint32_t)a))
			return a;
	return UINT64_MAX;
}

static void the_first_free_address_is_found(void **state)
{
	uint32_t seed = 1, found;

	(void)state;
	/* small random cases, with duplicates and addresses outside the range */
	for (int round = 0; round < 20000; round++) {
		uint32_t used[16], base = round % 3 == 0 ? UINT32_MAX - 12 : round % 3 == 1 ? 0 : 1000;
		struct used_list list = {used, (seed = seed * 1664525 + 1013904223) >> 28};
		struct ipv4_range range = {base + (seed >> 8) % 6, 0};
		uint32_t from = base + (seed >> 16) % 13;
		uint64_t expected;
		int r;

		range.last = range.first + (seed >> 20) % 7;
		for (size_t i = 0; i < list.count; i++)
			used[i] = base + ((seed = seed * 1664525 + 1013904223) >> 16) % 13;
		expected = search(range, from, &list);
		r = ipv4_range_find_free(range, from, is_used, &list, &found, NULL);
		assert_int_equal(r, expected == UINT64_MAX ? -ENOSPC : 0);
		if (r == 0)
			assert_int_equal(found, expected);
	}
}

static void a_full_range_is_reported(void **state)
{
	static const uint32_t used[] = {UINT32_MAX - 1, UINT32_MAX};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct ipv4_range range = {UINT32_MAX - 1, UINT32_MAX};
	struct used_list list = {used, 2};
	uint32_t address = 7;

	(void)state;
	assert_int_equal(ipv4_range_find_free(range, 0, is_used, &list, &address, &e), -ENOSPC);
	assert_string_equal(error_sentence(&e),
			    "no free address from '255.255.255.254' to '255.255.255.255'");
	assert_int_equal(address, 7);
	list.count = 0;
	assert_int_equal(ipv4_range_find_free(range, 0, is_used, &list, &address, NULL), 0);
	assert_int_equal(address, UINT32_MAX - 1);
}

static void macs_are_parsed_and_formatted(void **state)
{
	static const char *const wrong[] = {"",
					    "fa",
					    "fa:16:3e:00:0a",
					    "fa:16:3e:00:0a:",
					    "fa:16:3e:00:0a:1",
					    "fa:16:3e:00:0a:011",
					    "fa-16-3e-00-0a-01",
					    "fa163e000a01",
					    "ga:16:3e:00:0a:01",
					    "fa:16:3e:00:0a:01 ",
					    "f:a16:3e:00:0a:01"};
	char text[MAC_STRLEN];
	struct mac mac;

	(void)state;
	assert_int_equal(mac_parse("FA:16:3e:00:0A:01", &mac, NULL), 0);
	assert_string_equal(mac_format(&mac, text), "fa:16:3e:00:0a:01");
	assert_true(mac_is_host(&mac));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		assert_int_equal(mac_parse(wrong[i], &mac, &e), -EINVAL);
		assert_non_null(strstr(error_sentence(&e), "is not a MAC address"));
	}
	assert_int_equal(mac_parse("00:00:00:00:00:00", &mac, NULL), 0);
	assert_false(mac_is_host(&mac));
	assert_int_equal(mac_parse("01:00:5e:00:00:01", &mac, NULL), 0);
	assert_false(mac_is_host(&mac));
	assert_int_equal(mac_parse("ff:ff:ff:ff:ff:ff", &mac, NULL), 0);
	assert_false(mac_is_host(&mac));
}

static void new_macs_are_local_and_random(void **state)
{
	struct mac first, second;

	(void)state;
	mac_generate(10, &first);
	assert_int_equal(first.bytes[0], 0xfa);
	assert_int_equal(first.bytes[0] & 3, 2);
	assert_int_equal(first.bytes[5], 10);
	assert_true(mac_is_host(&first));
	/* three equal ones in a row: 2^-96 by chance */
	for (int i = 0; i < 3; i++) {
		mac_generate(10, &second);
		if (memcmp(&first, &second, sizeof(first)) != 0)
			return;
	}
	fail_msg("the same address again and again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_parsed_strictly),
		cmocka_unit_test(netmasks_are_contiguous),
		cmocka_unit_test(host_ranges_of_networks),
		cmocka_unit_test(ranges_are_compared),
		cmocka_unit_test(the_first_free_address_is_found),
		cmocka_unit_test(a_full_range_is_reported),
		cmocka_unit_test(macs_are_parsed_and_formatted),
		cmocka_unit_test(new_macs_are_local_and_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
