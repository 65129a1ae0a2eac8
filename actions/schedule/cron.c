/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quartz cron expressions; see cron.h.
 *
 * cron_next() walks over local dates and times in ascending order, regardless of the
 * time zone, and determines for each match the last moment at which the local clock
 * shows it. Time zones matter only there, so changes of the clock of any size, at
 * any hour, follow one rule instead of many special cases.
 */
#include "actions/schedule/cron.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "model/kind.h"

#define YEARS_AHEAD 100
#define DAY_S	    INT64_C(86400)

/* behaviour.md 3.9, with the trailing space that the manual's server sends */
#define FORMAT_SENTENCE "cron task must follow format like this : \"0 0/3 17-23 * * ?\" "

enum field_index {
	FIELD_SECOND,
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_DAY_OF_MONTH,
	FIELD_MONTH,
	FIELD_DAY_OF_WEEK,
	FIELD_YEAR, /* may be missing */
	FIELD_COUNT,
};

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
					  "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const struct cron_field {
	const char *name;
	int min, max;
	const char *const *names; /* of min, min + 1, ...; NULL = numbers only */
} fields[FIELD_COUNT] = {
	[FIELD_SECOND] = {"second", 0, 59, NULL},
	[FIELD_MINUTE] = {"minute", 0, 59, NULL},
	[FIELD_HOUR] = {"hour", 0, 23, NULL},
	[FIELD_DAY_OF_MONTH] = {"day-of-month", 1, 31, NULL},
	[FIELD_MONTH] = {"month", 1, 12, month_names},
	[FIELD_DAY_OF_WEEK] = {"day-of-week", 1, 7, day_names},
	[FIELD_YEAR] = {"year", CRON_FIRST_YEAR, CRON_LAST_YEAR, NULL},
};

/* A cursor in the text of one field. */
struct reader {
	const char *p, *end;
	const struct cron_field *field;
	const char *text; /* the whole field, for error messages */
	struct error *e;
};

static int wrong(const struct reader *r, const char *what)
{
	return error_set(r->e, EINVAL, "cron field %s '%.*s' %s", r->field->name, (int)(r->end - r->text),
			 r->text, what);
}

static bool at_end(const struct reader *r)
{
	return r->p == r->end;
}

/* Reads the character @c, in upper or lower case, if it is next. */
static bool take(struct reader *r, char c)
{
	if (at_end(r) || (*r->p != c && !(c >= 'A' && c <= 'Z' && *r->p == c - 'A' + 'a')))
		return false;
	r->p++;
	return true;
}

/* Reads a decimal number. 1 if there is one, 0 if not, -EINVAL above 9999. */
static int take_number(struct reader *r, int *ret)
{
	const char *start = r->p;
	int value = 0;

	while (!at_end(r) && *r->p >= '0' && *r->p <= '9') {
		value = value * 10 + (*r->p++ - '0');
		if (value > 9999)
			return wrong(r, "has a number that is too large");
	}
	*ret = value;
	return r->p > start;
}

static int wrong_value(const struct reader *r)
{
	const struct cron_field *f = r->field;

	if (f->names)
		return error_set(r->e, EINVAL, "cron field %s '%.*s' must have values %d-%d or %s-%s",
				 f->name, (int)(r->end - r->text), r->text, f->min, f->max, f->names[0],
				 f->names[f->max - f->min]);
	return error_set(r->e, EINVAL, "cron field %s '%.*s' must have values %d-%d", f->name,
			 (int)(r->end - r->text), r->text, f->min, f->max);
}

/* Reads a number or a name of the field. */
static int take_value(struct reader *r, int *ret)
{
	const struct cron_field *f = r->field;
	int found = take_number(r, ret);

	if (found < 0)
		return found;
	if (found)
		return *ret >= f->min && *ret <= f->max ? 0 : wrong_value(r);
	if (f->names && r->end - r->p >= 3) {
		for (int i = 0; i <= f->max - f->min; i++) {
			if (strncasecmp(r->p, f->names[i], 3) == 0) {
				r->p += 3;
				*ret = f->min + i;
				return 0;
			}
		}
	}
	return wrong_value(r);
}

