/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron expressions: what is accepted and refused, fixed expectations over months,
 * leap years and changes of the clock, and a second-by-second reference over
 * random expressions that shares no code with the module.
 */
#include "tests/unit/test.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "actions/schedule/cron.h"

#define NS INT64_C(1000000000)

static void zone(const char *name)
{
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}

static bool have_zones(void)
{
	if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0)
		return true;
	print_message("skipped: no time zones in /usr/share/zoneinfo (tzdata)\n");
	return false;
}

static struct cron parse(const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct cron cron = {0};

	if (cron_parse(text, &cron, &e) < 0)
		fail_msg("'%s': %s", text, error_sentence(&e));
	return cron;
}

static void refuses(const char *text, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct cron cron;

	if (cron_parse(text, &cron, &e) != -EINVAL || !strstr(error_sentence(&e), sentence))
		fail_msg("'%s': '%s', not '%s'", text ? text : "(null)", error_sentence(&e), sentence);
	assert_int_equal(cron_parse(text, &cron, NULL), -EINVAL);
}

/* "2026-03-29 01:30:00 +0200" as ns; without an offset UTC. */
static int64_t at(const char *text)
{
	struct tm tm = {0};
	int hours = 0;
	const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);

	assert_non_null(rest);
	if (*rest)
		hours = atoi(rest) / 100;
	return ((int64_t)timegm(&tm) - hours * 3600) * NS;
}

