/* SPDX-License-Identifier: Apache-2.0 */
/* The zones that dates name, by the files of this machine. */
#include "tests/unit/test.h"

#include <errno.h>

#include "model/cleanup.h"
#include "rest/zone.h"

static void a_name_means_what_its_clocks_show(void **state)
{
	static const struct {
		const char *date;
		int east;
	} rows[] = {
		{"Mon, 02 Jan 2006 15:04:05 Etc/UTC", 0},
		{"Mon, 02 Jan 2006 15:04:05 Asia/Shanghai", 8 * 3600},
		{"Mon, 02 Jan 2006 15:04:05 Europe/Berlin", 3600},
		{"Sun, 02 Jul 2006 15:04:05 Europe/Berlin", 7200},
		{"Sun, 26 Mar 2006 01:59:59 Europe/Berlin", 3600},
		{"Sun, 26 Mar 2006 03:00:00 Europe/Berlin", 7200},
		{"Mon, 02 Jan 2006 15:04:05 America/St_Johns", -12600},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int east = -1, r = zone_of_date(rows[i].date, &east);

		if (r != 0 || east != rows[i].east)
			fail_msg("'%s': %d, %d", rows[i].date, r, east);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const dates[] = {
		"",
		"Asia/Shanghai",
		"Mon, 02 Jan 2006 15:04:05 ",
		"Mon, 02 Jan 2006 15:04:05 Asia",
		"Mon, 02 Jan 2006 15:04:05 Asia/Nowhere",
		"Mon, 02 Jan 2006 15:04:05 Asia/../Asia/Shanghai",
		"Mon, 02 Jan 2006 15:04:05 /usr/share/zoneinfo/Asia/Shanghai",
		"Mon, 02 Jan 2006 15:04:05 tzdata.zi",
		"Mon, 02 Jan 2006 15:04:05 Asia/Shanghai\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		int east = -1;

		if (zone_of_date(dates[i], &east) != -EINVAL || east != -1)
			fail_msg("'%s' is taken", dates[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_means_what_its_clocks_show),
		cmocka_unit_test(what_is_no_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