/* Reads one element of a list and adds its values to the set. */
static int take_element(struct reader *r, uint64_t *set)
{
	const struct cron_field *f = r->field;
	int first = f->min, last = f->max, step = 1, span, result;
	bool open_end = true; /* a step without an end continues to the largest value */

	if (!take(r, '*') && !(!at_end(r) && *r->p == '/')) {
		result = take_value(r, &first);
		if (result < 0)
			return result;
		if (take(r, '-')) {
			result = take_value(r, &last);
			if (result < 0)
				return result;
		} else {
			open_end = false;
		}
	}
	if (take(r, '/')) {
		result = take_number(r, &step);
		if (result < 0)
			return result;
		if (result == 0 || step < 1 || step > f->max)
			return error_set(r->e, EINVAL, "cron field %s '%.*s' must have steps 1-%d", f->name,
					 (int)(r->end - r->text), r->text, f->max);
	} else if (!open_end) {
		last = first;
	}
	span = f->max - f->min + 1;
	if (last < first)
		last += span;
	for (int value = first; value <= last; value += step)
		*set |= UINT64_C(1) << (f->min + (value - f->min) % span);
	return 0;
}

static int take_list(struct reader *r, uint64_t *ret)
{
	uint64_t set = 0;

	do {
		int result = take_element(r, &set);

		if (result < 0)
			return result;
	} while (take(r, ','));
	if (!at_end(r)) {
		if (memchr("LlWw#?", *r->p, 6))
			return wrong(
				r,
				"has '?', L, W or # at the wrong place, they must be alone in a day field");
		return wrong(r, "is malformed, expected lists, ranges and steps like 1,5-9,0/10");
	}
	*ret = set;
	return 0;
}

/* L, L-n, LW, L-nW. */
static int take_last_day(struct reader *r, struct cron *ret)
{
	int offset = 0;

	if (take(r, '-')) {
		int result = take_number(r, &offset);

		if (result < 0)
			return result;
		if (result == 0 || offset > 30)
			return wrong(r, "must have 0-30 days before the last");
	}
	ret->offset = (uint8_t)offset;
	ret->rule = take(r, 'W') ? CRON_LAST_WEEKDAY : CRON_LAST_DAY;
	return at_end(r) ? 0 : wrong(r, "has text after L, which cannot be part of a list");
}

static int read_day_of_month(struct reader *r, struct cron *ret)
{
	struct reader look = *r;
	uint64_t set;
	int day = 0, result;

	if (take(r, 'L'))
		return take_last_day(r, ret);
	look.e = NULL;
	if (take_number(&look, &day) == 1 && take(&look, 'W') && at_end(&look)) {
		if (day < 1 || day > 31)
			return wrong_value(r);
		ret->rule = CRON_WEEKDAY;
		ret->day = (uint8_t)day;
		return 0;
	}
	result = take_list(r, &set);
	if (result < 0)
		return result;
	ret->rule = CRON_DAYS_OF_MONTH;
	ret->days_of_month = (uint32_t)set;
	return 0;
}

static int read_day_of_week(struct reader *r, struct cron *ret)
{
	struct reader look = *r;
	uint64_t set;
	int day = 0, nth = 0, result;

	if (take(r, 'L') && at_end(r)) {
		ret->rule = CRON_DAYS_OF_WEEK;
		ret->days_of_week = 1u << 7;
		return 0;
	}
	*r = look;
	look.e = NULL;
	if (take_value(&look, &day) == 0 && take(&look, 'L') && at_end(&look)) {
		ret->rule = CRON_LAST_OF_WEEK;
		ret->day = (uint8_t)day;
		return 0;
	}
	look = *r;
	look.e = NULL;
	if (take_value(&look, &day) == 0 && take(&look, '#')) {
		if (take_number(&look, &nth) != 1 || nth < 1 || nth > 5 || !at_end(&look))
			return wrong(r, "must have 1-5 after #, and nothing else");
		ret->rule = CRON_NTH_OF_WEEK;
		ret->day = (uint8_t)day;
		ret->nth = (uint8_t)nth;
		return 0;
	}
	result = take_list(r, &set);
	if (result < 0)
		return result;
	ret->rule = CRON_DAYS_OF_WEEK;
	ret->days_of_week = (uint8_t)set;
	return 0;
}

