/* SPDX-License-Identifier: Apache-2.0 */
/* The times that a client asks for, and what the manual's server says of those that make no schedule. */
#ifndef POOLFS_SCHEDULE_TIMES_H
#define POOLFS_SCHEDULE_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/error.h"

/** A plain value; what has no `has_...` is not read. */
struct times {
	bool is_cron;
	const char *cron; /* borrowed; NULL: none */
	bool has_interval, has_count, has_start;
	int64_t interval; /* seconds between the runs */
	int64_t count;	  /* runs */
	int64_t start;	  /* seconds since 1970; 0 = now */
};

/** -EINVAL for an invalid expression, for numbers out of range, and for those that do not belong to the type. */
int times_check(const struct times *t, struct error *e);

#endif
