/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of metrics: the text format of Prometheus (version 0.0.4) and
 * OpenMetrics 1.0. They differ in the names of counters, whose samples alone have the
 * suffix _total in OpenMetrics, in units, and in the last line.
 */
#ifndef POOLFS_METRICS_EXPOSITION_H
#define POOLFS_METRICS_EXPOSITION_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "model/cleanup.h"

struct exposition {
	FILE *f;
	bool open; /* OpenMetrics */
};

/**
 * Begins a family of samples. @type is gauge, counter or histogram; the name of a counter ends in "_total". A unit is
 * the end of a gauge's name, such as "bytes", or NULL.
 */
void exposition_family(const struct exposition *x, const char *name, const char *type, const char *unit,
		       const char *help);
/** Prints one sample: @name, the labels (pairs of a name and a value, ended by NULL; may be NULL), and the value. */
void exposition_sample(const struct exposition *x, const char *name, const char *const labels[],
		       const char *fmt, ...) _printf_(4, 5);
/** A list of labels for exposition_sample(). */
#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
/** Ends the text. */
void exposition_end(const struct exposition *x);

#endif