static bool is_no_condition(const struct reader *r)
{
	return r->end - r->text == 1 && *r->text == '?';
}

/* One year, a range, or all, with or without a step. Years do not wrap around. */
static int take_years(struct reader *r, struct cron *cron)
{
	int first = r->field->min, last = r->field->max, step = 1, result;

	if (!take(r, '*') && !(!at_end(r) && *r->p == '/')) {
		result = take_value(r, &first);
		if (result < 0)
			return result;
		if (take(r, '-'))
			result = take_value(r, &last);
		else if (at_end(r) || *r->p != '/')
			last = first;
		if (result < 0)
			return result;
	}
	if (take(r, '/')) {
		result = take_number(r, &step);
		if (result < 0)
			return result;
		if (result == 0 || step < 1 || step > r->field->max - r->field->min)
			return wrong(r, "must have steps 1-129");
	}
	if (last < first)
		return wrong(r, "must have ranges that ascend");
	for (int year = first; year <= last; year += step)
		cron->years[(year - CRON_FIRST_YEAR) / 64] |= UINT64_C(1) << (year - CRON_FIRST_YEAR) % 64;
	return 0;
}

/* Without the field, or with '?', all years. */
static int read_years(struct reader *r, struct cron *cron)
{
	if (!r->text || is_no_condition(r)) {
		memset(cron->years, 0xff, sizeof(cron->years));
		return 0;
	}
	do {
		int result = take_years(r, cron);

		if (result < 0)
			return result;
	} while (take(r, ','));
	return at_end(r) ? 0 : wrong(r, "is malformed, expected years like 2030,2031-2035,2040/2");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Splits the text into its fields; false unless there are six or seven. */
static bool split(const char *text, struct reader readers[static FIELD_COUNT], struct error *e)
{
	int count = 0;

	readers[FIELD_YEAR] = (struct reader){.field = &fields[FIELD_YEAR], .e = e};
	for (const char *p = text; *p;) {
		const char *start;

		while (is_blank(*p))
			p++;
		start = p;
		while (*p && !is_blank(*p))
			p++;
		if (p == start)
			break;
		if (count == FIELD_COUNT)
			return false;
		readers[count] =
			(struct reader){.p = start, .end = p, .field = &fields[count], .text = start, .e = e};
		count++;
	}
	return count >= FIELD_YEAR;
}

/* Fields are quoted in error messages, so they must be printable. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (!is_blank(*text) && (*text < 0x21 || *text > 0x7e))
			return false;
	return true;
}

/* Reads all fields; exactly one of the two day fields is no condition. */
static int read_fields(struct reader readers[static FIELD_COUNT], struct cron *ret)
{
	struct cron cron = {0};
	uint64_t hours, months;
	int r = take_list(&readers[FIELD_SECOND], &cron.seconds);

	if (r < 0)
		return r;
	r = take_list(&readers[FIELD_MINUTE], &cron.minutes);
	if (r < 0)
		return r;
	r = take_list(&readers[FIELD_HOUR], &hours);
	if (r < 0)
		return r;
	r = is_no_condition(&readers[FIELD_DAY_OF_MONTH])
		    ? read_day_of_week(&readers[FIELD_DAY_OF_WEEK], &cron)
		    : read_day_of_month(&readers[FIELD_DAY_OF_MONTH], &cron);
	if (r < 0)
		return r;
	r = take_list(&readers[FIELD_MONTH], &months);
	if (r < 0)
		return r;
	r = read_years(&readers[FIELD_YEAR], &cron);
	if (r < 0)
		return r;
	cron.hours = (uint32_t)hours;
	cron.months = (uint16_t)months;
	*ret = cron;
	return 0;
}

int cron_parse(const char *text, struct cron *ret, struct error *e)
{
	struct reader readers[FIELD_COUNT];

	if (!text || text[strspn(text, " \t")] == '\0')
		return error_set(e, EINVAL, "cron must be set when use cron scheduler");
	if (strlen(text) > CRON_TEXT_MAX)
		return error_set(e, EINVAL, "cron has more than %d characters", CRON_TEXT_MAX);
	if (!is_printable(text) || !strchr(text, '?') || !split(text, readers, e))
		return error_set(e, EINVAL, FORMAT_SENTENCE);
	if (is_no_condition(&readers[FIELD_DAY_OF_MONTH]) && is_no_condition(&readers[FIELD_DAY_OF_WEEK]))
		return error_set(
			e, EINVAL,
			"cron has '?' for day-of-month and for day-of-week, only one of them may be '?'");
	if (!is_no_condition(&readers[FIELD_DAY_OF_MONTH]) && !is_no_condition(&readers[FIELD_DAY_OF_WEEK]))
		return error_set(
			e, EINVAL,
			"cron has conditions for day-of-month and for day-of-week, one of them must be '?'");
	return read_fields(readers, ret);
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_since_1970(int year, int month, int day)
{
	static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t y = year - 1; /* full years before this one, counted from the year 1 */

	return y * 365 + y / 4 - y / 100 + y / 400 - INT64_C(719162) + before[month - 1] +
	       (month > 2 && is_leap(year)) + day - 1;
}

/* 1 = Sunday. */
static int day_of_week(int year, int month, int day)
{
	int64_t d = (days_since_1970(year, month, day) + 4) % 7; /* 1970-01-01 was a Thursday */

	return (int)(d < 0 ? d + 7 : d) + 1;
}

/* The weekday (Monday to Friday) nearest to an existing day, within the same month. */
static int nearest_weekday(int year, int month, int day)
{
	switch (day_of_week(year, month, day)) {
	case 7:
		return day == 1 ? 3 : day - 1;
	case 1:
		return day == days_in_month(year, month) ? day - 2 : day + 1;
	default:
		return day;
	}
}

static uint32_t day_bit(int day)
{
	return UINT32_C(1) << day;
}

static bool has_year(const struct cron *cron, int year)
{
	int n = year - CRON_FIRST_YEAR;

	/* Without the field, all years fire, also those that it could not name. */
	if (n < 0 || year > CRON_LAST_YEAR)
		return cron->years[2] == UINT64_MAX;
	return cron->years[n / 64] >> n % 64 & 1;
}

/* The days of a month on which it fires, bit n = day n. */
static uint32_t days_of(const struct cron *cron, int year, int month)
{
	int last = days_in_month(year, month);
	int first_dow = day_of_week(year, month, 1);
	int day;
	uint32_t set = 0;

	if (!has_year(cron, year))
		return 0;
	switch (cron->rule) {
	case CRON_DAYS_OF_MONTH:
		return cron->days_of_month & (day_bit(last) * 2 - 1);
	case CRON_LAST_DAY:
		return cron->offset < last ? day_bit(last - cron->offset) : 0;
	case CRON_WEEKDAY:
		return cron->day <= last ? day_bit(nearest_weekday(year, month, cron->day)) : 0;
	case CRON_LAST_WEEKDAY:
		return cron->offset < last ? day_bit(nearest_weekday(year, month, last - cron->offset)) : 0;
	case CRON_DAYS_OF_WEEK:
		for (day = 1; day <= last; day++)
			if (cron->days_of_week >> ((first_dow - 1 + day - 1) % 7 + 1) & 1)
				set |= day_bit(day);
		return set;
	case CRON_NTH_OF_WEEK:
		day = 1 + (cron->day - first_dow + 7) % 7 + (cron->nth - 1) * 7;
		return day <= last ? day_bit(day) : 0;
	case CRON_LAST_OF_WEEK:
		day = 1 + (cron->day - first_dow + 7) % 7 + 28;
		return day_bit(day <= last ? day : day - 7);
	}
	return 0;
}

/* A local date and time, as the fields of an expression see it. */
struct wall {
	int year, month, day, hour, minute, second;
};

/* The smallest member of @set that is at least @from, -1 when there is none. */
static int next_in(uint64_t set, int from)
{
	set = from < 64 ? set >> from << from : 0;
	return set ? __builtin_ctzll(set) : -1;
}

/* Moves *w to the first matching second of the day at or after *w; false when there is none. */
static bool match_in_day(const struct cron *cron, struct wall *w)
{
	int second = next_in(cron->seconds, w->second);
	int minute = w->minute, hour = w->hour;

	if (!(cron->hours >> hour & 1) || !(cron->minutes >> minute & 1) || second < 0) {
		/* no match in this minute: try the next one, of this hour or of a later one */
		second = next_in(cron->seconds, 0);
		minute = cron->hours >> hour & 1 ? next_in(cron->minutes, minute + 1) : -1;
		if (minute < 0) {
			minute = next_in(cron->minutes, 0);
			hour = next_in(cron->hours, hour + 1);
		}
	}
	if (hour < 0)
		return false;
	*w = (struct wall){w->year, w->month, w->day, hour, minute, second};
	return true;
}

/* Moves *w to the first match at or after *w; false when there is none up to the end of @last_year. */
static bool match_from(const struct cron *cron, struct wall *w, int last_year)
{
	while (w->year <= last_year) {
		uint32_t days = cron->months >> w->month & 1 ? days_of(cron, w->year, w->month) : 0;
		int day = next_in(days, w->day);

		if (day == w->day && match_in_day(cron, w))
			return true;
		day = next_in(days, w->day + 1);
		if (day > 0)
			*w = (struct wall){w->year, w->month, day, 0, 0, 0};
		else
			*w = (struct wall){w->year + w->month / 12, w->month % 12 + 1, 1, 0, 0, 0};
	}
	return false;
}

/* Moves *w by one second. The day may exceed the month: match_from() finds no match there and continues. */
static void step_second(struct wall *w)
{
	if (++w->second < 60)
		return;
	w->second = 0;
	if (++w->minute < 60)
		return;
	w->minute = 0;
	if (++w->hour < 24)
		return;
	w->hour = 0;
	w->day++;
}

/* Seconds since 1970 if the wall clock showed UTC. */
static int64_t wall_to_s(const struct wall *w)
{
	return days_since_1970(w->year, w->month, w->day) * DAY_S + w->hour * 3600 + w->minute * 60 +
	       w->second;
}

/* The offset of local time from UTC at the moment @t, seconds. */
static int64_t offset_at(int64_t t)
{
	time_t moment = (time_t)t;
	struct tm tm;

	return localtime_r(&moment, &tm) ? tm.tm_gmtoff : 0;
}

static void wall_of_s(int64_t s, struct wall *ret)
{
	time_t moment = (time_t)s;
	struct tm tm = {.tm_mday = 1};

	(void)gmtime_r(&moment, &tm);
	*ret = (struct wall){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
}

/*
 * The last moment at which the local clock shows @local (wall_to_s()); INT64_MIN
 * when it never does. Each offset that may be in force then is in force at one of
 * the probes, from one day before to one day after, since clocks do not change
 * twice within half a day.
 */
static int64_t last_moment_of(int64_t local)
{
	int64_t found = INT64_MIN, tried = INT64_MIN;

	for (int64_t probe = local - DAY_S; probe <= local + DAY_S; probe += DAY_S / 2) {
		int64_t offset = offset_at(probe);

		if (offset == tried)
			continue;
		tried = offset;
		if (local - offset > found && offset_at(local - offset) == offset)
			found = local - offset;
	}
	return found;
}

int64_t cron_next(const struct cron *cron, int64_t after_ns)
{
	int64_t after = after_ns / NS_PER_S - (after_ns % NS_PER_S < 0);
	int64_t local, again;
	struct wall w;
	int last_year;

	tzset();
	/*
	 * Local times up to the one at `after` are in the past, unless that one occurs
	 * again because the clock will be put back: then those before it do, too.
	 */
	local = after + offset_at(after);
	again = last_moment_of(local);
	wall_of_s(local + 1 - (again > after ? again - after : 0), &w);
	last_year = w.year + YEARS_AHEAD;
	while (match_from(cron, &w, last_year)) {
		int64_t moment = last_moment_of(wall_to_s(&w));

		if (moment > INT64_MAX / NS_PER_S)
			return -1;
		if (moment > after)
			return moment * NS_PER_S;
		step_second(&w);
	}
	return -1;
}
