/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quartz cron expressions: when a scheduler of type `cron` fires next.
 *
 *     sec min hour day-of-month month day-of-week [year]          0 0/3 17-23 * * ?
 *
 * Fields: 0-59, 0-59, 0-23, 1-31, 1-12 or JAN-DEC, 1-7 or SUN-SAT (1 is
 * Sunday), in upper or lower case, and 1970-2099 for the year, which may be left out.
 * Each is a list, separated by commas, of
 *     *  a  a-b       all, one, from a to b; b below a wraps around (FRI-MON, 22-2)
 *     a/n  a-b/n      every n-th from a to the largest value, or from a to b; "*" and an empty a are the
 *                     smallest value
 * or is, as a whole,
 *     ?               no condition: in exactly one of the two day fields
 *     L  L-n          day of month: the last, or n days before it
 *     LW  L-nW  nW    day of month: the weekday (Monday to Friday) nearest to that day, in the same month
 *     L  dL  d#n      day of week: Saturday; the last d of the month; the n-th d, 1-5
 *
 * The rules are those of Quartz, except:
 *   - What Quartz accepts but misreads is refused: L, W and # in lists, steps of 0, steps above the range.
 *   - A month without the requested day is skipped ("31W", "L-30" in February); Quartz continues into the
 *     next month.
 *
 * Time zones. Fields are local time, according to TZ or /etc/localtime at the moment
 * of the call. A local time that is skipped by a change of the clock does not exist:
 * the expression fires at its next match. A local time that occurs twice fires once,
 * at its second occurrence, as with Quartz (Java reads an ambiguous time as standard
 * time). So the moments at which an expression fires are one fixed set, and
 * cron_next() is the first of them after any given moment.
 */
#ifndef POOLFS_SCHEDULE_CRON_H
#define POOLFS_SCHEDULE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "model/error.h"

/* Longest expression, bytes. One that lists all seconds, minutes, hours and days has less than 600. */
#define CRON_TEXT_MAX 1024

#define CRON_FIRST_YEAR 1970
#define CRON_LAST_YEAR	2099

enum cron_day_rule {
	CRON_DAYS_OF_MONTH, /* days_of_month */
	CRON_LAST_DAY,	    /* L, L-n: `offset` days before the last */
	CRON_WEEKDAY,	    /* nW: nearest to `day` */
	CRON_LAST_WEEKDAY,  /* LW, L-nW: nearest to `offset` days before the last */
	CRON_DAYS_OF_WEEK,  /* days_of_week */
	CRON_NTH_OF_WEEK,   /* d#n: the `nth` `day` */
	CRON_LAST_OF_WEEK,  /* dL: the last `day` */
};

/** A parsed expression: a plain value that owns nothing. Bit n of a set stands for the value n. */
struct cron {
	uint64_t years[3]; /* bit n: CRON_FIRST_YEAR + n */
	uint64_t seconds, minutes;
	uint32_t hours, days_of_month;
	uint16_t months;
	uint8_t days_of_week; /* 1 = Sunday */
	enum cron_day_rule rule;
	uint8_t day;	/* of CRON_WEEKDAY 1-31, of the two after it 1-7 */
	uint8_t nth;	/* 1-5 */
	uint8_t offset; /* 0-30 */
};

/**
 * Parses an expression. -EINVAL: with the manual's sentence when @text is NULL or empty, has no '?'
 * or not six or seven fields, else with a sentence that names the field. *ret is only set on success.
 */
int cron_parse(const char *text, struct cron *ret, struct error *e);

/**
 * The first moment after @after_ns (ns since 1970) at which @cron fires, in ns, a whole second;
 * -1 when there is none within 100 years or before int64_t overflows (2262). Does not fail; calls tzset().
 */
int64_t cron_next(const struct cron *cron, int64_t after_ns);

#endif