/* From @start on, @cron fires at the local times in @expected (NULL-terminated), one after the other. */
static void fires(const char *text, const char *start, const char *const *expected)
{
	struct cron cron = parse(text);
	int64_t t = at(start);

	for (; *expected; expected++) {
		char shown[64] = "never";
		time_t s;
		struct tm tm;

		t = cron_next(&cron, t);
		s = (time_t)(t / NS);
		if (t != -1) {
			assert_non_null(localtime_r(&s, &tm));
			assert_true(strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S %z", &tm) > 0);
			assert_int_equal(t % NS, 0);
		}
		if (strncmp(shown, *expected, strlen(*expected)) != 0)
			fail_msg("'%s' fires at %s, not %s", text, shown, *expected);
		if (t == -1)
			return;
	}
}

#define FIRES(text, start, ...) fires(text, start, (const char *const[]){__VA_ARGS__, NULL})

static void the_manuals_errors(void **state)
{
	static const char format[] = "cron task must follow format like this : \"0 0/3 17-23 * * ?\" ";

	(void)state;
	refuses(NULL, "cron must be set when use cron scheduler");
	refuses("", "cron must be set when use cron scheduler");
	refuses("  ", "cron must be set when use cron scheduler");
	refuses("0 0 0 * * *", format);
	refuses("0 0 0 * ?", format);
	refuses("0 0 0 * * ? 2026 x", format);
	refuses("0 0 0 * * ? 1969", "cron field year '1969' must have values 1970-2099");
	refuses("0 0 0 * * ? 2030-2026", "must have ranges that ascend");
	refuses("0 0 0 * * ? 2026,", "must have values 1970-2099");
	refuses("0 0 0 * * ? 2026/0", "must have steps");
	refuses("0 0 0 * * ? L", "must have values 1970-2099");
	refuses("?", format);
	refuses("0 0 0 * * ?\n", format);
	refuses("0 0 0 * * ? \xc3\xa4", format);
}

static void errors_name_the_field(void **state)
{
	char longest[CRON_TEXT_MAX + 2];

	(void)state;
	refuses("60 * * * * ?", "cron field second '60' must have values 0-59");
	refuses("0 -1 * * * ?", "cron field minute '-1' must have values 0-59");
	refuses("0 0 24 * * ?", "cron field hour '24' must have values 0-23");
	refuses("0 0 0 0 * ?", "cron field day-of-month '0' must have values 1-31");
	refuses("0 0 0 32 * ?", "must have values 1-31");
	refuses("0 0 0 1 13 ?", "cron field month '13' must have values 1-12 or JAN-DEC");
	refuses("0 0 0 1 JANUARY ?", "is malformed");
	refuses("0 0 0 1 FOO ?", "must have values 1-12 or JAN-DEC");
	refuses("0 0 0 ? * 0", "cron field day-of-week '0' must have values 1-7 or SUN-SAT");
	refuses("0 0 0 ? * 8", "must have values 1-7");
	refuses("MON 0 0 * * ?", "cron field second 'MON' must have values 0-59");
	refuses("0 0 0 ? * ?", "'?' for day-of-month and for day-of-week");
	refuses("0 0 ? 1 * 1", "one of them must be '?'");
	refuses("0 0 ? 1 * ?", "cron field hour '?' must have values 0-23");
	refuses("0 0 0 1,? * ?", "must have values 1-31");
	refuses("0 0 0 1? * ?", "has '?', L, W or # at the wrong place");
	refuses("0 0/0 0 * * ?", "cron field minute '0/0' must have steps 1-59");
	refuses("0 0/60 0 * * ?", "must have steps 1-59");
	refuses("0 0/ 0 * * ?", "must have steps 1-59");
	refuses("0 0/x 0 * * ?", "must have steps 1-59");
	refuses("0 99999999999999999999 0 * * ?", "a number that is too large");
	refuses("0 0/99999999999999999999 0 * * ?", "a number that is too large");
	refuses("0 1, 0 * * ?", "must have values 0-59");
	refuses("0 ,1 0 * * ?", "must have values 0-59");
	refuses("0 1- 0 * * ?", "must have values 0-59");
	refuses("0 1-2-3 0 * * ?", "is malformed");
	refuses("0 ** 0 * * ?", "is malformed");
	refuses("0 *-5 0 * * ?", "is malformed");
	refuses("0 1x 0 * * ?", "is malformed");
	refuses("0 L 0 * * ?", "must have values 0-59");
	refuses("0 5L 0 * * ?", "has '?', L, W or #");
	refuses("0 0 0 5L * ?", "has '?', L, W or #");
	refuses("0 0 0 L,1 * ?", "cannot be part of a list");
	refuses("0 0 0 1,L * ?", "must have values 1-31");
	refuses("0 0 0 L-31 * ?", "must have 0-30 days before the last");
	refuses("0 0 0 L- * ?", "must have 0-30 days");
	refuses("0 0 0 1W,2 * ?", "has '?', L, W or #");
	refuses("0 0 0 32W * ?", "must have values 1-31");
	refuses("0 0 0 0W * ?", "must have values 1-31");
	refuses("0 0 0 W * ?", "must have values 1-31");
	refuses("0 0 0 ? * W", "must have values 1-7");
	refuses("0 0 0 ? * 2#0", "must have 1-5 after #");
	refuses("0 0 0 ? * 2#6", "must have 1-5 after #");
	refuses("0 0 0 ? * 2#", "must have 1-5 after #");
	refuses("0 0 0 ? * 2#1,3", "must have 1-5 after #, and nothing else");
	refuses("0 0 0 ? * 2L,3", "has '?', L, W or #");
	refuses("0 0 0 ? * L,3", "must have values 1-7");
	memset(longest, '0', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refuses(longest, "more than 1024 characters");
}

static void equivalent_spellings_are_equal(void **state)
{
	static const char *const same[][2] = {
		{"0 0 0 ? * MON-FRI", "0 0 0 ? * 2-6"},
		{"0 0 0 ? * mon,Wed,fRi", "0 0 0 ? * 2,4,6"},
		{"0 0 0 ? * SAT-MON", "0 0 0 ? * 7,1,2"},
		{"0 0 0 ? * FRI-SUN/2", "0 0 0 ? * 6,1"},
		{"0 0 0 ? * L", "0 0 0 ? * SAT"},
		{"0 0 0 ? * FRIL", "0 0 0 ? * 6L"},
		{"0 0 0 ? * fri#2", "0 0 0 ? * 6#2"},
		{"0 0 0 1 JAN,jun-AUG ?", "0 0 0 1 1,6,7,8 ?"},
		{"0 0 0 1 NOV-FEB ?", "0 0 0 1 11,12,1,2 ?"},
		{"0 0 22-2 * * ?", "0 0 22,23,0,1,2 * * ?"},
		{"0 0 20-4/3 * * ?", "0 0 20,23,2 * * ?"},
		{"0 0 0 30-2 * ?", "0 0 0 30,31,1,2 * ?"},
		{"0 */20 0 * * ?", "0 0,20,40 0 * * ?"},
		{"0 /20 0 * * ?", "0 0,20,40 0 * * ?"},
		{"0 5/20 0 * * ?", "0 5,25,45 0 * * ?"},
		{"0 0 0 */10 * ?", "0 0 0 1,11,21,31 * ?"},
		{"0 5-5 0 * * ?", "0 5 0 * * ?"},
		{"0 0-59 0 * * ?", "0 * 0 * * ?"},
		{"0 3,3,1-5 0 * * ?", "0 1,2,3,4,5 0 * * ?"},
		{"00 007 0 * * ?", "0 7 0 * * ?"},
		{"0 0 0 l-3 * ?", "0 0 0 L-3 * ?"},
		{"0 0 0 lw * ?", "0 0 0 LW * ?"},
		{"0 0 0 15w * ?", "0 0 0 15W * ?"},
		{"0 0 0 L-0 * ?", "0 0 0 L * ?"},
		{" 0\t0  0 1 * ?  ", "0 0 0 1 * ?"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct cron a = parse(same[i][0]), b = parse(same[i][1]);

		if (a.seconds != b.seconds || a.minutes != b.minutes || a.hours != b.hours ||
		    a.months != b.months || a.days_of_month != b.days_of_month ||
		    a.days_of_week != b.days_of_week || a.rule != b.rule || a.day != b.day ||
		    a.nth != b.nth || a.offset != b.offset)
			fail_msg("'%s' is not '%s'", same[i][0], same[i][1]);
	}
}

static void days_and_months(void **state)
{
	(void)state;
	zone("UTC");
	FIRES("0 0/3 17-23 * * ?", "2026-05-01 16:59:59", "2026-05-01 17:00:00", "2026-05-01 17:03:00",
	      "2026-05-01 17:06:00");
	FIRES("0 0/3 17-23 * * ?", "2026-05-01 23:54:00", "2026-05-01 23:57:00", "2026-05-02 17:00:00");
	FIRES("* * * * * ?", "2026-12-31 23:59:58", "2026-12-31 23:59:59", "2027-01-01 00:00:00",
	      "2027-01-01 00:00:01");
	FIRES("0 0 12 1 1 ?", "2026-01-01 12:00:00", "2027-01-01 12:00:00");
	FIRES("0 0 12 1 1 ?", "2026-01-01 11:59:59", "2026-01-01 12:00:00");
	FIRES("5,35 59 23 * * ?", "2026-01-01 23:59:05", "2026-01-01 23:59:35", "2026-01-02 23:59:05");
	FIRES("0 0 0 31 * ?", "2026-01-31 00:00:00", "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31",
	      "2026-10-31", "2026-12-31", "2027-01-31");
	FIRES("0 0 0 29 2 ?", "2096-02-28 00:00:00", "2096-02-29", "2104-02-29");
	FIRES("0 0 0 29 2 ?", "1999-03-01 00:00:00", "2000-02-29", "2004-02-29");
	FIRES("0 0 0 30 2 ?", "2026-01-01 00:00:00", "never");
	FIRES("0 0 0 30-31 2 ?", "2026-01-01 00:00:00", "never");
	FIRES("0 0 0 31 4,6,9,11 ?", "2026-01-01 00:00:00", "never");
	FIRES("0 0 0 L * ?", "2027-12-31 00:00:00", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30");
	FIRES("0 0 0 L-3 * ?", "2026-01-01 00:00:00", "2026-01-28", "2026-02-25", "2026-03-28");
	FIRES("0 0 0 L-30 * ?", "2026-01-01 00:00:00", "2026-03-01", "2026-05-01", "2026-07-01");
	FIRES("0 0 0 L-28 2 ?", "2026-01-01 00:00:00", "2028-02-01");
	/* 2026-08-15 and 2026-11-01 are weekend days */
	FIRES("0 0 0 15W * ?", "2026-07-31 00:00:00", "2026-08-14", "2026-09-15", "2026-10-15", "2026-11-16");
	FIRES("0 0 0 1W * ?", "2026-07-31 00:00:00", "2026-08-03", "2026-09-01", "2026-10-01", "2026-11-02");
	FIRES("0 0 0 31W * ?", "2026-01-01 00:00:00", "2026-01-30", "2026-03-31", "2026-05-29", "2026-07-31");
	FIRES("0 0 0 LW * ?", "2026-01-01 00:00:00", "2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30",
	      "2026-05-29");
	FIRES("0 0 0 L-1W * ?", "2026-05-01 00:00:00", "2026-05-29", "2026-06-29");
	FIRES("0 0 0 ? * 6L", "2026-01-01 00:00:00", "2026-01-30", "2026-02-27", "2026-03-27");
	FIRES("0 0 0 ? * SUNL", "2026-05-01 00:00:00", "2026-05-31", "2026-06-28");
	FIRES("0 0 0 ? * MON#1", "2026-05-31 00:00:00", "2026-06-01", "2026-07-06");
	FIRES("0 0 0 ? * 6#5", "2026-01-01 00:00:00", "2026-01-30", "2026-05-29", "2026-07-31");
	FIRES("0 0 0 ? 2 1#5", "2026-01-01 00:00:00", "2032-02-29", "2060-02-29");
	FIRES("0 0 0 ? * MON-FRI", "2026-05-01 00:00:00", "2026-05-04", "2026-05-05");
	FIRES("0 15 10 ? * 2-6", "2026-05-01 10:15:00", "2026-05-04 10:15:00");
}

static void years(void **state)
{
	struct cron once = parse("0 0 0 1 1 ? 2027");

	(void)state;
	zone("UTC");
	assert_int_equal(cron_next(&once, at("2026-06-01 00:00:00")), at("2027-01-01 00:00:00"));
	assert_int_equal(cron_next(&once, at("2027-01-01 00:00:00")), -1);
	FIRES("0 0 0 1 1 ? *", "2026-01-01 00:00:00", "2027-01-01", "2028-01-01");
	FIRES("0 0 0 1 1 ? 2028,2030-2031", "2026-01-01 00:00:00", "2028-01-01", "2030-01-01", "2031-01-01");
	FIRES("0 0 0 1 1 ? 2027/3", "2026-01-01 00:00:00", "2027-01-01", "2030-01-01", "2033-01-01");
	FIRES("0 0 0 29 2 ? 2027-2033/1", "2026-01-01 00:00:00", "2028-02-29", "2032-02-29");
}

static void first_and_last_times(void **state)
{
	struct cron every = parse("* * * * * ?"), new_year = parse("0 0 0 1 1 ?");

	(void)state;
	zone("UTC");
	assert_int_equal(cron_next(&every, 0), NS);
	assert_int_equal(cron_next(&every, -1), 0);
	assert_int_equal(cron_next(&every, 1), NS);
	assert_int_equal(cron_next(&every, -NS), 0);
	assert_int_equal(cron_next(&every, -NS - 1), -NS);
	assert_int_equal(cron_next(&every, NS - 1), NS);
	assert_int_equal(cron_next(&every, at("2262-04-11 23:47:15")), at("2262-04-11 23:47:16"));
	assert_int_equal(cron_next(&every, at("2262-04-11 23:47:16")), -1);
	assert_int_equal(cron_next(&every, INT64_MAX), -1);
	assert_true(cron_next(&every, INT64_MIN) < INT64_MIN + 2 * NS);
	assert_int_equal(cron_next(&new_year, at("2262-01-01 00:00:00")), -1);
	FIRES("0 0 0 1 1 ?", "1969-06-01 00:00:00", "1970-01-01 00:00:00");
	FIRES("0 0 0 29 2 ?", "1899-01-01 00:00:00", "1904-02-29 00:00:00");
}

static void clock_changes(void **state)
{
	(void)state;
	if (!have_zones())
		skip();
	zone("Europe/Berlin");
	/* 02:00-03:00 does not exist on 2026-03-29 and occurs twice on 2026-10-25 */
	FIRES("0 30 2 * * ?", "2026-03-28 00:00:00", "2026-03-28 02:30:00 +0100",
	      "2026-03-30 02:30:00 +0200");
	FIRES("0 0/30 1-3 * * ?", "2026-03-29 00:00:00", "2026-03-29 01:30:00 +0100",
	      "2026-03-29 03:00:00 +0200", "2026-03-29 03:30:00 +0200", "2026-03-30 01:00:00 +0200");
	FIRES("0 0 3 * * ?", "2026-03-28 12:00:00", "2026-03-29 03:00:00 +0200");
	FIRES("59 59 1,2 * * ?", "2026-03-28 12:00:00", "2026-03-29 01:59:59 +0100",
	      "2026-03-30 01:59:59 +0200");
	FIRES("0 30 2 29 3 ?", "2026-01-01 00:00:00", "2027-03-29 02:30:00 +0200");
	FIRES("0 30 2 * * ?", "2026-10-24 12:00:00", "2026-10-25 02:30:00 +0100",
	      "2026-10-26 02:30:00 +0100");
	FIRES("0 0/30 1-3 * * ?", "2026-10-24 23:00:00", "2026-10-25 01:30:00 +0200",
	      "2026-10-25 02:00:00 +0100", "2026-10-25 02:30:00 +0100", "2026-10-25 03:00:00 +0100");
	FIRES("59 59 1,2 * * ?", "2026-10-24 22:00:00", "2026-10-25 01:59:59 +0200",
	      "2026-10-25 02:59:59 +0100");
	/* asked between the two 02:45s, it still fires at the second */
	FIRES("0 45 2 * * ?", "2026-10-25 00:50:00", "2026-10-25 02:45:00 +0100");
	FIRES("0 15 2 * * ?", "2026-10-25 00:50:00", "2026-10-25 02:15:00 +0100");
	FIRES("* * * * * ?", "2026-10-24 23:59:58", "2026-10-25 01:59:59 +0200", "2026-10-25 02:00:00 +0100");
	FIRES("* * * * * ?", "2026-10-25 00:10:00", "2026-10-25 02:00:00 +0100");
	zone("America/New_York");
	FIRES("0 30 2 * * ?", "2026-03-07 12:00:00", "2026-03-09 02:30:00 -0400");
	FIRES("0 30 1 * * ?", "2026-10-31 12:00:00", "2026-11-01 01:30:00 -0500",
	      "2026-11-02 01:30:00 -0500");
	FIRES("0 0 0 ? * SUN#1", "2026-10-31 12:00:00", "2026-11-01 00:00:00 -0400",
	      "2026-12-06 00:00:00 -0500");
	zone("Australia/Lord_Howe"); /* shifts by half an hour */
	FIRES("0 0/15 1-2 * * ?", "2026-04-04 14:40:00", "2026-04-05 01:30:00 +1030",
	      "2026-04-05 01:45:00 +1030", "2026-04-05 02:00:00 +1030");
	FIRES("0 0/15 1-2 * * ?", "2026-04-04 14:10:00", "2026-04-05 01:15:00 +1100",
	      "2026-04-05 01:30:00 +1030");
	FIRES("0 0/15 2 * * ?", "2026-10-03 12:00:00", "2026-10-04 02:30:00 +1100");
	zone("Pacific/Apia"); /* crossed the date line: 2011-12-30 does not exist */
	FIRES("0 0 12 * * ?", "2011-12-29 00:00:00", "2011-12-29 12:00:00 -1000",
	      "2011-12-31 12:00:00 +1400");
	FIRES("0 0 12 30 12 ?", "2011-01-01 00:00:00", "2012-12-30 12:00:00 +1400");
	FIRES("* * * 30 12 ?", "2011-12-29 00:00:00", "2012-12-30 00:00:00 +1400");
	zone("America/Sao_Paulo"); /* the change skips midnight: 2018-11-04 begins at 01:00 */
	FIRES("0 0 0 * * ?", "2018-11-03 12:00:00", "2018-11-05 00:00:00 -0200");
	FIRES("0 0 0/1 4 11 ?", "2018-11-03 12:00:00", "2018-11-04 01:00:00 -0200");
	zone("Asia/Kathmandu");
	FIRES("0 0 0 * * ?", "2026-01-01 00:00:00", "2026-01-02 00:00:00 +0545");
	zone("UTC");
}

static uint32_t seed = 12345;

static unsigned rnd(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* A random list for a field, as text and as a set. Forms that cannot be in a list are generated elsewhere. */
static void random_list(char *text, size_t size, bool *set, int min, int max)
{
	size_t len = 0;

	memset(set, 0, 64 * sizeof(*set));
	for (unsigned n = 1 + rnd(3); n > 0; n--) {
		int span = max - min + 1, a = min + (int)rnd((unsigned)span),
		    b = min + (int)rnd((unsigned)span);
		int step = 1 + (int)rnd(rnd(2) ? 4u : (unsigned)max);
		char form[32];

		switch (rnd(6)) {
		case 0:
			(void)snprintf(form, sizeof(form), "*");
			for (int v = min; v <= max; v++)
				set[v] = true;
			break;
		case 1:
			(void)snprintf(form, sizeof(form), "%d-%d", a, b);
			for (int v = a;; v = v == max ? min : v + 1) {
				set[v] = true;
				if (v == b)
					break;
			}
			break;
		case 2:
			(void)snprintf(form, sizeof(form), "%d/%d", a, step);
			for (int v = a; v <= max; v += step)
				set[v] = true;
			break;
		case 3: {
			int passed = 0;

			(void)snprintf(form, sizeof(form), "%d-%d/%d", a, b, step);
			for (int v = a;; v = v == max ? min : v + 1, passed++) {
				if (passed % step == 0)
					set[v] = true;
				if (v == b)
					break;
			}
			break;
		}
		default:
			(void)snprintf(form, sizeof(form), "%d", a);
			set[a] = true;
			break;
		}
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? "," : "", form);
	}
}

struct reference {
	char text[600];
	bool second[64], minute[64], hour[64], month[64], dom[64], dow[64];
	int rule; /* 0 dom list, 1 dow list, 2 L-n, 3 nW, 4 L-nW, 5 d#n, 6 dL */
	int day, nth;
};

static void random_expression(struct reference *r)
{
	char s[100], m[100], h[100], dom[100] = "?", mon[100], dow[100] = "?";

	random_list(s, sizeof(s), r->second, 0, 59);
	random_list(m, sizeof(m), r->minute, 0, 59);
	random_list(h, sizeof(h), r->hour, 0, 23);
	random_list(mon, sizeof(mon), r->month, 1, 12);
	if (rnd(2)) {
		(void)snprintf(mon, sizeof(mon), "*");
		memset(r->month, 1, sizeof(r->month));
	}
	r->rule = (int)rnd(7);
	r->day = 1 + (int)rnd(7);
	r->nth = 1 + (int)rnd(5);
	switch (r->rule) {
	case 0:
		random_list(dom, sizeof(dom), r->dom, 1, 31);
		break;
	case 1:
		random_list(dow, sizeof(dow), r->dow, 1, 7);
		break;
	case 2:
	case 4:
		r->nth = (int)rnd(31);
		(void)snprintf(dom, sizeof(dom), "L-%d%s", r->nth, r->rule == 4 ? "W" : "");
		break;
	case 3:
		r->day = 1 + (int)rnd(31);
		(void)snprintf(dom, sizeof(dom), "%dW", r->day);
		break;
	case 5:
		(void)snprintf(dow, sizeof(dow), "%d#%d", r->day, r->nth);
		break;
	default:
		(void)snprintf(dow, sizeof(dow), "%dL", r->day);
		break;
	}
	(void)snprintf(r->text, sizeof(r->text), "%s %s %s %s %s %s", s, m, h, dom, mon, dow);
}

/* Whether day @tm is the weekday nearest to day @target of its month. */
static bool is_nearest_weekday(const struct tm *tm, int target, int last)
{
	int dow, best;

	if (target < 1 || target > last)
		return false;
	dow = (tm->tm_wday + target - tm->tm_mday + 70) % 7; /* of the target, 0 = Sunday */
	best = target;
	if (dow == 6)
		best = target == 1 ? 3 : target - 1;
	else if (dow == 0)
		best = target == last ? target - 2 : target + 1;
	return tm->tm_mday == best;
}

static bool day_matches(const struct reference *r, const struct tm *tm)
{
	struct tm next = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon + 1};
	time_t t;
	int last;

	t = timegm(&next); /* the day 0 of the next month */
	assert_non_null(gmtime_r(&t, &next));
	last = next.tm_mday;
	if (!r->month[tm->tm_mon + 1])
		return false;
	switch (r->rule) {
	case 0:
		return r->dom[tm->tm_mday];
	case 1:
		return r->dow[tm->tm_wday + 1];
	case 2:
		return tm->tm_mday == last - r->nth;
	case 3:
		return is_nearest_weekday(tm, r->day, last);
	case 4:
		return is_nearest_weekday(tm, last - r->nth, last);
	case 5:
		return tm->tm_wday + 1 == r->day && (tm->tm_mday - 1) / 7 + 1 == r->nth;
	default:
		return tm->tm_wday + 1 == r->day && tm->tm_mday + 7 > last;
	}
}

static bool same_wall_time(const struct tm *a, const struct tm *b)
{
	return a->tm_sec == b->tm_sec && a->tm_min == b->tm_min && a->tm_hour == b->tm_hour &&
	       a->tm_mday == b->tm_mday && a->tm_mon == b->tm_mon && a->tm_year == b->tm_year;
}

/* The same local time occurs again later, as far as the zones of the tests put clocks back. */
static bool occurs_again(time_t t, const struct tm *tm)
{
	static const int back[] = {1800, 3600, 7200};

	for (size_t i = 0; i < ARRAY_SIZE(back); i++) {
		time_t later = t + back[i];
		struct tm other;

		if (localtime_r(&later, &other) && same_wall_time(tm, &other))
			return true;
	}
	return false;
}

/* Checks every second of a window and compares each match with the sequence of cron_next(). */
static unsigned compare_by_seconds(const struct reference *r, time_t start, int length)
{
	struct cron cron = parse(r->text);
	int64_t next = cron_next(&cron, (int64_t)start * NS - 1);
	unsigned matches = 0;
	struct tm tm = {0};
	bool day = false;
	int mday = -1;

	for (time_t t = start; t < start + length; t++) {
		bool match;

		assert_non_null(localtime_r(&t, &tm));
		if (tm.tm_mday != mday) {
			mday = tm.tm_mday;
			day = day_matches(r, &tm);
		}
		match = day && r->second[tm.tm_sec] && r->minute[tm.tm_min] && r->hour[tm.tm_hour] &&
			!occurs_again(t, &tm);
		if (match != (next == (int64_t)t * NS))
			fail_msg("'%s' in %s: %s at %lld", r->text, getenv("TZ"), match ? "missed" : "wrong",
				 (long long)t);
		if (match) {
			matches++;
			next = cron_next(&cron, (int64_t)t * NS);
			if (matches > 2000)
				break;
		}
	}
	return matches;
}

/* Fires within half a day of @middle. */
static bool fires_near(const struct reference *r, time_t middle)
{
	struct cron cron = parse(r->text);
	int64_t next = cron_next(&cron, (int64_t)(middle - 43200) * NS);

	return next >= 0 && next < (int64_t)(middle + 43200) * NS;
}

static void random_expressions_agree_with_every_second(void **state)
{
	static const struct {
		const char *zone, *around; /* a change of the clock, UTC */
	} places[] = {
		{"UTC", "2028-02-29 00:00:00"},
		{"Europe/Berlin", "2026-03-29 01:00:00"},
		{"Europe/Berlin", "2026-10-25 01:00:00"},
		{"America/New_York", "2026-03-08 07:00:00"},
		{"America/New_York", "2026-11-01 06:00:00"},
		{"Australia/Lord_Howe", "2026-04-04 15:00:00"},
		{"Australia/Lord_Howe", "2026-10-03 15:30:00"},
		{"America/Sao_Paulo", "2018-11-04 03:00:00"},
		{"America/Sao_Paulo", "2018-02-18 02:00:00"},
		{"Pacific/Apia", "2011-12-30 10:00:00"},
	};
	const char *rounds = getenv("POOLFS_CRON_ROUNDS");
	unsigned matches = 0;

	(void)state;
	if (!have_zones())
		skip();
	for (int round = 0; round < (rounds ? atoi(rounds) : 60); round++) {
		size_t place = (size_t)round % ARRAY_SIZE(places);
		struct reference r = {0};
		time_t middle = (time_t)(at(places[place].around) / NS);

		zone(places[place].zone);
		do
			random_expression(&r);
		while (!fires_near(&r, middle)); /* otherwise there is nothing to compare */
		matches += compare_by_seconds(&r, middle - 43200, 86400);
	}
	zone("UTC");
	print_message("%u matches compared\n", matches);
	assert_true(matches > 1000);
}

static void random_days_agree_over_decades(void **state)
{
	(void)state;
	zone("UTC");
	for (int round = 0; round < 400; round++) {
		struct reference r = {0};
		struct cron cron;
		int64_t next, start = at("1980-01-01 00:00:00") / NS / 86400;

		random_expression(&r);
		cron = parse(r.text);
		cron.seconds = cron.minutes = cron.hours = 1; /* midnight: only the days matter */
		next = cron_next(&cron, start * 86400 * NS - 1);
		for (int64_t d = start; d < start + 30 * 365; d++) {
			time_t t = (time_t)(d * 86400);
			struct tm tm;

			assert_non_null(gmtime_r(&t, &tm));
			if (day_matches(&r, &tm) != (next == d * 86400 * NS))
				fail_msg("'%s': %04d-%02d-%02d", r.text, tm.tm_year + 1900, tm.tm_mon + 1,
					 tm.tm_mday);
			if (next == d * 86400 * NS)
				next = cron_next(&cron, next);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manuals_errors),
		cmocka_unit_test(errors_name_the_field),
		cmocka_unit_test(equivalent_spellings_are_equal),
		cmocka_unit_test(days_and_months),
		cmocka_unit_test(years),
		cmocka_unit_test(first_and_last_times),
		cmocka_unit_test(clock_changes),
		cmocka_unit_test(random_expressions_agree_with_every_second),
		cmocka_unit_test(random_days_agree_over_decades),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
