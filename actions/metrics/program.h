/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of the program itself: its version and, under the usual names, what its process uses. */
#ifndef POOLFS_METRICS_PROGRAM_H
#define POOLFS_METRICS_PROGRAM_H

#include "actions/metrics/exposition.h"

/** Prints them. Reads files in /proc. */
void metrics_print_program(const struct exposition *x);

#endif
